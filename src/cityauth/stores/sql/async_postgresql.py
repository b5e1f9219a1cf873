"""PostgreSQL for `AsyncSqlStore`: what `postgresql` does, on psycopg's asynchronous connections.

Each event loop has a pool of its own, because a connection belongs to the loop that opened it.
"""

import asyncio
import os
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, ParamSpec, TypeVar, cast, final

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from cityauth.stores.sql.pool_settings import PoolSettings
from cityauth.stores.sql.postgresql import (
    FAILURES,
    MAINTENANCE_SECONDS,
    TRIES,
    PostgresqlDatabase,
    has_ended,
)
from cityauth.stores.sql.postgresql_driver import (
    ANSWER_SECONDS,
    BEGIN_PART,
    COMMIT_PART,
    TEXTS,
    columns_to_copy,
    connect_options,
    copy_text,
    shortened,
    wait_longer,
)
from cityauth.stores.sql.postgresql_errors import CommitError, failure_of, is_retryable
from cityauth.stores.sql.programs import (
    Lock,
    LookUp,
    NotDurableError,
    Program,
    Read,
    Step,
    UnmetError,
    Write,
    WriteMany,
    drive_async,
    settle,
)
from cityauth.stores.sql.rows import Row

P = ParamSpec("P")
T = TypeVar("T")


class AsyncBoundedConnection(psycopg.AsyncConnection[Row]):
    """A connection that does not wait for an answer forever.

    Attributes:
        seconds: How long it waits for the answer to one statement.
    """

    seconds: float | None = None

    async def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ANN401, ASYNC109 - psycopg's own
        """Wait for what *gen* does, as psycopg does, but no longer than `seconds`."""
        return await super().wait(gen, interval, self.seconds if timeout is None else timeout)


@final
class AsyncPostgresqlDriver:
    """Runs programs on an asynchronous connection of psycopg, and raises the errors of psycopg."""

    __slots__ = ("_cursor", "connection", "durable")

    def __init__(self, connection: AsyncBoundedConnection) -> None:
        """Take the *connection*."""
        self.connection: AsyncBoundedConnection = connection
        self._cursor = psycopg.AsyncCursor(connection, row_factory=tuple_row)
        self.durable: bool = False
        """Whether the present transaction waits for the disk."""

    async def run(self, program: Program[T]) -> T:
        """Run *program* to its end and return its result."""
        if type(program) is LookUp:  # not step by step: each session check is one of these
            return cast("T", program.result(await self._read(program)))
        return await drive_async(program, self.execute)

    async def execute(self, step: Step) -> list[Row] | int:
        """Run one step and return its rows, or how many rows it wrote.

        Raises:
            UnmetError: it did not meet its condition.
            NotDurableError: it must wait for the disk, and the transaction does not.
        """
        if isinstance(step, Read | Lock):
            return await self._read(step)
        try:
            written = await self._write(step)
        except psycopg.errors.UniqueViolation:
            if step.taken is None:
                raise
            raise UnmetError(step.taken) from None
        return settle(step, written, durable=self.durable)

    async def _read(self, step: "Read | Lock | LookUp[Any]") -> list[Row]:
        text, values = TEXTS.of(step.statement, step.values)
        await self._cursor.execute(text.encode(), values)
        return await self._cursor.fetchall()

    async def _write(self, step: Write | WriteMany) -> int:
        if isinstance(step, Write):
            text, values = TEXTS.of(step.statement, step.values)
            await self._cursor.execute(text.encode(), values)
        elif copied := columns_to_copy(step):
            async with self._cursor.copy(copy_text(step, copied)) as copy:
                for row in step.rows:
                    await copy.write_row([row[name] for name in copied])
        elif step.rows:
            text, _ = TEXTS.of(step.statement, step.rows[0])
            wait_longer(self.connection, len(step.rows))
            await self._cursor.executemany(text.encode(), [TEXTS.of(step.statement, one)[1] for one in step.rows])
        else:
            return 0
        return self._cursor.rowcount

    @asynccontextmanager
    async def transaction(self, begin: str) -> AsyncIterator[None]:
        """Run the block in a transaction that *begin* begins. A cancelled task rolls it back.

        Raises:
            CommitError: the commit itself failed.
        """
        with shortened(self.connection, BEGIN_PART):
            await self._cursor.execute(begin.encode())
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error):  # the first error is the one to raise
                await self._cursor.execute(b"ROLLBACK")
            raise
        try:
            with shortened(self.connection, COMMIT_PART):
                await self._cursor.execute(b"COMMIT")
        except psycopg.Error as error:
            raise CommitError from error


@final
class _Pool:
    """The connections of one event loop; the one that was used last is taken first."""

    def __init__(self, connect: Callable[[], Awaitable[AsyncBoundedConnection]], settings: PoolSettings) -> None:
        self._connect = connect
        self._seconds = settings.pool_timeout
        self._places = asyncio.Semaphore(settings.pool_size)
        self._idle: list[AsyncPostgresqlDriver] = []

    async def take(self) -> AsyncPostgresqlDriver:
        """Return a connection that the server has not ended meanwhile, when there is a place for one.

        Raises:
            PoolTimeoutError: every place stayed taken for ``pool_timeout``.
        """
        try:
            async with asyncio.timeout(self._seconds):
                await self._places.acquire()
        except TimeoutError:
            raise PoolTimeoutError from None
        try:
            while self._idle:
                driver = self._idle.pop()
                if not has_ended(driver.connection):
                    return driver
                await driver.connection.close()
            return AsyncPostgresqlDriver(await self._connect())
        except BaseException:
            self._places.release()
            raise

    async def give_back(self, driver: AsyncPostgresqlDriver) -> None:
        """Keep the connection for the next call. If it is not as it was, close it: no transaction stays open on it."""
        if driver.connection.info.transaction_status == TransactionStatus.IDLE:
            self._idle.append(driver)
        else:
            await driver.connection.close()
        self._places.release()

    async def close(self) -> None:
        """Close what is idle, also in another event loop than the pool's: to close a connection waits for nothing."""
        while self._idle:
            await self._idle.pop().connection.close()


class AsyncPostgresqlDatabase:
    """Runs programs on the connections of a pool, and turns every error into one of the store's."""

    def __init__(self, database: PostgresqlDatabase, settings: PoolSettings) -> None:
        """Take the synchronous *database*, which does what is done to the tables themselves."""
        self._database = database
        self.engine: Engine = database.engine
        self._settings = settings
        self._seconds = settings.statement_timeout
        self._checked = False
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}
        _ALL.add(self)

    def has_file(self) -> bool:
        """Return ``True``: a server has no file that could be missing."""
        return True

    async def look_up(self, program: Program[T]) -> T:
        """Run a *program* that writes nothing, without a transaction unless the store is open for reading alone."""
        return await self._answer(self._look_up, program)

    async def write(self, program: Program[T], *, seconds: float | None = None) -> T:
        """Run a *program* of one statement; wait *seconds* for a lock, if given."""
        return await self._answer(self._write, program, seconds)

    async def within(self, program: Callable[P, Program[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a *program* in a transaction; any exception undoes it, and so does the end of a cancelled task.

        If one of its writes must wait for the disk, all of it is run again in a transaction that does. If the server
        ends the transaction because of another one, all of it is run again.
        """
        try:
            return await self._answer(self._within, lambda: program(*args, **kwargs), self._database.full)
        except NotDurableError:
            return await self.within_durably(program, *args, **kwargs)

    async def within_durably(self, program: Callable[P, Program[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a *program* in a transaction that waits for the disk: a power cut does not take it back."""
        return await self._answer(self._within, lambda: program(*args, **kwargs), True)  # noqa: FBT003 - by position alone

    async def alone(self, work: Callable[[Connection], T], *, create: bool = False) -> T:
        """Do *work* on the tables themselves, in a thread, as Alembic is synchronous."""
        return await asyncio.to_thread(self._database.alone, work, create=create)

    async def forget_deleted(self) -> bool:
        """Return ``True``: the server's own VACUUM removes what was deleted."""
        return True

    async def close(self) -> None:
        """Close every connection of this event loop that is in its pool, and those of loops that have ended."""
        await self._drop_ended()
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.close()
        self._database.close()

    async def _answer(self, work: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do *work*. A failure is raised outside the handlers, so that it does not carry the driver's error."""
        try:
            return await work(*args, **kwargs)
        except FAILURES as error:
            failure = failure_of(error)
        raise failure

    async def _look_up(self, program: Program[T]) -> T:
        async with self._borrowed(self._seconds) as driver:
            if not self._database.read_only:
                return await driver.run(program)
            async with driver.transaction(self._database.begin(self._seconds, self._seconds)):
                return await driver.run(program)

    async def _write(self, program: Program[T], seconds: float | None) -> T:
        limit = MAINTENANCE_SECONDS if seconds is None else self._seconds
        begin = self._database.begin(limit, seconds or self._seconds)
        async with self._borrowed(limit) as driver, driver.transaction(begin):
            return await driver.run(program)

    async def _within(self, program: Callable[[], Program[T]], durable: bool) -> T:  # noqa: FBT001 - by `_answer` alone
        begin = self._database.begin(self._seconds, self._seconds, durable=durable)
        for left in reversed(range(TRIES)):
            try:
                async with self._borrowed(self._seconds) as driver, driver.transaction(begin):
                    driver.durable = durable
                    return await driver.run(program())
            except (psycopg.Error, CommitError) as error:
                if not left or not is_retryable(error):
                    raise
        raise AssertionError  # pragma: no cover - the last try returns or raises

    @asynccontextmanager
    async def _borrowed(self, seconds: float) -> AsyncIterator[AsyncPostgresqlDriver]:
        """Lend a connection of this event loop."""
        if not self._checked:
            await self._answer(asyncio.to_thread, self._database.check_tables)
            self._checked = True
        pool = await self._pool()
        driver = await pool.take()
        driver.connection.seconds = seconds + ANSWER_SECONDS
        try:
            yield driver
        finally:
            await pool.give_back(driver)

    async def _pool(self) -> _Pool:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            await self._drop_ended()
            pool = self._pools[loop] = _Pool(self._connect, self._settings)
        return pool

    async def _drop_ended(self) -> None:
        """Close the connections of event loops that have ended."""
        for loop in [one for one in list(self._pools) if one.is_closed()]:
            await self._pools.pop(loop).close()

    async def _connect(self) -> AsyncBoundedConnection:
        args, options = connect_options(self.engine.url)
        return await AsyncBoundedConnection.connect(
            *args, autocommit=True, prepare_threshold=self._settings.prepare_threshold, **options
        )

    def forget(self) -> None:
        """Drop every connection unclosed: in a forked child they are the parent's."""
        _PARENTS.append(self._pools)
        self._pools = {}


_ALL: Final[weakref.WeakSet[AsyncPostgresqlDatabase]] = weakref.WeakSet()
_PARENTS: Final[list[object]] = []


def _after_fork() -> None:
    for database in list(_ALL):
        database.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
