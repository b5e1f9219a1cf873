"""Read a display name: what is shown in every page's top bar and in lists."""

import unicodedata

from cityauth.core.problem import Problem
from cityauth.messages.codes import Code

MAX_NAME = 150
"""Characters of a display name; longer than any in Finland's population register needs."""

_FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Controls, formats (bidi among them), surrogates, private, unassigned, separators of lines (B-9, B-92)."""


def read_name(entered: object) -> str | Problem:
    """Return the name in NFC without outer spaces, or what is wrong with it."""
    if not isinstance(entered, str):
        return Problem(Code.NAME_EMPTY)
    if len(entered) > 4 * MAX_NAME:
        return Problem(Code.NAME_TOO_LONG, {"maximum": MAX_NAME})
    if any(unicodedata.category(character) in _FORBIDDEN for character in entered.strip()):
        return Problem(Code.NAME_FORBIDDEN_CHARACTER)
    name = unicodedata.normalize("NFC", entered.strip())
    if not name:
        return Problem(Code.NAME_EMPTY)
    if len(name) > MAX_NAME:
        return Problem(Code.NAME_TOO_LONG, {"maximum": MAX_NAME})
    return name
