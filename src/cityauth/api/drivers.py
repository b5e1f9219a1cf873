"""Which object answers which port, and the two drivers that run a flow: one calls, the other awaits.

This file is the whole difference between `CityAuth` and `AsyncCityAuth`.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeAlias, TypeVar

from cityauth.api.hash_queue import HashQueue
from cityauth.api.threads import StoreThreads
from cityauth.errors import WiringError
from cityauth.flows.asking import Flow
from cityauth.ports.services import PasswordHasher

T = TypeVar("T")
Answers: TypeAlias = Mapping[Callable[..., Any], Callable[..., Any]]
"""For each port method that a flow may ask, the bound method that answers it."""
AsyncAnswers: TypeAlias = Mapping[Callable[..., Any], Callable[..., Awaitable[Any]]]
"""The same, awaited."""

NEVER_BLOCKING = frozenset({"Clock", "Entropy", "AuditSink", "LocalThrottleStore"})
"""Ports whose contract says that they do not block: the asynchronous driver calls them directly."""

SLOW = frozenset({"BreachChecker", "Mailer", "DomainCheck", "Sleeper"})
"""Ports that may take seconds. They must not take the threads in which a session check asks the store."""


def methods_of(port: type[Any]) -> dict[str, Callable[..., Any]]:
    """Return the port's methods by name."""
    return {
        name: member for name, member in vars(port).items() if inspect.isfunction(member) and not name.startswith("_")
    }


QUEUED = frozenset({PasswordHasher.verify, PasswordHasher.hash})
"""The slow methods, which are answered in their turn."""


def wire(ports: dict[type[Any], object]) -> Answers:
    """Return the answers that the objects in *ports* give, for the synchronous driver.

    Under `HashQueue`, *ports* may hold the queue in which the hasher's slow methods wait for their turn.

    Raises:
        WiringError: an object lacks a method of its port, or the method is asynchronous.
    """
    answers: dict[Callable[..., Any], Callable[..., Any]] = {}
    queue = _queue_of(ports)
    for port, name, method, answer in _bound(ports):
        if inspect.iscoroutinefunction(answer):
            msg = f"{port}.{name} is asynchronous: use AsyncCityAuth"
            raise WiringError(msg)
        answers[method] = queue.calling(answer) if queue and method in QUEUED else answer
    return answers


def wire_async(ports: dict[type[Any], object]) -> AsyncAnswers:
    """Return the answers for the asynchronous driver.

    An asynchronous method is awaited; a synchronous one runs in a worker thread, so that neither a hash nor a query
    is ever computed on the event loop. The hasher's slow methods run in the threads of their queue, which is in *ports*
    under `HashQueue`; what may take seconds, such as a mail server, in asyncio's own; and all else in a few threads for
    queries. So none of them waits for another.

    Raises:
        WiringError: an object lacks a method of its port, or a port that never blocks is asynchronous.
    """
    threads, queue = StoreThreads(), _queue_of(ports)
    answers: dict[Callable[..., Any], Callable[..., Awaitable[Any]]] = {}
    for port, _, method, answer in _bound(ports):
        if queue is not None and method in QUEUED:
            asynchronous = inspect.iscoroutinefunction(answer)
            answers[method] = queue.awaiting_asynchronous(answer) if asynchronous else queue.awaiting(answer)
        else:
            answers[method] = _awaitable(port, answer, threads)
    return answers


def has_port(port: type[Any], answers: Mapping[Callable[..., Any], object]) -> bool:
    """Whether *answers* has every method of *port*, which a deployment may be without."""
    return all(method in answers for method in methods_of(port).values())


def require_port(port: type[Any], answers: Mapping[Callable[..., Any], object], *, of: str = "store") -> None:
    """See that *answers* has every method of *port*, which the *of* answers: the store or the hasher.

    Raises:
        WiringError: it has not.
    """
    if not has_port(port, answers):
        raise WiringError(f"the {of} is no {port.__name__}: it has not all of its methods")


def _queue_of(ports: dict[type[Any], object]) -> HashQueue | None:
    queue = ports.get(HashQueue)
    return queue if isinstance(queue, HashQueue) else None


def _bound(ports: dict[type[Any], object]) -> list[tuple[str, str, Callable[..., Any], Callable[..., Any]]]:
    bound = []
    for port, supplied in ports.items():
        if port is HashQueue:
            continue
        for name, method in methods_of(port).items():
            answer = getattr(supplied, name, None)
            if not callable(answer):
                msg = f"{type(supplied).__name__} is no {port.__name__}: it has no method {name!r}"
                raise WiringError(msg)
            bound.append((port.__name__, name, method, answer))
    return bound


def _awaitable(port: str, answer: Callable[..., Any], threads: StoreThreads) -> Callable[..., Awaitable[Any]]:
    if port in NEVER_BLOCKING:
        if inspect.iscoroutinefunction(answer):
            raise WiringError(f"{port} never blocks, so its methods are plain functions, also for AsyncCityAuth")

        async def at_once(*args: Any, **kwargs: Any) -> Any:
            return answer(*args, **kwargs)

        return at_once
    if inspect.iscoroutinefunction(answer):
        return answer

    async def in_thread(*args: Any, **kwargs: Any) -> Any:
        return await threads.call(partial(answer, *args, **kwargs))

    async def in_host_thread(*args: Any, **kwargs: Any) -> Any:
        import asyncio

        return await asyncio.to_thread(answer, *args, **kwargs)

    return in_host_thread if port in SLOW else in_thread


def run(flow: Flow[T], answers: Answers) -> T:
    """Run *flow* to its end, calling *answers*. What a port raises is raised inside the flow."""
    send: Callable[[Any], Any] = flow.send
    resume = send
    value: Any = None
    while True:
        try:
            method, args, kwargs = resume(value)
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            value = answers[method](*args, **kwargs)
            resume = send
        except Exception as error:  # noqa: BLE001 - handed to the flow, which raises it again
            value, resume = error, flow.throw


async def run_async(flow: Flow[T], answers: AsyncAnswers) -> T:
    """Run *flow* to its end, awaiting *answers*. What a port raises is raised inside the flow."""
    send: Callable[[Any], Any] = flow.send
    resume = send
    value: Any = None
    while True:
        try:
            method, args, kwargs = resume(value)
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            value = await answers[method](*args, **kwargs)
            resume = send
        except Exception as error:  # noqa: BLE001 - handed to the flow, which raises it again
            value, resume = error, flow.throw
