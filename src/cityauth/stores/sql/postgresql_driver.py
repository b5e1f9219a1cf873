"""The driver for PostgreSQL: bounded connections, and the running of programs on one. Needs psycopg."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol, TypeVar, cast, final

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row
from sqlalchemy import URL, Engine, Insert, create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.pool import QueuePool

from cityauth.errors import ConfigurationError
from cityauth.stores.sql.pool_settings import PoolSettings
from cityauth.stores.sql.postgresql_errors import CommitError
from cityauth.stores.sql.programs import (
    Lock,
    LookUp,
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

T = TypeVar("T")

CONNECT_SECONDS: Final = 2
"""How long connecting may take. It is the least that psycopg allows."""

ANSWER_SECONDS: Final = 0.5
"""How much longer than the server's own limit an answer is waited for: a frozen server keeps no limit."""

BEGIN_PART: Final = 1 / 3
"""The beginning of a transaction may take this part of the time of a statement: it waits for no lock."""

COMMIT_PART: Final = 1 / 2
"""The end of a transaction may take this part of the time of a statement.

A commit without an answer is repeated. Both together must end within 5 seconds by default.
"""

COPIED_ROWS: Final = 20
"""From how many rows on COPY is faster than INSERT."""

_DIALECT: Final = PGDialect_psycopg()  # type: ignore[no-untyped-call] # SQLAlchemy gives it no types
TEXTS: Final = Texts(_DIALECT)
_SSL_MODES: Final = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}


class BoundedConnection(psycopg.Connection[Row]):
    """A connection that does not wait for an answer forever.

    Attributes:
        seconds: How long it waits for the answer to one statement.
    """

    seconds: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ANN401 - psycopg's own
        """Wait for what *gen* does, as psycopg does, but no longer than `seconds`."""
        return super().wait(gen, interval, self.seconds if timeout is None else timeout)


ROW_SECONDS: Final = 0.05
"""How much longer is waited for each further row of a statement that is run for many rows."""


def wait_longer(connection: object, rows: int) -> None:
    """Let a bounded *connection* wait for *rows* runs of one statement, whose answers come together."""
    seconds: float | None = getattr(connection, "seconds", None)
    if seconds is not None:
        connection.seconds = seconds + ROW_SECONDS * (rows - 1)  # type: ignore[attr-defined] # seen on the line above


class Bounded(Protocol):
    """A connection with a time limit, synchronous or not."""

    seconds: float | None


@contextmanager
def shortened(connection: Bounded, part: float) -> Iterator[None]:
    """Let *connection* wait within the block for only this *part* of its seconds."""
    seconds = connection.seconds
    if seconds is not None:
        connection.seconds = seconds * part
    try:
        yield
    finally:
        connection.seconds = seconds


def engine_for(url: URL, settings: PoolSettings) -> Engine:
    """Make the engine for *url*, whose pool connects on first use.

    Raises:
        ConfigurationError: the URL names no database, or has an option that psycopg cannot use. The message holds
            nothing of the URL but the name of the setting.
    """
    url = url.set(drivername="postgresql+psycopg")
    args, options = connect_options(url)
    _require_usable(url, options)

    def connect() -> BoundedConnection:
        connection = BoundedConnection.connect(
            *args, autocommit=True, prepare_threshold=settings.prepare_threshold, **options
        )
        connection.seconds = settings.statement_timeout + ANSWER_SECONDS
        return connection

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


def connect_options(url: URL) -> tuple[Any, dict[str, Any]]:
    """Return what psycopg needs to connect to *url*."""
    args, options = _DIALECT.create_connect_args(url)  # type: ignore[no-untyped-call] # as above
    return args, {"connect_timeout": CONNECT_SECONDS, "application_name": "cityauth", **options}


def _require_usable(url: URL, options: dict[str, Any]) -> None:
    """See `engine_for`."""
    if not url.database:
        raise ConfigurationError("the URL of the database names no database: postgresql://user@host/database")
    if url.port is not None and not 1 <= url.port <= _LAST_PORT:
        raise ConfigurationError("the port in the URL of the database must be a number from 1 to 65535")
    if options.get("sslmode", "prefer") not in _SSL_MODES:
        raise ConfigurationError("sslmode in the URL of the database must be one of " + ", ".join(sorted(_SSL_MODES)))
    try:
        make_conninfo(**options)
        float(options["connect_timeout"])
    except (psycopg.Error, TypeError, ValueError):
        failure = ConfigurationError("the URL of the database has an option that PostgreSQL does not know")
    else:
        return
    raise failure


_LAST_PORT: Final = 65_535


def columns_to_copy(step: WriteMany) -> list[str]:
    """Return the columns that COPY writes: those of a plain INSERT of many rows. For others the list is empty."""
    if type(step.statement) is not Insert or len(step.rows) < COPIED_ROWS:  # one with ON CONFLICT is of a subclass
        return []
    return list(step.rows[0])


def copy_text(step: WriteMany, names: list[str]) -> bytes:
    """Return the COPY of these columns. It is faster than an INSERT for each row: the server parses and plans once."""
    table = cast("Insert", step.statement).table.description
    return f"COPY {table} ({', '.join(names)}) FROM STDIN".encode()


@final
class PostgresqlDriver:
    """Runs programs on a connection of psycopg, and raises the errors of psycopg."""

    __slots__ = ("_cursor", "connection", "durable")

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Take the *connection*."""
        self.connection: psycopg.Connection[Any] = connection
        self._cursor = psycopg.Cursor(connection, row_factory=tuple_row)  # whatever the host has set on its own
        self.durable: bool = False
        """Whether the present transaction waits for the disk."""

    def run(self, program: Program[T]) -> T:
        """Run *program* to its end and return its result."""
        if type(program) is LookUp:  # not step by step: each session check is one of these
            text, values = TEXTS.of(program.statement, program.values)
            return cast("T", program.result(self._cursor.execute(text.encode(), values).fetchall()))
        return drive(program, self.execute)

    def execute(self, step: Step) -> list[Row] | int:
        """Run one step and return its rows, or how many rows it wrote.

        Raises:
            UnmetError: it did not meet its condition.
            NotDurableError: it must wait for the disk, and the transaction does not.
        """
        if isinstance(step, Read | Lock):
            text, values = TEXTS.of(step.statement, step.values)
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
            text, values = TEXTS.of(step.statement, step.values)
            return self._cursor.execute(text.encode(), values).rowcount
        if not step.rows:
            return 0
        if copied := columns_to_copy(step):
            with self._cursor.copy(copy_text(step, copied)) as copy:
                for row in step.rows:
                    copy.write_row([row[name] for name in copied])
            return self._cursor.rowcount
        text, _ = TEXTS.of(step.statement, step.rows[0])
        wait_longer(self.connection, len(step.rows))
        self._cursor.executemany(text.encode(), [TEXTS.of(step.statement, one)[1] for one in step.rows])
        return self._cursor.rowcount

    @contextmanager
    def transaction(self, begin: str) -> Iterator[None]:
        """Run the block in a transaction that *begin* begins.

        Raises:
            CommitError: the commit itself failed.
        """
        connection = cast("BoundedConnection", self.connection)
        with shortened(connection, BEGIN_PART):
            self._cursor.execute(begin.encode())
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error):  # the first error is the one to raise
                self._cursor.execute(b"ROLLBACK")
            raise
        try:
            with shortened(connection, COMMIT_PART):
                self._cursor.execute(b"COMMIT")
        except psycopg.Error as error:
            raise CommitError from error
