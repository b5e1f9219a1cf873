"""Changes: what a commit writes. Each carries its own precondition; all apply, or none does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from cityauth.core.account import Account, AccountId, Status
from cityauth.core.audit import AuditEvent
from cityauth.core.resolution import Holding
from cityauth.core.secret import Concealed
from cityauth.core.session import Session


class Precondition(StrEnum):
    """What did not hold when a commit was rejected."""

    IDENTIFIER_TAKEN = "identifier_taken"
    IDENTIFIER_CHANGED = "identifier_changed"
    ACCOUNT_EXISTS = "account_exists"
    ACCOUNT_MISSING = "account_missing"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a precondition's name
    STATUS_CHANGED = "status_changed"
    EPOCH_CHANGED = "epoch_changed"


@dataclass(frozen=True, slots=True)
class AccountAdded:
    """A new account with its identifiers. Refused if its id or a key is taken, retired keys included."""

    account: Account
    holdings: tuple[Holding, ...]
    password_hash: Concealed | None
    at: datetime


@dataclass(frozen=True, slots=True)
class IdentifierRetired:
    """An identifier stops signing in and stays in the ledger. Refused unless active and this account's."""

    account_id: AccountId
    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PasswordReplaced:
    """Another hash, of the same or a new password. Refused if the stored hash is not *was* any more (F3)."""

    account_id: AccountId
    was: Concealed | None
    now: Concealed


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The account is disabled or enabled. Refused if its status is not *was*."""

    account_id: AccountId
    was: Status
    now: Status


@dataclass(frozen=True, slots=True)
class EpochAdvanced:
    """Every session of the present epoch is dead from here on. Refused if the account is missing."""

    account_id: AccountId


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A session. Refused unless the account is active and still of the session's epoch (C-10, C-11).

    Attributes:
        session: The session.
        per_account: The oldest sessions of the account beyond this number end with it.
    """

    session: Session
    per_account: int


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The session stored under *digest* ends. Never refused: one that is gone is as closed as it can be."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class SessionsClosed:
    """All sessions of an account end but the one with the digest *keep*. Never refused."""

    account_id: AccountId
    keep: bytes | None = None


@dataclass(frozen=True, slots=True)
class EventRecorded:
    """A line of the audit trail. Never refused."""

    event: AuditEvent


Change: TypeAlias = (
    AccountAdded
    | IdentifierRetired
    | PasswordReplaced
    | StatusChanged
    | EpochAdvanced
    | SessionOpened
    | SessionClosed
    | SessionsClosed
    | EventRecorded
)
Changes: TypeAlias = Sequence[Change]


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
