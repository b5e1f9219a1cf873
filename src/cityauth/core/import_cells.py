"""What spreadsheets and exports do to a cell: each such accident has a code, and none is repaired.

A cell that says ``NULL`` is neither empty nor somebody's username, and nobody can know which was meant. So the row goes
back to people.
"""

import re
import unicodedata
from typing import Final

from cityauth.core.characters import strip_invisible
from cityauth.core.import_fault import ImportFault

_NULL_WORDS: Final = frozenset(
    {
        "null", "nil", "none", "nan", "-nan", "n/a", "na", "undefined", "\\n", "(null)", "<null>", "[null]", "<none>",
        "<na>", "(none)", "#na", "1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind", "nat", "dbnull", "system.dbnull",
    }
)  # fmt: skip
"""What databases, spreadsheets and programs write for "nothing", in lower case."""

_LONGEST_WORD: Final = max(map(len, _NULL_WORDS))

_NAMES_TOO: Final = frozenset({"na", "nat", "nil"})
"""Words for "nothing" that are short names as well: they count only in capitals, or as ``NaT``."""

_SHEET_ERROR: Final = re.compile(
    r"#(?:n/a|ref!|value!|name\?|div/0!|null!|num!|spill!|calc!|puuttuu!?|viittaus!|arvo!|nimi\?|jako/0!|tyhjä!|luku!"
    r"|saknas!|referens!|värdefel!|namn\?|division/0!|skärning!|ogiltigt!|#{2,})",
    re.IGNORECASE,
)
"""The error values of spreadsheets in English, Finnish and Swedish, and the marks of a column that is too narrow."""

_NUMBER: Final = re.compile(
    r"[+-]?(?:\d+[.,]\d*[eE][+-]?\d+|\d+[eE][+-]\d+|\d+[.,]0+|\d{1,3}(?:[ \xa0\u202f]\d{3})+(?:[.,]\d+)?)"
)
"""A number that a program wrote anew: ``1.00E+05``, ``1,2e-05``, ``1e+21``, ``100000.0``, ``100 000,00``."""

_MONTH: Final = (
    "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|maj|okt|january|february|march|april|june|july|august"
    "|september|october|november|december|januari|februari|mars|juni|juli|augusti|oktober)"
)
_FINNISH_MONTH: Final = "(?:tammi|helmi|maalis|huhti|touko|kesä|heinä|elo|syys|loka|marras|joulu)(?:kuu|kuuta)?"
_DATE: Final = re.compile(
    rf"\d{{1,2}}[./]\d{{1,2}}[./](?:\d{{2}}|\d{{4}})(?:[ T].*)?|\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}(?:[ T].*)?"
    rf"|\d{{1,2}}-\d{{1,2}}-\d{{4}}|\d{{1,2}}\.\d{{1,2}}\."
    rf"|\d{{1,2}}[- .]{{1,2}}{_MONTH}\.?(?:[- ]\d{{2,4}})?|{_MONTH}[- ]\d{{2,4}}"
    rf"|\d{{1,2}}\.? ?{_FINNISH_MONTH}\.?(?:[. ]\d{{2,4}})?|{_FINNISH_MONTH}[. ]\d{{2,4}}"
    r"|\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?",
    re.IGNORECASE,
)
"""A date or a time, as spreadsheets write what they took for one: ``5-Mar``, ``5.maalis``, ``2024-03-05 00:00:00``."""

_QUOTES: Final = "\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u00b4"
_SEPARATORS: Final = ";,|\t"
_MOJIBAKE: Final = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u0178\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]")
"""How the first two bytes of a letter in UTF-8 look when they are read as Latin-1 or Windows-1252."""

_LETTER: Final = "[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]"
_PLAIN: Final = re.compile(
    rf"\d+|{_LETTER}(?:(?:{_LETTER}|[0-9@._+$/=: -])*(?:{_LETTER}|=))?\d*|\$[!-~]+[A-Za-z0-9./=]|",
)
"""What almost every cell looks like. The only accident that looks like this is a word for "nothing"."""


def is_plain(cell: str) -> bool:
    """Whether *cell* is plain, as almost every cell is: without an accident, and without blanks around it."""
    return _PLAIN.fullmatch(cell) is not None and not (len(cell) <= _LONGEST_WORD and _is_null_word(cell))


def find_accidents(cell: str, *, is_name: bool = False) -> tuple[ImportFault, ...]:
    """Return everything that an export or a spreadsheet has done to *cell*; empty when nothing shows.

    Args:
        cell: The text of a cell.
        is_name: Whether it is a person's name, which may begin or end with a nickname in quotation marks.
    """
    if is_plain(cell):
        return ()
    text = strip_invisible(cell)
    if not text:
        return (ImportFault.CELL_TRAILING_SEPARATOR,) if "\t" in cell else ()
    found = []
    if _is_null_word(text):
        found.append(ImportFault.CELL_NULL_WORD)
    if _SHEET_ERROR.fullmatch(text):
        found.append(ImportFault.CELL_SHEET_ERROR)
    if _NUMBER.fullmatch(text):
        found.append(ImportFault.CELL_NUMBER)
    elif _DATE.fullmatch(text):
        found.append(ImportFault.CELL_DATE)
    if _is_quoted(text.strip(_SEPARATORS + " "), is_name=is_name):
        found.append(ImportFault.CELL_QUOTES)
    if text[0] in _SEPARATORS or text[-1] in _SEPARATORS or "\t" in cell:
        found.append(ImportFault.CELL_TRAILING_SEPARATOR)
    if not text.isascii() and _is_mojibake(text):
        found.append(ImportFault.CELL_MOJIBAKE)
    return tuple(found)


def _is_null_word(text: str) -> bool:
    lowered = text.lower()
    if lowered not in _NULL_WORDS:
        return False
    return lowered not in _NAMES_TOO or text in {"NA", "NaT", "NIL"}


def _is_quoted(text: str, *, is_name: bool) -> bool:
    """Whether *text* stands in quotation marks, or a spreadsheet's mark for text stands before it."""
    if not text:
        return False
    first, last = text[0] in _QUOTES, text[-1] in _QUOTES
    return (first and last) if is_name else (first or last)


def _is_mojibake(text: str) -> bool:
    """Whether *text* was read in a wrong encoding once, so that letters were lost or doubled."""
    if "\ufffd" in text:
        return True
    if not _MOJIBAKE.search(unicodedata.normalize("NFC", text)):
        return False
    for encoding in ("windows-1252", "latin-1"):
        try:
            text.encode(encoding).decode()
        except UnicodeError:
            continue
        return True
    return False
