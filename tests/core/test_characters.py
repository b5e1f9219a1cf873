"""Which characters and lengths no identifier may have."""

import unicodedata

import pytest
from precis_i18n.unicode import UnicodeData

from cityauth.core.characters import MAX_BYTES, Malformed, clean, exceeds, is_clean, mixes_scripts, strip_invisible
from tests.support.code_points import code_points
from tests.support.timing import quickest

EVERY_CHARACTER = code_points()


@pytest.mark.parametrize("entered", [None, True, 0, 7, 1.5, b"erkki", ["erkki"], ["a@x.fi", "b@x.fi"], {"erkki": 1}])
def test_only_text_is_taken(entered: object) -> None:
    """Lists, mappings, numbers, bytes and nothing are refused by type, not by an error (B-6, C-47, ASVS 15.3.5)."""
    assert clean(entered) is Malformed.NOT_TEXT


def test_subclass_of_text_becomes_plain_text() -> None:
    """A framework's own string class is taken and left behind (ASVS 15.3.5)."""

    class SafeText(str):
        __slots__ = ()

    taken = clean(SafeText("erkki"))
    assert taken == "erkki"
    assert type(taken) is str


@pytest.mark.parametrize("entered", ["", " ", " \t\r\n\f\v "])
def test_empty_text(entered: str) -> None:
    """Nothing but white space is empty (C-47)."""
    assert clean(entered) is Malformed.EMPTY


@pytest.mark.parametrize(
    ("entered", "expected"),
    [
        ("  erkki\r\n", "erkki"),
        ("\tmatti meikäläinen ", "matti meikäläinen"),
        ("\u00a0erkki", "erkki"),
        ("erkki\u3000", "erkki"),
        ("\ufeffåsa\u200b", "åsa"),
        ("\u202aerkki@example.com\u202c", "erkki@example.com"),
        ("\x1cerkki\x1f", "erkki"),
        ("\x1eåsa\x1d", "åsa"),
        ("\ufff9erkki\ufffb", "erkki"),
        ("er\x1ckki", Malformed.FORBIDDEN_CHARACTER),
        ("er\ufffakki", Malformed.FORBIDDEN_CHARACTER),
        ("\u2068\u200eerkki \u200f\u2069\r\n", "erkki"),
        ("er\nkki", Malformed.FORBIDDEN_CHARACTER),
        ("er\u00a0kki", Malformed.FORBIDDEN_CHARACTER),
        ("\0erkki", Malformed.FORBIDDEN_CHARACTER),
        ("erkki\x1b", Malformed.FORBIDDEN_CHARACTER),
        (" \u00a0\u200b\ufeff ", Malformed.EMPTY),
    ],
)
def test_what_is_invisible_at_the_ends_is_stripped(entered: str, expected: str) -> None:
    """White space and invisible characters go from both ends; inside, and any control character, they are refused (ASVS 1.1.1, B-9)."""
    assert clean(entered) == expected


def test_every_invisible_character_is_stripped_from_the_ends_and_refused_inside() -> None:
    """That is each white space, each default-ignorable character of Unicode and each mark of an annotation, and no other (ASVS 1.1.1, B-9)."""
    properties = UnicodeData()
    for character in EVERY_CHARACTER:
        invisible = (properties.default_ignorable(ord(character)) and unicodedata.category(character) != "Cn") or (
            character.isspace() or character in "\ufff9\ufffa\ufffb"
        )
        if invisible:
            assert strip_invisible(f"{character}é{character}") == "é", hex(ord(character))
            assert clean(f"é{character}é") is Malformed.FORBIDDEN_CHARACTER or character == " ", hex(ord(character))
        elif unicodedata.category(character) != "Cn":
            assert strip_invisible(f"{character}é{character}") != "é", hex(ord(character))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\x00", "NUL"),
        ("\x1b", "C0: the escape of terminal sequences"),
        ("\x7f", "DEL"),
        ("\x85", "C1"),
        ("\ud800", "lone surrogate"),
        ("\u0378", "unassigned"),
        ("\ue000", "private use"),
        ("\ufdd0", "noncharacter"),
        ("\U0010ffff", "noncharacter"),
        ("\u202e", "bidi override"),
        ("\u2066", "bidi isolate"),
        ("\u200f", "bidi mark"),
        ("\u00ad", "soft hyphen"),
        ("\u200d", "zero width joiner"),
        ("\ufeff", "byte order mark"),
        ("\u034f", "grapheme joiner"),
        ("\u3164", "hangul filler"),
        ("\ufe0f", "variation selector"),
        ("\U000e0100", "variation selector"),
        ("\u2028", "line separator"),
        ("\u2029", "paragraph separator"),
        ("\uff20", "fullwidth at sign"),
        ("\ufe6b", "small at sign"),
    ],
)
def test_forbidden_characters(text: str, why: str) -> None:
    """Characters that hide, reorder, break or imitate are refused wherever they stand (B-4, B-92, C-47)."""
    assert clean(f"a{text}b") is Malformed.FORBIDDEN_CHARACTER, why
    assert clean(text) is not text


def test_every_character_is_judged_by_its_properties() -> None:
    """The verdict on each code point is that of Unicode's categories and default-ignorable property (C-47)."""
    properties = UnicodeData()
    for character in EVERY_CHARACTER:
        category = unicodedata.category(character)
        forbidden = (
            category.startswith("C")
            or (category.startswith("Z") and character != " ")
            or properties.default_ignorable(ord(character))
            or "@" in unicodedata.normalize("NFKC", character).replace(character, "")
        )
        assert is_clean(character) is not forbidden, hex(ord(character))


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a" * MAX_BYTES, True),
        ("a" * (MAX_BYTES + 1), False),
        ("ä" * (MAX_BYTES // 2), True),
        ("ä" * (MAX_BYTES // 2) + "a", False),
        ("\ud800" * (MAX_BYTES // 3 + 1), False),
    ],
)
def test_cap_counts_bytes(text: str, fits: bool) -> None:
    """The cap counts bytes of UTF-8 and never fails on what has no UTF-8 (C-46, C-47)."""
    assert exceeds(text) is not fits
    assert (clean(text) is Malformed.TOO_LONG) is not fits


def test_cap_can_be_lowered() -> None:
    """A caller may cap lower than identifiers are capped (C-46)."""
    assert clean("erkki", max_bytes=4) is Malformed.TOO_LONG


def test_over_long_text_costs_nothing() -> None:
    """Ten megabytes of combining marks are refused by their length alone, within 0.1 s of processor time (B-56, B-64, C-46)."""
    bomb = "a" + "\u0301\u0316" * 5_000_000
    assert clean(bomb) is Malformed.TOO_LONG
    assert quickest(lambda: clean(bomb)) < 0.1


@pytest.mark.parametrize(
    ("word", "mixed"),
    [
        ("erkki_83", False),
        ("väinö", False),
        ("usеr", True),  # a Cyrillic е
        ("οmega", True),  # a Greek ο
        ("вера7", False),
        ("r०bin", True),  # a Devanagari zero
        ("علي۳", False),
        ("東京タワーです々", False),
        ("서울特別", False),
        ("東京tower", True),
        ("한ひ", True),
        ("oʻzbek", False),
        ("\U00017000\U00017001", False),
        ("_-.", False),
        ("", False),
    ],
)
def test_mixed_scripts(word: str, mixed: bool) -> None:
    """A word that mixes scripts no language writes together is told from one that does not (B-14)."""
    assert mixes_scripts(word) is mixed


def test_every_letter_has_a_script() -> None:
    """The script of no character fails to be read, and none is mixed with itself (B-14)."""
    assert not any(mixes_scripts(character) for character in EVERY_CHARACTER)
