"""Connections: one a thread, kept, since fetching one from a pool costs more than a look-up."""

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal, TypeAlias

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from cityauth.errors import ConfigurationError

Synchronous: TypeAlias = Literal["normal", "full"]
"""How SQLite waits for the disk; see `SqlStore`."""

BUSY_SECONDS: Final = 5
"""How long a write waits for another process's, before the store counts as unavailable (C-34)."""


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
    except (ArgumentError, NoSuchModuleError, TypeError):
        engine = None
    return require_file(engine)


def require_file(engine: Engine | None) -> Engine:
    """Return *engine* if it opens a SQLite file: a database in memory would be another one in each thread.

    Raises:
        ConfigurationError: it does not. The message holds nothing of the URL, which may hold a password.
    """
    if engine is None or engine.dialect.name != "sqlite" or engine.dialect.is_async:
        raise ConfigurationError("SqlStore needs the URL of a SQLite file: sqlite:///service.db")
    database = engine.url.database
    if not database or ":memory:" in database or engine.url.query.get("mode") == "memory":
        raise ConfigurationError("SqlStore needs a file; in memory, use MemoryStore")
    return engine


class _Kept:
    """A thread's own connection; closed when the thread ends or the store is closed.

    It is a class so that a thread's end, which forgets it, closes the connection.
    """

    __slots__ = ("__weakref__", "close", "connection")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.close = weakref.finalize(self, _close, connection)


def _close(connection: Connection) -> None:
    with suppress(DBAPIError):  # it is given up either way
        connection.close()


class Connections:
    """Opens a connection for each thread that asks, and keeps it."""

    def __init__(self, engine: Engine, synchronous: Synchronous, check: Callable[[Connection], None]) -> None:
        """Take the *engine*; *check* looks at the tables until it has once been content."""
        self._engine = engine
        self._synchronous = synchronous
        self._check = check
        self._checked = False
        self._local = threading.local()
        self._kept: weakref.WeakSet[_Kept] = weakref.WeakSet()
        self._writing = threading.Lock()
        _ALL.add(self)

    def current(self) -> Connection:
        """Return this thread's connection, in autocommit: a look-up is not wrapped in a transaction."""
        try:
            kept: _Kept = self._local.kept
        except AttributeError:
            return self._keep()
        return kept.connection

    def _keep(self) -> Connection:
        connection = self.open()
        try:
            if not self._checked:
                self._check(connection)
                self._checked = True
        except BaseException:
            connection.close()
            raise
        kept = _Kept(connection)
        self._kept.add(kept)
        self._local.kept = kept
        return connection

    def open(self) -> Connection:
        """Open a connection that is nobody else's: not this thread's, not in a pool, tables unchecked."""
        connection = self._engine.connect()
        try:
            connection.execution_options(isolation_level="AUTOCOMMIT").detach()
            for pragma in (
                f"busy_timeout = {BUSY_SECONDS * 1000}",
                "journal_mode = wal",
                f"synchronous = {self._synchronous}",
                "foreign_keys = on",
            ):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give this thread's connection with a transaction begun: committed at the end, undone on any exception."""
        connection = self.current()
        with transaction(connection):
            yield connection

    def renew(self) -> None:
        """Close this thread's connection, after a failure: the next question opens a fresh one."""
        kept: _Kept | None = self._local.__dict__.pop("kept", None)
        if kept is not None:
            kept.close()

    def close(self) -> None:
        """Close every thread's connection. A later question opens another."""
        self._local = threading.local()
        for kept in list(self._kept):
            kept.close()

    def forget(self) -> None:
        """Drop every connection unclosed: in a forked child they are the parent's (SQLite forbids even closing)."""
        for kept in list(self._kept):
            kept.close.detach()
            _PARENTS.append(kept.connection)
        self._kept.clear()
        self._local = threading.local()
        self._writing = threading.Lock()


_ALL: weakref.WeakSet[Connections] = weakref.WeakSet()
_PARENTS: list[Connection] = []


def _after_fork() -> None:
    for connections in list(_ALL):
        connections.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Run the block in a transaction that holds the write lock from its beginning, so that it cannot lose it."""
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        with suppress(DBAPIError):  # what went wrong first is what is told
            connection.exec_driver_sql("ROLLBACK")
        raise
