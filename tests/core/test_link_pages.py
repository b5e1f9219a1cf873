"""The page of a mailed link: its token, and the proof in its form."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.link_pages import is_same_link, link_proof, link_token
from cityauth.core.secret import KeyRing
from cityauth.core.signing import Purpose, TokenSigner
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


@pytest.mark.parametrize("held", [None, "", "x", "\ud800", 5, b"x"], ids=repr)
@pytest.mark.parametrize("sent", [None, "", "x", "\ud800", "ä" * 64, ["x"], b"x"], ids=repr)
def test_without_both_there_is_no_link(held: object, sent: object) -> None:
    """A missing cookie, a missing field and anything made up never agree."""
    assert not is_same_link(held, sent)
