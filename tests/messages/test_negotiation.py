"""The browser's wish for a language is heard, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.messages import LANGUAGES, negotiate
from tests.support.timing import quickest


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "fi"),
        ("", "fi"),
        ("sv", "sv"),
        ("SV", "sv"),
        ("sv-FI", "sv"),
        ("en-GB,en;q=0.9,fi;q=0.8", "en"),
        ("de,en;q=0.3,sv;q=0.7", "sv"),
        ("sv;q=0.5, en;q=0.5", "sv"),
        (" sv ; q=0.5 , en ; q=0.6 ", "en"),
        ("en;Q=0.2", "en"),
        ("sv;q=0", "fi"),
        ("sv;q=0.0, en;q=0.001", "en"),
        ("en;q=1.000", "en"),
        ("*", "fi"),
        ("de, *;q=0.1", "fi"),
        ("sv;q=0.5, *;q=0.1", "sv"),
        ("*;q=0.5, sv;q=0.1", "fi"),
        ("de-DE,de", "fi"),
        ("svx, fin, eng", "fi"),
        ("sv;q=2, en;q=0.1", "en"),
        ("sv;q=-1, en;q=0.1", "en"),
        ("sv;q=nan, en;q=0.1", "en"),
        ("sv;q=inf, en;q=0.1", "en"),
        ("sv;q=1e0, en;q=0.1", "en"),
        ("sv;q=0.1234, en;q=0.1", "en"),
        ("sv;q=٠.٩, en;q=0.1", "en"),
        ("sv;q, en;q=0.1", "en"),
        ("sv;level=1, en;q=0.1", "sv"),
        ("sv;level=1;q=0.1, en;q=0.5", "en"),
        ("en;q=0.1;level=1, sv;q=0.5;x", "sv"),
        ("sv_FI", "sv"),
        ("EN_us.UTF-8, sv;q=0.5", "en"),
        ("\tsv;\tq=0.8,\ten;q=0.9", "en"),
        ("sv\t;\tq\t=\t0.8, en;q=0.7", "sv"),
        ("fi;q=0, *", "sv"),
        ("fi;q=0, sv;q=0, *;q=0.2", "en"),
        ("*;q=0", "fi"),
        ("sv;q=0, *;q=0.1", "fi"),
        ("en, *", "en"),
        ("*, en;q=0.9", "fi"),
        (";q=1,,-,*-*,;;;", "fi"),
        ("\x00\r\nSet-Cookie: a=b", "fi"),
        ("\ud800", "fi"),
        ("../../etc/passwd", "fi"),
    ],
)
def test_negotiate(header: str | None, language: str) -> None:
    """The best liked of the three languages wins; what is malformed is passed over (B-66)."""
    assert negotiate(header) == language


def test_the_host_chooses_the_default() -> None:
    """Without a wish that can be met, the host's own default is spoken."""
    assert [negotiate(header, default="sv") for header in (None, "de", "*", "en")] == ["sv", "sv", "sv", "en"]


@pytest.mark.parametrize(
    "header",
    ["sv," * 33_334, "sv;q=0." + "1" * 100_000, "-" * 100_000, "a-" * 50_000, ";" * 100_000, " " * 100_000],
)
def test_a_huge_header_is_not_read(header: str) -> None:
    """100 kB of header give the default at once (B-66, B-65)."""
    assert negotiate(header) == "fi"
    assert quickest(lambda: negotiate(header)) < 0.02


@pytest.mark.parametrize("header", ["a," * 510 + "sv", "," * 1022 + "sv", "sv" + ";" * 1022])
def test_the_largest_header_that_is_read_is_cheap(header: str) -> None:
    """A header at the bound is read within a fraction of a request (B-65)."""
    assert negotiate(header) in LANGUAGES
    assert quickest(lambda: negotiate(header)) < 0.02


@given(st.text() | st.text(alphabet="fisven-*;q=01., \t"))
def test_the_answer_is_one_of_three(header: str) -> None:
    """Whatever a client sends, the answer is a language that exists (B-66)."""
    assert negotiate(header) in LANGUAGES


@given(st.permutations(LANGUAGES), st.lists(st.integers(1, 999), min_size=3, max_size=3, unique=True))
def test_the_highest_weight_wins(languages: list[str], weights: list[int]) -> None:
    """The order in the header does not matter where the weights differ."""
    header = ", ".join(f"{name};q=0.{weight:03}" for name, weight in zip(languages, weights, strict=True))
    assert negotiate(header) == languages[weights.index(max(weights))]
