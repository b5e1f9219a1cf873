"""Connections: one a thread, kept, since fetching one from a pool costs more than a look-up."""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal, TypeAlias, cast

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from cityauth.errors import ConfigurationError, StoreUnavailableError

Synchronous: TypeAlias = Literal["normal", "full"]
"""When a commit waits for the disk; see `SqlStore`."""

BUSY_SECONDS: Final = 5
"""How long a write waits for another one, before the store counts as unavailable (C-34)."""

_PAUSE: Final = 0.005
"""Seconds between two tries where SQLite does not wait by itself."""


def engine_for(url: str | URL) -> Engine:
    """Make the engine for *url*. It pools nothing: `Connections` keeps what is open.

    Raises:
        ConfigurationError: *url* is none, or not one of a SQLite file.
    """
    try:
        engine = create_engine(
            make_url(url),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        )
    except (ArgumentError, ImportError, NoSuchModuleError, TypeError):
        engine = None
    return require_file(engine)


def require_file(engine: Engine | None) -> Engine:
    """Return *engine* if it opens a SQLite file: a database in memory would be another one in each thread.

    Raises:
        ConfigurationError: it does not. The message holds nothing of the URL, which may hold a password.
    """
    if engine is None or (engine.dialect.name, engine.dialect.driver) != ("sqlite", "pysqlite"):
        raise ConfigurationError("SqlStore needs the URL of a SQLite file: sqlite:///service.db")
    database = engine.url.database
    if not database or "\0" in database or ":memory:" in database or engine.url.query.get("mode") == "memory":
        raise ConfigurationError("SqlStore needs a file; in memory, use MemoryStore")
    return engine


class Kept:
    """A thread's own connection; closed when the thread ends or the store is closed.

    It is a class so that a thread's end, which forgets it, closes the connection.

    Attributes:
        connection: The connection, in autocommit: a look-up is not wrapped in a transaction.
        driver: The driver's connection beneath it.
        close: Closes it, once.
    """

    __slots__ = ("__weakref__", "close", "connection", "driver")

    def __init__(self, connection: Connection) -> None:
        self.connection: Connection = connection
        self.driver: sqlite3.Connection = driver_of(connection)
        self.close: weakref.finalize[[Connection], Kept] = weakref.finalize(self, _close, connection)


def driver_of(connection: Connection) -> sqlite3.Connection:
    """Return the driver's connection beneath *connection*."""
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)


def _close(connection: Connection) -> None:
    with suppress(DBAPIError):  # it is given up either way
        connection.close()


def _turn_to_wal(driver: sqlite3.Connection) -> None:
    """Turn the file to WAL, or find it turned.

    Where several connections turn a fresh file at once, SQLite tells them that it is busy without waiting
    for its time limit, since each holds what the other waits for. So the wait is ours.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            driver.execute("PRAGMA journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


class Connections:
    """Opens a connection for each thread that asks, and keeps it."""

    def __init__(self, engine: Engine, synchronous: Synchronous, check: Callable[[Connection], None]) -> None:
        """Take the *engine*; *check* looks at the tables until it has once been content."""
        self._engine = engine
        self._synchronous = synchronous
        self._check = check
        self._checked = False
        self._local = threading.local()
        self._kept: weakref.WeakSet[Kept] = weakref.WeakSet()
        self._turn = threading.Lock()
        _ALL.add(self)

    def mine(self) -> Kept:
        """Return this thread's connection."""
        try:
            kept: Kept = self._local.kept
        except AttributeError:
            kept = self._local.kept = self._keep()
        return kept

    def _keep(self) -> Kept:
        connection = self.open()
        try:
            if not self._checked:
                self._check(connection)
                self._checked = True
        except BaseException:
            connection.close()
            raise
        kept = Kept(connection)
        self._kept.add(kept)
        return kept

    def open(self) -> Connection:
        """Open a connection that is nobody else's: not this thread's, in no pool, with its tables unchecked."""
        connection = self._engine.connect()
        try:
            connection.execution_options(isolation_level="AUTOCOMMIT").detach()
            driver = driver_of(connection)
            driver.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
            _turn_to_wal(driver)
            driver.execute(f"PRAGMA synchronous = {self._synchronous}")
            driver.execute("PRAGMA foreign_keys = on")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for this thread's turn to write: SQLite's own wait polls, and starves some threads in a storm.

        Raises:
            StoreUnavailableError: its turn did not come within the time limit.
        """
        turn = self._turn
        if not turn.acquire(timeout=BUSY_SECONDS):
            raise StoreUnavailableError("the database stayed busy past the time limit")
        try:
            yield
        finally:
            turn.release()

    def renew(self) -> None:
        """Close this thread's connection after a failure: the next question opens a fresh one."""
        kept: Kept | None = self._local.__dict__.pop("kept", None)
        if kept is not None:
            kept.close()

    def close(self) -> None:
        """Close every thread's connection. A later question opens another."""
        self._local = threading.local()
        for kept in list(self._kept):
            kept.close()

    def forget(self) -> None:
        """Drop every connection unclosed: in a forked child they are the parent's, and SQLite forbids even closing."""
        for kept in list(self._kept):
            kept.close.detach()
            _PARENTS.append(kept)
        self._kept = weakref.WeakSet()
        self._local = threading.local()
        self._turn = threading.Lock()


_ALL: weakref.WeakSet[Connections] = weakref.WeakSet()
_PARENTS: list[Kept] = []


def _after_fork() -> None:
    for connections in list(_ALL):
        connections.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def transaction(driver: sqlite3.Connection) -> Iterator[None]:
    """Run the block in a transaction that has the write lock from its beginning, so that it cannot lose it."""
    try:
        driver.execute("BEGIN IMMEDIATE")
        yield
        driver.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # what went wrong first is what is told
            driver.execute("ROLLBACK")
        raise
