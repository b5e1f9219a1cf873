"""The queue before the hasher: how many hashes run at once, who waits, and who is sent away."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from time import monotonic, sleep
from typing import Any

import pytest

from cityauth.api.hash_queue import LITTLE_MEMORY, HashQueue, usable_cores
from cityauth.errors import HasherBusyError
from cityauth.policy import HashQueuePolicy

LITTLE, MUCH = str(LITTLE_MEMORY - 1), str(LITTLE_MEMORY)
"""Stored "hashes" on both sides of the bound between the caller's thread and the queue's. Each is its KiB."""

SOON = 30.0
"""Seconds after which a test that hangs fails."""


def queue_of(**settings: Any) -> HashQueue:
    """A queue in which a stored hash is the number of its KiB."""
    return HashQueue(HashQueuePolicy(**settings), lambda stored: int(stored or 0))


@dataclass
class Gauge:
    """A hasher that counts what runs at once, and waits until it is let go."""

    open: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    running: int = 0
    memory: int = 0
    most: int = 0
    most_memory: int = 0
    began: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def verify(self, who: str, stored: str) -> str:
        """Hold a slot until the gauge is open."""
        with self.lock:
            self.began.append(who)
            self.running += 1
            self.memory += int(stored)
            self.most = max(self.most, self.running)
            self.most_memory = max(self.most_memory, self.memory)
        assert self.open.wait(SOON)
        with self.lock:
            self.running -= 1
            self.memory -= int(stored)
            self.done.append(who)
        return who

    def holds(self, many: int) -> None:
        """Wait until *many* run."""
        until(lambda: self.running == many)


def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = monotonic() + SOON
    while not holds():
        assert monotonic() < end
        sleep(0.001)


@contextmanager
def askers(gauge: Gauge, many: int = 64) -> Iterator[ThreadPoolExecutor]:
    """Threads that ask; the gauge is opened at the end, so that none is left."""
    with ThreadPoolExecutor(many) as threads:
        try:
            yield threads
        finally:
            gauge.open.set()


def ask_all(
    queue: HashQueue, gauge: Gauge, threads: ThreadPoolExecutor, *asked: tuple[str, str, str]
) -> list[Future[str]]:
    """Ask for each (name, stored, network) after the one before is in the queue."""
    verify, futures = queue.calling(gauge.verify), list[Future[str]]()
    for who, stored, network in asked:
        futures.append(threads.submit(verify, who, stored, network=network))
        until(lambda: _has_entered(queue, who, gauge) or futures[-1].done())  # noqa: B023 - at once
    return futures


def _has_entered(queue: HashQueue, who: str, gauge: Gauge) -> bool:
    waiting = [place.work for line in list(queue._waiting.values()) for place in list(line)]
    return who in gauge.began or any(who in work.args for work in waiting if isinstance(work, partial))


@pytest.mark.parametrize("stored", [LITTLE, MUCH])
@pytest.mark.parametrize("slots", [1, 2, 5])
def test_no_more_hashes_run_than_there_are_slots(slots: int, stored: str) -> None:
    """Of forty at once only as many run as there are slots, and all get their answers (C-44)."""
    queue, gauge = queue_of(slots=slots), Gauge()
    with askers(gauge) as threads:
        futures = ask_all(queue, gauge, threads, *((str(n), stored, "") for n in range(40)))
        gauge.holds(slots)
        gauge.open.set()
        assert [future.result(SOON) for future in futures] == [str(n) for n in range(40)]
    assert gauge.most == slots
    assert (queue._count, queue._running, queue._memory) == (0, 0, 0)


def test_there_are_as_many_slots_as_cores() -> None:
    """Without a setting the number of slots is the number of cores that the process may use."""
    assert queue_of()._slots == usable_cores() >= 1


@pytest.mark.parametrize("mix", [[100], [100, 300], [399, 1, 200], [400, 100, 50], [70, 1024, 10]])
def test_all_hashes_at_once_keep_the_budget(mix: list[int]) -> None:
    """Each hash counts with its own memory, and the sum never passes the budget (C-44)."""
    queue, gauge = queue_of(slots=16, memory_budget=1024), Gauge()
    gauge.open.set()
    with askers(gauge) as threads:
        asked = [(str(n), str(mix[n % len(mix)]), str(n % 3)) for n in range(60)]
        assert [one.result(SOON) for one in ask_all(queue, gauge, threads, *asked)] == [str(n) for n in range(60)]
    assert gauge.most_memory <= 1024


def test_a_hash_beyond_the_budget_runs_alone() -> None:
    """A host's own format may need more than the budget: it waits until nothing else runs, and is not stuck."""
    queue, gauge = queue_of(slots=4, memory_budget=1000), Gauge()
    with askers(gauge) as threads:
        futures = ask_all(queue, gauge, threads, ("small", "10", ""), ("huge", "5000", ""), ("later", "10", ""))
        assert gauge.running == 1
        gauge.open.set()
        assert [future.result(SOON) for future in futures] == ["small", "huge", "later"]
    assert gauge.done == ["small", "huge", "later"]


def test_the_queue_is_bounded() -> None:
    """Beyond the bound the answer is "busy, try again in N seconds", at once, and nothing is forgotten (C-44)."""
    queue, gauge = queue_of(slots=2, length=5), Gauge()
    with askers(gauge) as threads:
        futures = ask_all(queue, gauge, threads, *((str(n), MUCH, "a") for n in range(20)))
        refused = [future.exception(SOON) for future in futures[7:]]
        assert all(isinstance(error, HasherBusyError) and 1 <= error.retry_after <= 60 for error in refused)
        gauge.open.set()
        assert [future.result(SOON) for future in futures[:7]] == [str(n) for n in range(7)]
    assert queue._count == queue._running == 0


def test_a_wait_is_bounded() -> None:
    """One whose turn does not come in time is sent away, and its place is free (C-44)."""
    queue, gauge = queue_of(slots=1, max_wait=timedelta(milliseconds=50)), Gauge()
    with askers(gauge) as threads:
        first, second = ask_all(queue, gauge, threads, ("first", MUCH, ""), ("second", MUCH, ""))
        with pytest.raises(HasherBusyError, match="in time"):
            second.result(SOON)
        assert (queue._count, queue._running) == (0, 1)
        gauge.open.set()
        assert first.result(SOON) == "first", "what runs is not ended, however long it takes"


def test_the_time_to_come_back_grows_with_the_queue() -> None:
    """The seconds of the answer are the hashes that wait, at the pace of the last ones, and at most a minute."""
    queue = queue_of(slots=2)
    for count, average, seconds in ((0, 5.0, 1), (10, 1.0, 5), (11, 1.0, 6), (3, 0.001, 1), (100_000, 9.0, 60)):
        queue._count, queue._average = count, average
        assert queue._busy("").retry_after == seconds


def test_a_thousand_attempts_of_one_network_do_not_starve_another() -> None:
    """Networks take turns: a newcomer is served after one hash of each other network at most (C-44)."""
    queue, gauge = queue_of(slots=1, length=2000), Gauge()
    flood = [(f"flood {n}", MUCH, "flood") for n in range(60)]
    with askers(gauge, 80) as threads:
        futures = ask_all(
            queue, gauge, threads, *flood, ("own 1", MUCH, "own"), ("other", MUCH, "other"), ("own 2", MUCH, "own")
        )
        gauge.open.set()
        for future in futures:
            future.result(SOON)
    assert gauge.done[:7] == ["flood 0", "flood 1", "own 1", "other", "flood 2", "own 2", "flood 3"]


def test_a_full_queue_makes_room_for_another_network() -> None:
    """The newest one of the longest line gives way; a network with as many itself is sent away (C-44)."""
    queue, gauge = queue_of(slots=1, length=4), Gauge()
    asked = [
        *((f"flood {n}", MUCH, "flood") for n in range(5)),
        ("own 1", MUCH, "own"),
        ("own 2", MUCH, "own"),
        ("own 3", MUCH, "own"),
    ]
    with askers(gauge) as threads:
        *flood, own1, own2, own3 = ask_all(queue, gauge, threads, *asked)
        for sent_away in (flood[4], flood[3], own3):
            with pytest.raises(HasherBusyError):
                sent_away.result(SOON)
        gauge.open.set()
        assert [future.result(SOON) for future in (*flood[:3], own1, own2)]
    assert gauge.done == ["flood 0", "flood 1", "own 1", "flood 2", "own 2"]


@pytest.mark.parametrize("stored", [LITTLE, MUCH])
def test_what_a_hasher_raises_passes(stored: str) -> None:
    """An error of the hasher reaches the flow as it is, and the slot is free again."""
    queue = queue_of(slots=1)

    def fails(_who: str, _stored: str) -> None:
        raise TimeoutError("the hasher's own")

    for _ in range(3):
        with pytest.raises(TimeoutError, match="the hasher's own"):
            queue.calling(fails)("who", stored)
        with pytest.raises(TimeoutError, match="the hasher's own"):
            asyncio.run(_await(queue.awaiting(fails)("who", stored)))
    assert queue._running == queue._memory == 0


async def _await(coming: Any) -> Any:
    return await coming


@pytest.mark.parametrize("stored", [LITTLE, MUCH])
def test_a_hasher_sees_the_context_of_the_request(stored: str) -> None:
    """Context variables, such as a request's language or trace, reach the thread that hashes."""
    request = ContextVar("request", default="none")
    queue = queue_of()
    request.set("of Erkki")
    assert queue.calling(lambda _who, _stored: request.get())("who", stored) == "of Erkki"


# --- asyncio ----------------------------------------------------------------------------------------------------------


def asynchronous(gauge: Gauge) -> Callable[..., Any]:
    """The gauge as a hasher whose methods are coroutines."""

    async def verify(who: str, stored: str) -> str:
        gauge.running += 1
        gauge.most = max(gauge.most, gauge.running)
        try:
            await asyncio.to_thread(gauge.open.wait, SOON)
        finally:
            gauge.running -= 1
        gauge.done.append(who)
        return who

    return verify


KINDS = pytest.mark.parametrize("asynchronously", [False, True], ids=["threads", "coroutines"])


def awaiting(queue: HashQueue, gauge: Gauge, *, asynchronously: bool) -> Callable[..., Any]:
    """The gauge behind the queue, as the asynchronous driver asks it."""
    return queue.awaiting_asynchronous(asynchronous(gauge)) if asynchronously else queue.awaiting(gauge.verify)


@KINDS
def test_tasks_wait_like_threads(*, asynchronously: bool) -> None:
    """Slots, the bound, the turns and the deadline hold for asyncio too (C-44)."""

    async def scenario() -> tuple[list[Any], Gauge]:
        queue, gauge = queue_of(slots=2, length=10), Gauge()
        verify = awaiting(queue, gauge, asynchronously=asynchronously)
        tasks = [asyncio.create_task(verify(str(n), MUCH, network="a")) for n in range(30)]
        tasks.append(asyncio.create_task(verify("own", MUCH, network="own")))
        await asyncio.sleep(0.05)
        assert queue._count == 10
        assert queue._running == 2
        gauge.open.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert queue._count == queue._running == 0
        return found, gauge

    found, gauge = asyncio.run(scenario())
    assert gauge.most == 2
    assert found[:11] == [str(n) for n in range(11)]
    assert all(isinstance(one, HasherBusyError) for one in found[11:30])
    assert found[30] == "own"
    assert gauge.done.index("own") <= 5


@KINDS
def test_a_task_is_sent_away_in_time(*, asynchronously: bool) -> None:
    """A deadline under asyncio frees the place (C-44)."""

    async def scenario() -> None:
        queue, gauge = queue_of(slots=1, max_wait=timedelta(milliseconds=30)), Gauge()
        verify = awaiting(queue, gauge, asynchronously=asynchronously)
        first = asyncio.create_task(verify("first", MUCH))
        await asyncio.sleep(0.01)
        with pytest.raises(HasherBusyError, match="in time"):
            await verify("second", MUCH)
        assert queue._count == 0
        gauge.open.set()
        assert await first == "first"

    asyncio.run(scenario())


@KINDS
@pytest.mark.parametrize("seed", range(5))
def test_a_cancelled_request_gives_its_place_back(seed: int, *, asynchronously: bool) -> None:
    """Whoever waits and goes away takes no turn, and whoever goes away at work keeps no slot (B-80, C-44)."""

    async def scenario() -> None:
        queue, gauge = queue_of(slots=2), Gauge()
        verify = awaiting(queue, gauge, asynchronously=asynchronously)
        tasks = [asyncio.create_task(verify(str(n), MUCH, network=str(n % 3))) for n in range(20)]
        await asyncio.sleep(0.02)
        gone = [task for n, task in enumerate(tasks) if (n * 7 + seed) % 3]
        for task in gone:
            task.cancel()
        if seed % 2:
            await asyncio.sleep(0.01)
        gauge.open.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(found[tasks.index(task)], asyncio.CancelledError) for task in gone)
        assert all(found[n] == str(n) for n, task in enumerate(tasks) if task not in gone)
        await asyncio.to_thread(until, lambda: not queue._running)  # a thread that had begun goes on to its end
        assert (queue._count, queue._memory, queue._waiting) == (0, 0, {})
        assert await verify("next", MUCH) == "next"

    asyncio.run(asyncio.wait_for(scenario(), SOON))


def test_a_queue_serves_several_event_loops() -> None:
    """One object may be used by loops one after the other, and by threads beside them."""
    queue = queue_of(slots=1)

    def verify(who: str, _stored: str) -> str:
        return who

    async def both() -> list[str]:
        return list(await asyncio.gather(*(queue.awaiting(verify)(str(n), MUCH) for n in range(4))))

    for _ in range(3):
        assert asyncio.run(both()) == ["0", "1", "2", "3"]
        assert queue.calling(verify)("thread", MUCH) == "thread"
