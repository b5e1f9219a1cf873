"""What `MemoryStore` keeps, and how a commit that is refused takes back what it did."""

from collections.abc import Callable, Hashable, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from cityauth.core.accounts import Account, AccountId
from cityauth.core.audit import AuditEvent
from cityauth.core.links import OneTimeToken
from cityauth.core.mail import QueuedMail
from cityauth.core.migration import Migration, MigrationStep
from cityauth.core.population import SourceRecord
from cityauth.core.resolution import AccountIdentifier
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import Session
from cityauth.core.throttling import Attempts

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account as stored, with the keys of its identifiers, oldest first.

    Its sessions are named in the order in which they were stored, ended ones included.
    """

    account: Account
    password_hash: SecretStr | None
    keys: tuple[str, ...] = ()
    sessions: tuple[bytes, ...] = ()
    hash_kind: str = ""


@dataclass(frozen=True, slots=True)
class WaitingMail:
    """One mail in the outbox, and when it is due."""

    mail: QueuedMail
    due_at: datetime


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A step of a migration, and what it took the place of."""

    step: MigrationStep
    prior: AccountIdentifier | None = None
    prior_verified: bool = True


@dataclass(slots=True)
class State:
    """Everything that is stored, and the way back to how it was before the commit began."""

    rows: dict[AccountId, AccountRow] = field(default_factory=dict)
    holders: dict[str, tuple[AccountId, AccountIdentifier]] = field(default_factory=dict)
    tombstones: dict[bytes, datetime] = field(default_factory=dict)
    sessions: dict[bytes, Session] = field(default_factory=dict)
    one_time_tokens: dict[bytes, OneTimeToken] = field(default_factory=dict)
    mails: dict[str, WaitingMail] = field(default_factory=dict)
    events: dict[tuple[AccountId | None, str], AuditEvent] = field(default_factory=dict)
    uses: dict[str, list[datetime]] = field(default_factory=dict)
    failures: dict[AccountId, int] = field(default_factory=dict)
    attempts: dict[str, Attempts] = field(default_factory=dict)
    remembered: dict[str, timedelta] = field(default_factory=dict)
    uses_until_sweep: int = 1024
    external_ids: dict[str, AccountId] = field(default_factory=dict)
    sources: dict[str, SourceRecord] = field(default_factory=dict)
    migrations: dict[str, Migration] = field(default_factory=dict)
    steps: dict[str, dict[AccountId, StoredStep]] = field(default_factory=dict)
    _way_back: list[Callable[[], object]] = field(default_factory=list)

    def begin(self) -> None:
        """Begin a commit."""
        self._way_back.clear()

    def undo(self) -> None:
        """Take back everything since `begin`."""
        for step in reversed(self._way_back):
            step()

    def put(self, table: MutableMapping[K, V], key: K, value: V) -> None:
        """Set ``table[key]``, remembering how it was."""
        before = table.get(key)
        table[key] = value
        self._way_back.append(lambda: table.pop(key) if before is None else table.__setitem__(key, before))

    def drop(self, table: MutableMapping[K, V], key: K) -> None:
        """Delete ``table[key]``, if it is there, remembering it."""
        before = table.pop(key, None)
        if before is not None:
            self._way_back.append(lambda: table.__setitem__(key, before))

    def drop_where(self, table: MutableMapping[K, V], doomed: Callable[[V], bool]) -> None:
        """Delete every value that is *doomed*."""
        for key in [key for key, value in table.items() if doomed(value)]:
            self.drop(table, key)

    def amend(self, account_id: AccountId, change: Callable[[AccountRow], AccountRow]) -> bool:
        """Put another row in the place of an account's; return whether there is such an account."""
        row = self.rows.get(account_id)
        if row is None:
            return False
        self.put(self.rows, account_id, change(row))
        return True

    def account_identifiers(self, row: AccountRow) -> list[AccountIdentifier]:
        """Return an account's identifiers, oldest first."""
        return [self.holders[key][1] for key in row.keys]


def with_account(account_change: Callable[[Account], Account]) -> Callable[[AccountRow], AccountRow]:
    """Return the change of a row that changes its account."""
    return lambda row: replace(row, account=account_change(row.account))


def event_key(event: AuditEvent) -> tuple[AccountId | None, str]:
    """Return what makes an event the same as a recorded one: its account and its id."""
    return event.account_id, event.id
