"""The queue before the hasher: a few hashes are computed at once, and a bounded number of others wait for their turn.

A hash takes much memory and all of a core. Without a bound, a storm of sign-ins takes the memory of the machine, and
session checks wait behind it. `HashQueuePolicy` has the bounds.
"""

import math
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from cityauth.api.threads import begin_anew_after_fork
from cityauth.errors import HasherBusyError
from cityauth.policy import HashQueuePolicy

LITTLE_MEMORY: Final = 1024
"""KiB. A hash that takes less is computed in the thread that asks, if a slot is free. One that takes more is computed
in a thread of the queue: the C library keeps a freed block of memory for each thread that had one."""

_MOST_SECONDS: Final = 60
"""Nobody is asked to come back later than this."""

_WEIGHT: Final = 0.1
"""The weight of the last hash in the average of their durations."""

MemoryOf: TypeAlias = Callable[[str | None], int]
"""Returns the KiB that the verification of a stored hash takes; for ``None``, those of a new hash."""


@dataclass(slots=True, eq=False)
class _Place:
    """One hash that is computed or waits.

    Attributes:
        network: The network that it is computed for; empty when it is not known.
        memory: KiB that it takes.
        work: Computes it; ``None`` when whoever waits computes it as soon as the future is done.
        since: When it got a slot, on the monotonic clock; 0 while it waits.
    """

    network: str
    memory: int
    work: Callable[[], Any] | None = None
    since: float = 0.0
    _future: Future[Any] | None = None

    @property
    def future(self) -> Future[Any]:
        """The result of *work*. Most places need none. It is made before another thread can see the place."""
        if self._future is None:
            self._future = Future()
        return self._future


class HashQueue:
    """Gives slots to hashes, and to the networks that wait in turn. Threads share the object.

    A new network waits for one hash of each other network at most, however many those have in the queue.
    """

    def __init__(self, policy: HashQueuePolicy, memory_of: MemoryOf) -> None:
        """Apply *policy*; no thread is started yet."""
        self._slots = policy.slots or usable_cores()
        self._budget = policy.memory_budget
        self._length = policy.length
        self._max_wait = policy.max_wait.total_seconds()
        self._memory_of = memory_of
        self._average = 0.0
        self.begin()
        begin_anew_after_fork(self)

    def begin(self) -> None:
        """Start anew, with nobody in the queue."""
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(self._slots, "cityauth-hash")
        self._waiting: OrderedDict[str, deque[_Place]] = OrderedDict()
        self._count = 0
        self._running = 0
        self._memory = 0

    # --- who asks ---------------------------------------------------------------------------------------------------

    def calling(self, answer: Callable[..., Any]) -> Callable[..., Any]:
        """Return *answer*, a slow method of a hasher, for the synchronous driver: it is called in its turn.

        What is returned takes the keyword ``network``, and raises `HasherBusyError` if the turn does not come in time.
        """

        def call(*args: Any, network: str = "") -> Any:
            place = self._place(network, args, partial(copy_context().run, answer, *args))
            if self._enter(place):
                if place.memory < LITTLE_MEMORY:
                    return self._compute(place, partial(answer, *args))
                self._start(place)
            try:
                wait([place.future], self._max_wait)
                self._end_wait(place)
                return place.future.result()
            except BaseException:  # such as KeyboardInterrupt
                self._give_up(place)
                raise

        return call

    def awaiting(self, answer: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        """Return *answer* for the asynchronous driver, as `calling` does. A cancelled call gives its place back."""

        async def call(*args: Any, network: str = "") -> Any:
            place = self._place(network, args, partial(copy_context().run, answer, *args))
            if self._enter(place):
                self._start(place)
            return await self._turn(place)

        return call

    def awaiting_asynchronous(self, answer: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Return *answer*, which is asynchronous itself, in the same way: it is awaited in its turn."""

        async def call(*args: Any, network: str = "") -> Any:
            place = self._place(network, args, None)
            if not self._enter(place):
                await self._turn(place)
            try:
                return await answer(*args)
            finally:
                self._leave(place)

        return call

    async def _turn(self, place: _Place) -> Any:
        """Return the result of *place*."""
        import asyncio

        coming = asyncio.wrap_future(place.future)
        try:
            await asyncio.wait([coming], timeout=self._max_wait)
            self._end_wait(place)
            return await coming
        except BaseException:  # such as CancelledError
            self._give_up(place)
            coming.cancel()
            raise

    def _place(self, network: str, args: tuple[Any, ...], work: Callable[[], Any] | None) -> _Place:
        """Return a place for a hasher's method with these arguments: a password, and perhaps the stored hash."""
        memory = self._memory_of(args[1] if len(args) > 1 else None)
        return _Place(network, min(max(memory, 0), self._budget), work)

    # --- the queue --------------------------------------------------------------------------------------------------

    def _enter(self, place: _Place) -> bool:
        """Give *place* a slot and say yes, or put it into the queue and say no.

        Raises:
            HasherBusyError: the queue is full, and no other network has more in it.
        """
        displaced = None
        with self._lock:
            if not self._count and self._fits(place):
                self._take(place)
                return True
            line = self._waiting.get(place.network, ())
            if self._count >= self._length:
                longest = max(self._waiting.values(), key=len)
                if len(longest) <= len(line) + 1:
                    raise self._busy("too many password hashes wait")
                displaced = longest.pop()
                self._count -= 1
            place.future  # noqa: B018 - made now, since other threads see the place from here on
            self._waiting.setdefault(place.network, deque()).append(place)
            self._count += 1
        if displaced is not None and displaced.future.set_running_or_notify_cancel():
            displaced.future.set_exception(self._busy("too many password hashes of this network wait"))
        return False

    def _fits(self, place: _Place) -> bool:
        return self._running < self._slots and self._memory + place.memory <= self._budget

    def _take(self, place: _Place) -> None:
        self._running += 1
        self._memory += place.memory
        place.since = time.monotonic()

    def _leave(self, place: _Place) -> None:
        """Give the slot of *place* to whoever is next."""
        started = []
        with self._lock:
            self._average += _WEIGHT * (time.monotonic() - place.since - self._average)
            self._running -= 1
            self._memory -= place.memory
            while self._count and self._fits(following := next(iter(self._waiting.values()))[0]):
                self._remove(following)
                if following.network in self._waiting:
                    self._waiting.move_to_end(following.network)
                self._take(following)
                started.append(following)
        for one in started:
            self._start(one)

    def _remove(self, place: _Place) -> None:
        line = self._waiting[place.network]
        line.remove(place)
        self._count -= 1
        if not line:
            del self._waiting[place.network]

    def _withdraw(self, place: _Place) -> bool:
        """Take *place* out of the queue; say no if it is not there any more."""
        with self._lock:
            waits = place in self._waiting.get(place.network, ())
            if waits:
                self._remove(place)
        return waits

    def _give_up(self, place: _Place) -> None:
        """Free *place*, whose result nobody wants any more. A hash that has begun keeps its slot until its end."""
        left = self._withdraw(place) or place.future.cancel()
        if not left and place.work is None and place.since:
            self._leave(place)

    # --- the work ---------------------------------------------------------------------------------------------------

    def _start(self, place: _Place) -> None:
        """Compute *place*, which has a slot, in a thread of the queue, or tell whoever waits to compute it."""
        if place.work is not None:
            with suppress(RuntimeError):  # no thread can be started now: one that runs already does the work later
                self._pool.submit(self._run, place, place.work)
        elif place.future.set_running_or_notify_cancel():
            place.future.set_result(None)
        else:
            self._leave(place)

    def _run(self, place: _Place, work: Callable[[], Any]) -> None:
        if not place.future.set_running_or_notify_cancel():
            self._leave(place)
            return
        try:
            result = self._compute(place, work)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            place.future.set_exception(error)
        else:
            place.future.set_result(result)

    def _compute(self, place: _Place, work: Callable[[], Any]) -> Any:
        try:
            return work()
        finally:
            self._leave(place)

    # --- the refusal ------------------------------------------------------------------------------------------------

    def _end_wait(self, place: _Place) -> None:
        """Raise `HasherBusyError` if *place* still waits: in the queue, or for a thread that could not be started."""
        if self._withdraw(place) or place.future.cancel():
            raise self._busy("the turn of a password hash did not come in time")

    def _busy(self, reason: str) -> HasherBusyError:
        """Return the error that says when the queue will probably be empty."""
        seconds = math.ceil(self._count * self._average / self._slots)
        return HasherBusyError(reason, retry_after=min(max(seconds, 1), _MOST_SECONDS))


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS and Windows
