"""Opening a database: what a URL names, and what every database offers to the store."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, ParamSpec, Protocol, TypeVar, cast

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from cityauth.errors import ConfigurationError, MissingExtraError
from cityauth.stores.sql.async_sqlite import AsyncSqliteDatabase
from cityauth.stores.sql.connections import Synchronous, engine_for, require_file
from cityauth.stores.sql.pool_settings import PoolSettings
from cityauth.stores.sql.programs import Program
from cityauth.stores.sql.sqlite import SqliteDatabase

P = ParamSpec("P")
T = TypeVar("T")

_DRIVERS: Final = {"postgresql", "postgres", "postgresql+psycopg"}
"""What a URL of PostgreSQL may begin with. psycopg 3 is the driver that is used."""


class Database(Protocol):
    """Runs programs, on whatever connection, and turns every error into one of the store's."""

    engine: Engine

    def has_file(self) -> bool:
        """Whether what keeps the tables is there."""
        ...

    def look_up(self, program: Program[T]) -> T:
        """Run a *program* that writes nothing, without a transaction."""
        ...

    def write(self, program: Program[T], *, seconds: float | None = None) -> T:
        """Run a *program* of one statement; wait *seconds* for a lock, if given."""
        ...

    def within(self, program: Callable[P, Program[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a *program* in a transaction; any exception undoes it."""
        ...

    def within_durably(self, program: Callable[P, Program[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a *program* in a transaction that waits for the disk."""
        ...

    def alone(self, work: Callable[[Connection], T], *, create: bool = False) -> T:
        """Do *work* on the tables themselves. With *create* a missing file is made."""
        ...

    def on(self, connection: object) -> AbstractContextManager[None]:
        """Run this thread's programs on the host's *connection* within the block."""
        ...

    def forget_deleted(self) -> bool:
        """Remove what was deleted from where it may still lie, and return whether it is gone."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class AsyncDatabase(Protocol):
    """The same as `Database` with asynchronous methods, but for the host's own transaction."""

    engine: Engine

    def has_file(self) -> bool:
        """See `Database.has_file`."""
        ...

    async def look_up(self, program: Program[T]) -> T:
        """See `Database.look_up`."""
        ...

    async def write(self, program: Program[T], *, seconds: float | None = None) -> T:
        """See `Database.write`."""
        ...

    async def within(self, program: Callable[P, Program[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.within`."""
        ...

    async def within_durably(self, program: Callable[P, Program[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.within_durably`."""
        ...

    async def alone(self, work: Callable[[Connection], T], *, create: bool = False) -> T:
        """See `Database.alone`."""
        ...

    async def forget_deleted(self) -> bool:
        """See `Database.forget_deleted`."""
        ...

    async def close(self) -> None:
        """Close every connection of the running event loop."""
        ...


def open_database(
    url: str | URL | None,
    engine: Engine | None,
    synchronous: Synchronous,
    settings: PoolSettings,
    *,
    read_only: bool,
) -> Database:
    """Return the database of a *url* or of the host's *engine*; nothing is opened yet.

    Raises:
        ConfigurationError: it is neither a SQLite file nor a PostgreSQL server.
        MissingExtraError: psycopg is needed and not installed.
    """
    if url is None:
        if engine is not None and engine.dialect.name == "postgresql":
            raise ConfigurationError("for PostgreSQL, SqlStore needs a URL instead of an engine")
        return SqliteDatabase(require_file(engine), synchronous, read_only=read_only)
    parsed = _parsed(url)
    if parsed is None or parsed.drivername not in _DRIVERS:
        return SqliteDatabase(engine_for(url), synchronous, read_only=read_only)
    try:
        from cityauth.stores.sql import postgresql, postgresql_driver
    except ImportError:
        raise MissingExtraError("postgresql", "SqlStore on PostgreSQL") from None
    return postgresql.PostgresqlDatabase(
        postgresql_driver.engine_for(parsed, settings), synchronous, settings, read_only=read_only
    )


def open_async_database(
    url: str | URL | None,
    engine: Engine | None,
    synchronous: Synchronous,
    settings: PoolSettings,
    *,
    read_only: bool,
) -> AsyncDatabase:
    """Return the database of a *url* or of the host's *engine* for asyncio. Errors are those of `open_database`."""
    database = open_database(url, engine, synchronous, settings, read_only=read_only)
    if isinstance(database, SqliteDatabase):
        return AsyncSqliteDatabase(database)
    from cityauth.stores.sql.async_postgresql import AsyncPostgresqlDatabase

    return AsyncPostgresqlDatabase(cast("Any", database), settings)


def _parsed(url: object) -> URL | None:
    try:
        return make_url(url) if isinstance(url, str | URL) else None
    except (ArgumentError, ValueError):
        return None
