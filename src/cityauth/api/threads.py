"""The library's own threads: what a fork does to them, and those in which `AsyncCityAuth` asks a synchronous store."""

import os
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, Protocol

from cityauth.errors import StoreUnavailableError

STORE_THREADS: Final = 8
"""Queries at once. SQLite has one writer, and a pool of connections to PostgreSQL is seldom larger."""

MOST_QUERIES: Final = 1000
"""Queries at once and waiting. A store that hangs must not collect requests without end."""


class HasThreads(Protocol):
    """An object whose threads and locks are missing or held for ever in a process that was forked."""

    def begin(self) -> None:
        """Start anew, with no thread and nobody who waits."""
        ...


_objects: Final[weakref.WeakSet[HasThreads]] = weakref.WeakSet()


def begin_anew_after_fork(one: HasThreads) -> None:
    """Let *one* begin anew in each process that is forked from this one, such as a worker of gunicorn."""
    _objects.add(one)


def _begin_anew() -> None:
    for one in list(_objects):
        one.begin()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_begin_anew)


class StoreThreads:
    """The threads in which `AsyncCityAuth` asks a synchronous store.

    They are apart from the hasher's, so a session check never waits behind a hash, and from asyncio's own, which the
    host uses too.
    """

    def __init__(self) -> None:
        """Start no thread yet."""
        self.begin()
        begin_anew_after_fork(self)

    def begin(self) -> None:
        """Start anew."""
        self._pool = ThreadPoolExecutor(STORE_THREADS, "cityauth-store")
        self._asked = 0

    async def call(self, work: Callable[[], Any]) -> Any:
        """Return what *work* returns, computed in one of the threads.

        Raises:
            StoreUnavailableError: too many wait already; nothing was asked of the store.
        """
        import asyncio

        if self._asked >= MOST_QUERIES:
            raise StoreUnavailableError("too many queries wait for the store", nothing_written=True)
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, work)
        finally:
            self._asked -= 1
