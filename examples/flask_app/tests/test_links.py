"""Mailed links: who asks for one gets the same page, and the page that one opens uses nothing up."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import pytest
import time_machine

from cityauth import StoreUnavailableError
from cityauth.messages import LANGUAGES, Code, Label, text
from cityauth.policy import ThrottlePolicy
from cityauth.policy.throttling import Limit
from flask_app.tests.service import (
    ASA,
    CHEAP,
    ERKKI,
    MATTI,
    NEW,
    STRANGER,
    VIRVE,
    Service,
    Visitor,
    answer,
    ask,
    install,
)
from flask_app.texts import words

LINK_COOKIES = ("__Host-reset-link", "__Host-sign-up-link", "__Host-email-link", "__Host-undo-link")
MASKED = "e•••@example.com"
LINK_PAGES = ("/new-password", "/sign-up/confirm", "/settings/email/confirm", "/settings/email/undo")


def reset(service: Service) -> str:
    """Erkki forgot his password."""
    service.auth.recovery.request(ERKKI.email)
    return service.link(ERKKI.email)


def invite(service: Service) -> str:
    """Erkki is invited."""
    account = service.auth.identifiers.resolve(ERKKI.email).account
    assert account is not None
    service.auth.accounts.invite(account.id)
    return service.link(ERKKI.email)


def sign_up(service: Service) -> str:
    """Somebody wants an account."""
    service.auth.accounts.sign_up(STRANGER)
    return service.link(STRANGER)


def change_email(service: Service) -> str:
    """Erkki asks for another address."""
    visitor = Visitor(service)
    visitor.sign_in(ERKKI.email, ERKKI.password)
    visitor.get("/settings")
    visitor.send("/settings/email", email=STRANGER)
    return service.link(STRANGER)


def undo_email(service: Service) -> str:
    """Erkki's former mailbox is told of the change."""
    link = change_email(service)
    visitor = Visitor(service)
    visitor.get(link)
    visitor.send("/settings/email/confirm")
    return service.link(ERKKI.email)


Mailed: TypeAlias = Callable[[Service], str]
MAILED: tuple[Mailed, ...] = (reset, invite, sign_up, change_email, undo_email)
NAMES = ("reset", "invitation", "sign-up", "e-mail change", "undo")
FIELDS = {"name": "Uusi Asukas", "password": NEW}
ENDS = [
    *(("", end) for end in (".", ",", ">", ")", "]", "}", '"', "'", "”", "’", "»", "=", " ", "\u00a0", "\u200b", "\ufeff")),
    *(("", end) for end in ("\r\n", "/", "*", "_", "-", "\\", ";", ":", "!", "?", ".)", '">', ". Terveisin", "\u200b.")),
    *((start, "") for start in ("<", "(", "[", '"', "“", " ", "\u200b", "=", "_", "*")),
    ("<", ">"), ("“", "”."), ("_", "_"), (" ", " "),
]  # fmt: skip
"""What stands before and after a token when it comes back."""


@pytest.mark.parametrize("down", [False, True], ids=["mail leaves", "mail is down"])
def test_whoever_forgot_gets_the_same_page_to_the_byte(own_service: Service, down: bool) -> None:
    """Known, unknown, disabled, official, retired or a bare name: by the mailer alone (B-18, B-24, ASVS 6.3.8)."""
    matti = own_service.auth.identifiers.resolve(MATTI.email).account
    assert matti is not None
    own_service.auth.accounts.disable(matti.id)
    own_service.mailbox.up = not down
    pages = [
        answer(ask(own_service, "/forgotten", identifier=identifier))
        for identifier in (
            STRANGER,
            "nobody",
            ERKKI.email,
            ERKKI.email,  # over the cap of one mail a minute
            ERKKI.old_username,
            ASA.old_username,
            MATTI.email,
            VIRVE.old_username,
        )
    ]
    assert {status for status, _, _ in pages} == {503 if down else 200}
    assert all(page == pages[0] for page in pages)
    own_service.mailbox.up = True
    own_service.auth.outbox.flush()
    assert sorted(mail.to for mail in own_service.mailbox.sent()) == sorted([STRANGER, ERKKI.email, ASA.email])


@pytest.mark.parametrize("down", [False, True], ids=["mail leaves", "mail is down"])
def test_a_taken_address_signs_up_like_a_free_one(own_service: Service, down: bool) -> None:
    """The page is the same to the byte, and the owner of a taken address is told (B-22, ASVS 6.3.8)."""
    own_service.mailbox.up = not down
    free, taken = (answer(ask(own_service, "/sign-up", email=email)) for email in (STRANGER, ERKKI.email))
    assert free == taken
    own_service.mailbox.up = True
    assert "on jo käytössä" in own_service.mail(ERKKI.email).content.subject
    assert "token=" not in own_service.mail(ERKKI.email).content.body
    assert "token=" in own_service.mail(STRANGER).content.body


@pytest.mark.parametrize(
    ("page", "path", "field"),
    [
        ("/forgotten", "/forgotten", "identifier"),
        ("/sign-up", "/sign-up", "email"),
        ("/settings", "/settings/email", "email"),
    ],
)
def test_what_was_typed_is_repeated(own_service: Service, page: str, path: str, field: str) -> None:
    """Whoever mistyped an address sees it there, and never as markup."""
    visitor = Visitor(own_service)
    visitor.sign_in(ERKKI.email, ERKKI.password)
    visitor.get(page)
    visitor.send(path, **{field: "a&b@asukas.example"})
    typed = visitor.soup.select_one("main .typed")
    assert typed is not None
    assert typed.get_text() == "a&b@asukas.example"
    assert b"a&amp;b@" in visitor.page.data


@pytest.mark.parametrize("language", LANGUAGES)
def test_when_mail_is_down_the_page_says_so_and_whom_to_contact(own_service: Service, language: str) -> None:
    """The truthful page, in each language; what was asked for leaves later (C-31, B-18)."""
    own_service.mailbox.up = False
    visitor = Visitor(own_service, **{"Accept-Language": language})
    visitor.get("/forgotten")
    visitor.send("/forgotten", identifier=ERKKI.email)
    alert = visitor.soup.find(role="alert")
    assert alert is not None
    assert "asiakaspalvelu@example.com" in alert.get_text()
    own_service.mailbox.up = True
    assert own_service.link(ERKKI.email)


@pytest.mark.parametrize(
    ("path", "field"), [("/forgotten", "identifier"), ("/sign-up", "email")], ids=["forgotten", "sign-up"]
)
@pytest.mark.parametrize(
    "value",
    [
        "",
        "erkki\r\nBcc: x@example.com",
        "a@example.com,b@example.com",
        [ERKKI.email, "attacker@example.com"],
        "e" * 9000,
        "<script>@",
    ],
    ids=["empty", "line break", "two addresses", "repeated", "long", "markup"],
)
def test_what_names_nobody_sends_nothing(own_service: Service, path: str, field: str, value: Any) -> None:
    """The form comes back with what is wrong, and no mail leaves (B-5, B-6, B-9)."""
    visitor = ask(own_service, path, **{field: value})
    assert "<script" not in visitor.page.text
    assert len(visitor.page.data) < 20_000
    own_service.auth.outbox.flush()
    assert not own_service.mailbox.sent()


def test_the_password_page_leads_on_with_the_identifier_filled_in(own_service: Service) -> None:
    """Nothing is sent before the person says so, and no address holds the identifier (ASVS 14.2.1)."""
    visitor = Visitor(own_service)
    visitor.identify(ERKKI.email)
    visitor.send("/forgotten", fill="1")
    field = visitor.soup.select_one("#identifier")
    assert field is not None
    assert field["value"] == ERKKI.email
    assert visitor.page.request.full_path == "/forgotten?"
    own_service.auth.outbox.flush()
    assert not own_service.mailbox.sent()
    visitor.send("/forgotten")
    assert visitor.heading == "Tarkista sähköpostisi"
    assert own_service.link(ERKKI.email).startswith("/new-password?token=")


def test_the_forgotten_pages_have_their_labels(own_service: Service) -> None:
    """A person and a password manager find each field and button by name (ASVS 6.2.6, 6.2.7)."""
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    visitor.get("/forgotten")
    for label in ("Sähköpostiosoite / käyttäjätunnus", "Lähetä linkki"):
        assert label in visitor.page.text
    visitor.get(own_service.link(ERKKI.email))
    for label in ("Uusi salasana", "Vaihda salasana", MASKED):
        assert label in visitor.page.text
    assert visitor.soup.select_one('input[type="password"][autocomplete="new-password"]')
    name = visitor.soup.select_one('input[autocomplete="username"][hidden]')
    assert name is not None
    assert name["value"] == ERKKI.email


def test_forget_reset_and_sign_in(own_service: Service) -> None:
    """The old password and every session end, nobody is signed in by the link, and the link is spent (B-25, B-58)."""
    before = Visitor(own_service)
    before.sign_in(ERKKI.email, ERKKI.password, remember="1")
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.old_username)
    link = own_service.link(ERKKI.email)
    visitor.get(link)
    visitor.send("/new-password", password=NEW)
    assert visitor.page.request.path == "/login"
    assert "Salasana on vaihdettu" in visitor.page.text
    assert visitor.cookie("__Host-cityauth") is None
    assert visitor.cookie("__Host-reset-link") is None
    assert before.get("/cases").request.path == "/login"
    assert visitor.sign_in(ERKKI.email, ERKKI.password).status_code == 422
    assert visitor.sign_in(ERKKI.email, NEW).request.path == "/cases"
    assert visitor.get(link).status_code == 410
    assert "salasanasi on vaihdettu" in own_service.mail(ERKKI.email).content.subject


def test_a_refused_new_password_says_why_and_costs_nothing(own_service: Service) -> None:
    """Every reason is listed, the link stays good, and no password is shown again (C-03)."""
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    visitor.get(own_service.link(ERKKI.email))
    for weak in ("lyhyt", "", ERKKI.email, "x" * 5000):
        page = visitor.send("/new-password", password=weak)
        assert page.status_code == 422
        assert visitor.soup.find(role="alert")
        assert visitor.soup.select_one('input[type="password"][aria-invalid]:not([value])')
    visitor.send("/new-password", password=NEW)
    assert visitor.page.request.path == "/login"


def test_scanners_use_nothing_up(own_service: Service) -> None:
    """GET and HEAD as often as they like, OPTIONS too; then the person's POST works (C-57, C-58)."""
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    link = own_service.link(ERKKI.email)
    for method in ("HEAD", "GET", "OPTIONS") * 20:
        scanner = own_service.app.test_client()
        scanner.open(link, method=method, base_url=visitor.base, follow_redirects=True)
    for method in ("PUT", "DELETE", "PATCH"):
        assert visitor.client.open(link, method=method, base_url=visitor.base).status_code in {400, 405}
    visitor.get(link)
    visitor.send("/new-password", password=NEW)
    assert visitor.sign_in(ERKKI.email, NEW).request.path == "/cases"


@pytest.mark.parametrize("mailed", MAILED, ids=NAMES)
def test_the_token_leaves_the_address_at_once(own_service: Service, mailed: Mailed) -> None:
    """It moves into a cookie for this host alone that ends with the browser (B-75, B-85, ASVS 3.3.1 to 3.3.4)."""
    visitor = Visitor(own_service)
    link = mailed(own_service)
    path, _, token = link.partition("?token=")
    page = visitor.get(link)
    (moved,) = page.history
    assert moved.status_code == 303
    assert moved.headers["Location"] == path
    assert moved.headers["Referrer-Policy"] == "no-referrer"
    assert moved.headers["Cache-Control"] == "no-store"
    jar: SimpleCookie = SimpleCookie(moved.headers["Set-Cookie"])
    ((name, cookie),) = jar.items()
    assert name.startswith("__Host-")
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["max-age"]
    assert not cookie["expires"]
    assert cookie.value == token
    assert page.request.full_path == f"{path}?"
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert token not in page.text + moved.text


@pytest.mark.parametrize("path", LINK_PAGES)
@pytest.mark.parametrize("token", ["x", "some.token-value", "x" * 4000, "a." + "b" * 1000])
def test_an_unverified_token_goes_into_no_cookie(service: Service, path: str, token: str) -> None:
    """Another site that sends the browser to a link page leaves nothing there, and shuts nobody out."""
    visitor = Visitor(service)
    visitor.sign_in(ERKKI.email, ERKKI.password)
    for page in LINK_PAGES:
        visitor.get(f"{page}?token={token}")
    assert visitor.get(f"{path}?token={token}").status_code == 410
    assert not [name for name in LINK_COOKIES if visitor.cookie(name)]
    assert visitor.get("/cases").request.path == "/cases"


def test_a_used_or_expired_link_goes_into_no_cookie(own_service: Service) -> None:
    """A link that is genuine and dead does not replace the one that is open."""
    link = reset(own_service)
    visitor = Visitor(own_service)
    visitor.get(link)
    visitor.send("/new-password", password=NEW)
    assert visitor.get(link).status_code == 410
    assert visitor.cookie("__Host-reset-link") is None


@pytest.mark.parametrize("mailed", MAILED, ids=NAMES)
def test_what_is_added_at_the_ends_of_a_link_does_no_harm(own_service: Service, mailed: Mailed) -> None:
    """Mail programs and people add punctuation, quotes, blanks and invisible characters."""
    path, _, token = mailed(own_service).partition("?token=")
    for before, after in ENDS:
        visitor = Visitor(own_service)
        page = visitor.get(f"{path}?token={quote(before)}{token}{quote(after)}")
        assert page.status_code == 200, (before, after)
    for raw in (f"{token}.", f"{token}%20", f"{token}%2520", f"={token}", f"{token})", f"{token}&gt;"):
        assert Visitor(own_service).get(f"{path}?token={raw}").status_code == 200, raw


def test_no_page_shows_a_live_token(own_service: Service) -> None:
    """Neither the redirect nor the form holds it; the cookie does (B-75)."""
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    link = own_service.link(ERKKI.email)
    page = visitor.get(link)
    token = link.partition("=")[2]
    assert token not in page.text
    assert token not in "".join(response.text for response in page.history)
    assert visitor.cookie("__Host-reset-link") == token


def sign_in(visitor: Visitor) -> None:
    """Åsa signs in."""
    visitor.sign_in(ASA.email, ASA.password)


def sign_out(visitor: Visitor) -> None:
    """She signs out."""
    visitor.get("/cases")
    visitor.send("/logout")


def delete(visitor: Visitor) -> None:
    """She deletes her account."""
    visitor.get("/settings/delete")
    visitor.send("/settings/delete", understood="1")


@pytest.mark.parametrize(
    ("before", "then"),
    [(None, sign_in), (sign_in, sign_out), (sign_in, delete)],
    ids=["sign-in", "sign-out", "deletion"],
)
def test_an_opened_link_is_not_left_to_the_next_person(
    own_service: Service, before: Callable[[Visitor], None] | None, then: Callable[[Visitor], None]
) -> None:
    """Whoever signs in or out, or deletes the account, ends what was opened there; the mail's link is good (B-85)."""
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    if before:
        before(visitor)
    link = own_service.link(ERKKI.email)
    assert visitor.get(link).status_code == 200
    assert visitor.cookie("__Host-reset-link")
    then(visitor)
    assert not [cookie for cookie in LINK_COOKIES if visitor.cookie(cookie)]
    assert visitor.get("/new-password").status_code == 410
    assert visitor.get(link).status_code == 200


def test_a_refused_password_keeps_the_opened_link(own_service: Service) -> None:
    """Only a completed sign-in is somebody else's, or the same person's who needs it no more."""
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    visitor.get(own_service.link(ERKKI.email))
    visitor.sign_in(ERKKI.email, "a wrong password, but long")
    assert visitor.get("/new-password").status_code == 200


@pytest.mark.parametrize(
    ("mailed", "fields", "said"),
    [
        (reset, {"password": NEW}, Code.RESET_DONE),
        (invite, {"password": NEW}, Code.RESET_DONE),
        (sign_up, {"name": "Uusi Asukas", "password": NEW}, Code.SIGNUP_DONE),
    ],
    ids=["reset", "invitation", "sign-up"],
)
def test_a_used_link_leaves_nobody_signed_in(
    own_service: Service, mailed: Callable[[Service], str], fields: dict[str, str], said: Code
) -> None:
    """Whoever else was signed in there reads nothing that is untrue of her, and her forms are void (B-85, B-90)."""
    visitor = Visitor(own_service)
    sign_in(visitor)
    link, token = mailed(own_service), visitor.cookie("__Host-cityauth")
    visitor.get(link)
    during = visitor.csrf_token
    visitor.send(link.partition("?")[0], **fields)
    assert visitor.page.request.path == "/login"
    assert text(said, "fi") in visitor.page.text
    assert visitor.cookie("__Host-cityauth") is None
    assert own_service.auth.sessions.check(token) is None
    assert visitor.post("/login", {"csrf_token": during, "identifier": "x"}).status_code == 400
    elsewhere = Visitor(own_service)
    assert elsewhere.sign_in(ASA.email, ASA.password).request.path == "/cases"


@pytest.mark.parametrize(
    ("mailed", "fields"),
    [(reset, {"password": NEW}), (sign_up, {"name": "Uusi Asukas", "password": NEW})],
    ids=["reset", "sign-up"],
)
def test_no_page_says_that_a_password_just_set_is_unchanged(
    own_service: Service, mailed: Callable[[Service], str], fields: dict[str, str]
) -> None:
    """The notice about the change of sign-in waits until the message of success is read."""
    visitor = Visitor(own_service)
    link = mailed(own_service)
    visitor.get(link)
    visitor.send(link.partition("?")[0], **fields)
    assert visitor.soup.select_one("p.done")
    assert text(Label.NOTICE_HEADING, "fi") not in visitor.page.text
    assert text(Label.NOTICE_HEADING, "fi") in visitor.get("/login").text


@pytest.mark.parametrize("path", LINK_PAGES)
@pytest.mark.parametrize(
    "token",
    ["", "x", "x" * 5000, "ä%00%0d%0aSet-Cookie:a=b", "%ed%a0%80"],
    ids=["empty", "x", "long", "odd", "surrogate"],
)
def test_a_made_up_link_is_a_page_with_a_way_on(visitor: Visitor, path: str, token: str) -> None:
    """Nothing breaks, and the person reads what to do (B-31, C-47)."""
    page = visitor.get(f"{path}?token={token}")
    assert page.status_code == 410
    assert visitor.heading == "Linkki ei toimi"
    assert visitor.soup.select_one("main a.button")
    visitor.post(path, {"csrf_token": visitor.csrf_token, "password": NEW, "name": "X"})
    assert visitor.page.status_code == 410


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", LINK_PAGES)
def test_a_dead_link_offers_what_can_be_had(service: Service, path: str, language: str) -> None:
    """A new link; but nobody can ask for one that undoes: then the password and customer service (B-31, C-47)."""
    visitor = Visitor(service, **{"Accept-Language": language})
    visitor.get(f"{path}?token=x")
    main = visitor.soup.main
    assert main is not None
    offers = {link.get_text(): link["href"] for link in main.select("a.button")}
    invalid, anew = text(Code.LINK_INVALID, language), text(Label.ASK_NEW_LINK, language)
    if path == "/settings/email/undo":
        assert invalid not in main.get_text()
        assert words("link.undo_dead", language) in main.get_text()
        assert offers == {text(Label.CHANGE_PASSWORD, language): "/forgotten"}
    else:
        assert invalid in main.get_text()
        assert list(offers) == [anew]
    assert main.find("a", href="mailto:asiakaspalvelu@example.com")


@pytest.mark.parametrize(("how", "mails"), [("expired link", 1), ("session", 1), ("nothing", 0)])
def test_strangers_do_not_keep_the_owner_from_a_new_link(own_service: Service, how: str, mails: int) -> None:
    """Whoever comes from the page of a dead link, or is signed in, gets a mail though a stranger spent the others (A4)."""
    link = reset(own_service)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=2)):
        ask(own_service, "/forgotten", identifier=ERKKI.email)
        own_service.auth.outbox.flush()
        before, visitor = len(own_service.mailbox.sent(ERKKI.email)), Visitor(own_service)
        if how == "session":
            visitor.sign_in(ERKKI.email, ERKKI.password)
        if how == "expired link":
            assert visitor.get(link).status_code == 410
            visitor.send("/forgotten", fill="1")
        else:
            visitor.get("/forgotten")
        visitor.send("/forgotten", identifier=ERKKI.email)
        own_service.auth.outbox.flush()
    assert len(own_service.mailbox.sent(ERKKI.email)) == before + mails


@pytest.mark.parametrize("path", LINK_PAGES)
def test_a_link_page_without_a_link_is_no_form(visitor: Visitor, path: str) -> None:
    """Whoever types the address, or keeps no cookies, is asked to open the link from the mail again (B-84)."""
    for language in LANGUAGES:
        assert visitor.get(path, **{"Accept-Language": language}).status_code == 410
        assert visitor.heading == words("link.open_again", language)
        assert text(Code.LINK_NOT_OPEN, language) in visitor.page.text
    assert visitor.post(path, {"csrf_token": visitor.csrf_token, "password": NEW, "name": "X"}).status_code == 410


@pytest.mark.parametrize("path", [*LINK_PAGES, "/forgotten", "/sign-up"])
def test_a_form_without_its_token_does_nothing(own_service: Service, path: str) -> None:
    """The page says that it expired (ASVS 3.5.1)."""
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    visitor.get(own_service.link(ERKKI.email))
    page = visitor.post(path, {"password": NEW, "identifier": ASA.email, "email": STRANGER})
    assert page.status_code == 400
    assert visitor.heading == "Sivu vanhentui"
    own_service.auth.outbox.flush()
    assert len(own_service.mailbox.sent()) == 1
    assert visitor.sign_in(ERKKI.email, ERKKI.password).request.path == "/cases"


def test_one_links_token_is_nothing_on_another_page(own_service: Service) -> None:
    """A reset link neither creates an account nor confirms or undoes an address (B-25, B-33)."""
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    query = own_service.link(ERKKI.email).partition("?")[2]
    for path in LINK_PAGES[1:]:
        assert visitor.get(f"{path}?{query}").status_code == 410
    assert visitor.get(f"{LINK_PAGES[0]}?{query}").status_code == 200


def test_an_old_link_says_that_it_is_too_old(own_service: Service) -> None:
    """The person is told its age, and where to get a new one (B-27)."""
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    link = own_service.link(ERKKI.email)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=2)):
        page = visitor.get(link)
    assert page.status_code == 410
    assert "Linkki on vanhentunut" in page.text
    assert 'action="/forgotten"' in page.text  # a form, which carries the link as the proof that the mailbox is read


def test_links_come_from_the_configuration_alone(own_service: Service) -> None:
    """No header of the request decides where a link leads (B-82)."""
    visitor = Visitor(own_service, **{"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
    visitor.get("/forgotten")
    visitor.send("/forgotten", identifier=ERKKI.email)
    body = own_service.mail(ERKKI.email).content.body
    assert "evil" not in body
    assert "https://localhost/new-password?token=" in body
    assert visitor.post("/forgotten", {}, Host="evil.example").status_code == 400


def test_too_many_links_from_one_network_are_put_off(tmp_path: Path) -> None:
    """Whatever forwarding header comes along, the page says to wait, and the link is still good (B-48, ASVS 6.6.3)."""
    few = ThrottlePolicy(link_per_network=(Limit(3, timedelta(minutes=1)),))
    service = install(tmp_path, policy=replace(CHEAP, throttle=few))
    visitor = ask(service, "/forgotten", identifier=ERKKI.email)
    visitor.get(service.link(ERKKI.email))
    for number in range(3):
        visitor.get("/new-password", **{"X-Forwarded-For": f"203.0.113.{number}"})
    assert visitor.page.status_code == 429
    assert "Yritä uudelleen" in visitor.page.text
    assert visitor.cookie("__Host-reset-link")


def test_sign_up_from_the_first_page_to_the_cases(own_service: Service) -> None:
    """The account exists only after the link, in the language of the page, with the name and password given."""
    email = "Uusi.Asukas@example.com"
    visitor = Visitor(own_service, **{"Accept-Language": "sv"})
    visitor.get("/sign-up")
    visitor.send("/sign-up", email=email)
    assert own_service.auth.identifiers.resolve(email).account is None
    link = own_service.link(email)
    visitor.get(link)
    assert visitor.soup.find("button", string="Skapa konto")
    for name, password in (("", NEW), ("x" * 200, NEW), ("Uusi\u202eAsukas", NEW), ("Uusi Asukas", "lyhyt")):
        page = visitor.send("/sign-up/confirm", name=name, password=password)
        assert page.status_code == 422
        assert len(visitor.soup.select("input[aria-invalid]")) == 1
    visitor.send("/sign-up/confirm", name="Uusi Asukas", password=NEW, realm="official", id="kunta-1001")
    assert visitor.page.request.path == "/login"
    assert visitor.cookie("__Host-cityauth") is None
    visitor.sign_in(email, NEW)
    assert f"Uusi Asukas ({email})" in " ".join(visitor.page.text.split())
    assert "Du har inga ärenden." in visitor.page.text
    account = own_service.auth.identifiers.resolve(email).account
    assert account is not None
    assert (account.realm, account.language) == ("citizen", "sv")
    assert visitor.get(link).status_code == 410


def test_an_invitation_opens_the_same_page(own_service: Service) -> None:
    """The administrator never chooses the password (ASVS 6.4.1)."""
    account = own_service.auth.identifiers.resolve(ERKKI.email).account
    assert account is not None
    own_service.auth.accounts.invite(account.id)
    visitor = Visitor(own_service)
    visitor.get(own_service.link(ERKKI.email))
    visitor.send("/new-password", password=NEW)
    assert visitor.sign_in(ERKKI.email, NEW).request.path == "/cases"


def test_the_language_menu_keeps_the_link(own_service: Service) -> None:
    """Changing the language on a link's page leads back to it."""
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    visitor.get(own_service.link(ERKKI.email))
    visitor.send("/language", language="en")
    assert visitor.page.request.path == "/new-password"
    assert visitor.soup.find("label", string="New password")


def test_when_the_store_is_down_no_link_is_called_dead(own_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 503, and the link works afterwards (C-24)."""
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    visitor.get(own_service.link(ERKKI.email))

    def down(*_: object, **__: object) -> None:
        raise StoreUnavailableError("the database cannot be opened")

    with monkeypatch.context() as patch:
        patch.setattr(own_service.auth.recovery, "complete", down)
        assert visitor.send("/new-password", password=NEW).status_code == 503
    visitor.get("/new-password")
    visitor.send("/new-password", password=NEW)
    assert visitor.sign_in(ERKKI.email, NEW).request.path == "/cases"
