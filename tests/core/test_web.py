"""Where to go after sign-in: a path of this service, or the default."""

from datetime import UTC, datetime, timedelta
from itertools import product
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.signing import KeyRing, Purpose, TokenSigner
from cityauth.core.web import MAX_TARGET, is_same_link, link_proof, link_token, safe_next
from tests.support.timing import quickest

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SIGNER = TokenSigner(KeyRing.of([bytes(range(32))]), "test")

junk = st.text(st.characters(codec="utf-8").filter(lambda char: not char.isascii() or not char.isalnum()))
"""Any text without ASCII letters and digits; also no percent sign, which could make some of those."""
ends = junk.map(lambda text: text.replace("%", "").replace(".", ""))


def token(number: int) -> str:
    """A genuine token."""
    signed = SIGNER.sign(Purpose.RESET, {"token_id": "x" * (number % 23)}, NOW + timedelta(seconds=number))
    return str(signed)


@given(st.integers(0, 10**6), ends, ends)
def test_what_stands_around_a_token_is_dropped(number: int, before: str, after: str) -> None:
    """Whatever no token can hold at its ends goes, and the token comes out whole."""
    assert link_token(f"{before}{token(number)}{after}") == token(number)


@pytest.mark.parametrize("after", [".", "%20", "%2520", ". Regards", ">here", ".)", "...", "%E2%80%9D", "#x", "&gt;"])
def test_escapes_and_words_after_a_token_are_dropped(after: str) -> None:
    """Also percent escapes that were escaped once more, and words behind a mark."""
    assert link_token(token(5) + after) == token(5)


@pytest.mark.parametrize("before", ["3D", "3d", "3D3D", "=3D", "%3D3D", "%3D", ">3D", " 3D", "3D%22", "_3D"])
def test_an_equals_sign_from_the_source_of_a_mail_is_dropped(before: str) -> None:
    """Quoted-printable text writes ``token=3D`` for ``token=``, and once more ``3D`` when it is forwarded."""
    for number in range(40):
        assert link_token(before + token(number)) == token(number)
        assert link_token(f"{before}{token(number)}.)") == token(number)


@pytest.mark.parametrize(
    "value", [None, 5, b"a.b", ["a.b"], "", "x", ".", "a.", ".b", "-._", "x" * 5000, "a.b" * 1000], ids=repr
)
def test_what_holds_no_token_is_empty(value: object) -> None:
    """A missing, repeated or hostile parameter gives no token (B-31)."""
    assert link_token(value) == ""


@pytest.mark.parametrize("value", ["a" * 2048, "a." * 1024, "_" * 2048, "-a" * 1024, "a." + "_" * 2046, "%25" * 682])
def test_a_hostile_parameter_is_cheap(value: str) -> None:
    """The largest parameter that is looked at costs next to nothing (B-65)."""
    link_token(value)
    assert quickest(lambda: link_token(value)) < 0.1


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_proof_belongs_to_one_token(one: int, other: int) -> None:
    """It is the same for the same link, differs for another, and does not hold the token."""
    proof = link_proof(token(one))
    assert is_same_link(token(one), proof)
    assert is_same_link(token(other), proof) is (token(one) == token(other))
    assert token(one) not in proof


def test_without_both_there_is_no_link() -> None:
    """A missing cookie, a missing field and anything made up never agree."""
    pairs = product([None, "", "x", "\ud800", 5, b"x"], [None, "", "x", "\ud800", "ä" * 64, ["x"], b"x"])
    assert [(held, sent) for held, sent in pairs if is_same_link(held, sent)] == []


#: Ways by which other libraries were led astray, and their relatives.
HOSTILE = [
    "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
    "/\\/evil.example", "/path\\..\\evil.example", "https://evil.example", "http:evil.example", "https:evil.example", "https:/evil.example",
    "https:///evil.example", "HTTPS://evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x",
    "mailto:x@evil.example", "ftp://evil.example", "\t//evil.example", " //evil.example", "\n//evil.example", "\r\n//evil.example",
    "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "/\0/evil.example", "/ /evil.example", "/\x0b/evil.example", "/\x0c/evil.example",
    "/\x7f/evil.example", "/\u2028/evil.example", "/\u00a0/evil.example", "/\uff0fevil.example", "\uff0f\uff0fevil.example", "/ä", "/path\r\nSet-Cookie: x=1",
    "/path\nLocation: https://evil.example", "user:pass@evil.example", "@evil.example", "//user@evil.example", "evil.example", "evil.example/path",
    "www.evil.example", "./path", "../path", "path", "?next=x", "#fragment", "", " ", ".", "..", ":", "::", ":///", "http://", "//", "//[",
    "/\ud800", "\ud800", "//\u202eevil", "/\u202eevil", "/" * 3, "/" + "a" * MAX_TARGET,
]  # fmt: skip

PLAIN = [
    "/", "/my-cases", "/my-cases/", "/my-cases?page=2", "/a/b/c.html#top", "/search?q=%C3%A5&next=https://other.example", "/path;param",
    "/a//b", "/@user", "/path:80", "/~matti", "/?q=//x", "/[x]", "/" + "a" * (MAX_TARGET - 1),
]  # fmt: skip


def test_what_leads_elsewhere_falls_back() -> None:
    """Schemes, hosts, backslashes, controls, spaces and look-alike slashes lead to the default (B-83, ASVS 3.7.2)."""
    assert [target for target in HOSTILE if safe_next(target, "/home") != "/home"] == []


def test_a_path_of_this_service_is_kept() -> None:
    """A plain path with query and fragment goes through unchanged, up to the cap (ASVS 3.7.2)."""
    assert [target for target in PLAIN if safe_next(target, "/home") != target] == []


@pytest.mark.parametrize("target", [None, 0, True, b"/path", ["/path"], {"next": "/path"}, ...], ids=repr)
def test_what_is_no_text_falls_back(target: object) -> None:
    """A repeated or missing parameter leads to the default (B-83, ASVS 15.3.5)."""
    assert safe_next(target) == "/"


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("/asiointi", True),
        ("/asiointi/", True),
        ("/asiointi/cases?next=/x", True),
        ("/asiointi?x=1", True),
        ("/asiointi/a..b", True),
        ("/", False),
        ("/cases", False),
        ("/asiointi2", False),
        ("/asiointi/../admin", False),
        ("/asiointi/%2e%2e/admin", False),
        ("/asiointi/.%2E/admin", False),
        ("/asiointi/%252e%252e/admin", False),
        ("/asiointi/..%2fadmin", False),
        ("/asiointi/..;/admin", False),
        ("/asiointi/x/..", False),
        ("/asiointi/%5c..%5cadmin", False),
    ],
)
def test_below_a_path_prefix_it_stays_there(target: str, kept: bool) -> None:
    """Where a proxy serves the service below a path, no target leads to a neighbour of it."""
    for within in ("/asiointi", "/asiointi/"):
        assert safe_next(target, "/asiointi/home", within=within) == (target if kept else "/asiointi/home")


@given(st.one_of(st.text(), st.text(alphabet="/\\:@?#.ht ps\t\n\r[]%x"), st.text(alphabet="/x").map("/".__add__)))
def test_whatever_comes_in_it_stays_here(target: str) -> None:
    """Every answer is the default or a path that no browser rule leads to another host (B-83, ASVS 3.7.2)."""
    found = safe_next(target, "/home")
    assert found in {"/home", target}
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert urlsplit(urljoin("https://service.example/login", found)).netloc == "service.example"
    assert found.isascii()
    assert found.isprintable()
