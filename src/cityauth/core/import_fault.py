"""What can be wrong with a row of an import. The codes are a published contract; `docs/import.md` lists them."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ImportFault(StrEnum):
    """Why a row was quarantined. A code keeps its meaning for ever, and no code is used for two meanings."""

    ROW_COLUMNS = "row.columns"
    ROW_DUPLICATE_HEADER = "row.duplicate_header"
    ROW_SECOND_HEADER = "row.second_header"
    ROW_OTHER_HEADER = "row.other_header"
    ROW_ENCODING = "row.encoding"
    ROW_NUL = "row.nul"
    ROW_TOO_LONG = "row.too_long"
    ROW_QUOTES = "row.quotes"
    ROW_JSON = "row.json"
    ROW_EMPTY = "row.empty"

    CELL_NULL_WORD = "cell.null_word"
    CELL_NUMBER = "cell.number"
    CELL_DATE = "cell.date"
    CELL_QUOTES = "cell.quotes"
    CELL_TRAILING_SEPARATOR = "cell.trailing_separator"
    CELL_SHEET_ERROR = "cell.sheet_error"
    CELL_MOJIBAKE = "cell.mojibake"
    CELL_NOT_TEXT = "cell.not_text"

    EXTERNAL_ID_MISSING = "external_id.missing"
    EXTERNAL_ID_TOO_LONG = "external_id.too_long"
    EXTERNAL_ID_FORBIDDEN_CHARACTER = "external_id.forbidden_character"
    EXTERNAL_ID_DUPLICATE = "external_id.duplicate"
    EXTERNAL_ID_TAKEN = "external_id.taken"

    REALM_MISSING = "realm.missing"
    REALM_UNKNOWN = "realm.unknown"

    USERNAME_MISSING = "username.missing"
    USERNAME_TOO_LONG = "username.too_long"
    USERNAME_FORBIDDEN_CHARACTER = "username.forbidden_character"
    USERNAME_UNRECOGNIZED = "username.unrecognized"
    USERNAME_TAKEN = "username.taken"
    USERNAME_ERASED = "username.erased"

    EMAIL_TOO_LONG = "email.too_long"
    EMAIL_FORBIDDEN_CHARACTER = "email.forbidden_character"
    EMAIL_NOT_AN_ADDRESS = "email.not_an_address"
    EMAIL_NEEDS_SMTPUTF8 = "email.needs_smtputf8"
    EMAIL_MIXED_SCRIPT = "email.mixed_script"

    CONTACT_TOO_LONG = "contact.too_long"
    CONTACT_FORBIDDEN_CHARACTER = "contact.forbidden_character"
    CONTACT_NOT_AN_ADDRESS = "contact.not_an_address"
    CONTACT_NEEDS_SMTPUTF8 = "contact.needs_smtputf8"
    CONTACT_MIXED_SCRIPT = "contact.mixed_script"

    NAME_MISSING = "name.missing"
    NAME_TOO_LONG = "name.too_long"
    NAME_FORBIDDEN_CHARACTER = "name.forbidden_character"

    LANGUAGE_UNKNOWN = "language.unknown"
    STATUS_UNKNOWN = "status.unknown"

    HASH_UNKNOWN_FORMAT = "hash.unknown_format"
    HASH_NOT_INSTALLED = "hash.not_installed"
    HASH_PLAIN_TEXT = "hash.plain_text"
    HASH_CORRUPT = "hash.corrupt"
    HASH_OVER_LIMIT = "hash.over_limit"
    HASH_UNKNOWN_ENCODING = "hash.unknown_encoding"
    HASH_NEEDS_USERNAME = "hash.needs_username"

    DELTA_BOTH_CHANGED = "delta.both_changed"
    DELTA_REMOVED = "delta.removed"
    DELTA_SIGNS_IN = "delta.signs_in"
    DELTA_REALM = "delta.realm"
    DELTA_MEANWHILE = "delta.meanwhile"

    @property
    def sentence(self) -> str:
        """What the code means, in English, for the person who runs the import. It holds nothing of the row."""
        return SENTENCES[self]


_F: Final = ImportFault
SENTENCES: Final = MappingProxyType(
    {
        _F.ROW_COLUMNS: "the row has another number of cells than the header, or a key that is no column",
        _F.ROW_DUPLICATE_HEADER: "one column is named twice",
        _F.ROW_SECOND_HEADER: "the row is a second header, as when files are put one after the other",
        _F.ROW_OTHER_HEADER: "a second header before this row has other columns than the first, so the cells may be"
        " in the wrong columns",
        _F.ROW_ENCODING: "the row is not UTF-8",
        _F.ROW_NUL: "the row holds a NUL byte",
        _F.ROW_TOO_LONG: "the row is longer than 65,536 bytes",
        _F.ROW_QUOTES: 'a quotation mark (") opens and does not close, or stands inside a cell that is not quoted',
        _F.ROW_JSON: "the line is not one JSON object",
        _F.ROW_EMPTY: "every cell of the row is empty",
        _F.CELL_NULL_WORD: 'the cell holds a word for "nothing", such as NULL, in place of nothing',
        _F.CELL_NUMBER: "a program took the cell for a number and wrote it anew, such as 1.00E+05",
        _F.CELL_DATE: "the cell is a date or a time; a spreadsheet may have made it of something else",
        _F.CELL_QUOTES: "quotation marks or an apostrophe stand around the text of the cell",
        _F.CELL_TRAILING_SEPARATOR: "a separator, such as a semicolon or a tab, stands in the cell",
        _F.CELL_SHEET_ERROR: "the cell holds an error value of a spreadsheet, such as #REF! or ####",
        _F.CELL_MOJIBAKE: "letters of the cell were lost or doubled when it was read in a wrong encoding once",
        _F.CELL_NOT_TEXT: "the value is not text: numbers, true, false, lists and objects are not accepted",
        _F.EXTERNAL_ID_MISSING: "the row has no external_id",
        _F.EXTERNAL_ID_TOO_LONG: "the external_id is longer than 255 characters",
        _F.EXTERNAL_ID_FORBIDDEN_CHARACTER: "the external_id holds a control character or an invisible character",
        _F.EXTERNAL_ID_DUPLICATE: "an earlier row of this file has the same external_id",
        _F.EXTERNAL_ID_TAKEN: "an account that did not come from an import has this external_id",
        _F.REALM_MISSING: "the row has no realm",
        _F.REALM_UNKNOWN: "the realm is not in the policy",
        _F.USERNAME_MISSING: "the row has neither a username nor an address: nothing could ever sign in",
        _F.USERNAME_TOO_LONG: "the username is longer than 1,024 bytes",
        _F.USERNAME_FORBIDDEN_CHARACTER: "the username holds a control character or an invisible character",
        _F.USERNAME_UNRECOGNIZED: "the username could not be found by what its owner types",
        _F.USERNAME_TAKEN: "another account has this username as an identifier, or an earlier row has it",
        _F.USERNAME_ERASED: "an account that was erased had this username",
        _F.EMAIL_TOO_LONG: "the address in email is longer than 1,024 bytes",
        _F.EMAIL_FORBIDDEN_CHARACTER: "the address in email holds a control character or an invisible character",
        _F.EMAIL_NOT_AN_ADDRESS: "the text in email is not one e-mail address",
        _F.EMAIL_NEEDS_SMTPUTF8: "mail does not reach the address in email: letters such as ä stand before the @",
        _F.EMAIL_MIXED_SCRIPT: "the address in email mixes letters of several alphabets",
        _F.CONTACT_TOO_LONG: "the address in contact is longer than 1,024 bytes",
        _F.CONTACT_FORBIDDEN_CHARACTER: "the address in contact holds a control character or an invisible character",
        _F.CONTACT_NOT_AN_ADDRESS: "the text in contact is not one e-mail address",
        _F.CONTACT_NEEDS_SMTPUTF8: "mail does not reach the address in contact: letters such as ä stand before the @",
        _F.CONTACT_MIXED_SCRIPT: "the address in contact mixes letters of several alphabets",
        _F.NAME_MISSING: "the row has no display_name",
        _F.NAME_TOO_LONG: "the display_name is longer than 150 characters",
        _F.NAME_FORBIDDEN_CHARACTER: "the display_name holds a control character or an invisible character",
        _F.LANGUAGE_UNKNOWN: "the language is none of fi, sv, en",
        _F.STATUS_UNKNOWN: "the status is neither active nor disabled",
        _F.HASH_UNKNOWN_FORMAT: "the password_hash is of no known format, or password_format names none",
        _F.HASH_NOT_INSTALLED: "the library that runs this format is not installed: it comes with the extra 'legacy'",
        _F.HASH_PLAIN_TEXT: "the password_hash is the password itself, marked as not hashed",
        _F.HASH_CORRUPT: "the password_hash begins like a known format, and the rest does not follow it",
        _F.HASH_OVER_LIMIT: "running the password_hash would cost more than the policy allows",
        _F.HASH_UNKNOWN_ENCODING: "the password_encoding is not known",
        _F.HASH_NEEDS_USERNAME: "the password_hash is PostgreSQL's md5: its salt is the username, and the row has none",
        _F.DELTA_BOTH_CHANGED: "the source and this service have both changed this since the last import",
        _F.DELTA_REMOVED: "the source has this no longer; it stays here until people remove it",
        _F.DELTA_SIGNS_IN: "the source has another address, and an e-mail address of the account signs in by now: an"
        " import does not change what signs in",
        _F.DELTA_REALM: "the account is of another realm, and an import moves nobody between realms",
        _F.DELTA_MEANWHILE: "the account was added or changed by somebody else during the import: import again",
    }
)
"""The sentence of every code."""


@dataclass(frozen=True, slots=True)
class RowFault:
    """One thing that is wrong with a row.

    Attributes:
        code: What it is.
        column: The column that it is about; empty when it is about the whole row.
        detail: What a person needs beside the sentence of the code, such as a line number; mostly empty. It never
            holds the text of a cell.
    """

    code: ImportFault
    column: str = ""
    detail: str = ""

    @property
    def message(self) -> str:
        """The fault as one sentence: the column, what is wrong with it, and the detail."""
        whole = f"{self.column}: {self.code.sentence}" if self.column else self.code.sentence
        return f"{whole} ({self.detail})" if self.detail else whole
