"""Behind a proxy: a path prefix, the browser's address, and bodies of unknown length."""

import http.client
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from cityauth.messages import Code, text
from flask_app.app import create_app
from flask_app.tests.service import CHEAP, ERKKI, NEW, Service, Visitor, install, serving

PREFIX = "/asiointi"


FORWARDED = {
    "HTTP_X_FORWARDED_PREFIX": PREFIX,
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_FOR": "203.0.113.7",
}


class Proxy:
    """Serves an application below the prefix, and nothing else."""

    def __init__(self, app: Any) -> None:
        """Stand before *app*."""
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Take the prefix off the path, and tell it in a header."""
        path = environ["PATH_INFO"]
        if not path.startswith(f"{PREFIX}/"):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"the page of a neighbour"]
        return self.app(environ | FORWARDED | {"PATH_INFO": path.removeprefix(PREFIX)}, start_response)


@pytest.fixture
def behind(tmp_path: Path) -> Service:
    """The demo that trusts one proxy."""
    service = install(tmp_path, base_url=f"https://localhost{PREFIX}")
    config = replace(service.config, proxies=1)
    return replace(service, app=create_app(config, service.auth, service.mailbox, CHEAP), config=config)


@pytest.fixture
def proxied(behind: Service) -> Service:
    """The same with that proxy before it, below the prefix."""
    behind.app.wsgi_app = Proxy(behind.app.wsgi_app)  # type: ignore[method-assign] # as Flask's documentation has it
    return behind


def addresses(page: BeautifulSoup) -> set[str]:
    """Return every address within the host that a page names."""
    found = [tag.get(name) for tag in page.find_all() for name in ("href", "src", "action")]
    found += [field.get("value") for field in page.select('input[name="next"]')]
    return {
        str(one) for one in found if one and not str(one).startswith(("#", "mailto:", "tel:", "https://localhost/"))
    }


def test_every_address_stays_below_the_prefix(proxied: Service) -> None:
    """Links, forms, static files, the way back of the language menu and redirects (B-82)."""
    visitor = Visitor(proxied)
    for path in ("/", "/login", "/guide", "/accessibility", "/sign-up", "/forgotten", "/nowhere", "/mailbox", "/cases"):
        visitor.get(PREFIX + path)
        assert all(one.startswith(f"{PREFIX}/") for one in addresses(visitor.soup)), (path, addresses(visitor.soup))
    visitor.get(f"{PREFIX}/settings?x=1")
    assert visitor.page.request.path == f"{PREFIX}/login"
    visitor.send(f"{PREFIX}/login", identifier=ERKKI.email)
    visitor.send(f"{PREFIX}/login/password", password=ERKKI.password)
    assert visitor.page.request.full_path == f"{PREFIX}/settings?x=1"
    for path in ("/settings", "/settings/delete", "/cases"):
        visitor.get(PREFIX + path)
        assert all(one.startswith(f"{PREFIX}/") for one in addresses(visitor.soup)), path
    visitor.send(f"{PREFIX}/language", language="sv")
    assert visitor.page.request.path == f"{PREFIX}/cases"
    assert visitor.get(f"{PREFIX}/static/site.css").status_code == 200


@pytest.mark.parametrize(
    "target", ["/cases", "/", "/asiointi2/x", "/asiointi/../x", "/asiointi/%2e%2e/x", "//evil.example"]
)
def test_next_stays_below_the_prefix(proxied: Service, target: str) -> None:
    """A neighbour on the same host is as foreign as another host (B-83)."""
    visitor = Visitor(proxied)
    visitor.get(f"{PREFIX}/login")
    visitor.send(f"{PREFIX}/login", identifier=ERKKI.email, next=target)
    visitor.send(f"{PREFIX}/login/password", password=ERKKI.password, next=target)
    assert visitor.page.request.path == f"{PREFIX}/cases"


def test_cookies_stay_below_the_prefix(proxied: Service) -> None:
    """They have its path, and the name prefix that browsers keep with a path (ASVS 3.3.1)."""
    visitor = Visitor(proxied)
    visitor.get(f"{PREFIX}/login")
    seen = visitor.page.headers.getlist("Set-Cookie")
    visitor.send(f"{PREFIX}/login", identifier=ERKKI.email)
    visitor.send(f"{PREFIX}/login/password", password=ERKKI.password)
    seen += [one for page in visitor.page.history for one in page.headers.getlist("Set-Cookie")]
    assert len(seen) >= 2
    for cookie in seen:
        assert cookie.startswith("__Secure-")
        assert f"Path={PREFIX}" in cookie
        assert "Secure" in cookie
        assert "HttpOnly" in cookie


def test_a_mailed_link_leads_below_the_prefix_and_works(proxied: Service) -> None:
    """Its page, its form and the page after it stay there."""
    visitor = Visitor(proxied)
    visitor.get(f"{PREFIX}/forgotten")
    visitor.send(f"{PREFIX}/forgotten", identifier=ERKKI.email)
    link = proxied.link(ERKKI.email)
    assert link.startswith("/new-password?token=")  # behind the base URL, which ends with the prefix
    visitor.get(PREFIX + link)
    assert visitor.page.status_code == 200
    visitor.send(f"{PREFIX}/new-password", password=NEW)
    assert text(Code.RESET_DONE, "fi") in visitor.page.text


def test_the_trusted_proxy_says_who_the_browser_is(proxied: Service) -> None:
    """Its word is taken for the address; without a trusted proxy nobody's is (ASVS 15.3.4)."""
    visitor = Visitor(proxied)
    visitor.get(f"{PREFIX}/login")
    visitor.send(f"{PREFIX}/login", identifier=ERKKI.email)
    visitor.send(f"{PREFIX}/login/password", password=ERKKI.password)
    assert "203.0.113.7" in visitor.get(f"{PREFIX}/settings").text


def test_without_a_trusted_proxy_no_prefix_is_believed(own_service: Service) -> None:
    """Anybody can write the header."""
    visitor = Visitor(own_service, **{"X-Forwarded-Prefix": "//evil.example"})
    assert "evil" not in visitor.get("/login").text


@pytest.mark.parametrize("prefix", ["//evil.example", "/\\evil.example", "https://evil.example", "/a b"])
def test_a_prefix_that_is_no_path_is_refused(behind: Service, prefix: str) -> None:
    """A proxy that passes on what the browser wrote leads nobody elsewhere (B-83)."""
    client = behind.app.test_client()
    page = client.get("/login", base_url="https://localhost", headers={"X-Forwarded-Prefix": prefix})
    assert page.status_code == 400
    assert "evil" not in page.text


@pytest.mark.parametrize("size", [70_000, 300_000, 2_000_000])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain"])
def test_a_large_body_of_unknown_length_is_refused(tmp_path: Path, size: int, kind: str) -> None:
    """Sent in chunks it is neither cut nor processed (C-45)."""
    service = install(tmp_path, plain_localhost=True)
    with serving(service.app) as address:
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
        start = b"identifier=erkki&csrf_token="
        if kind.startswith("multipart"):
            start = b'--b\r\nContent-Disposition: form-data; name="identifier"\r\n\r\n'
        body = (start if number == 0 else b"x" * 10_000 for number in range(size // 10_000 + 1))
        try:
            connection.request("POST", "/login", body=body, headers={"Content-Type": kind}, encode_chunked=True)
            assert connection.getresponse().status == 413
        except (BrokenPipeError, ConnectionResetError):  # refused before it was sent whole
            assert size > 100_000
        finally:
            connection.close()
