"""What is refused: alike for everybody, and never with a traceback."""

import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cityauth import Account, AccountId, HasherBusyError, SecretStr, StoreUnavailableError
from cityauth.core.changes import AccountAdded, Committed
from cityauth.core.identifiers import USERNAME, Identifier, register
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from flask_app.tests.service import ASA, ERKKI, MATTI, THROTTLED, Service, Visitor, install

VARYING = re.compile(rb'(name="(?:csrf_token|pending)" value=")[^"]+')
"""Values that differ from one answer to the next, whoever asks."""


def refused_page(
    service: Service, identifier: str, password: str = "a wrong password, but long"
) -> tuple[bytes, list[tuple[str, str]]]:
    """Return the refusal and its headers, with the echo and what differs every time put aside."""
    visitor = Visitor(service)
    page = visitor.sign_in(identifier, password)
    assert page.status_code == 422
    body: bytes = page.data
    headers = [(name, value) for name, value in page.headers if name != "Content-Length"]
    return VARYING.sub(rb"\1", body).replace(identifier.encode(), b"ECHO"), headers


@pytest.fixture(scope="module")
def population(service: Service) -> Service:
    """The demo with Matti disabled and with a username that two accounts claim."""
    matti = service.auth.identifiers.resolve(MATTI.email).account
    assert matti is not None
    service.auth.accounts.disable(matti.id)
    contested = register("contested", USERNAME)
    assert isinstance(contested, Identifier)
    stored = service.auth.passwords.hash("contested person's password")
    assert isinstance(stored, SecretStr)
    account = Account(AccountId("kunta-1009"), "citizen", "Kiistanalainen")
    added = AccountAdded(
        account, (AccountIdentifier(contested, IdentifierStatus.CONTESTED),), stored, datetime.now(UTC)
    )
    assert isinstance(service.store.commit([added]), Committed)
    return service


@pytest.mark.parametrize(
    ("identifier", "password"),
    [
        pytest.param(ERKKI.email, "a wrong password, but long", id="wrong password"),
        pytest.param(MATTI.email, MATTI.password, id="disabled, right password"),
        pytest.param(MATTI.email, "a wrong password, but long", id="disabled, wrong password"),
        pytest.param(ASA.old_username, "a wrong password, but long", id="retired, wrong password"),
        pytest.param("contested", "contested person's password", id="ambiguous, right password"),
        pytest.param("contested", "a wrong password, but long", id="ambiguous, wrong password"),
        pytest.param("virve.v", "", id="no password given"),
        pytest.param(ERKKI.email, "x" * 5000, id="password too long"),
    ],
)
def test_the_refusal_is_the_same_to_the_byte(population: Service, identifier: str, password: str) -> None:
    """Nothing but the echo tells an account from no account (B-19, B-20, B-21, B-23, ASVS 6.3.8)."""
    unknown = refused_page(population, "nobody.knows@example.com")
    assert refused_page(population, identifier, password) == unknown


def test_the_throttled_page_is_the_same_to_the_byte(tmp_path: Path) -> None:
    """After five failures the page says when to try again, with 429 and Retry-After, to whomever (B-43, ASVS 6.3.1, 6.3.8)."""
    service = install(tmp_path, policy=THROTTLED)
    found = []
    for identifier in (ERKKI.email, "nobody.knows@example.com"):
        visitor = Visitor(service)
        pages = [visitor.sign_in(identifier, "a wrong password, but long") for _ in range(4)]
        page = visitor.sign_in(identifier, "a wrong password, but long")
        assert {one.status_code for one in [*pages, page]} == {422}
        page = visitor.sign_in(identifier, "a wrong password, but long")
        assert page.status_code == 429
        assert page.headers["Retry-After"] == "1"
        assert "Yritä uudelleen 1 minuutin kuluttua" in page.text
        found.append(VARYING.sub(rb"\1", page.data).replace(identifier.encode(), b"ECHO"))
    assert found[0] == found[1]


@pytest.mark.parametrize("identifier", [ERKKI.email, "nobody.knows@example.com", ASA.old_username, "contested"])
def test_the_password_page_is_the_same_to_the_byte(population: Service, identifier: str) -> None:
    """The first step asks no store, so it cannot tell who exists (ASVS 6.3.8)."""
    pages = []
    for one in (identifier, "x" * len(identifier)):
        body = Visitor(population).identify(one).data
        pages.append(VARYING.sub(rb"\1", body).replace(one.encode(), b"ECHO"))
    assert pages[0] == pages[1]


def test_the_signed_pending_login_is_as_long_for_all(population: Service) -> None:
    """Two identifiers of one length give hidden fields of one length, known or not (ASVS 6.3.8)."""
    lengths = set()
    for identifier in (ERKKI.email, "x" * (len(ERKKI.email) - 12) + "@example.com"):
        visitor = Visitor(population)
        visitor.identify(identifier)
        hidden = visitor.soup.select_one('input[name="pending"]')
        assert hidden is not None
        lengths.add(len(str(hidden["value"])))
    assert len(lengths) == 1


HOSTILE: list[Any] = [
    pytest.param("", id="empty"),
    pytest.param("   ", id="spaces"),
    pytest.param("erkki\x00", id="NUL"),
    pytest.param(b"\xed\xa0\x80", id="lone surrogate"),
    pytest.param(b"\xff\xfe", id="not UTF-8"),
    pytest.param("erkki\r\nX: y", id="line break"),
    pytest.param("\u202eerkki", id="bidi"),
    pytest.param("e" * 60_000, id="long"),
    pytest.param("e" + "\u0301" * 20_000, id="combining marks"),
    pytest.param("<script>alert(1)</script>", id="markup"),
    pytest.param("' OR 1=1 --", id="quotes"),
    pytest.param([ERKKI.email, "attacker@example.com"], id="list"),
]


@pytest.mark.parametrize("identifier", HOSTILE)
def test_a_hostile_identifier_is_answered_with_a_page(visitor: Visitor, identifier: Any) -> None:
    """No traceback, no markup of the attacker's, no long echo (B-6, C-46, C-47)."""
    visitor.get("/login")
    page = visitor.send("/login", identifier=identifier)
    assert page.status_code in {200, 413, 422}
    assert "<script" not in page.text
    assert len(page.data) < 40_000
    assert visitor.heading in {"Kirjautuminen", "Lähetit liian paljon tietoa"}


@pytest.mark.parametrize("field", ["password", "pending", "identifier"])
@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_password_page_is_refused(visitor: Visitor, field: str, value: Any) -> None:
    """Whatever stands in a field of step two, nobody is signed in and nothing breaks (B-6, C-45, C-47)."""
    visitor.identify(ERKKI.email)
    page = visitor.send("/login/password", **({"password": "a wrong password, but long"} | {field: value}))
    assert page.status_code in {413, 422}
    assert visitor.cookie("__Host-cityauth") is None


def test_a_missing_field_is_a_refusal(visitor: Visitor) -> None:
    """A form without its fields is answered like one with empty ones."""
    visitor.get("/login")
    for path in ("/login", "/login/password"):
        assert visitor.post(path, {"csrf_token": visitor.csrf_token}).status_code == 422
    assert visitor.heading == "Kirjautuminen"


@pytest.mark.parametrize("field", ["identifier", "password"])
def test_ten_megabytes_are_refused_before_they_are_read(visitor: Visitor, field: str) -> None:
    """The answer is a page that says so (B-56, B-62, C-45)."""
    visitor.get("/login")
    page = visitor.send("/login", **{field: "x" * 10_000_000})
    assert page.status_code == 413
    assert visitor.heading == "Lähetit liian paljon tietoa"


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 4000, "ä" * 43, "0", "None"])
def test_an_unknown_session_token_is_nobody(visitor: Visitor, token: str) -> None:
    """A made-up cookie opens nothing (B-31, ASVS 7.2.1)."""
    visitor.client.set_cookie("__Host-cityauth", token, secure=True)
    assert visitor.get("/cases").request.path == "/login"


def status_with_cookies(visitor: Visitor, cookies: str) -> int:
    """Return the status of a signed-in person's page for exactly this Cookie header."""
    client = visitor.service.app.test_client(use_cookies=False)
    return client.get("/cases", base_url=visitor.base, headers={"Cookie": cookies}).status_code


def test_two_session_cookies_are_none(visitor: Visitor) -> None:
    """Where a name comes twice nobody can say which is ours (C-52)."""
    visitor.sign_in(ERKKI.email, ERKKI.password)
    own = f"__Host-cityauth={visitor.cookie('__Host-cityauth')}"
    assert status_with_cookies(visitor, own) == 200
    assert status_with_cookies(visitor, f"{own}; __Host-cityauth=other") == 303
    assert status_with_cookies(visitor, f"__Host-cityauth=other; {own}") == 303


def test_a_nameless_cookie_is_nobodys(visitor: Visitor) -> None:
    """A cookie without a name cannot pass for ours (B-81)."""
    visitor.sign_in(ERKKI.email, ERKKI.password)
    assert status_with_cookies(visitor, f"=__Host-cityauth={visitor.cookie('__Host-cityauth')}") == 303


@pytest.mark.parametrize("count", [1, 5, 50, 100, 500])
def test_other_cookies_hide_none_of_ours(visitor: Visitor, count: int) -> None:
    """However many and large the cookies of others are, whoever is signed in stays signed in (C-52)."""
    visitor.sign_in(ERKKI.email, ERKKI.password)
    own = f"__Host-cityauth={visitor.cookie('__Host-cityauth')}"
    others = "; ".join(f"c{number}={'x' * 90}" for number in range(count))
    for header in (
        f"{own}; {others}",
        f"{others}; {own}",
        f"big={'x' * 9000}; {own}",
        f"__Host-reset-link={'x' * 4000}; {own}",
    ):
        assert status_with_cookies(visitor, header) == 200
    assert status_with_cookies(visitor, f"{own}; big={'x' * 70_000}") == 303


def test_the_page_that_finds_unusable_cookies_deletes_them(visitor: Visitor) -> None:
    """One of our names with a value that is never set, or two of one name; of others' only what soon shuts out."""
    visitor.sign_in(ERKKI.email, ERKKI.password)
    own = f"__Host-cityauth={visitor.cookie('__Host-cityauth')}"

    def deleted(header: str) -> set[str]:
        client = visitor.service.app.test_client(use_cookies=False)
        page = client.get("/guide", base_url=visitor.base, headers={"Cookie": header})
        gone = [one for one in page.headers.getlist("Set-Cookie") if "Max-Age=0" in one]
        assert all("Path=/" in one and "Secure" in one for one in gone)
        return {one.partition("=")[0] for one in gone}

    assert deleted(own) == set()
    assert deleted(f"{own}; other={'x' * 4000}") == set()
    assert deleted(f"{own}; __Host-reset-link={'x' * 4000}; __Host-sign-up-link=y") == {
        "__Host-reset-link",
        "__Host-sign-up-link",
    }
    assert deleted(f"{own}; __Host-language=de; __Host-pages={'x' * 5000}") == {"__Host-language", "__Host-pages"}
    assert deleted(f"{own}; __Host-cityauth=other") == {"__Host-cityauth"}
    assert deleted(f"{own}; big={'x' * 5000}; huge={'x' * 5000}; small=x") == {"big", "huge"}


def test_when_the_store_is_down_nobody_is_told_to_be_signed_out(
    own_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is a 503 with Retry-After in the person's language, and the cookie stays (C-24, C-27)."""
    visitor = Visitor(own_service, **{"Accept-Language": "sv"})
    visitor.sign_in(ERKKI.email, ERKKI.password)
    token = visitor.cookie("__Host-cityauth")

    def down(*_: object) -> None:
        raise StoreUnavailableError("the database cannot be opened")

    with monkeypatch.context() as patch:
        patch.setattr(own_service.auth.sessions, "check", down)
        page = visitor.get("/cases")
    assert page.status_code == 503
    assert page.headers["Retry-After"] == "60"
    assert "cannot be opened" not in page.text
    assert visitor.cookie("__Host-cityauth") == token
    assert visitor.get("/cases").status_code == 200


def test_a_locked_case_register_is_an_interruption_too(own_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The city's own table cannot be read: the same 503, and the session stays (C-24)."""
    visitor = Visitor(own_service)
    visitor.sign_in(ERKKI.email, ERKKI.password)

    def locked(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(own_service.app.extensions["cases"], "of", locked, raising=False)
        assert visitor.get("/cases").status_code == 503
    assert visitor.get("/cases").status_code == 200


def test_a_storm_of_sign_ins_is_answered_with_the_seconds(
    own_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many hashes or too little memory: 503, Retry-After, and no word of the cause (C-44, ASVS 16.5.3)."""
    visitor = Visitor(own_service)

    def busy(*_: object, **__: object) -> None:
        raise HasherBusyError("there is not enough memory to run Argon2 now", retry_after=7)

    with monkeypatch.context() as patch:
        patch.setattr(own_service.auth.login, "submit_password", busy)
        page = visitor.sign_in(ERKKI.email, ERKKI.password)
    assert page.status_code == 503
    assert "Argon2" not in page.text
    assert page.headers["Retry-After"] == "7"
    assert "Yritä uudelleen 7 sekunnin kuluttua." in page.text
    visitor.sign_in(ERKKI.email, ERKKI.password)
    assert visitor.get("/cases").status_code == 200


def test_a_script_gets_the_seconds_as_json(own_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer in JSON has the same status, header and text as the page (C-44)."""
    visitor = Visitor(own_service, Accept="application/json")
    visitor.get("/login")

    def busy(*_: object, **__: object) -> None:
        raise HasherBusyError("the queue is full", retry_after=12)

    monkeypatch.setattr(own_service.auth.sessions, "check", busy)
    answer = visitor.get("/cases")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "12")
    assert answer.json == {
        "status": 503,
        "code": "request.busy",
        "message": "Palvelu on juuri nyt ruuhkainen. Yritä uudelleen 12 sekunnin kuluttua.",
    }


def test_a_broken_check_makes_nobody_of_the_person(own_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while the session is looked up shows no page of one's own (B-87)."""
    visitor = Visitor(own_service)
    visitor.sign_in(ERKKI.email, ERKKI.password)

    def broken(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(own_service.auth.sessions, "check", broken)
    page = visitor.get("/cases")
    assert page.status_code == 500
    assert ERKKI.name not in page.text


def test_a_form_sent_by_nobody_is_not_sent_again_after_signing_in(own_service: Service) -> None:
    """What was posted without a session is gone: the person lands on the cases, and nothing was done (B-89)."""
    other = Visitor(own_service)
    other.sign_in(ERKKI.email, ERKKI.password)
    visitor = Visitor(own_service)
    visitor.get("/login")
    token = visitor.soup.select_one('input[name="csrf_token"]')
    assert token is not None
    visitor.post("/settings/sessions/close-others", {"csrf_token": token["value"]})
    assert visitor.heading == "Kirjautuminen"
    visitor.send("/login", identifier=ERKKI.email)
    visitor.send("/login/password", password=ERKKI.password)
    assert visitor.page.request.path == "/cases"
    assert other.get("/cases").request.path == "/cases"


def test_a_fault_of_the_service_shows_no_traceback(own_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person reads that the fault is ours (ASVS 16.5.1)."""

    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(own_service.auth.sessions, "list", broken)
    visitor = Visitor(own_service)
    visitor.sign_in(ERKKI.email, ERKKI.password)
    page = visitor.get("/settings")
    assert page.status_code == 500
    assert visitor.heading == "Jokin meni vikaan"
    assert "secret detail" not in page.text


@pytest.mark.parametrize(
    ("method", "path", "status", "heading"),
    [
        ("GET", "/nowhere", 404, "Sivua ei löytynyt"),
        ("GET", "/static/nowhere.css", 404, "Sivua ei löytynyt"),
        ("GET", "/static/../app.py", 404, "Sivua ei löytynyt"),
        ("GET", "/logout", 405, "Pyyntöä ei voitu käsitellä"),
        ("GET", "/language", 405, "Pyyntöä ei voitu käsitellä"),
        ("DELETE", "/login", 405, "Pyyntöä ei voitu käsitellä"),
    ],
)
def test_errors_are_pages_with_a_way_out(visitor: Visitor, method: str, path: str, status: int, heading: str) -> None:
    """Nothing is changed by GET, and every error page leads on (ASVS 3.5.3)."""
    response = visitor.client.open(path, method=method, base_url=visitor.base, headers=visitor.headers)
    assert response.status_code == status
    assert f"<h1>{heading}</h1>" in response.text
    assert 'class="button"' in response.text
