"""Let many threads do one thing at the very same moment."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

T = TypeVar("T")


def race(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run all *jobs*, one thread each, let go by a barrier; return their results in order."""
    barrier = Barrier(len(jobs), timeout=30)

    def run(job: Callable[[], T]) -> T:
        barrier.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [done.result(timeout=60) for done in [pool.submit(run, job) for job in jobs]]
