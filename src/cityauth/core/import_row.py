"""One row of an import: a person ready to be added, or everything that is wrong with the row."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cityauth.core.accounts import Account, Status, read_name
from cityauth.core.answers import Problem
from cityauth.core.characters import Malformed, is_clean, strip_invisible
from cityauth.core.identifiers import Identifier, IdentifierKind, inherit, register
from cityauth.core.import_cells import find_accidents, is_plain
from cityauth.core.import_fault import ImportFault, RowFault
from cityauth.core.mail import contact_key, mail_address
from cityauth.core.population import SourceRecord
from cityauth.messages import LANGUAGES
from cityauth.messages.codes import Code

COLUMNS: Final = (
    "external_id",
    "realm",
    "username",
    "email",
    "contact",
    "display_name",
    "language",
    "status",
    "password_hash",
    "password_format",
    "password_encoding",
)
"""The columns of an import, by name. Their order in a file is free."""

MAX_EXTERNAL_ID: Final = 255
"""The most characters of an external id."""

_NAME_FAULTS: Final = {
    Code.NAME_EMPTY: ImportFault.NAME_MISSING,
    Code.NAME_TOO_LONG: ImportFault.NAME_TOO_LONG,
    Code.NAME_FORBIDDEN_CHARACTER: ImportFault.NAME_FORBIDDEN_CHARACTER,
}
_STATUSES: Final = {"": Status.ACTIVE, **{status.value: status for status in Status}}


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row as it stands in a file.

    Attributes:
        line: The line of the file on which the row begins; the first line is 1.
        number: Which row it is; the first after the header is 1.
        cells: The text of each column; a column that is not there counts as empty.
        faults: What was found wrong when the row was read from the file.
    """

    line: int
    number: int
    cells: Mapping[str, str] = field(repr=False)
    faults: tuple[RowFault, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportRules:
    """The rules of one deployment for imported people.

    Attributes:
        realms: The policy's realms.
        email: The e-mail kind by whose rules addresses are read.
        accept_invalid_email: Whether a person whose address does not pass is added without an address on file. The
            text stays in the source record, and the plan names it.
    """

    realms: Container[str]
    email: IdentifierKind
    accept_invalid_email: bool = False


class SourcePerson(NamedTuple):
    """A person as the older system knows them, read by today's rules.

    A named tuple, because an import makes a million of them.

    Attributes:
        external_id: The older system's own key.
        realm: One of the policy's realms.
        username: The old username, or ``None``.
        email: The text of the column ``email``; empty when there is none.
        contact: The text of the column ``contact``; empty when there is none.
        address: Where mail goes: ``email``, or else ``contact``; ``None`` where neither is an address.
        display_name: The name as shown.
        language: ``fi``, ``sv`` or ``en``.
        status: Whether the account may sign in.
    """

    external_id: str
    realm: str
    username: Identifier | None
    email: str
    contact: str
    address: str | None
    display_name: str
    language: str
    status: Status


def read_row(row: ImportRow, rules: ImportRules) -> SourcePerson | tuple[RowFault, ...]:
    """Return the person of *row*, or all of its faults in the order of the columns.

    The stored hash is not looked at: what can be verified is the hasher's to say.
    """
    if row.faults and any(fault.code in UNREADABLE for fault in row.faults):
        return row.faults
    if not row.faults and not any(map(strip_invisible, row.cells.values())):
        return (RowFault(ImportFault.ROW_EMPTY),)
    reader = _RowReader(row, rules)
    person = reader.read()
    return tuple(reader.faults) if reader.faults else person


UNREADABLE: Final = frozenset(
    {
        ImportFault.ROW_COLUMNS,
        ImportFault.ROW_SECOND_HEADER,
        ImportFault.ROW_OTHER_HEADER,
        ImportFault.ROW_NUL,
        ImportFault.ROW_TOO_LONG,
        ImportFault.ROW_QUOTES,
        ImportFault.ROW_JSON,
    }
)
"""Faults that make it unclear which cell belongs to which column: then the cells are not checked."""


class _RowReader:
    """Reads the cells of one row and gathers what is wrong with them. It is a class because every cell adds faults."""

    __slots__ = ("_cells", "_rules", "faults")

    def __init__(self, row: ImportRow, rules: ImportRules) -> None:
        self.faults = list(row.faults)
        self._rules = rules
        self._cells = {column: self._read_cell(column, row.cells.get(column, "")) for column in COLUMNS}

    def read(self) -> SourcePerson:
        """Read every cell. Use the person only if `faults` is empty."""
        external_id = self._external_id()
        realm = self._realm()
        username = self._username()
        email = self._address("email")
        contact = self._address("contact")
        return SourcePerson(
            external_id,
            realm,
            username,
            self._cells["email"],
            self._cells["contact"],
            email or contact,
            self._display_name(),
            self._language(),
            self._status(),
        )

    def _read_cell(self, column: str, cell: str) -> str:
        """Return the text of a cell, or name what an export has done to it: then it is not judged further."""
        if self.faults and RowFault(ImportFault.CELL_NOT_TEXT, column) in self.faults:
            return _SPOILED
        if not cell or is_plain(cell):
            return cell
        if accidents := find_accidents(cell, is_name=column == "display_name"):
            self.faults += [RowFault(code, column) for code in accidents]
            return _SPOILED
        if self.faults and self.faults[0].code is ImportFault.ROW_ENCODING and _has_surrogates(cell):
            return _SPOILED
        return strip_invisible(cell)

    def _fault(self, code: ImportFault, column: str) -> None:
        self.faults.append(RowFault(code, column))

    def _external_id(self) -> str:
        text = self._cells["external_id"]
        if text is not _SPOILED:
            if not text:
                self._fault(ImportFault.EXTERNAL_ID_MISSING, "external_id")
            elif len(text) > MAX_EXTERNAL_ID:
                self._fault(ImportFault.EXTERNAL_ID_TOO_LONG, "external_id")
            elif not is_clean(text):
                self._fault(ImportFault.EXTERNAL_ID_FORBIDDEN_CHARACTER, "external_id")
        return text

    def _realm(self) -> str:
        text = self._cells["realm"]
        if text is not _SPOILED and text not in self._rules.realms:
            self._fault(ImportFault.REALM_UNKNOWN if text else ImportFault.REALM_MISSING, "realm")
        return text

    def _username(self) -> Identifier | None:
        text = self._cells["username"]
        if text is _SPOILED:
            return None
        if not text:
            if not (self._cells["email"] or self._cells["contact"]):
                self._fault(ImportFault.USERNAME_MISSING, "username")
            return None
        read = inherit(text)
        if isinstance(read, Malformed):
            self._fault(ImportFault(f"username.{read.value}"), "username")
            return None
        return read

    def _address(self, column: str) -> str | None:
        text = self._cells[column]
        if not text or text is _SPOILED:
            return None
        read = register(text, self._rules.email)
        if isinstance(read, Malformed):
            if not self._rules.accept_invalid_email or read in {Malformed.FORBIDDEN_CHARACTER, Malformed.TOO_LONG}:
                self._fault(ImportFault(f"{column}.{read.value}"), column)
            return None
        return mail_address(read)

    def _display_name(self) -> str:
        text = self._cells["display_name"]
        name = text if text is _SPOILED else read_name(text)
        if isinstance(name, Problem):
            self._fault(_NAME_FAULTS[name.code], "display_name")
            return ""
        return name

    def _language(self) -> str:
        text = self._cells["language"]
        if text and text is not _SPOILED and text not in LANGUAGES:
            self._fault(ImportFault.LANGUAGE_UNKNOWN, "language")
        return text or "fi"

    def _status(self) -> Status:
        text = self._cells["status"]
        if text is not _SPOILED and text not in _STATUSES:
            self._fault(ImportFault.STATUS_UNKNOWN, "status")
        return _STATUSES.get(text, Status.DISABLED)


_SPOILED: Final = "(spoiled)"
"""Stands for the text of a cell that already has a fault. It is compared by identity."""


def address_on_file(email: str, contact: str, kind: IdentifierKind) -> str | None:
    """Return where mail goes to a person with these cells: *email*, or else *contact*; ``None`` if none passes."""
    for text in filter(None, (email, contact)):
        read = register(text, kind)
        if not isinstance(read, Malformed):
            return mail_address(read)
    return None


def is_for_mail_alone(account: Account, source: SourceRecord | None) -> bool:
    """Whether the account's contact is what the file gave as ``contact``, and not the person's own ``email``.

    Mail goes there, but it never becomes a login name: it may be the address of a guardian or of an office.
    """
    if source is None or not source.contact or account.contact is None:
        return False
    key = contact_key(account.contact)
    return key == contact_key(source.contact) and key != contact_key(source.email)


def _has_surrogates(text: str) -> bool:
    """Whether *text* holds bytes that were not UTF-8, as ``surrogateescape`` keeps them."""
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)
