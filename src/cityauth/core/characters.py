"""Which characters no identifier of any kind may hold, and why a text is refused.

Everything here runs before any normalization, which costs the square of the length on runs of
combining marks: the byte cap comes first.
"""

import re
import unicodedata
from enum import StrEnum

MAX_BYTES = 1024
"""Bytes of UTF-8 that an identifier may take, as entered and as a canonical value."""

FORMULA_STARTS = tuple("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20\u2212")
"""What a cell begins with when a spreadsheet runs it or passes it to another program (OWASP, CSV injection)."""

_ASCII_INVISIBLE = " \t\n\r\f\v\x1c\x1d\x1e\x1f"
"""ASCII white space, and the four separators of files, groups, records and units, which nobody sees either."""

# Unicode's properties White_Space and Default_Ignorable_Code_Point, and the marks of interlinear annotations (U+FFF9 to
# U+FFFB): a copied text may have such characters at its ends, where nobody sees them. NUL and the other controls are
# none of these.
_INVISIBLE = (
    _ASCII_INVISIBLE
    + "\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u3164\ufeff\uffa0"
    + "".join(
        chr(code_point)
        for first, last in (
            (0x180B, 0x180F), (0x2000, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F),
            (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
        )
        for code_point in range(first, last + 1)
    )
)  # fmt: skip

# What `str.isprintable` lets through: default-ignorable code points that are letters or marks
# (Unicode, DerivedCoreProperties), and the two characters whose compatibility form is "@".
_HIDDEN_OR_AT = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef\ufe6b\uff20]"
)

# Scripts that one language writes together (UTS #39, section 5.1), by the first word of their letters' names.
_WRITTEN_TOGETHER = (
    {"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA"},
    {"CJK", "IDEOGRAPHIC", "BOPOMOFO"},
    {"CJK", "IDEOGRAPHIC", "HANGUL"},
)


class Malformed(StrEnum):
    """Why a text is no identifier. The first group applies always, the second to new identifiers only."""

    NOT_TEXT = "not_text"
    """Not a string: a list, a mapping, bytes, a number, nothing."""
    EMPTY = "empty"
    """Nothing but white space and invisible characters."""
    TOO_LONG = "too_long"
    """Over `MAX_BYTES` bytes of UTF-8; for a new username also over its most code points."""
    FORBIDDEN_CHARACTER = "forbidden_character"
    """Holds a forbidden character, such as a control character or a bidi override."""
    UNRECOGNIZED = "unrecognized"
    """No kind of identifier takes it."""

    NOT_AN_ADDRESS = "not_an_address"
    """Not one deliverable e-mail address."""
    NEEDS_SMTPUTF8 = "needs_smtputf8"
    """An address with a non-ASCII local part, which the mailer cannot deliver to."""
    WRONG_KIND = "wrong_kind"
    """A new username with an at sign, which would belong to the e-mail addresses."""
    TOO_SHORT = "too_short"
    """A new username under its fewest code points."""
    RESERVED = "reserved"
    """A new username that speaks for the service."""
    COMPATIBILITY_CHARACTER = "compatibility_character"
    """A new username with a look-alike form of another character, such as a ligature."""
    MIXED_SCRIPT = "mixed_script"
    """A new identifier that mixes scripts within one word, as homographs do."""


def is_clean(text: str) -> bool:
    """Whether *text* holds none of the characters that no identifier may hold.

    Forbidden are Unicode's groups Other (controls, surrogates, private use, unassigned code points,
    noncharacters, format characters with all bidi controls) and Separator (line, paragraph and
    every space but the ASCII one), the default-ignorables among the rest, and U+FF20 and U+FE6B, of
    which normalization would make at signs.
    """
    return text.isprintable() and (text.isascii() or not _HIDDEN_OR_AT.search(text))


def strip_invisible(text: str) -> str:
    """Return *text* without the white space and invisible characters at its two ends."""
    return str.strip(text, _ASCII_INVISIBLE if text.isascii() else _INVISIBLE)


def clean(entered: object, max_bytes: int = MAX_BYTES) -> str | Malformed:
    """Return what was entered without what is invisible at its ends, or why it is not an identifier.

    Invisible characters come along when an identifier is copied from a page or a document. Inside
    the text they are refused. Nothing is normalized. *max_bytes* counts UTF-8 as entered. A refusal
    is one of ``NOT_TEXT``, ``TOO_LONG``, ``EMPTY`` and ``FORBIDDEN_CHARACTER``.
    """
    if not isinstance(entered, str):
        return Malformed.NOT_TEXT
    if exceeds(entered, max_bytes):
        return Malformed.TOO_LONG
    text = strip_invisible(entered)
    if not text:
        return Malformed.EMPTY
    return text if is_clean(text) else Malformed.FORBIDDEN_CHARACTER


def exceeds(text: str, max_bytes: int = MAX_BYTES) -> bool:
    """Whether *text* takes more than *max_bytes* of UTF-8, at a cost that the cap bounds."""
    return len(text) > max_bytes or (not text.isascii() and len(text.encode("utf-8", "surrogatepass")) > max_bytes)


def mixes_scripts(word: str) -> bool:
    """Whether the letters and digits of *word* come from scripts that no one language writes together.

    ASCII digits go with every script. The script is read off the character's Unicode name, which
    tells Latin from Cyrillic or Greek; look-alikes within one script are not found.
    """
    if word.isascii():  # letters are Latin, and digits go with every script
        return False
    scripts = scripts_of(word)
    return len(scripts) > 1 and not any(scripts <= together for together in _WRITTEN_TOGETHER)


def scripts_of(text: str) -> frozenset[str]:
    """The scripts of the letters and digits in *text*, such as ``LATIN``; ASCII digits belong to no script."""
    letters = (c for c in text if c.isalpha() or (c.isdecimal() and not c.isascii()))
    return frozenset(map(_script, letters)) - {"MODIFIER"}


def _script(character: str) -> str:
    """The first word of a letter's or digit's name, such as ``LATIN``."""
    name = unicodedata.name(character, "UNNAMED").removeprefix("EXTENDED ")
    return name.split(maxsplit=1)[0].partition("-")[0]
