"""Runs statements for the store, and turns every error into one of the store's."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import ClauseElement, Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cityauth.errors import CityAuthError, StoreError, StoreUnavailableError, UsageError
from cityauth.stores.sql import schema
from cityauth.stores.sql.connections import (
    CommitError,
    Connections,
    Synchronous,
    driver_of,
    transaction,
    waiting_for_the_disk,
)
from cityauth.stores.sql.failures import failure_of
from cityauth.stores.sql.rows import read_all
from cityauth.stores.sql.statements import Driver, Values

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """Runs statements on this thread's connection."""

    def __init__(self, engine: Engine, synchronous: Synchronous) -> None:
        """Take the *engine*; nothing is opened yet."""
        self.engine = engine
        self._synchronous: Synchronous = synchronous
        self._connections = Connections(engine, synchronous, schema.check)

    def has_file(self) -> bool:
        """Whether there is a database file."""
        return self._connections.has_file()

    def ask(
        self, read: Callable[[Sequence[Any]], T], statement: ClauseElement, values: Values | None = None
    ) -> list[T]:
        """Return what *read* makes of each row that *statement* finds."""
        return read_all(read, self._answer(self._ask, statement, values))

    def ask_any(
        self, read: Callable[[Sequence[Any]], T], statement: ClauseElement, name: str, values: Sequence[object]
    ) -> list[T]:
        """Return what *read* makes of each row that *statement* finds for any of *values*, its parameter *name*."""
        return read_all(read, self._answer(self._ask_any, statement, name, values))

    def write(self, statement: ClauseElement, values: Values, *, seconds: float | None = None) -> int:
        """Run *statement* by itself and return how many rows it wrote; wait *seconds* for the lock, if given."""
        return self._answer(self._write, statement, values, seconds)

    def within(self, work: Callable[Concatenate[Driver, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do *work* in a transaction; any exception undoes it."""
        return self._answer(lambda: self._within(False, work, *args, **kwargs))  # noqa: FBT003 - before *args

    def within_durably(self, work: Callable[Concatenate[Driver, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do *work* in a transaction that waits for the disk: a power cut does not take it back."""
        return self._answer(lambda: self._within(True, work, *args, **kwargs))  # noqa: FBT003 - before *args

    def alone(self, work: Callable[[Connection], T], *, create: bool = False) -> T:
        """Do *work* on the tables themselves, in a transaction on a connection opened for it.

        With *create* a missing file is made.
        """
        return self._answer(self._alone, work, create)

    def forget_deleted(self) -> bool:
        """Empty the write-ahead log, which still holds what was deleted; return whether nobody was in the way."""
        return self._answer(self._empty_log)

    def close(self) -> None:
        """Close every thread's connection."""
        self._connections.close()

    def _answer(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do *work*. A failure is raised outside the handlers, so that it does not carry the driver's error."""
        try:
            return work(*args, **kwargs)
        except UnicodeEncodeError:
            failure: CityAuthError = UsageError("text with a lone surrogate cannot be stored")
        except UnicodeDecodeError:
            failure = StoreError("the database holds text that cannot be read")
        except OverflowError:
            failure = UsageError("a number is too large to be stored")
        except CommitError as error:
            failure = failure_of(error.__cause__, nothing_written=False)
        except DBAPIError as error:
            failure = failure_of(error.orig)
        except sqlite3.Error as error:
            failure = failure_of(error)
        except SQLAlchemyError as error:
            failure = StoreError(f"the database holds what cannot be read ({type(error).__name__})")
        self._connections.renew()
        raise failure

    def _ask(self, statement: ClauseElement, values: Values | None) -> list[tuple[Any, ...]]:
        return self._connections.current().driver.execute(statement, values).all()

    def _ask_any(self, statement: ClauseElement, name: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        return self._connections.current().driver.execute_with_list(statement, name, values).all()

    def _write(self, statement: ClauseElement, values: Values, seconds: float | None) -> int:
        kept = self._connections.current(to_write=True)
        with self._connections.write_lock(kept.driver.sqlite, seconds):
            return kept.driver.execute(statement, values).rowcount

    def _within(
        self,
        durable: bool,  # noqa: FBT001 - before *args
        work: Callable[Concatenate[Driver, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        kept = self._connections.current(to_write=True)
        with self._connections.write_lock(kept.driver.sqlite):
            if not durable:
                with transaction(kept.driver.sqlite):
                    return work(kept.driver, *args, **kwargs)
            with waiting_for_the_disk(kept.driver.sqlite, self._synchronous), transaction(kept.driver.sqlite):
                return work(kept.driver, *args, **kwargs)

    def _alone(self, work: Callable[[Connection], T], create: bool) -> T:  # noqa: FBT001 - by `_answer` alone
        with closing(self._connections.open(create=create)) as connection:
            driver = driver_of(connection)
            driver.execute("PRAGMA foreign_keys = off")  # a table that is made anew is dropped first
            with transaction(driver):
                return work(connection)

    def _empty_log(self) -> bool:
        driver = self._connections.current().driver.sqlite
        try:
            with self._connections.write_lock(driver, 0):
                return not driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except StoreUnavailableError:
            return False
