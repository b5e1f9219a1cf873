"""Connections: each thread keeps one, because taking one from a pool costs more than a look-up."""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar, Final, Literal, TypeAlias, cast

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from cityauth.errors import ConfigurationError, SchemaError, StoreUnavailableError, UsageError
from cityauth.stores.sql.files import OpenedFile, create_private, path_of, require_folder
from cityauth.stores.sql.host import HostConnection
from cityauth.stores.sql.programs import Driver

Synchronous: TypeAlias = Literal["normal", "full"]
"""When a commit waits for the disk; see `SqlStore`."""

BUSY_SECONDS: Final = 5
"""How long a write waits for another one, before the store counts as unavailable."""

TOUCH_SECONDS: Final = 0.1
"""How long the write of a session's last use waits for the lock. It is short, because a page waits for it."""

_MOST_OF_IT: Final = 0.9
"""If a writer still has more than this part of `BUSY_SECONDS`, SQLite's limit stays as it is: to set it takes time."""

_LOOK_SECONDS: Final = 0.1
"""How often a look-up asks whether the file is still in place; a write asks each time. Asking costs as much as
a tenth of a session check."""

_PAUSE: Final = 0.005
"""Seconds between two tries where SQLite does not wait by itself."""


def engine_for(url: str | URL) -> Engine:
    """Make the engine for *url*. It pools nothing: `Connections` keeps what is open.

    Raises:
        ConfigurationError: *url* is not a URL, or not that of a SQLite file.
    """
    try:
        engine = create_engine(
            make_url(url),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        )
    except (ArgumentError, ImportError, NoSuchModuleError, TypeError, ValueError):
        engine = None
    return require_file(engine)


def require_file(engine: Engine | None) -> Engine:
    """Return *engine* if it opens a SQLite file. In memory, each thread would have a database of its own.

    Raises:
        ConfigurationError: it does not. The message holds nothing of the URL, which may hold a password.
    """
    if engine is None or (engine.dialect.name, engine.dialect.driver) != ("sqlite", "pysqlite"):
        raise ConfigurationError(
            "the URL of the database must be that of a SQLite file, sqlite:///service.db,"
            " or of a PostgreSQL server, postgresql://user@host/database"
        )
    database = engine.url.database
    if not database or "\0" in database or ":memory:" in database or engine.url.query.get("mode") == "memory":
        raise ConfigurationError("SqlStore needs a file; in memory, use MemoryStore")
    return engine


class ThreadConnection:
    """The connection of one thread. It is closed when the thread ends or the store is closed.

    It is a class so that the connection is closed when the thread's end drops the last reference.

    Attributes:
        driver: Runs statements on it, in autocommit: a look-up is not wrapped in a transaction.
        file: The file that it has opened. If the file is deleted, every later write is lost.
        looked_at: When the file was last seen in place, by the monotonic clock.
        close: Closes it, once.
    """

    __slots__ = ("__weakref__", "close", "driver", "file", "looked_at")
    of_host: ClassVar[bool] = False

    def __init__(self, connection: Connection) -> None:
        self.driver: Driver = Driver(driver_of(connection))
        self.close: weakref.finalize[[Connection], ThreadConnection] = weakref.finalize(self, _close, connection)
        self.file: OpenedFile = OpenedFile(self.driver.sqlite)
        self.looked_at: float = time.monotonic()


def driver_of(connection: Connection) -> sqlite3.Connection:
    """Return the driver's connection beneath *connection*."""
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)


def _close(connection: Connection) -> None:
    with suppress(DBAPIError):  # it is given up either way
        connection.close()


def _turn_to_wal(driver: sqlite3.Connection) -> None:
    """Switch the file to WAL mode, if it is not in it already.

    If several connections switch a new file at once, each holds a lock that the others need. SQLite then reports at
    once that it is busy, without waiting. So the waiting is done here.
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

    def __init__(
        self, engine: Engine, synchronous: Synchronous, check: Callable[[Connection], None], *, read_only: bool = False
    ) -> None:
        """Take the *engine*; *check* looks at the tables on each new connection, until it has succeeded once.

        With *read_only* SQLite itself refuses every write of these connections.
        """
        self._engine = engine
        self._path = path_of(engine)
        self._synchronous = synchronous
        self._check = check
        self._read_only = read_only
        self._checked = False
        self._local = threading.local()
        self._kept: weakref.WeakSet[ThreadConnection] = weakref.WeakSet()
        self._write_lock = threading.Lock()
        _ALL.add(self)

    def current(self, *, to_write: bool = False) -> ThreadConnection | HostConnection:
        """Return this thread's connection, or the host's within `on`.

        Args:
            to_write: Whether it will write. Then the file is always looked for; otherwise, ten times a second at most.

        Raises:
            SchemaError: there is no database file, or its tables are missing or of another release.
            StoreUnavailableError: the file was deleted or replaced since the connection was opened.
        """
        try:
            kept: ThreadConnection | HostConnection = self._local.kept
        except AttributeError:
            kept = self._local.kept = self._keep()
        now = time.monotonic()
        if now - kept.looked_at < _LOOK_SECONDS and (not to_write or kept.of_host):
            return kept
        kept = cast("ThreadConnection", kept)
        kept.looked_at = now
        if not kept.file.is_in_place():
            self._checked = False
            self.renew()
            raise StoreUnavailableError("the database file was deleted or replaced while in use", nothing_written=True)
        return kept

    def _keep(self) -> ThreadConnection:
        connection = self.open()
        try:
            if not self._checked:
                self._check(connection)
                self._checked = True
            kept = ThreadConnection(connection)
        except BaseException:
            connection.close()
            raise
        self._kept.add(kept)
        return kept

    @contextmanager
    def on(self, connection: object) -> Iterator[None]:
        """Let this thread's statements run on the host's *connection* within the block; see `SqlStore.on`."""
        own = self.current()
        if own.of_host:
            raise UsageError("the store is on a connection of the host already")
        self._local.kept = HostConnection(connection, self._path)
        try:
            yield
        finally:
            self._local.kept = own

    def has_file(self) -> bool:
        """Whether there is a database file."""
        return self._path is None or self._path.exists()

    def open(self, *, create: bool = False) -> Connection:
        """Open one more connection. It is in no pool and does not become this thread's; its tables are not checked.

        Args:
            create: Make the file if there is none, readable by its owner alone.

        Raises:
            SchemaError: there is no file, and *create* is not set.
            StoreUnavailableError: the file's folder is missing.
        """
        if self._path is not None and not self._path.exists():
            require_folder(self._path)
            if not create:
                raise SchemaError(
                    "there is no database file at the configured path; correct the path, "
                    "or run `cityauth db init` or `cityauth db upgrade`"
                )
            create_private(self._path)
        connection = self._engine.connect()
        try:
            connection.execution_options(isolation_level="AUTOCOMMIT").detach()
            driver = driver_of(connection)
            driver.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000)}")
            if self._read_only:
                driver.execute("PRAGMA query_only = on")
                return connection
            _turn_to_wal(driver)
            driver.execute(f"PRAGMA synchronous = {self._synchronous}")
            driver.execute("PRAGMA foreign_keys = on")
            driver.execute("PRAGMA secure_delete = on")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def write_lock(self, driver: sqlite3.Connection, seconds: float | None = None) -> Iterator[None]:
        """Hold the write lock of this process. SQLite's own wait polls, so under load some threads would never get in.

        Args:
            driver: The connection that will write.
            seconds: How long to wait for this lock and for the one of other processes together;
                `BUSY_SECONDS` when not given.

        Raises:
            StoreUnavailableError: another thread of this process held the lock all that time.
        """
        limit = BUSY_SECONDS if seconds is None else seconds
        lock, begun = self._write_lock, time.monotonic()
        if not lock.acquire(timeout=limit):
            raise StoreUnavailableError("the database stayed busy past the time limit", nothing_written=True)
        try:
            left = max(limit - (time.monotonic() - begun), 0)
            if left > _MOST_OF_IT * BUSY_SECONDS:
                yield
                return
            driver.execute(f"PRAGMA busy_timeout = {round(left * 1000)}")
            try:
                yield
            finally:
                with suppress(sqlite3.Error):
                    driver.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000)}")
        finally:
            lock.release()

    def renew(self) -> None:
        """Close this thread's connection after a failure: the next call opens a new one."""
        kept: ThreadConnection | HostConnection | None = self._local.__dict__.get("kept")
        if isinstance(kept, ThreadConnection):
            del self._local.kept
            kept.close()

    def close(self) -> None:
        """Close every thread's connection. A later call opens another."""
        self._local = threading.local()
        for kept in list(self._kept):
            kept.close()

    def forget(self) -> None:
        """Drop every connection unclosed: in a forked child they are the parent's, and SQLite forbids to close them."""
        for kept in list(self._kept):
            kept.close.detach()
            _PARENTS.append(kept)
        self._kept = weakref.WeakSet()
        self._local = threading.local()
        self._write_lock = threading.Lock()


_ALL: weakref.WeakSet[Connections] = weakref.WeakSet()
_PARENTS: list[ThreadConnection] = []


def _after_fork() -> None:
    for connections in list(_ALL):
        connections.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class CommitError(Exception):
    """SQLite failed while it committed: nobody knows whether the transaction was written. Its cause is the error."""


@contextmanager
def transaction(driver: sqlite3.Connection) -> Iterator[None]:
    """Run the block in a transaction that takes SQLite's write lock at its beginning: no later statement waits for it.

    Raises:
        CommitError: the commit itself failed.
    """
    try:
        driver.execute("BEGIN IMMEDIATE")
        yield
        try:
            driver.execute("COMMIT")
        except sqlite3.Error as error:
            raise CommitError from error
    except BaseException:
        with suppress(sqlite3.Error):  # the first error is the one to raise
            driver.execute("ROLLBACK")
        raise


@contextmanager
def waiting_for_the_disk(driver: sqlite3.Connection, synchronous: Synchronous) -> Iterator[None]:
    """Make the transaction in the block wait for the disk, whatever *synchronous* says for other transactions."""
    if synchronous == "full":
        yield
        return
    driver.execute("PRAGMA synchronous = full")
    try:
        yield
    finally:
        with suppress(sqlite3.Error):
            driver.execute(f"PRAGMA synchronous = {synchronous}")
