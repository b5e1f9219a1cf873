"""`SqlStore`: accounts, sessions and the audit trail on SQLAlchemy Core."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, ParamSpec, Self, TypeVar, final

from sqlalchemy import URL, Connection, Engine, Executable, Row, UpdateBase
from sqlalchemy.exc import DBAPIError

from cityauth.adapters.sql import lookups, schema
from cityauth.adapters.sql.changes import APPLY
from cityauth.adapters.sql.connections import (
    Connections,
    Synchronous,
    engine_for,
    require_file,
    transaction,
)
from cityauth.adapters.sql.failures import failure_of, unstorable
from cityauth.adapters.sql.rows import (
    account_of,
    event_of,
    holding_of,
    live_session_of,
    match_of,
    micros,
    session_of,
)
from cityauth.adapters.sql.session_changes import PURGE, TOUCH
from cityauth.core.account import Account, AccountId
from cityauth.core.audit import AuditEvent
from cityauth.core.change import Change, CommitOutcome, Committed, Precondition, Rejected
from cityauth.core.resolution import Holding, Match
from cityauth.core.session import LiveSession, Session
from cityauth.errors import CityAuthError, ConfigurationError

P = ParamSpec("P")
T = TypeVar("T")


class _Undone(Exception):  # noqa: N818 - no error: it undoes a transaction and is caught at once
    """A precondition did not hold."""

    def __init__(self, change: Change, why: Precondition) -> None:
        self.rejected = Rejected(change, why)


@final
class SqlStore:
    """Keeps accounts, sessions and the audit trail in a SQLite file, in tables named ``cityauth_...``.

    Safe between threads and between processes. Each thread keeps one connection, closed when the
    thread ends. It reads and writes only its own tables, so they may lie in the host's database.

    Every method raises `StoreUnavailableError` when the database cannot be opened, is full, or stays
    locked for more than 5 seconds, and `SchemaError` when its tables are missing or of another release;
    nothing was written then. No exception holds SQL or stored values.
    """

    def __init__(
        self,
        url: str | URL | None = None,
        *,
        engine: Engine | None = None,
        synchronous: Synchronous = "normal",
    ) -> None:
        """Name the database; it is opened on first use.

        Args:
            url: Its SQLAlchemy URL, such as ``sqlite:///service.db``.
            engine: The host's own engine instead of a URL. The store takes connections of its own
                from it, which never go back to its pool.
            synchronous: When a commit waits for the disk. ``normal``: a crash of the process loses
                nothing, a power cut may lose the last commits, whole ones, newest first. ``full``:
                a commit survives a power cut, and a sign-in waits for the disk.

        Raises:
            ConfigurationError: not exactly one of *url* and *engine* is given, or it names no SQLite
                file. In memory, use `MemoryStore`.
        """
        if (url is None) == (engine is None):
            raise ConfigurationError("SqlStore needs a URL or an engine, and not both")
        if synchronous not in {"normal", "full"}:
            raise ConfigurationError("synchronous is 'normal' or 'full'")
        self._engine = require_file(engine) if url is None else engine_for(url)
        self._connections = Connections(self._engine, synchronous, schema.check)

    # --- AccountStore -----------------------------------------------------------------------------

    def find(self, keys: Sequence[str]) -> Sequence[Match]:
        """See `AccountStore.find`."""
        if len(keys) == 1:
            return [match_of(row) for row in self._ask(lookups.FIND_ONE, {"key": keys[0]})]
        return [match_of(row) for row in self._ask(lookups.FIND, {"keys": list(keys)})]

    def load(self, account_id: AccountId) -> Account | None:
        """See `AccountStore.load`."""
        rows = self._ask(lookups.LOAD, {"account_id": account_id})
        return account_of(rows[0]) if rows else None

    def holdings(self, account_id: AccountId) -> Sequence[Holding]:
        """See `AccountStore.holdings`."""
        return [holding_of(row) for row in self._ask(lookups.HOLDINGS, {"account_id": account_id})]

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        """See `AccountStore.commit`."""
        return self._answer(self._commit, changes)

    def _commit(self, changes: Sequence[Change]) -> CommitOutcome:
        try:
            with self._connections.writing() as connection:
                for change in changes:
                    failed = APPLY[type(change)](connection, change)
                    if failed is not None:
                        raise _Undone(change, failed)
        except _Undone as undone:
            return undone.rejected
        return Committed()

    # --- SessionStore -----------------------------------------------------------------------------

    def find_session(self, digest: bytes) -> LiveSession | None:
        """See `SessionStore.find_session`."""
        rows = self._ask(lookups.FIND_SESSION, {"digest": digest})
        return live_session_of(rows[0]) if rows else None

    def list_sessions(self, account_id: AccountId) -> Sequence[Session]:
        """See `SessionStore.list_sessions`."""
        return [session_of(row) for row in self._ask(lookups.LIST_SESSIONS, {"account_id": account_id})]

    def touch_session(self, digest: bytes, at: datetime) -> None:
        """See `SessionStore.touch_session`."""
        self._answer(self._write, TOUCH, {"which": digest, "at": micros(at)})

    def purge_sessions(self, opened_before: datetime) -> int:
        """See `SessionStore.purge_sessions`."""
        return self._answer(self._write, PURGE, {"before": micros(opened_before)})

    # --- The audit trail ----------------------------------------------------------------------------

    def events(self, limit: int | None = None) -> Sequence[AuditEvent]:
        """Return the audit trail, oldest first; only its last *limit* lines when given."""
        if limit is None:
            return [event_of(row) for row in self._ask(lookups.EVENTS)]
        return [event_of(row) for row in reversed(self._ask(lookups.LAST_EVENTS, {"limit": limit}))]

    # --- The tables -------------------------------------------------------------------------------

    def schema_version(self) -> str | None:
        """Return the revision that the tables are at, or ``None`` when there are none."""
        return self._answer(self._alone, schema.version_of)

    def create_schema(self) -> None:
        """Create the tables in a fresh database; do nothing when they are there.

        Raises:
            SchemaError: there are tables of another release; `upgrade` them.
        """
        self._answer(self._alone, schema.create)

    def upgrade(self) -> None:
        """Bring the tables to this release, from nothing or from an earlier one, all or nothing.

        For one process at a time, before the service starts: Alembic is not safe between threads.

        Raises:
            SchemaError: the tables are of a later release.
        """
        self._answer(self._alone, schema.upgrade)

    # --- The end ----------------------------------------------------------------------------------

    def close(self) -> None:
        """Close every thread's connection; call it when no thread is inside a method."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SqlStore({self._engine.url.render_as_string(hide_password=True)!r})"

    # --- Asking the database ------------------------------------------------------------------------

    def _answer(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do *work*. A failure is raised outside the handler, so that the driver's error does not hang on it."""
        try:
            return work(*args, **kwargs)
        except UnicodeEncodeError:
            failure: CityAuthError = unstorable()
        except DBAPIError as error:
            failure = failure_of(error)
        self._connections.renew()
        raise failure

    def _ask(self, statement: Executable, values: Mapping[str, object] | None = None) -> Sequence[Row[Any]]:
        return self._answer(self._rows, statement, values)

    def _rows(self, statement: Executable, values: Mapping[str, object] | None) -> Sequence[Row[Any]]:
        return self._connections.current().execute(statement, values).all()

    def _write(self, statement: UpdateBase, values: Mapping[str, object]) -> int:
        return self._connections.current().execute(statement, values).rowcount

    def _alone(self, work: Callable[[Connection], T]) -> T:
        """Do *work* on the tables themselves, in a transaction on a connection opened for it."""
        with closing(self._connections.open()) as connection:
            connection.exec_driver_sql(
                "PRAGMA foreign_keys = off"
            )  # a table that is made anew is dropped first
            with transaction(connection):
                return work(connection)
