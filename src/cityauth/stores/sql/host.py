"""The host's own connection: the store writes within its open transaction, and the host commits or rolls back."""

import math
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final, TypeVar

from sqlalchemy import Connection

from cityauth.errors import UsageError
from cityauth.stores.sql.programs import Driver, Program

T = TypeVar("T")

_NOT_OPEN: Final = "the connection has no open transaction; begin one before the block and end it after the block"


def _plain_cursor(connection: sqlite3.Connection) -> sqlite3.Cursor:
    """Return a cursor that returns rows as tuples, whatever type of row the host has set on its *connection*."""
    cursor = sqlite3.Connection.cursor(connection)
    cursor.row_factory = None
    return cursor


class HostConnection:
    """A host's connection, in the place of the thread's own one.

    Attributes:
        driver: Runs statements on it.
        looked_at: Infinity, so that `Connections` never looks for its file: the host does that.
    """

    of_host: ClassVar[bool] = True

    def __init__(self, connection: object, path: Path | None) -> None:
        """Take the host's *connection*, which must be open on the file at *path*, in a transaction.

        Raises:
            UsageError: it is of another kind, closed, open on another file, or has no open transaction.
        """
        if not isinstance(connection, Connection | sqlite3.Connection):
            raise UsageError("a Connection of SQLAlchemy or of sqlite3 is needed")
        self._connection = connection
        self._sqlite = self._open()
        self.driver: Driver = Driver(self._sqlite, _plain_cursor(self._sqlite))
        self.driver.durable = True  # whether its commit waits for the disk is the host's own matter
        self.looked_at: float = math.inf
        self._require_transaction()
        if path is not None and not _is_open_on(self._sqlite, path):
            raise UsageError("the connection is open on another database than the store")

    def run(self, program: Program[T]) -> T:
        """Run *program* within the host's transaction. Any exception takes back what the program wrote, and no more.

        Raises:
            UsageError: the host has ended its transaction.
        """
        self._require_transaction()
        sqlite = self._sqlite
        if not sqlite.in_transaction:
            sqlite.execute("BEGIN IMMEDIATE")  # sqlite3 begins a transaction only at a write, and SAVEPOINT is none
        sqlite.execute("SAVEPOINT cityauth")
        try:
            result = self.driver.run(program)
        except BaseException:
            with suppress(sqlite3.Error):  # the first error is the one to raise
                sqlite.execute("ROLLBACK TO cityauth")
                sqlite.execute("RELEASE cityauth")
            raise
        sqlite.execute("RELEASE cityauth")
        return result

    def _open(self) -> sqlite3.Connection:
        if isinstance(self._connection, sqlite3.Connection):
            return self._connection
        found: object = None if self._connection.closed else self._connection.connection.dbapi_connection
        if isinstance(found, sqlite3.Connection):
            return found
        raise UsageError("the connection is closed, or is not one of SQLite")

    def _require_transaction(self) -> None:
        if isinstance(self._connection, Connection):
            is_open = not self._connection.closed and self._connection.in_transaction()
        else:  # sqlite3 begins one by itself, unless it is set not to
            is_open = self._connection.in_transaction or self._connection.isolation_level is not None
        if not is_open:
            raise UsageError(_NOT_OPEN)


def _is_open_on(sqlite: sqlite3.Connection, path: Path) -> bool:
    """Whether the main database of the connection is the file at *path*."""
    found = sqlite.execute("PRAGMA database_list").fetchone()[2]
    try:
        return bool(found) and path.samefile(found)
    except OSError:
        return False
