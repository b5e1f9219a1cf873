"""PostgreSQL: the pool of connections, and the transactions of programs on them. Needs psycopg.

A call takes a connection from a pool and gives it back at its end. Look-ups run without a transaction; what writes
runs in one of its own, at the isolation level READ COMMITTED. The conditions of the writes and the locks of the
programs decide, so a stricter level is not needed.
"""

import os
import select
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any, Final, ParamSpec, TypeVar, cast

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from cityauth.errors import UsageError
from cityauth.stores.sql import schema
from cityauth.stores.sql.connections import Synchronous
from cityauth.stores.sql.pool_settings import PoolSettings
from cityauth.stores.sql.postgresql_driver import ANSWER_SECONDS, BoundedConnection, PostgresqlDriver
from cityauth.stores.sql.postgresql_errors import CommitError, failure_of, is_retryable
from cityauth.stores.sql.postgresql_host import PostgresqlHost, identity_of
from cityauth.stores.sql.programs import NotDurableError, Program
from cityauth.stores.sql.rows import Row

P = ParamSpec("P")
T = TypeVar("T")

MAINTENANCE_SECONDS: Final = 60
"""How long one statement of the housekeeping may take, such as a purge."""

TRIES: Final = 4
"""How often a transaction is begun that the server ends because of another one, such as after a deadlock."""

FAILURES: Final = (UnicodeError, OverflowError, CommitError, psycopg.Error, SQLAlchemyError)
_FULL: Final = "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
_LOCK_SCHEMA: Final = b"SELECT pg_advisory_xact_lock(hashtextextended('cityauth schema', 0))"


class PostgresqlDatabase:
    """Runs programs on the connections of a pool, and turns every error into one of the store's."""

    def __init__(
        self, engine: Engine, synchronous: Synchronous, settings: PoolSettings, *, read_only: bool = False
    ) -> None:
        """Take the *engine*; nothing is connected yet. With *read_only* the server refuses every write."""
        self.engine = engine
        self.full: bool = synchronous == "full"
        self._seconds = settings.statement_timeout
        self.read_only = read_only
        self._checked = False
        self._local = threading.local()
        self._end = weakref.finalize(self, engine.dispose)  # for a store that nobody closes
        _ALL.add(self)

    def has_file(self) -> bool:
        """Return ``True``: a server has no file that could be missing."""
        return True

    def look_up(self, program: Program[T]) -> T:
        """Run a *program* that writes nothing, without a transaction.

        A store that is open for reading alone runs it in a transaction in which the server refuses writes: to set this
        for the whole session would change it for others behind PgBouncer.
        """
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
            return self._answer(self._within, lambda: program(*args, **kwargs), self.full)
        except NotDurableError:
            return self.within_durably(program, *args, **kwargs)

    def within_durably(self, program: Callable[P, Program[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a *program* in a transaction that waits for the disk: a power cut does not take it back."""
        return self._answer(self._within, lambda: program(*args, **kwargs), True)  # noqa: FBT003 - by position alone

    def alone(self, work: Callable[[Connection], T], *, create: bool = False) -> T:
        """Do *work* on the tables themselves, in a transaction on a connection opened for it.

        With *create* the work changes the tables: it is done by one process at a time, and takes as long as it takes.
        """
        return self._answer(self._alone, work, create)

    def on(self, connection: object) -> AbstractContextManager[None]:
        """Run this thread's programs on the host's *connection* within the block; see `SqlStore.on`."""
        return self._on(connection)

    @contextmanager
    def _on(self, connection: object) -> Iterator[None]:
        if self._host() is not None:
            raise UsageError("the store is on a connection of the host already")
        host = PostgresqlHost(connection)
        if host.identity() != self._answer(self._identity):
            raise UsageError("the connection is open on another database than the store")
        self._local.host = host
        try:
            yield
        finally:
            del self._local.host

    def _host(self) -> PostgresqlHost | None:
        return getattr(self._local, "host", None)

    def _identity(self) -> Row | None:
        with self._borrowed(self._seconds) as driver:
            return identity_of(driver.connection)

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
        except FAILURES as error:
            failure = failure_of(error)
        raise failure

    def _look_up(self, program: Program[T]) -> T:
        host = self._host()
        if host is not None:
            return host.run(program)
        with self._borrowed(self._seconds) as driver:
            if not self.read_only:
                return driver.run(program)
            with driver.transaction(self.begin(self._seconds, self._seconds)):
                return driver.run(program)

    def _write(self, program: Program[T], seconds: float | None) -> T:
        host = self._host()
        if host is not None:
            return host.run(program)
        limit = MAINTENANCE_SECONDS if seconds is None else self._seconds
        with self._borrowed(limit) as driver, driver.transaction(self.begin(limit, seconds or self._seconds)):
            return driver.run(program)

    def _within(self, program: Callable[[], Program[T]], durable: bool) -> T:  # noqa: FBT001 - by `_answer` alone
        host = self._host()
        if host is not None:
            return host.run(program())
        begin = self.begin(self._seconds, self._seconds, durable=durable)
        for left in reversed(range(TRIES)):
            try:
                with self._borrowed(self._seconds) as driver, driver.transaction(begin):
                    driver.durable = durable
                    return driver.run(program())
            except (psycopg.Error, CommitError) as error:
                if not left or not is_retryable(error):
                    raise
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def begin(self, seconds: float, lock_seconds: float, *, durable: bool = False) -> str:
        """Return what begins a transaction.

        The limits are set in each transaction, in the same message: behind PgBouncer a session has no settings of
        its own.
        """
        parts = [
            "BEGIN ISOLATION LEVEL READ COMMITTED" + (" READ ONLY" if self.read_only else ""),
            f"SET LOCAL statement_timeout = {_milliseconds(seconds)}",
            f"SET LOCAL lock_timeout = {_milliseconds(lock_seconds)}",
        ]
        if durable:
            parts.append(_FULL)
        return "; ".join(parts)

    def _alone(self, work: Callable[[Connection], T], create: bool) -> T:  # noqa: FBT001 - by `_answer` alone
        with closing(self.engine.connect()) as connection:
            connection.detach()
            driver = PostgresqlDriver(cast("Any", connection.connection.dbapi_connection))
            with driver.transaction(self.begin(0 if create else self._seconds, MAINTENANCE_SECONDS)):
                if create:
                    cast("BoundedConnection", driver.connection).seconds = None
                    driver.connection.execute(_LOCK_SCHEMA)
                return work(connection)

    @contextmanager
    def _borrowed(self, seconds: float) -> Iterator[PostgresqlDriver]:
        """Lend a connection of the pool. If it is not as it was, it is not given back but closed."""
        if not self._checked:
            self.check_tables()
        borrowed = self._connect()
        connection: BoundedConnection = cast("Any", borrowed.dbapi_connection)
        driver = borrowed.info.get(_DRIVER)
        if driver is None:
            driver = borrowed.info[_DRIVER] = PostgresqlDriver(connection)
        connection.seconds = seconds + ANSWER_SECONDS
        try:
            yield driver
        finally:
            if connection.pgconn.transaction_status == TransactionStatus.IDLE:
                borrowed.close()
            else:
                borrowed.invalidate()

    def _connect(self) -> PoolProxiedConnection:
        """Take a connection from the pool that the server has not ended meanwhile, as it does when it is restarted."""
        while True:
            borrowed = self.engine.raw_connection()
            if not has_ended(cast("psycopg.Connection[Any]", borrowed.dbapi_connection)):
                return borrowed
            borrowed.invalidate()

    def check_tables(self) -> None:
        """Look once whether the tables are of this release.

        Raises:
            SchemaError: they are not.
        """
        with closing(self.engine.connect()) as first:
            try:
                schema.check(first)
            except BaseException:
                first.invalidate()  # it may still wait for an answer, so the pool must not lend it again
                raise
        self._checked = True

    def forget(self) -> None:
        """Drop every connection unclosed: in a forked child they are the parent's."""
        _PARENTS.append(self.engine.pool)
        self.engine.dispose(close=False)


_DRIVER: Final = "cityauth"
_ALL: weakref.WeakSet[PostgresqlDatabase] = weakref.WeakSet()
_PARENTS: list[object] = []


def has_ended(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> bool:
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
