"""`MemoryStore`: the reference store. What it does is what every store must do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import RLock
from typing import Any, TypeVar

from cityauth.core.account import Account, AccountId, Status
from cityauth.core.audit import AuditEvent
from cityauth.core.change import (
    AccountAdded,
    Change,
    CommitOutcome,
    Committed,
    EpochAdvanced,
    EventRecorded,
    IdentifierRetired,
    PasswordReplaced,
    Precondition,
    Rejected,
    SessionClosed,
    SessionOpened,
    SessionsClosed,
    StatusChanged,
)
from cityauth.core.resolution import Holding, Life, Match
from cityauth.core.secret import Concealed
from cityauth.core.session import LiveSession, Session, touched

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class _Row:
    """One account as stored."""

    account: Account
    password_hash: Concealed | None
    keys: list[str] = field(default_factory=list)


class MemoryStore:
    """Keeps everything in this process: for tests, first steps and the model that other stores are held to.

    Safe between threads. Nothing outlives the process.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._lock = RLock()
        self._rows: dict[AccountId, _Row] = {}
        self._holders: dict[str, tuple[AccountId, Holding]] = {}
        self._sessions: dict[bytes, Session] = {}
        self._events: list[AuditEvent] = []
        self._undo: list[Callable[[], object]] = []

    # --- AccountStore -----------------------------------------------------------------------------

    def find(self, keys: Sequence[str]) -> Sequence[Match]:
        """See `AccountStore.find`."""
        with self._lock:
            found = [self._holders[key] for key in keys if key in self._holders]
            rows = [(self._rows[account_id], holding) for account_id, holding in found]
            return [Match(row.account, holding, row.password_hash) for row, holding in rows]

    def load(self, account_id: AccountId) -> Account | None:
        """See `AccountStore.load`."""
        with self._lock:
            row = self._rows.get(account_id)
            return row.account if row else None

    def holdings(self, account_id: AccountId) -> Sequence[Holding]:
        """See `AccountStore.holdings`."""
        with self._lock:
            row = self._rows.get(account_id)
            return [self._holders[key][1] for key in row.keys] if row else []

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        """See `AccountStore.commit`."""
        with self._lock:
            self._undo.clear()
            for change in changes:
                failed = _APPLY[type(change)](self, change)
                if failed is not None:
                    for step in reversed(self._undo):
                        step()
                    return Rejected(change, failed)
            return Committed()

    # --- SessionStore -----------------------------------------------------------------------------

    def find_session(self, digest: bytes) -> LiveSession | None:
        """See `SessionStore.find_session`."""
        with self._lock:
            session = self._sessions.get(digest)
            return LiveSession(session, self._rows[session.account_id].account) if session else None

    def list_sessions(self, account_id: AccountId) -> Sequence[Session]:
        """See `SessionStore.list_sessions`."""
        with self._lock:
            own = [one for one in self._sessions.values() if one.account_id == account_id]
            return sorted(own, key=lambda one: one.seen_at, reverse=True)

    def touch_session(self, digest: bytes, at: datetime) -> None:
        """See `SessionStore.touch_session`."""
        with self._lock:
            session = self._sessions.get(digest)
            if session is not None and session.seen_at < at:
                self._sessions[digest] = touched(session, at)

    def purge_sessions(self, opened_before: datetime) -> int:
        """See `SessionStore.purge_sessions`."""
        with self._lock:
            old = [digest for digest, one in self._sessions.items() if one.opened_at < opened_before]
            for digest in old:
                del self._sessions[digest]
            return len(old)

    def events(self) -> Sequence[AuditEvent]:
        """Return the audit trail, oldest first."""
        with self._lock:
            return list(self._events)

    # --- Changes: each applies itself, or says what did not hold -----------------------------------

    def _put(self, table: dict[K, V], key: K, value: V) -> None:
        """Set ``table[key]``, remembering how it was."""
        before = table.get(key)
        table[key] = value
        self._undo.append(lambda: table.pop(key) if before is None else table.__setitem__(key, before))

    def _drop(self, digest: bytes) -> None:
        """Delete a session, remembering it."""
        session = self._sessions.pop(digest, None)
        if session is not None:
            self._undo.append(lambda: self._sessions.__setitem__(digest, session))

    def _add_account(self, change: AccountAdded) -> Precondition | None:
        account_id = change.account.id
        if account_id in self._rows:
            return Precondition.ACCOUNT_EXISTS
        keys = [holding.identifier.key for holding in change.holdings]
        if len(set(keys)) != len(keys) or any(key in self._holders for key in keys):
            return Precondition.IDENTIFIER_TAKEN
        self._put(self._rows, account_id, _Row(change.account, change.password_hash, keys))
        for holding in change.holdings:
            self._put(self._holders, holding.identifier.key, (account_id, holding))
        return None

    def _retire_identifier(self, change: IdentifierRetired) -> Precondition | None:
        holder, holding = self._holders.get(change.key, (None, None))
        if holding is None or holder != change.account_id or holding.life is not Life.ACTIVE:
            return Precondition.IDENTIFIER_CHANGED
        self._put(self._holders, change.key, (holder, replace(holding, life=Life.RETIRED)))
        return None

    def _replace_password(self, change: PasswordReplaced) -> Precondition | None:
        row = self._rows.get(change.account_id)
        if row is None:
            return Precondition.ACCOUNT_MISSING
        if row.password_hash != change.was:
            return Precondition.PASSWORD_CHANGED
        self._put(self._rows, change.account_id, replace(row, password_hash=change.now))
        return None

    def _change_status(self, change: StatusChanged) -> Precondition | None:
        row = self._rows.get(change.account_id)
        if row is None:
            return Precondition.ACCOUNT_MISSING
        if row.account.status is not change.was:
            return Precondition.STATUS_CHANGED
        changed = replace(row, account=replace(row.account, status=change.now))
        self._put(self._rows, change.account_id, changed)
        return None

    def _advance_epoch(self, change: EpochAdvanced) -> Precondition | None:
        row = self._rows.get(change.account_id)
        if row is None:
            return Precondition.ACCOUNT_MISSING
        account = replace(row.account, epoch=row.account.epoch + 1)
        self._put(self._rows, change.account_id, replace(row, account=account))
        return None

    def _open_session(self, change: SessionOpened) -> Precondition | None:
        session = change.session
        row = self._rows.get(session.account_id)
        if row is None:
            return Precondition.ACCOUNT_MISSING
        if row.account.status is not Status.ACTIVE:
            return Precondition.STATUS_CHANGED
        if row.account.epoch != session.epoch:
            return Precondition.EPOCH_CHANGED
        self._put(self._sessions, session.digest, session)
        own = [one for one in self._sessions.values() if one.account_id == session.account_id]
        own.sort(key=lambda one: one.opened_at, reverse=True)
        for one in own[change.per_account :]:
            self._drop(one.digest)
        return None

    def _close_session(self, change: SessionClosed) -> None:
        self._drop(change.digest)

    def _close_sessions(self, change: SessionsClosed) -> None:
        for session in list(self._sessions.values()):
            if session.account_id == change.account_id and session.digest != change.keep:
                self._drop(session.digest)

    def _record(self, change: EventRecorded) -> None:
        self._events.append(change.event)
        self._undo.append(self._events.pop)


_APPLY: dict[type[Change], Callable[[MemoryStore, Any], Precondition | None]] = {
    AccountAdded: MemoryStore._add_account,  # noqa: SLF001 - the class's own table
    IdentifierRetired: MemoryStore._retire_identifier,  # noqa: SLF001
    PasswordReplaced: MemoryStore._replace_password,  # noqa: SLF001
    StatusChanged: MemoryStore._change_status,  # noqa: SLF001
    EpochAdvanced: MemoryStore._advance_epoch,  # noqa: SLF001
    SessionOpened: MemoryStore._open_session,  # noqa: SLF001
    SessionClosed: MemoryStore._close_session,  # noqa: SLF001
    SessionsClosed: MemoryStore._close_sessions,  # noqa: SLF001
    EventRecorded: MemoryStore._record,  # noqa: SLF001
}
