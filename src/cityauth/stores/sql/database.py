"""The database as the store asks it: every error is told in the store's words, and only there."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, Executable, Row, UpdateBase
from sqlalchemy.exc import DBAPIError

from cityauth.errors import CityAuthError, UsageError
from cityauth.stores.sql import schema
from cityauth.stores.sql.connections import Connections, Synchronous, driver_of, transaction
from cityauth.stores.sql.failures import failure_of

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """Runs statements on this thread's connection."""

    def __init__(self, engine: Engine, synchronous: Synchronous) -> None:
        """Take the *engine*; nothing is opened yet."""
        self.engine = engine
        self._connections = Connections(engine, synchronous, schema.check)

    def ask(self, statement: Executable, values: Mapping[str, object] | None = None) -> Sequence[Row[Any]]:
        """Return the rows that *statement* finds."""
        return self._answer(self._ask, statement, values)

    def fetch(self, sql: str, value: str | bytes) -> Sequence[tuple[Any, ...]]:
        """Return the rows that an already compiled statement finds under its one *value*.

        Only for what every request asks: the driver alone takes 40 % of the time.
        """
        return self._answer(self._fetch, sql, value)

    def write(self, statement: UpdateBase, values: Mapping[str, object]) -> int:
        """Run *statement* by itself and return how many rows it wrote."""
        return self._answer(self._write, statement, values)

    def within(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do *work* in a transaction; any exception undoes it."""
        return self._answer(lambda: self._within(work, *args, **kwargs))

    def alone(self, work: Callable[[Connection], T]) -> T:
        """Do *work* on the tables themselves, in a transaction on a connection opened for it."""
        return self._answer(self._alone, work)

    def close(self) -> None:
        """Close every thread's connection."""
        self._connections.close()

    def _answer(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do *work*. A failure is raised outside the handlers, so that the driver's error does not hang on it."""
        try:
            return work(*args, **kwargs)
        except UnicodeEncodeError:
            failure: CityAuthError = UsageError("text with a lone surrogate cannot be stored")
        except OverflowError:
            failure = UsageError("a number is too large to be stored")
        except DBAPIError as error:
            failure = failure_of(error.orig)
        except sqlite3.Error as error:
            failure = failure_of(error)
        self._connections.renew()
        raise failure

    def _ask(self, statement: Executable, values: Mapping[str, object] | None) -> Sequence[Row[Any]]:
        return self._connections.mine().connection.execute(statement, values).all()

    def _fetch(self, sql: str, value: str | bytes) -> Sequence[tuple[Any, ...]]:
        return self._connections.mine().driver.execute(sql, (value,)).fetchall()

    def _write(self, statement: UpdateBase, values: Mapping[str, object]) -> int:
        kept = self._connections.mine()
        with self._connections.turn():
            return kept.connection.execute(statement, values).rowcount

    def _within(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        kept = self._connections.mine()
        with self._connections.turn(), transaction(kept.driver):
            return work(kept.connection, *args, **kwargs)

    def _alone(self, work: Callable[[Connection], T]) -> T:
        with closing(self._connections.open()) as connection:
            driver = driver_of(connection)
            driver.execute("PRAGMA foreign_keys = off")  # a table that is made anew is dropped first
            with transaction(driver):
                return work(connection)
