"""What passes between the service and the browser besides pages: cookies, headers, CSRF, redirects."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from urllib.parse import quote

import pytest
from werkzeug.datastructures import Headers

from cityauth.policy import SessionPolicy
from flask_app.tests.service import CHEAP, ERKKI, NEW, Service, Visitor, install

PAGES = ("/", "/login", "/guide", "/cases", "/settings", "/nowhere", "/static/nowhere.css")


def set_cookies(service: Service, *, remember: bool = False, scheme: str = "https") -> dict[str, Morsel[str]]:
    """Return the cookies that signing in sets, with their attributes."""
    visitor = Visitor(service, scheme=scheme)
    visitor.sign_in(ERKKI.email, ERKKI.password, **({"remember": "1"} if remember else {}))
    (arrival,) = visitor.page.history
    jar: SimpleCookie = SimpleCookie()
    for header in arrival.headers.getlist("Set-Cookie"):
        jar.load(header)
    return dict(jar)


def test_the_session_cookie_is_for_this_host_alone(service: Service) -> None:
    """Secure, HttpOnly, SameSite, Path=/ and no Domain, so that the prefix holds; short (ASVS 3.3.1 to 3.3.5)."""
    cookie = set_cookies(service)["__Host-cityauth"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    assert not cookie["max-age"]
    assert not cookie["expires"]
    assert len(cookie.value) == 43


def test_every_cookie_has_the_prefix(service: Service) -> None:
    """Neither the CSRF secret's cookie nor the language's can be planted from a neighbouring host (ASVS 3.3.2)."""
    visitor = Visitor(service)
    visitor.get("/")
    response = visitor.client.post(
        "/language",
        base_url=visitor.base,
        headers=visitor.headers,
        data={
            "csrf_token": visitor.csrf_token,
            "language": "sv",
        },
    )
    for header in [*response.headers.getlist("Set-Cookie"), *visitor.page.headers.getlist("Set-Cookie")]:
        assert header.startswith("__Host-")
        assert "Secure" in header
        assert "HttpOnly" in header


def test_only_the_persons_choice_makes_the_cookie_stay(service: Service) -> None:
    """Remember-me keeps it for 30 days (D, cookies)."""
    assert set_cookies(service, remember=True)["__Host-cityauth"]["max-age"] == str(30 * 24 * 3600)


def test_the_cookie_stays_for_as_long_as_the_policy_in_use_says(tmp_path: Path) -> None:
    """A service that remembers for a week does not hand out cookies for the default's month (D, cookies)."""
    sessions = SessionPolicy(remembered_idle=timedelta(days=2), remembered_absolute=timedelta(days=7))
    service = install(tmp_path, policy=replace(CHEAP, sessions=sessions))
    assert set_cookies(service, remember=True)["__Host-cityauth"]["max-age"] == str(7 * 24 * 3600)


def test_plain_localhost_goes_without_the_prefix(tmp_path: Path) -> None:
    """Over http on the loopback address the cookie still is HttpOnly and SameSite (ASVS 3.3.4)."""
    cookie = set_cookies(install(tmp_path, plain_localhost=True), scheme="http")["cityauth"]
    assert not cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_signing_in_changes_the_session_cookie(service: Service) -> None:
    """A planted token never becomes a session, and a second sign-in ends the first (B-52, ASVS 7.2.4)."""
    planted = "A" * 43
    visitor = Visitor(service)
    visitor.client.set_cookie("__Host-cityauth", planted, secure=True)
    visitor.sign_in(ERKKI.email, ERKKI.password)
    first = visitor.cookie("__Host-cityauth")
    assert first != planted
    again = Visitor(service)
    again.get("/login")
    again.send("/login", identifier=ERKKI.email)
    again.client.set_cookie("__Host-cityauth", str(first), secure=True)
    again.send("/login/password", password=ERKKI.password)
    assert again.cookie("__Host-cityauth") != first
    assert visitor.get("/cases").request.path == "/login"


def assert_guarded(headers: Headers) -> None:
    """Nothing keeps, frames, sniffs or runs anything of this answer."""
    assert headers["Cache-Control"] == "no-store"
    assert "Cookie" in headers["Vary"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "max-age" in headers["Strict-Transport-Security"]
    policy = dict(directive.split(" ", 1) for directive in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "script-src" not in policy


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_the_headers(visitor: Visitor, path: str) -> None:
    """Nothing is cached, framed, sniffed or run (B-79, ASVS 14.3.2, 3.4.5)."""
    visitor.sign_in(ERKKI.email, ERKKI.password)
    assert_guarded(visitor.get(path).headers)


def test_every_answer_to_a_form_has_the_headers(own_service: Service) -> None:
    """Most cookies come with the redirect after a form: no cache may keep that answer (B-79, ASVS 14.3.2, 3.4.5)."""
    visitor = Visitor(own_service)
    visitor.get("/login")
    without_cookie = []
    for path, fields in {
        "/login": {"identifier": ERKKI.email},
        "/login/password": {"password": ERKKI.password},
        "/language": {"language": "sv"},
        "/settings/language": {"language": "fi"},
        "/settings/name": {"name": "Erkki Juhani Esimerkki"},
        "/settings/password": {"current": ERKKI.password, "new": NEW},
        "/logout": {},
    }.items():
        if path.startswith("/settings"):
            visitor.get("/settings")
        visitor.send(path, **fields)
        first = [*visitor.page.history, visitor.page][0]
        assert (first.request.method, first.request.path) == ("POST", path)
        assert_guarded(first.headers)
        without_cookie += [path] if "Set-Cookie" not in first.headers else []
    assert without_cookie == ["/login"]


@pytest.mark.parametrize("path", PAGES[:-2])
def test_no_page_has_a_script_or_an_inline_style(visitor: Visitor, path: str) -> None:
    """The content security policy has nothing to block (ASVS 6.2.7)."""
    visitor.sign_in(ERKKI.email, ERKKI.password)
    visitor.get(path)
    assert not visitor.soup.find_all(["script", "style"])
    assert not [
        tag for tag in visitor.soup.find_all() if any(name.startswith("on") or name == "style" for name in tag.attrs)
    ]


def test_the_style_sheet_sets_no_cookie_and_may_be_kept(visitor: Visitor) -> None:
    """Only what names nobody may lie in a cache (B-79)."""
    response = visitor.get("/static/site.css")
    assert response.status_code == 200
    assert "no-store" not in response.headers["Cache-Control"]
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", ["/login", "/login/password", "/logout", "/language", "/settings/sessions/close"])
def test_a_form_without_its_token_changes_nothing(visitor: Visitor, path: str) -> None:
    """The page says that it expired, in the person's language, and leads on (ASVS 3.5.1)."""
    visitor.sign_in(ERKKI.email, ERKKI.password)
    page = visitor.post(path, {"language": "sv"}, **{"Accept-Language": "fi"})
    assert page.status_code == 400
    assert visitor.heading == "Sivu vanhentui"
    assert visitor.get("/cases").request.path == "/cases"


def test_a_form_from_another_site_is_refused(visitor: Visitor) -> None:
    """Over TLS the form must come from one of our own pages (ASVS 3.5.1)."""
    visitor.get("/login")
    form = {"csrf_token": visitor.csrf_token, "identifier": ERKKI.email}
    assert visitor.post("/login", form, Referer="https://elsewhere.example/").status_code == 400
    assert visitor.post("/login", form).status_code == 200


def test_the_csrf_secret_changes_at_sign_in_and_sign_out(visitor: Visitor) -> None:
    """A token from before does not count after (B-90)."""
    visitor.identify(ERKKI.email)
    before = visitor.csrf_token
    visitor.send("/login/password", password=ERKKI.password)
    during = visitor.csrf_token
    assert visitor.post("/logout", {"csrf_token": before}).status_code == 400
    assert visitor.post("/logout", {"csrf_token": during}).status_code == 200
    assert visitor.post("/login", {"csrf_token": during, "identifier": "x"}).status_code == 400


HOSTILE_TARGETS = (
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example/cases",
    "https:evil.example",
    "http:/evil.example",
    "javascript:alert(1)",
    "\t//evil.example",
    "/\t/evil.example",
    " //evil.example",
    "//user@evil.example",
    "/%0d%0aSet-Cookie:x\r\ny",
    "cases",
    "",
    "/" + "x" * 5000,
)


@pytest.mark.parametrize("target", HOSTILE_TARGETS)
def test_next_leads_nowhere_else(visitor: Visitor, target: str) -> None:
    """Whatever the address says, the person lands on a page of ours (B-83, ASVS 3.7.2)."""
    visitor.get(f"/login?next={quote(target)}")
    visitor.send("/login", identifier=ERKKI.email, next=target)
    visitor.send("/login/password", password=ERKKI.password, next=target)
    (arrival,) = visitor.page.history
    assert arrival.headers["Location"] == "/cases"
    assert "evil.example" not in visitor.page.text


@pytest.mark.parametrize("target", HOSTILE_TARGETS)
def test_the_language_menu_leads_nowhere_else(visitor: Visitor, target: str) -> None:
    """The hidden way back of the menu is checked as well (B-83)."""
    visitor.get("/guide")
    visitor.send("/language", language="sv", next=target)
    assert all("evil" not in response.headers["Location"] for response in visitor.page.history)


def test_a_foreign_host_is_refused_and_appears_in_no_link(service: Service) -> None:
    """Host names come from the configuration, forwarded ones are not looked at (B-82)."""
    client = service.app.test_client()
    response = client.get("/login", base_url="https://evil.example")
    assert response.status_code == 400
    assert "evil" not in response.text
    forwarded = client.get("/login", base_url="https://localhost", headers={"X-Forwarded-Host": "evil.example"})
    assert forwarded.status_code == 200
    assert "evil" not in forwarded.text


def test_the_recorded_address_is_not_the_forwarded_one(own_service: Service) -> None:
    """Without a trusted proxy, X-Forwarded-For is somebody's claim (ASVS 15.3.4)."""
    visitor = Visitor(own_service, **{"X-Forwarded-For": "203.0.113.7"})
    visitor.sign_in(ERKKI.email, ERKKI.password)
    page = visitor.get("/settings").text
    assert "203.0.113.7" not in page
    assert "127.0.0.1" in page


def test_strangers_leave_no_session_behind(own_service: Service) -> None:
    """Reading pages, half a sign-in, a failed one and a sign-out open no session (B-55)."""

    def sessions() -> int:
        with sqlite3.connect(own_service.config.database) as connection:
            (count,) = connection.execute("SELECT count(*) FROM cityauth_session").fetchone()
        connection.close()
        return int(count)

    visitor = Visitor(own_service)
    for path in PAGES:
        visitor.get(path)
    visitor.sign_in("nobody.knows@example.com", "a wrong password, but long")
    visitor.post("/logout", {"csrf_token": visitor.csrf_token})
    assert visitor.page.status_code == 200
    assert sessions() == 0
    visitor.sign_in(ERKKI.email, ERKKI.password)
    assert sessions() == 1
