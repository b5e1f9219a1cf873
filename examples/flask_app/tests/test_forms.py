"""Forms that are old, that were sent twice, that belong to another link, or that come from another site."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cityauth.messages import LANGUAGES, Code, text
from flask_app.tests.service import ASA, ERKKI, MATTI, NEW, STRANGER, Service, Visitor, ask
from flask_app.tests.test_links import FIELDS, LINK_COOKIES, MAILED, MASKED, NAMES, Mailed

WORKED = {
    "/new-password": Code.RESET_DONE,
    "/sign-up/confirm": Code.SIGNUP_DONE,
    "/settings/email/confirm": Code.EMAIL_CHANGE_DONE,
    "/settings/email/undo": Code.EMAIL_CHANGE_UNDONE,
}

INTRUDER = "intruder@example.com"


def of_the_intruder(service: Service, path: str) -> str:
    """Return a live link to the page at *path* that belongs to somebody else."""
    if path == "/sign-up/confirm":
        service.auth.accounts.sign_up(INTRUDER)
        return service.link(INTRUDER)
    if path == "/new-password":
        service.auth.recovery.request(MATTI.email)
        return service.link(MATTI.email)
    matti = Visitor(service)
    matti.sign_in(MATTI.email, MATTI.password)
    matti.get("/settings")
    matti.send("/settings/email", email=INTRUDER)
    link = service.link(INTRUDER)
    if path.endswith("undo"):
        matti.get(link)
        matti.send("/settings/email/confirm")
        link = service.link(MATTI.email)
    return link


@pytest.mark.parametrize("mailed", MAILED, ids=NAMES)
@pytest.mark.parametrize("first", ["own", "other"])
def test_a_form_uses_the_link_that_its_page_showed_or_none(own_service: Service, mailed: Mailed, first: str) -> None:
    """Two tabs, or another site that opens the attacker's link: no password goes to another account."""
    own = mailed(own_service)
    path = own.partition("?")[0]
    other = of_the_intruder(own_service, path)
    links = (own, other) if first == "own" else (other, own)
    visitor = Visitor(own_service)
    visitor.get(links[0])
    form = visitor.form(path)
    visitor.get(links[1])
    page = visitor.post(path, form | FIELDS)
    assert page.status_code == 409
    assert text(Code.LINK_REPLACED, "fi") in page.text
    for link in links:  # both are as they were
        assert Visitor(own_service).get(link).status_code == 200
    for email, password in ((ERKKI.email, NEW), (MATTI.email, NEW), (INTRUDER, NEW), (STRANGER, NEW)):
        assert Visitor(own_service).sign_in(email, password).status_code == 422
    visitor.get(links[0])
    visitor.send(path, **FIELDS)
    assert text(WORKED[path], "fi") in visitor.page.text


@pytest.mark.parametrize("mailed", MAILED, ids=NAMES)
@pytest.mark.parametrize("proof", [None, "", "x", "0" * 64, ["a", "b"]], ids=repr)
def test_a_form_without_its_proof_uses_no_link(own_service: Service, mailed: Mailed, proof: Any) -> None:
    """A missing or made-up proof agrees with no cookie."""
    link = mailed(own_service)
    path = link.partition("?")[0]
    visitor = Visitor(own_service)
    visitor.get(link)
    form = {name: value for name, value in visitor.form(path).items() if name != "link"} | FIELDS
    assert visitor.post(path, form | ({} if proof is None else {"link": proof})).status_code == 409
    assert visitor.get(link).status_code == 200


@pytest.mark.parametrize("mailed", MAILED, ids=NAMES)
def test_the_page_names_the_account_masked(own_service: Service, mailed: Mailed) -> None:
    """Whoever opens somebody else's link can see whose it is."""
    visitor = Visitor(own_service)
    visitor.get(mailed(own_service))
    masked = MASKED if mailed.__name__ not in {"sign_up", "undo_email"} else "n•••@example.com"
    assert visitor.soup.find("dd", string=masked)


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_confirms_into_another_account_reads_whose_it_is(own_service: Service, language: str) -> None:
    """The page says which account gets the address, and that its owner can take it back."""
    link = MAILED[3](own_service)
    visitor = Visitor(own_service, **{"Accept-Language": language})
    page = visitor.get(link)
    assert visitor.soup.find("dd", string=MASKED)
    assert visitor.soup.find("dd", string=STRANGER)
    assert text_of("link.confirm_not_yours", language) in page.text


def text_of(name: str, language: str) -> str:
    """Return the city's own words."""
    from flask_app.texts import words

    return words(name, language)


@pytest.mark.parametrize("mailed", MAILED, ids=NAMES)
@pytest.mark.parametrize("answered", [True, False], ids=["after the answer", "before the answer"])
def test_a_double_click_says_that_it_worked(own_service: Service, mailed: Mailed, answered: bool) -> None:
    """The second copy is told the same, whether or not the browser took the cookies of the first answer."""
    link = mailed(own_service)
    path = link.partition("?")[0]
    visitor = Visitor(own_service)
    visitor.get(link)
    form = visitor.form(path) | FIELDS
    cookies = {name: visitor.cookie(name) for name in (*LINK_COOKIES, "__Host-pages")}
    first = visitor.post(path, form)
    assert text(WORKED[path], "fi") in first.text
    if not answered:
        for name, value in cookies.items():
            if value is not None:
                visitor.client.set_cookie(name, value, secure=True)
    second = visitor.post(path, form)
    assert (second.status_code, second.request.path) == (first.status_code, first.request.path)
    assert text(WORKED[path], "fi") in second.text
    assert not [name for name in LINK_COOKIES if visitor.cookie(name)]


@pytest.mark.parametrize("mailed", MAILED, ids=NAMES)
def test_two_clicks_at_once_are_told_the_same(own_service: Service, mailed: Mailed) -> None:
    """The second waits for the first and does nothing itself."""
    link = mailed(own_service)
    path = link.partition("?")[0]
    visitor = Visitor(own_service)
    visitor.get(link)
    form = visitor.form(path) | FIELDS
    header = "; ".join(
        f"{name}={visitor.cookie(name)}" for name in (*LINK_COOKIES, "__Host-pages") if visitor.cookie(name)
    )

    def click(_: int) -> tuple[int, str]:
        client = own_service.app.test_client(use_cookies=False)
        headers = visitor.headers | {"Cookie": header}
        page = client.post(path, base_url=visitor.base, headers=headers, data=form)
        return page.status_code, page.headers.get("Location", "")

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(click, range(4)))
    assert len(answers) == 1
    assert answers.pop()[0] == 303


@pytest.mark.parametrize("changed", [{"password": f"{NEW} ja muuta"}, {"link": "0" * 64}, {"csrf_token": "x"}], ids=str)
def test_only_the_same_form_is_told_that_it_worked(own_service: Service, changed: dict[str, str]) -> None:
    """Nobody is told that another password was set than the one that was."""
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    visitor.get(own_service.link(ERKKI.email))
    form = visitor.form("/new-password") | {"password": NEW}
    token = visitor.cookie("__Host-reset-link")
    visitor.post("/new-password", form)
    visitor.client.set_cookie("__Host-reset-link", str(token), secure=True)
    assert visitor.post("/new-password", form | changed).status_code in {400, 409, 410}


def first_form(visitor: Visitor) -> tuple[str, dict[str, Any]]:
    """The form of the first page of signing in."""
    visitor.get("/login?next=/settings")
    return "/login", visitor.form("/login") | {"identifier": ERKKI.email}


def second_form(visitor: Visitor) -> tuple[str, dict[str, Any]]:
    """The form of the second page."""
    visitor.get("/login?next=/settings")
    visitor.send("/login", identifier=ERKKI.email)
    return "/login/password", visitor.form("/login/password") | {"password": ERKKI.password}


@pytest.mark.parametrize("old", [first_form, second_form])
def test_an_old_form_of_signing_in_leads_on_whoever_is_signed_in(
    own_service: Service, old: Callable[[Visitor], tuple[str, dict[str, Any]]]
) -> None:
    """A second tab, or the back button: the session goes on, to the page that was wanted."""
    visitor = Visitor(own_service)
    path, form = old(visitor)
    visitor.sign_in(ASA.email, ASA.password)
    token = visitor.cookie("__Host-cityauth")
    page = visitor.post(path, form)
    assert (page.status_code, page.request.path) == (200, "/settings")
    assert visitor.cookie("__Host-cityauth") == token
    assert ASA.email in page.text


def test_an_old_form_of_the_settings_is_told_that_nothing_changed(own_service: Service) -> None:
    """Whoever signed in again in another tab is still on the settings."""
    visitor = Visitor(own_service)
    visitor.sign_in(ERKKI.email, ERKKI.password)
    visitor.get("/settings")
    form = visitor.form("/settings/name") | {"name": "Toinen Nimi"}
    visitor.send("/logout")
    visitor.sign_in(ERKKI.email, ERKKI.password)
    page = visitor.post("/settings/name", form)
    assert (page.status_code, page.request.path) == (200, "/settings")
    assert text(Code.CSRF_FAILED, "fi") in page.text
    assert "Toinen Nimi" not in page.text


def test_an_old_form_of_signing_in_does_nothing_for_nobody(own_service: Service) -> None:
    """Without a session the page says that it expired."""
    visitor = Visitor(own_service)
    path, form = first_form(visitor)
    visitor.sign_in(ERKKI.email, ERKKI.password)
    visitor.send("/logout")
    assert visitor.post(path, form).status_code == 400
    assert visitor.heading == "Sivu vanhentui"


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost"},
    {"Origin": "https://localhost.evil.example"},
    {"Origin": "https://localhost:8443"},
    {"Origin": "https://[", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Referer": "https://evil.example/"},
    {"Referer": "https://["},
    {"Origin": "https://evil.example", "Referer": "https://localhost/"},
]

OWN: list[dict[str, str]] = [
    {},
    {"Origin": "https://localhost"},
    {"Origin": "null"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Referer": "https://localhost/login"},
    {"Origin": "https://localhost", "Referer": "https://localhost/"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_form_from_elsewhere_is_refused(service: Service, headers: dict[str, str]) -> None:
    """What the browser says about the form's page counts, even beside a good token (ASVS 3.5.1)."""
    visitor = Visitor(service)
    visitor.get("/login")
    form = visitor.form("/login") | {"identifier": ERKKI.email}
    del visitor.headers["Referer"]
    assert visitor.post("/login", form, **headers).status_code == 400
    assert visitor.post("/login", form).status_code == 200


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_no_referrer_is_needed(service: Service, headers: dict[str, str]) -> None:
    """Browsers and proxies that leave the headers out shut nobody out; the token still counts."""
    visitor = Visitor(service)
    visitor.get("/login")
    form = visitor.form("/login") | {"identifier": ERKKI.email}
    del visitor.headers["Referer"]
    assert visitor.post("/login", form, **headers).status_code == 200
    assert visitor.post("/login", form | {"csrf_token": "x"}, **headers).status_code == 400
    assert visitor.post("/login", {"identifier": ERKKI.email}, **headers).status_code == 400
