"""What a quarantine file says of a row: where it stands, what is wrong with it, and the row without its secrets.

People open such a file in a spreadsheet. So no cell of it begins a formula, and no cell holds a stored hash or a
password that slipped into a wrong column.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cityauth.core.characters import FORMULA_STARTS, is_clean
from cityauth.core.import_fault import RowFault
from cityauth.core.import_row import COLUMNS, UNREADABLE, ImportRow

QUARANTINE_COLUMNS: Final = ("line", "row", "codes", "reasons", *COLUMNS)
"""The header of a quarantine file."""

REDACTED: Final = "[redacted]"
"""Stands for a stored hash, and for what may be one."""

_HASH: Final = re.compile(
    r"\$[^$]+\$|\{[A-Za-z0-9.-]+\}|\*[0-9A-Fa-f]{40}|0x0[12]00|(?:pbkdf2|scrypt|argon2|bcrypt|md5|sha\d*)[^@ ]*[$:|]",
    re.IGNORECASE,
)
"""How a stored hash begins, whatever column it is in."""

_DOUBTFUL: Final = re.compile(r"[$*{}|=\\]|[0-9A-Fa-f]{16}|^[^@ ]{20,}$")
"""What a cell shows that may be a secret, in a row whose cells may be in wrong columns."""

_HIDDEN_AT: Final = COLUMNS.index("password_hash")
_NAME_AT: Final = COLUMNS.index("display_name")


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that was not imported, with everything that is wrong with it."""

    row: ImportRow
    faults: tuple[RowFault, ...]

    def cells(self) -> tuple[str, ...]:
        """Return the line of the quarantine file, one text for each of `QUARANTINE_COLUMNS`."""
        codes = " ".join(dict.fromkeys(fault.code.value for fault in self.faults))
        reasons = "; ".join(dict.fromkeys(fault.message for fault in self.faults))
        return (str(self.row.line), str(self.row.number), codes, reasons, *redact(self.row, self.faults))


def redact(row: ImportRow, faults: Sequence[RowFault]) -> tuple[str, ...]:
    """Return the cells of *row* in the order of `COLUMNS`, harmless in a spreadsheet and without secrets.

    If a fault makes it unclear which cell belongs to which column, everything that may be a secret is left out.
    """
    in_doubt = any(fault.code in UNREADABLE for fault in faults)
    shown = _first_doubtful(row) if in_doubt else len(COLUMNS)
    return tuple(
        REDACTED if text and _is_secret(index, text, in_doubt, shown) else harmless(text)
        for index, text in enumerate(row.cells.get(column, "") for column in COLUMNS)
    )


def _first_doubtful(row: ImportRow) -> int:
    """Return the number of the first column whose cell may belong to another column."""
    if tuple(row.cells) != COLUMNS[: len(row.cells)]:
        return 1
    missing = len(COLUMNS) - len(row.cells)
    return max(1, min(_NAME_AT, _HIDDEN_AT - missing))


def harmless(text: str) -> str:
    """Return *text* on one line, as text for a spreadsheet: an apostrophe stands before what would be a formula."""
    shown = text if is_clean(text) else "".join(map(_escaped, text))
    return f"'{shown}" if text.startswith(FORMULA_STARTS) else shown


def _is_secret(index: int, text: str, in_doubt: bool, shown: int) -> bool:  # noqa: FBT001 - within this file
    if index == _HIDDEN_AT or _HASH.match(text.lstrip("\"' ")):
        return True
    return in_doubt and (index >= shown or _DOUBTFUL.search(text) is not None)


def _escaped(char: str) -> str:
    if is_clean(char):
        return char
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape", "backslashreplace").decode()
