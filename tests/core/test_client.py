"""The person's device: cut and cleaned, so that nothing hostile is carried along."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.client import MAX_USER_AGENT, UNKNOWN_CLIENT, ClientContext


def test_what_a_client_could_make_long_is_cut() -> None:
    """A user agent of a megabyte keeps 256 characters, an address 45, the longest of IPv6 (B-56, ASVS 16.2.1)."""
    client = ClientContext("1" * 1_000_000, "x" * 1_000_000)
    assert (client.address, client.user_agent) == ("1" * 45, "x" * MAX_USER_AGENT)
    assert ClientContext(None, "", "fi") == UNKNOWN_CLIENT


@pytest.mark.parametrize("hostile", ["Fire\0fox", "Fire\ud800fox", "\udcff"], ids=ascii)
def test_what_no_store_could_write_is_replaced(hostile: str) -> None:
    """NUL and lone surrogates, which no database takes, cannot fail a sign-in (C-47, B-92)."""
    client = ClientContext(hostile, hostile)
    for text in (client.address, client.user_agent):
        assert text is not None
        assert text.encode()
        assert "\0" not in text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=MAX_USER_AGENT))
def test_an_ordinary_user_agent_is_kept_as_it_is(text: str) -> None:
    """Anything that can be stored is kept unchanged: the log escapes it, nothing rewrites it (B-92, ASVS 16.4.1)."""
    assert ClientContext(user_agent=text).user_agent == text
