"""What the library knows of the person's device."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.client import MAX_USER_AGENT, UNKNOWN_CLIENT, ClientContext
from cityauth.errors import UsageError


def test_what_a_client_sends_is_cut() -> None:
    """A huge user agent or address is cut before it is stored or logged (B-56)."""
    client = ClientContext("1" * 1_000_000, "x" * 1_000_000)
    assert client.user_agent == "x" * MAX_USER_AGENT == "x" * 256
    assert client.address == "1" * 45
    assert ClientContext("192.0.2.7", "Firefox") == ClientContext("192.0.2.7", "Firefox", "fi")


def test_a_request_without_the_header_makes_a_client() -> None:
    """A framework that gives ``None`` for a missing User-Agent header makes the same client as an empty one."""
    assert ClientContext("192.0.2.7", None) == ClientContext("192.0.2.7", "")  # type: ignore[arg-type]  # a framework's None


@pytest.mark.parametrize("wrong", [b"x", b"", 5, 0, False, ["x"], {"x": 1}], ids=repr)
@pytest.mark.parametrize("name", ["address", "user_agent"])
def test_what_is_no_text_is_named(name: str, wrong: object) -> None:
    """Bytes of a raw header and other values that are no text are refused by a sentence that names the argument."""
    given: dict[str, Any] = {name: wrong}
    with pytest.raises(
        UsageError, match=f"ClientContext: {name} must be text or None, and this is {type(wrong).__name__}"
    ):
        ClientContext(**given)


def test_an_unknown_client_has_no_address() -> None:
    """A command or a job is told from a request."""
    assert (UNKNOWN_CLIENT.address, UNKNOWN_CLIENT.user_agent) == (None, "")


@pytest.mark.parametrize("hostile", ["\ud800", "a\0b", "a\r\nb", "a\x1b[2Jb", "a\u202eb", "a\u2028b"], ids=ascii)
def test_what_no_store_or_log_takes_is_replaced(hostile: str) -> None:
    """Lone surrogates, NUL, line breaks, escapes and bidi controls never leave the client's context (C-47, B-92, ASVS 16.4.1)."""
    client = ClientContext(hostile, hostile)
    for text in (client.user_agent, client.address or ""):
        assert text.isprintable()
        assert text.encode()
        assert len(text) == len(hostile)
    assert "\ufffd" in client.user_agent


@pytest.mark.parametrize(
    ("given_address", "stored"),
    [
        (" 192.0.2.7 ", "192.0.2.7"),
        ("192.0.2.7:8080", "192.0.2.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[2001:db8::1]x", "[2001:db8::1]x"),
        ("192.0.2.7:http", "192.0.2.7:http"),
        ("proxy", "proxy"),
    ],
)
def test_an_address_is_stored_plainly(given_address: str, stored: str) -> None:
    """Spaces, brackets, port and zone are taken off an address; a text that is none stays as it is (C-56)."""
    assert ClientContext(given_address).address == stored


@given(st.text(st.characters()), st.none() | st.text(st.characters()))
def test_any_text_makes_a_client(user_agent: str, address: str | None) -> None:
    """Whatever the headers hold, the context can be made, stored and written on one line (C-47)."""
    client = ClientContext(address, user_agent)
    assert client.user_agent.isprintable()
    assert len((client.address or "").encode()) <= 4 * 45
    assert (client.address is None) is (address is None)


@pytest.mark.parametrize("language", ["de", "FI", "", "fi\r\nX: y", "x" * 10**6])
def test_a_language_that_is_none_of_ours_becomes_english(language: str) -> None:
    """No hostile language code gets into a row or a header (B-66)."""
    assert ClientContext(language=language).language == "en"
