"""PostgreSQL: the connections, the driver that runs programs on them, and its transactions. Needs psycopg.

A call takes a connection from a pool and gives it back at its end. Look-ups run without a transaction; what writes
runs in one of its own, at the isolation level READ COMMITTED. The conditions of the writes and the locks of the
programs decide, so a stricter level is not needed.
"""

import os
import select
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import Any, Final, ParamSpec, TypeVar, cast, final

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from cityauth.errors import UsageError
from cityauth.stores.sql import schema
from cityauth.stores.sql.connections import Synchronous
from cityauth.stores.sql.pool_settings import PoolSettings
from cityauth.stores.sql.postgresql_errors import CommitError, failure_of, is_retryable
from cityauth.stores.sql.programs import (
    Lock,
    LookUp,
    NotDurableError,
    Program,
    Read,
    Step,
    Texts,
    UnmetError,
    Write,
    WriteMany,
    drive,
    settle,
)
from cityauth.stores.sql.rows import Row

P = ParamSpec("P")
T = TypeVar("T")

CONNECT_SECONDS: Final = 2
"""How long connecting may take. It is the least that psycopg allows."""

MAINTENANCE_SECONDS: Final = 60
"""How long one statement of the housekeeping may take, such as a purge."""

_ANSWER_SECONDS: Final = 0.5
"""How much longer than the server's own limit an answer is waited for: a frozen server keeps no limit."""

_TRIES: Final = 4
"""How often a transaction is begun that the server ends because of another one, such as after a deadlock."""

_FAILURES: Final = (UnicodeError, OverflowError, CommitError, psycopg.Error, SQLAlchemyError)
_DIALECT: Final = PGDialect_psycopg()  # type: ignore[no-untyped-call] # SQLAlchemy gives it no types
_TEXTS: Final = Texts(_DIALECT)
_FULL: Final = "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
_LOCK_SCHEMA: Final = b"SELECT pg_advisory_xact_lock(hashtextextended('cityauth schema', 0))"


class BoundedConnection(psycopg.Connection[Row]):
    """A connection that does not wait for an answer forever.

    Attributes:
        seconds: How long it waits for the answer to one statement.
    """

    seconds: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ANN401 - psycopg's own
        """Wait for what *gen* does, as psycopg does, but no longer than `seconds`."""
        return super().wait(gen, interval, self.seconds if timeout is None else timeout)


def engine_for(url: URL, settings: PoolSettings) -> Engine:
    """Make the engine for *url*, whose pool connects on first use."""
    url = url.set(drivername="postgresql+psycopg")
    args, options = _DIALECT.create_connect_args(url)  # type: ignore[no-untyped-call] # as above
    options = {"connect_timeout": CONNECT_SECONDS, "application_name": "cityauth", **options}

    def connect() -> BoundedConnection:
        return BoundedConnection.connect(
            *args, autocommit=True, prepare_threshold=settings.prepare_threshold, **options
        )

    return create_engine(
        url,
        creator=connect,
        poolclass=QueuePool,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout,
        pool_use_lifo=True,
        pool_reset_on_return=None,
        hide_parameters=True,
        use_native_hstore=False,
    )


@final
class PostgresqlDriver:
    """Runs programs on a connection of psycopg, and raises the errors of psycopg."""

    __slots__ = ("_cursor", "connection", "durable")

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Take the *connection*."""
        self.connection: psycopg.Connection[Any] = connection
        self._cursor = connection.cursor()
        self.durable: bool = False
        """Whether the present transaction waits for the disk."""

    def run(self, program: Program[T]) -> T:
        """Run *program* to its end and return its result."""
        if type(program) is LookUp:  # not step by step: each session check is one of these
            text, values = _TEXTS.of(program.statement, program.values)
            return cast("T", program.result(self._cursor.execute(text.encode(), values).fetchall()))
        return drive(program, self.execute)

    def execute(self, step: Step) -> list[Row] | int:
        """Run one step and return its rows, or how many rows it wrote.

        Raises:
            UnmetError: it did not meet its condition.
            NotDurableError: it must wait for the disk, and the transaction does not.
        """
        if isinstance(step, Read | Lock):
            text, values = _TEXTS.of(step.statement, step.values)
            return self._cursor.execute(text.encode(), values).fetchall()
        try:
            written = self._write(step)
        except psycopg.errors.UniqueViolation:
            if step.taken is None:
                raise
            raise UnmetError(step.taken) from None
        return settle(step, written, durable=self.durable)

    def _write(self, step: Write | WriteMany) -> int:
        if isinstance(step, Write):
            text, values = _TEXTS.of(step.statement, step.values)
            return self._cursor.execute(text.encode(), values).rowcount
        if not step.rows:
            return 0
        text, _ = _TEXTS.of(step.statement, step.rows[0])
        self._cursor.executemany(text.encode(), [_TEXTS.of(step.statement, one)[1] for one in step.rows])
        return self._cursor.rowcount

    @contextmanager
    def transaction(self, begin: str) -> Iterator[None]:
        """Run the block in a transaction that *begin* begins.

        Raises:
            CommitError: the commit itself failed.
        """
        self._cursor.execute(begin.encode())
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error):  # the first error is the one to raise
                self._cursor.execute(b"ROLLBACK")
            raise
        try:
            self._cursor.execute(b"COMMIT")
        except psycopg.Error as error:
            raise CommitError from error


class PostgresqlDatabase:
    """Runs programs on the connections of a pool, and turns every error into one of the store's."""

    def __init__(
        self, engine: Engine, synchronous: Synchronous, settings: PoolSettings, *, read_only: bool = False
    ) -> None:
        """Take the *engine*; nothing is connected yet. With *read_only* the server refuses every write."""
        self.engine = engine
        self._full = synchronous == "full"
        self._seconds = settings.statement_timeout
        self._read_only = read_only
        self._checked = False
        self._end = weakref.finalize(self, engine.dispose)  # for a store that nobody closes
        _ALL.add(self)

    def has_file(self) -> bool:
        """Return ``True``: a server has no file that could be missing."""
        return True

    def look_up(self, program: Program[T]) -> T:
        """Run a *program* that writes nothing, without a transaction."""
        return self._answer(self._look_up, program)

    def write(self, program: Program[T], *, seconds: float | None = None) -> T:
        """Run a *program* of one statement; wait *seconds* for a lock, if given."""
        return self._answer(self._write, program, seconds)

    def within(self, program: Callable[P, Program[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a *program* in a transaction; any exception undoes it.

        If one of its writes must wait for the disk, all of it is run again in a transaction that does. If the server
        ends the transaction because of another one, all of it is run again.
        """
        try:
            return self._answer(self._within, lambda: program(*args, **kwargs), self._full)
        except NotDurableError:
            return self.within_durably(program, *args, **kwargs)

    def within_durably(self, program: Callable[P, Program[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a *program* in a transaction that waits for the disk: a power cut does not take it back."""
        return self._answer(self._within, lambda: program(*args, **kwargs), True)  # noqa: FBT003 - by position alone

    def alone(self, work: Callable[[Connection], T], *, create: bool = False) -> T:
        """Do *work* on the tables themselves, in a transaction on a connection opened for it."""
        del create  # the database is made by its administrator
        return self._answer(self._alone, work)

    def on(self, connection: object) -> AbstractContextManager[None]:
        """Refuse: see `SqlStore.on`."""
        del connection
        raise UsageError("the store can take part in a transaction of the host only on SQLite")

    def forget_deleted(self) -> bool:
        """Return ``True``: the server's own VACUUM removes what was deleted."""
        return True

    def close(self) -> None:
        """Close every connection that is in the pool. A later call opens another."""
        self.engine.dispose()

    def _answer(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do *work*. A failure is raised outside the handlers, so that it does not carry the driver's error."""
        try:
            return work(*args, **kwargs)
        except _FAILURES as error:
            failure = failure_of(error)
        raise failure

    def _look_up(self, program: Program[T]) -> T:
        with self._borrowed(self._seconds) as driver:
            return driver.run(program)

    def _write(self, program: Program[T], seconds: float | None) -> T:
        limit = MAINTENANCE_SECONDS if seconds is None else self._seconds
        with self._borrowed(limit) as driver, driver.transaction(self._begin(limit, seconds or self._seconds)):
            return driver.run(program)

    def _within(self, program: Callable[[], Program[T]], durable: bool) -> T:  # noqa: FBT001 - by `_answer` alone
        begin = self._begin(self._seconds, self._seconds, durable=durable)
        for left in reversed(range(_TRIES)):
            try:
                with self._borrowed(self._seconds) as driver, driver.transaction(begin):
                    driver.durable = durable
                    return driver.run(program())
            except (psycopg.Error, CommitError) as error:
                if not left or not is_retryable(error):
                    raise
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _begin(self, seconds: float, lock_seconds: float, *, durable: bool = False) -> str:
        """Return what begins a transaction.

        The limits are set in each transaction, in the same message: behind PgBouncer a session has no settings of
        its own.
        """
        parts = [
            "BEGIN ISOLATION LEVEL READ COMMITTED" + (" READ ONLY" if self._read_only else ""),
            f"SET LOCAL statement_timeout = {_milliseconds(seconds)}",
            f"SET LOCAL lock_timeout = {_milliseconds(lock_seconds)}",
        ]
        if durable:
            parts.append(_FULL)
        return "; ".join(parts)

    def _alone(self, work: Callable[[Connection], T]) -> T:
        with closing(self.engine.connect()) as connection:
            connection.detach()
            driver = PostgresqlDriver(cast("Any", connection.connection.dbapi_connection))
            with driver.transaction(self._begin(0, MAINTENANCE_SECONDS)):
                if not self._read_only:
                    driver.connection.execute(_LOCK_SCHEMA)
                return work(connection)

    @contextmanager
    def _borrowed(self, seconds: float) -> Iterator[PostgresqlDriver]:
        """Lend a connection of the pool. If it is not as it was, it is not given back but closed."""
        if not self._checked:
            with closing(self.engine.connect()) as first:
                schema.check(first)
            self._checked = True
        borrowed = self._connect()
        connection: BoundedConnection = cast("Any", borrowed.dbapi_connection)
        driver = borrowed.info.get(_DRIVER)
        if driver is None:
            driver = borrowed.info[_DRIVER] = PostgresqlDriver(connection)
        connection.seconds = seconds + _ANSWER_SECONDS
        try:
            yield driver
        finally:
            if connection.info.transaction_status == TransactionStatus.IDLE:
                borrowed.close()
            else:
                borrowed.invalidate()

    def _connect(self) -> PoolProxiedConnection:
        """Take a connection from the pool that the server has not ended meanwhile, as it does when it is restarted."""
        while True:
            borrowed = self.engine.raw_connection()
            if not _has_ended(cast("psycopg.Connection[Any]", borrowed.dbapi_connection)):
                return borrowed
            borrowed.invalidate()

    def forget(self) -> None:
        """Drop every connection unclosed: in a forked child they are the parent's."""
        _PARENTS.append(self.engine.pool)
        self.engine.dispose(close=False)


_DRIVER: Final = "cityauth"
_ALL: weakref.WeakSet[PostgresqlDatabase] = weakref.WeakSet()
_PARENTS: list[object] = []


def _has_ended(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server has closed an idle *connection*: then there is something to read on it."""
    if connection.closed:
        return True
    try:
        polled = select.poll()
    except AttributeError:  # pragma: no cover - Windows
        return bool(select.select([connection.fileno()], [], [], 0)[0])
    polled.register(connection.fileno(), select.POLLIN)
    return bool(polled.poll(0))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _after_fork() -> None:
    for database in list(_ALL):
        database.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
