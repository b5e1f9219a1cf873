"""SQLite: runs programs on this thread's connection, and turns every error into one of the store's.

No SQL text and no parameter ever gets into an exception.
"""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from typing import Final, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cityauth.errors import CityAuthError, SchemaError, StoreError, StoreUnavailableError, UsageError
from cityauth.stores.sql import schema
from cityauth.stores.sql.connections import (
    CommitError,
    Connections,
    Synchronous,
    driver_of,
    transaction,
    waiting_for_the_disk,
)
from cityauth.stores.sql.host import HostConnection
from cityauth.stores.sql.programs import Driver, NotDurableError, Program

P = ParamSpec("P")
T = TypeVar("T")

_FAILURES: Final = (UnicodeError, OverflowError, CommitError, sqlite3.Error, SQLAlchemyError)
_PRIMARY_CODE: Final = 0xFF
"""SQLite's extended codes hold the primary one in their low byte."""

_LOCKED: Final = (
    "the database stayed locked past the time limit; if your own code has an open write transaction "
    "on this database, end it before you call cityauth"
)

_REFUSED: Final = {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE}


class SqliteDatabase:
    """Runs programs on this thread's connection."""

    def __init__(self, engine: Engine, synchronous: Synchronous, *, read_only: bool = False) -> None:
        """Take the *engine*; nothing is opened yet. With *read_only* every write is refused."""
        self.engine = engine
        self._synchronous: Synchronous = synchronous
        self._connections = Connections(engine, synchronous, schema.check, read_only=read_only)

    def has_file(self) -> bool:
        """Whether there is a database file."""
        return self._connections.has_file()

    def look_up(self, program: Program[T]) -> T:
        """Run a *program* that writes nothing, without a transaction."""
        try:  # what `_answer` does, written out: one more call would slow each session check
            return self._connections.current().driver.run(program)
        except _FAILURES as error:
            failure = failure_of(error)
        self._connections.renew()
        raise failure

    def write(self, program: Program[T], *, seconds: float | None = None) -> T:
        """Run a *program* of one statement, without a transaction; wait *seconds* for the lock, if given."""
        return self._answer(self._write, program, seconds)

    def within(self, program: Callable[P, Program[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a *program* in a transaction; any exception undoes it.

        If one of its writes must wait for the disk, all of it is run again in a transaction that does.
        """
        try:
            return self._answer(self._within, program(*args, **kwargs), False)  # noqa: FBT003 - by position alone
        except NotDurableError:
            return self.within_durably(program, *args, **kwargs)

    def within_durably(self, program: Callable[P, Program[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a *program* in a transaction that waits for the disk: a power cut does not take it back."""
        return self._answer(self._within, program(*args, **kwargs), True)  # noqa: FBT003 - by position alone

    def alone(self, work: Callable[[Connection], T], *, create: bool = False) -> T:
        """Do *work* on the tables themselves, in a transaction on a connection opened for it.

        With *create* a missing file is made.
        """
        return self._answer(self._alone, work, create)

    def on(self, connection: object) -> AbstractContextManager[None]:
        """Run this thread's programs on the host's *connection* within the block; see `SqlStore.on`."""
        return self._connections.on(connection)

    def forget_deleted(self) -> bool:
        """Empty the write-ahead log, which still holds what was deleted.

        Returns whether it is empty now: another connection can prevent it.
        """
        return self._answer(self._empty_log)

    def close(self) -> None:
        """Close every thread's connection."""
        self._connections.close()

    def _answer(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do *work*. A failure is raised outside the handlers, so that it does not carry the driver's error."""
        try:
            return work(*args, **kwargs)
        except _FAILURES as error:
            failure = failure_of(error)
        self._connections.renew()
        raise failure

    def _write(self, program: Program[T], seconds: float | None) -> T:
        kept = self._connections.current(to_write=True)
        if isinstance(kept, HostConnection):
            return kept.run(program)
        driver = kept.driver
        with self._connections.write_lock(driver.sqlite, seconds):
            return driver.run(program)

    def _within(self, program: Program[T], durable: bool) -> T:  # noqa: FBT001 - by `_answer` alone
        kept = self._connections.current(to_write=True)
        if isinstance(kept, HostConnection):
            return kept.run(program)
        driver = kept.driver
        with self._connections.write_lock(driver.sqlite), self._disk(driver, durable), transaction(driver.sqlite):
            driver.durable = durable
            return driver.run(program)

    def _disk(self, driver: Driver, durable: bool) -> AbstractContextManager[None]:  # noqa: FBT001 - as above
        return waiting_for_the_disk(driver.sqlite, self._synchronous) if durable else nullcontext()

    def _alone(self, work: Callable[[Connection], T], create: bool) -> T:  # noqa: FBT001 - by `_answer` alone
        with closing(self._connections.open(create=create)) as connection:
            driver = driver_of(connection)
            driver.execute("PRAGMA foreign_keys = off")  # an upgrade may drop a table and make it anew
            with transaction(driver):
                return work(connection)

    def _empty_log(self) -> bool:
        kept = self._connections.current()
        if kept.of_host:
            return False
        driver = kept.driver.sqlite
        try:
            with self._connections.write_lock(driver, 0):
                return not driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except StoreUnavailableError:
            return False


def failure_of(error: Exception) -> CityAuthError:
    """Return what an *error* of Python's, the driver's or SQLAlchemy's means to the caller."""
    match error:
        case UnicodeDecodeError():
            return StoreError("the database holds text that cannot be read")
        case UnicodeError():
            return UsageError("text with a lone surrogate cannot be stored")
        case OverflowError():
            return UsageError("a number is too large to be stored")
        case CommitError():
            return _failure_of(error.__cause__, nothing_written=False)
        case DBAPIError():
            return _failure_of(error.orig)
        case sqlite3.Error():
            return _failure_of(error)
        case _:
            return StoreError(f"the database holds what cannot be read ({type(error).__name__})")


def _failure_of(error: BaseException | None, *, nothing_written: bool = True) -> CityAuthError:
    """Return what the driver's *error* means to the caller, by its code alone.

    A value of a type that cannot be stored has no code: it is the caller's mistake, and no outage.

    Args:
        error: The driver's error.
        nothing_written: Whether it is known that nothing was written. After a failed commit it is not known.
    """
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError) and "binding" in str(error):
        return UsageError("a value is of a type that cannot be stored")
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    primary = None if code is None else code & _PRIMARY_CODE
    if primary == sqlite3.SQLITE_ERROR:
        return SchemaError(f"the tables do not fit ({name}); run `cityauth db upgrade`")
    if primary == sqlite3.SQLITE_BUSY:
        return StoreUnavailableError(f"{_LOCKED} ({name})", nothing_written=nothing_written)
    if primary == sqlite3.SQLITE_READONLY:
        return StoreUnavailableError(f"the database is open for reading alone ({name})", nothing_written=True)
    if primary == sqlite3.SQLITE_CANTOPEN:
        return StoreUnavailableError(
            f"the database file cannot be opened ({name}); look at its folder and permissions",
            nothing_written=nothing_written,
        )
    if primary in _REFUSED:
        return StoreError(f"the database refused a value ({name})")
    return StoreUnavailableError(f"the database cannot be used ({name})", nothing_written=nothing_written)
