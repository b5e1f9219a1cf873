"""Changes: what a commit writes. Each carries its own precondition; all apply, or none does."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import EllipsisType
from typing import TypeAlias

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.audit import AuditEvent, EventSummed
from cityauth.core.identifiers import Identifier
from cityauth.core.links import OneTimeToken
from cityauth.core.mail import QueuedMail
from cityauth.core.migration import (
    MigrationDiscarded,
    MigrationMoved,
    MigrationOpened,
    StepsApplied,
    StepsPlanned,
    StepsRolledBack,
)
from cityauth.core.population import PeopleAdded, SourceRecorded
from cityauth.core.resolution import AccountIdentifier
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import Session
from cityauth.core.signing import Purpose
from cityauth.core.throttling import FailureCounted, FailuresCleared


class Precondition(StrEnum):
    """What did not hold when a commit was rejected."""

    IDENTIFIER_TAKEN = "identifier_taken"
    IDENTIFIER_CHANGED = "identifier_changed"
    ACCOUNT_EXISTS = "account_exists"
    ACCOUNT_MISSING = "account_missing"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a precondition's name
    STATUS_CHANGED = "status_changed"
    EPOCH_CHANGED = "epoch_changed"
    TOKEN_USED = "token_used"  # noqa: S105 - a precondition's name
    SESSION_MISSING = "session_missing"
    CONTACT_CHANGED = "contact_changed"
    ACCOUNT_CHANGED = "account_changed"
    FAILURES_CHANGED = "failures_changed"
    MIGRATION_OPEN = "migration_open"
    MIGRATION_CHANGED = "migration_changed"


@dataclass(frozen=True, slots=True)
class AccountAdded:
    """A new account with its identifiers.

    Refused if its id, its `external_id` or a key is taken, retired keys included.

    Attributes:
        account: The account.
        account_identifiers: Its identifiers.
        password_hash: Its stored hash, or ``None``: nobody signs in until a password is set.
        at: When.
        tombstones: Every tombstone that the identifiers may have (`TombstoneKeys.digests`): refused as well if
            one of them is stored, for then an erased account held the identifier.
        hash_kind: The `HashKind.sample` of *password_hash*, for counting; empty if it is not known.
    """

    account: Account
    account_identifiers: tuple[AccountIdentifier, ...]
    password_hash: SecretStr | None
    at: datetime
    tombstones: tuple[bytes, ...] = ()
    hash_kind: str = ""


@dataclass(frozen=True, slots=True)
class IdentifierRetired:
    """An identifier stops signing in and stays with its account. Refused unless it is active and this account's."""

    account_id: AccountId
    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PasswordReplaced:
    """Another hash, of the same or a new password. Refused unless the stored hash is still *was*.

    Attributes:
        account_id: The account.
        was: The hash that must be stored; ``None`` for none.
        now: The new hash.
        hash_kind: The `HashKind.sample` of *now*, for counting; empty if it is not known.
    """

    account_id: AccountId
    was: SecretStr | None
    now: SecretStr
    hash_kind: str = ""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The account is disabled or enabled. Refused if its status is not *was*."""

    account_id: AccountId
    was: Status
    now: Status


@dataclass(frozen=True, slots=True)
class EpochAdvanced:
    """Every session and link of the present epoch ends. Refused if the account does not exist."""

    account_id: AccountId


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A session. Refused unless the account is active and still of the session's epoch.

    Attributes:
        session: The session.
        per_account: The oldest sessions of the account beyond this number end with it. The oldest is the one that
            was stored first, whatever the clocks of the hosts say.
    """

    session: Session
    per_account: int


@dataclass(frozen=True, slots=True)
class SessionRequired:
    """A signed-in person makes the commit: nothing is written unless the session is still live.

    Refused unless the session is stored, belongs to the account, and was used and opened within its limits,
    and the account is active and still of the session's epoch.

    Attributes:
        digest: The session.
        account_id: The account that it must belong to.
        used_after: It must have been used after this moment: later than its idle time allows.
        opened_after: It must have been opened after this moment: later than its absolute time allows.
        until: Neither may lie after this moment: such a session was written by a clock that was ahead.
    """

    digest: bytes
    account_id: AccountId
    used_after: datetime
    opened_after: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The session of a family ends, whichever token it has by now.

    Attributes:
        family: The family.
        must_be_open: Whether the commit is refused when there is no such session any more.
    """

    family: bytes
    must_be_open: bool = False


@dataclass(frozen=True, slots=True)
class SessionsClosed:
    """All sessions of an account end but the one of the family *keep*. Never refused."""

    account_id: AccountId
    keep: bytes | None = None


@dataclass(frozen=True, slots=True)
class IdentifierAdded:
    """An identifier becomes active for an account: a new one, or one that the account itself had retired.

    Refused as taken if another account holds it, with whatever status, or if one of *tombstones* is stored, for then
    an erased account held it.
    """

    account_id: AccountId
    identifier: Identifier
    at: datetime
    tombstones: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class IdentifierReleased:
    """An identifier leaves its account, and anybody may register it. Refused unless retired and this account's."""

    account_id: AccountId
    key: str


@dataclass(frozen=True, slots=True)
class TombstonesReleased:
    """An erased account's identifier may be registered again. Refused unless one of *tombstones* is stored."""

    tombstones: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PasswordSet:
    """A new password without looking at the old one: by a link. Refused if the account is missing.

    The failed sign-ins in a row are counted from nothing again. With ``None`` no password is left, and nobody signs in
    until one is set. *hash_kind* is the `HashKind.sample` of the
    new hash, for counting; empty if there is none, or if it is not known.
    """

    account_id: AccountId
    now: SecretStr | None
    hash_kind: str = ""


@dataclass(frozen=True, slots=True)
class ContactChanged:
    """Mail goes to another address. Refused if the account is missing, or if the contact is no longer *was*.

    Attributes:
        account_id: The account.
        contact: The new address, or ``None``: the account gets no mail.
        was: The address that it takes the place of, or ``None`` where there was none; ``...`` for any.
        verified: Whether somebody has shown that mail to the new address reaches the person.
    """

    account_id: AccountId
    contact: str | None
    was: str | EllipsisType | None = ...
    verified: bool = True


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    """Another display name, another language, or both. Refused if the account is missing.

    What is ``None`` stays as it is stored, so that two changes at once do not undo each other.
    """

    account_id: AccountId
    display_name: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class AccountErased:
    """The account is erased with its identifiers, sessions and one-time tokens.

    Refused unless it is there and still of *epoch*, so that no change that came first is erased unseen.

    Attributes:
        account_id: The account.
        epoch: The account's epoch as its owner saw it.
        tombstones: What is kept instead of its identifiers, so that none passes to another person; empty
            when the policy lets them go.
        at: When.
    """

    account_id: AccountId
    epoch: int
    tombstones: tuple[bytes, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class TokenIssued:
    """An outstanding link. Never refused.

    Attributes:
        one_time_token: The token of the link.
        alone: Whether earlier tokens of the same account and purpose end with it.
    """

    one_time_token: OneTimeToken
    alone: bool = False


@dataclass(frozen=True, slots=True)
class TokenUsed:
    """A link is used, once. The write itself decides.

    Refused as used unless the token is outstanding, of this purpose and not expired at *at*, and its account, if it has
    one, exists, is active and still of the token's epoch, if it has one.
    """

    digest: bytes
    purpose: Purpose
    at: datetime


@dataclass(frozen=True, slots=True)
class TokensRevoked:
    """Outstanding links of one purpose that were issued in the epoch *since* or a later one end. Never refused.

    Links without `issued_epoch` stay.
    """

    account_id: AccountId
    purpose: Purpose
    since: int


@dataclass(frozen=True, slots=True)
class AccountUnchanged:
    """Nothing is written unless the account is still as *account* says, in every attribute."""

    account: Account


@dataclass(frozen=True, slots=True)
class ContactVerified:
    """The person has shown that mail to the contact arrives. Refused unless the contact is still *contact*."""

    account_id: AccountId
    contact: str


@dataclass(frozen=True, slots=True)
class MailQueued:
    """A mail leaves after the commit. Never refused."""

    mail: QueuedMail


@dataclass(frozen=True, slots=True)
class EventRecorded:
    """A line of the audit trail. Never refused.

    The event's id names the whole commit: a commit whose event is recorded already is answered
    `Committed` and not applied again, so that a commit whose outcome was lost can be repeated.
    """

    event: AuditEvent


Change: TypeAlias = (
    AccountAdded
    | IdentifierRetired
    | PasswordReplaced
    | FailureCounted
    | FailuresCleared
    | StatusChanged
    | EpochAdvanced
    | SessionOpened
    | SessionRequired
    | SessionClosed
    | SessionsClosed
    | IdentifierAdded
    | IdentifierReleased
    | TombstonesReleased
    | PasswordSet
    | ContactChanged
    | ProfileChanged
    | AccountErased
    | TokenIssued
    | TokenUsed
    | TokensRevoked
    | AccountUnchanged
    | ContactVerified
    | PeopleAdded
    | SourceRecorded
    | MigrationOpened
    | StepsPlanned
    | StepsApplied
    | StepsRolledBack
    | MigrationMoved
    | MigrationDiscarded
    | MailQueued
    | EventRecorded
    | EventSummed
)


@dataclass(frozen=True, slots=True)
class Committed:
    """All changes were applied."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Nothing was applied.

    Attributes:
        change: The first change whose precondition did not hold.
        why: What did not hold.
    """

    change: Change
    why: Precondition


CommitOutcome: TypeAlias = Committed | Rejected
