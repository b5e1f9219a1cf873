"""Let many threads do one thing at the very same moment."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final, TypeVar

T = TypeVar("T")

RACERS: Final = 32
"""How many threads a race has."""

_PATIENCE = 60
"""Seconds until a race that hangs has failed."""


def race(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run *jobs*, one thread each, let go by a barrier; return their results in order."""
    barrier = Barrier(len(jobs), timeout=_PATIENCE)

    def run(job: Callable[[], T]) -> T:
        barrier.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [done.result(timeout=_PATIENCE) for done in [pool.submit(run, job) for job in jobs]]
