"""The host's own connection to PostgreSQL: the store writes within its open transaction, and the host ends it."""

from contextlib import suppress
from typing import Any, Final, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from sqlalchemy import Connection

from cityauth.errors import UsageError
from cityauth.stores.sql.postgresql_driver import PostgresqlDriver
from cityauth.stores.sql.programs import Program
from cityauth.stores.sql.rows import Row

T = TypeVar("T")

_NOT_OPEN: Final = "the connection has no open transaction; begin one before the block and end it after the block"
_IDENTITY: Final = b"SELECT pg_postmaster_start_time(), current_database(), to_regclass('cityauth_account')::oid"


def identity_of(connection: psycopg.Connection[Any]) -> Row | None:
    """Return what tells the tables of one database from those of another one."""
    return psycopg.Cursor(connection, row_factory=tuple_row).execute(_IDENTITY).fetchone()


class PostgresqlHost:
    """A host's connection, in the place of one of the pool."""

    def __init__(self, connection: object) -> None:
        """Take the host's *connection*, which must be in a transaction.

        Raises:
            UsageError: it is of another kind, closed, or has no open transaction.
        """
        if not isinstance(connection, Connection | psycopg.Connection):
            raise UsageError("a Connection of SQLAlchemy or of psycopg is needed")
        self._connection = connection
        self._psycopg = self._open()
        self._require_transaction()
        self._driver = PostgresqlDriver(self._psycopg)
        self._driver.durable = True  # whether its commit waits for the disk is the host's own matter

    def identity(self) -> Row | None:
        """Return what tells its database from others; ``None`` if it cannot be asked."""
        with suppress(psycopg.Error):
            return identity_of(self._psycopg)
        return None

    def run(self, program: Program[T]) -> T:
        """Run *program* within the host's transaction. Any exception takes back what the program wrote, and no more.

        Raises:
            UsageError: the host has ended its transaction.
        """
        self._require_transaction()
        self._psycopg.execute(b"SAVEPOINT cityauth")
        try:
            result = self._driver.run(program)
        except BaseException:
            with suppress(psycopg.Error):  # the first error is the one to raise
                self._psycopg.execute(b"ROLLBACK TO cityauth; RELEASE cityauth")
            raise
        self._psycopg.execute(b"RELEASE cityauth")
        return result

    def _open(self) -> psycopg.Connection[Any]:
        if isinstance(self._connection, Connection):
            found: object = None if self._connection.closed else self._connection.connection.dbapi_connection
        else:
            found = self._connection
        if isinstance(found, psycopg.Connection) and not found.closed:
            return found
        raise UsageError("the connection is closed, or is not one of psycopg")

    def _require_transaction(self) -> None:
        if isinstance(self._connection, Connection) and not self._connection.in_transaction():
            raise UsageError(_NOT_OPEN)
        if self._psycopg.closed:
            raise UsageError(_NOT_OPEN)
        status = self._psycopg.info.transaction_status
        begins_by_itself = status == TransactionStatus.IDLE and not self._psycopg.autocommit
        if status != TransactionStatus.INTRANS and not begins_by_itself:
            raise UsageError(_NOT_OPEN)
