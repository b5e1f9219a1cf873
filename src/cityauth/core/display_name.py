"""A display name: what is shown in the top bar of every page and in lists."""

import unicodedata

from cityauth.core.characters import strip_invisible
from cityauth.core.problem import Problem
from cityauth.messages.codes import Code

MAX_NAME = 150
"""Characters of a display name; longer than any in Finland's population register needs."""

_FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Controls, format characters (bidi controls among them), surrogates, private use, unassigned, line separators."""

_JOINERS = "\u200c\u200d"
"""Zero width non-joiner and joiner: Persian, Kurdish and many Indian names are spelled with them."""

_VIRAMA = 9
"""The combining class of the sign that drops a vowel; a joiner after it may also end a word."""


def read_name(entered: object) -> str | Problem:
    """Return the name in NFC, without what is invisible at its ends, or what is wrong with it."""
    if not isinstance(entered, str):
        return Problem(Code.NAME_EMPTY)
    if len(entered) > 4 * MAX_NAME:
        return Problem(Code.NAME_TOO_LONG, {"maximum": MAX_NAME})
    stripped = _strip(entered)
    if any(not _is_allowed(stripped, position) for position in range(len(stripped))):
        return Problem(Code.NAME_FORBIDDEN_CHARACTER)
    name = unicodedata.normalize("NFC", stripped)
    if not name:
        return Problem(Code.NAME_EMPTY)
    if len(name) > MAX_NAME:
        return Problem(Code.NAME_TOO_LONG, {"maximum": MAX_NAME})
    return name


def _strip(entered: str) -> str:
    """Remove what is invisible at both ends, but not a joiner that belongs to the last letter."""
    stripped = strip_invisible(entered)
    if stripped and unicodedata.combining(stripped[-1]) == _VIRAMA:
        after = entered[entered.rfind(stripped) + len(stripped) :][:1]
        return stripped + after if after in _JOINERS else stripped
    return stripped


def _is_allowed(text: str, position: int) -> bool:
    """Whether the character at *position* may stand there."""
    character = text[position]
    if character in _JOINERS:
        return _joins(text, position)
    return unicodedata.category(character) not in _FORBIDDEN


def _joins(text: str, position: int) -> bool:
    """Whether the joiner at *position* stands between two letters of a script, or after a virama."""
    if position == 0:
        return False
    if unicodedata.combining(text[position - 1]) == _VIRAMA:
        return True
    return _is_of_letter(text[position - 1]) and _is_of_letter(text[position + 1 : position + 2])


def _is_of_letter(character: str) -> bool:
    """Whether *character* is a letter or a mark on one."""
    return character != "" and unicodedata.category(character)[0] in "LM"
