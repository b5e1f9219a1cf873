"""A population: its people on their way in from another system, and as a migration plan reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from cityauth.core.accounts import Account, AccountId
from cityauth.core.import_fault import ImportFault
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.secret import SecretStr


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What the older system said of one person at the last import.

    The next import compares three values of each column: the source's now, the store's, and this one. So it
    separates what changed in the source from what the person changed here. All texts are as the file had them.

    Attributes:
        external_id: The older system's own key of the person; it stays on the account.
        account_id: The account that was made of the row.
        username: The old username; empty when there was none.
        email: The address on file; empty when there was none. It may be one that no rule accepts.
        contact: The column ``contact``: where mail goes to a person without an *email*. It never becomes a login name.
        display_name: The person's name.
        language: The language of pages and mails.
        status: Whether the account may sign in.
        hash_digest: A SHA-256 of the stored hash, in hex, so that a new password is noticed; empty without a hash.
        imported_at: When the row was last imported.
    """

    external_id: str
    account_id: AccountId
    username: str
    email: str
    contact: str
    display_name: str
    language: str
    status: str
    hash_digest: str
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class NewPerson:
    """One person that an import adds.

    Attributes:
        account: The account, with its `external_id`.
        account_identifiers: Its identifiers.
        password_hash: Its stored hash, or ``None``.
        source: What the older system said.
        tombstones: Every tombstone that the identifiers may have.
        hash_kind: The `HashKind.sample` of *password_hash*, for counting; empty if it is not known.
    """

    account: Account
    account_identifiers: tuple[AccountIdentifier, ...]
    password_hash: SecretStr | None
    source: SourceRecord
    tombstones: tuple[bytes, ...] = ()
    hash_kind: str = ""


class PopulationRow(NamedTuple):
    """One account as a migration plan reads it.

    A named tuple, because a plan reads a million of them.

    Attributes:
        account: The account.
        account_identifiers: Its identifiers of every status, oldest first.
        has_password: Whether a hash is stored.
        email_on_file: The contact; without one, the address of the last import, which may pass no rule; or empty.
        contact_key: The key of the contact, as an identifier would have it; empty without a contact.
        address_used: Another account, of any realm or status, has the contact's key as its contact, or as an identifier
            that is no username, of any status.
        address_is_username: Another account has the contact's key as a username, of any status.
        username_is_address: Another account has the key of one of this account's usernames, of any status, as its
            contact.
        has_source_contact: The last import gave a ``contact`` for the person, so the account's contact may be one that
            is for mail alone.
    """

    account: Account
    account_identifiers: tuple[AccountIdentifier, ...]
    has_password: bool
    email_on_file: str
    contact_key: str
    address_used: bool
    address_is_username: bool
    username_is_address: bool
    has_source_contact: bool = False


class KeyUse(NamedTuple):
    """One use of a key: as an account's contact, or as one of its identifiers.

    Attributes:
        key: The key.
        account_id: The account.
        external_id: The account's `external_id`.
        display_name: The account's display name.
        kind: ``contact``, or the identifier's kind.
        status: The identifier's status; ``None`` for a contact.
    """

    key: str
    account_id: AccountId
    external_id: str | None
    display_name: str
    kind: str
    status: IdentifierStatus | None


class ImportedPerson(NamedTuple):
    """An account that has an `external_id`, with what its last import said.

    Attributes:
        row: The account, as a plan reads it.
        password_hash: Its stored hash, or ``None``.
        source: What the older system said at the last import; ``None`` for an account that no import made.
    """

    row: PopulationRow
    password_hash: SecretStr | None
    source: SourceRecord | None


@dataclass(frozen=True, slots=True)
class PeopleAdded:
    """Many new accounts at once, each with its identifiers and its source record.

    Refused, as a whole, if an id, an `external_id` or a key is taken, also by another of the same people, or if a
    tombstone of one of their identifiers is stored. Which person it was is not said.

    Attributes:
        people: The people.
        at: When.
    """

    people: tuple[NewPerson, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class SourceRecorded:
    """What the older system says of a person by now. It takes the place of the former record. Never refused."""

    source: SourceRecord


MOST_IN_A_BATCH: Final = 10_000
"""The most people of one commit."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How people are imported.

    Attributes:
        batch: How many rows are imported in one commit; 1 to 10,000.
        verified: Whether the older system has verified the addresses: then reset links may go there at once.
        accept_invalid_email: Whether a person whose address does not pass is added without one.
        dry_run: Whether everything is done but the commits.
        truncates: Whether the older system let bcrypt cut a password at 72 bytes, or DES crypt at 8; ``None`` leaves it
            to `cityauth.policy.LegacyHashPolicy`.
        nul_ends: Whether the older system ended a password at its first NUL.
    """

    batch: int = 1000
    verified: bool = False
    accept_invalid_email: bool = False
    dry_run: bool = False
    truncates: bool | None = None
    nul_ends: bool = False


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of an import. Each row counts once: as added, updated, unchanged or quarantined.

    Attributes:
        rows: Rows that were read.
        added: People who were added.
        updated: People who were there already, and of whom the source said something new.
        unchanged: People who were there already as the source has them.
        quarantined: Rows with a fault. If the person was there already, the columns without a fault were taken over.
        codes: How many rows had each fault.
    """

    rows: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    codes: Mapping[ImportFault, int] = field(default_factory=lambda: MappingProxyType({}))
