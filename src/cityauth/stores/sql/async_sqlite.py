"""SQLite for `AsyncSqlStore`: whole programs run in a few threads of the store, so that the event loop never waits.

A file gives no signal when the disk or the lock is ready, so an asynchronous driver of SQLite is a thread as well. It
gets each statement on its own, several in a transaction, while the write lock is held. Here the thread gets the whole
program at once. It runs it on a connection as those of `SqlStore`, with the same checks.
"""

import asyncio
import os
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar, final

from sqlalchemy import Connection, Engine

from cityauth.errors import StoreUnavailableError
from cityauth.stores.sql.connections import BUSY_SECONDS
from cityauth.stores.sql.programs import Program
from cityauth.stores.sql.sqlite import SqliteDatabase

P = ParamSpec("P")
T = TypeVar("T")

READERS: Final = 4
"""Threads that look up. They share one interpreter, so more of them answer no sooner."""


@final
class AsyncSqliteDatabase:
    """Runs programs in threads of its own: some for look-ups, and one that writes, as SQLite has one writer."""

    def __init__(self, database: SqliteDatabase) -> None:
        """Take the *database*; no thread is started yet."""
        self._database = database
        self.engine: Engine = database.engine
        self._start()
        _ALL.add(self)

    def _start(self) -> None:
        self._readers = ThreadPoolExecutor(READERS, "cityauth-reader")
        self._writer = ThreadPoolExecutor(1, "cityauth-writer")

    def has_file(self) -> bool:
        """Whether there is a database file."""
        return self._database.has_file()

    async def look_up(self, program: Program[T]) -> T:
        """Run a *program* that writes nothing, without a transaction."""

        def work() -> T:
            return self._database.look_up(program)

        return await _call(self._readers, work)

    async def write(self, program: Program[T], *, seconds: float | None = None) -> T:
        """Run a *program* of one statement, without a transaction; wait *seconds* for the lock, if given."""

        def work() -> T:
            return self._database.write(program, seconds=seconds)

        return await _call(self._writer, work)

    async def within(self, program: Callable[P, Program[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a *program* in a transaction; any exception undoes it.

        If the task is cancelled, the program still runs to its end: no transaction stays open.
        """

        def work() -> T:
            return self._database.within(program, *args, **kwargs)

        return await _call(self._writer, work)

    async def within_durably(self, program: Callable[P, Program[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a *program* in a transaction that waits for the disk."""

        def work() -> T:
            return self._database.within_durably(program, *args, **kwargs)

        return await _call(self._writer, work)

    async def alone(self, work: Callable[[Connection], T], *, create: bool = False) -> T:
        """Do *work* on the tables themselves. With *create* a missing file is made."""

        def on_the_tables() -> T:
            return self._database.alone(work, create=create)

        return await _call(self._writer, on_the_tables)

    async def forget_deleted(self) -> bool:
        """Empty the write-ahead log, which still holds what was deleted; return whether it is empty now."""
        return await _call(self._writer, self._database.forget_deleted)

    async def close(self) -> None:
        """End the threads when they have done what they were given, and close their connections."""
        for pool in (self._readers, self._writer):
            await asyncio.to_thread(pool.shutdown)
        self._database.close()
        self._start()

    def forget(self) -> None:
        """Begin anew in a forked child, where the threads are missing."""
        self._start()


async def _call(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Return what *work* returns in a thread of *pool*.

    Raises:
        StoreUnavailableError: no thread was free for `BUSY_SECONDS`; nothing was begun.
    """
    asked = time.monotonic()

    def run() -> T:
        if time.monotonic() - asked > BUSY_SECONDS:
            raise StoreUnavailableError("the database stayed busy past the time limit", nothing_written=True)
        return work()

    return await asyncio.wrap_future(pool.submit(run))


_ALL: weakref.WeakSet[AsyncSqliteDatabase] = weakref.WeakSet()


def _after_fork() -> None:
    for database in list(_ALL):
        database.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
