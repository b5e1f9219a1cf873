"""Wiring: what a host supplies is checked when the library is constructed, not when a person signs in."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from cityauth import AsyncCityAuth, CityAuth, MemoryStore, WiringError
from cityauth.api.drivers import methods_of, run, run_async, wire, wire_async
from cityauth.errors import StoreUnavailableError
from cityauth.flows.asking import Flow, ask
from cityauth.ports.services import AuditSink, Clock, Entropy, Mailer, PasswordHasher
from cityauth.ports.stores import (
    AccountStore,
    AsyncStore,
    AsyncThrottleStore,
    OneTimeTokenStore,
    OutboxStore,
    SessionStore,
    Store,
    ThrottleStore,
)
from tests.support.altered import Altered
from tests.support.fakes import NOON, FixedClock, ListAudit, SeededEntropy, SpyHasher
from tests.support.service import KEY

STORE_PORTS = (AccountStore, SessionStore, OneTimeTokenStore, OutboxStore, ThrottleStore)
APIS = pytest.mark.parametrize("api", [CityAuth, AsyncCityAuth])


@APIS
def test_a_store_that_lacks_a_method_is_told(api: Any) -> None:
    """Each method that a flow may ask is looked for at construction, and named when it is missing (ASVS 16.5.3)."""
    for name, method in [(port.__name__, method) for port in STORE_PORTS for method in methods_of(port)]:
        with pytest.raises(WiringError, match=f"^Altered is no {name}: it has no method '{method}'$"):
            api(Altered(MemoryStore(), **{method: None}), [KEY])


@APIS
@pytest.mark.parametrize(
    ("supplied", "port", "method"),
    [("hasher", PasswordHasher, "hash"), ("clock", Clock, "now"), ("entropy", Entropy, "draw"), ("audit", AuditSink, "emit"), ("mailer", Mailer, "send")],
)  # fmt: skip
def test_what_is_no_port_is_told(api: Any, supplied: str, port: type, method: str) -> None:
    """Any other object in a port's place is refused by the port's name (ASVS 16.5.3)."""
    assert method in methods_of(port)
    with pytest.raises(WiringError, match=f"str is no {port.__name__}: it has no method"):
        api(MemoryStore(), [KEY], **{supplied: "not a port"})


@APIS
def test_what_cannot_be_called_is_no_method(api: Any) -> None:
    """A value where a method should be is refused too (ASVS 16.5.3)."""
    with pytest.raises(WiringError, match="Altered is no AccountStore: it has no method 'load'"):
        api(Altered(MemoryStore(), load="a value"), [KEY])


def test_an_asynchronous_port_is_not_called_synchronously() -> None:
    """A coroutine method under the synchronous API is told at construction, with what to use instead (ASVS 16.5.3)."""

    async def find(keys: object) -> tuple[()]:
        return ()

    slow: Any = Altered(MemoryStore(), find=find)
    with pytest.raises(WiringError, match=r"AccountStore.find is asynchronous: use AsyncCityAuth"):
        CityAuth(slow, [KEY])
    assert asyncio.run(AsyncCityAuth(slow, [KEY]).identifiers.resolve("erkki")).outcome == "unknown"


def test_every_method_of_every_port_is_answered() -> None:
    """The answers hold the very methods of what was supplied, for both drivers (ASVS 6.3.4)."""
    clock, entropy, audit, hasher = FixedClock(), SeededEntropy(), ListAudit(), SpyHasher()
    ports: dict[type, object] = {Clock: clock, Entropy: entropy, AuditSink: audit, PasswordHasher: hasher}
    answers, awaited = wire(ports), wire_async(ports)
    wanted = {method for port in ports for method in methods_of(port).values()}
    assert set(answers) == set(awaited) == wanted
    assert answers[Clock.now]() == clock.at == asyncio.run(_await(awaited[Clock.now]()))
    assert all(inspect.iscoroutinefunction(answer) for answer in awaited.values())


async def _await(coming: Any) -> Any:
    return await coming


def test_the_asynchronous_store_is_the_synchronous_one_awaited() -> None:
    """Both protocols have the same methods with the same parameters and answers (ASVS 6.3.4)."""
    ours = {name: method for port in STORE_PORTS for name, method in methods_of(port).items()}
    theirs = {**methods_of(AsyncThrottleStore), **methods_of(AsyncStore)}
    assert set(STORE_PORTS) <= set(Store.__mro__)
    assert ours.keys() == theirs.keys()
    for name, method in ours.items():
        assert inspect.signature(method) == inspect.signature(theirs[name])
        assert inspect.iscoroutinefunction(theirs[name])


def test_what_never_blocks_is_never_awaited() -> None:
    """A coroutine as clock, randomness or audit sink is refused: `is_fresh` and others call them where they stand."""

    async def now() -> None:
        """Nothing that would be a time."""

    with pytest.raises(WiringError, match="Clock never blocks"):
        AsyncCityAuth(MemoryStore(), [KEY], clock=Altered(FixedClock(), now=now))


def drive_async(flow: Flow[Any], answers: dict[Any, Callable[..., Any]]) -> Any:
    """Await a flow whose answers are made coroutines."""

    def awaited(answer: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            return answer(*args, **kwargs)

        return call

    return asyncio.run(run_async(flow, {method: awaited(answer) for method, answer in answers.items()}))


DRIVERS = pytest.mark.parametrize("drive", [run, drive_async], ids=["calling", "awaiting"])


def down(*_args: Any, **_kwargs: Any) -> Any:
    """A port that fails."""
    raise StoreUnavailableError("down")


def zeros(count: int) -> bytes:
    """A source of randomness that has none."""
    return bytes(count)


def draw_twice() -> Flow[tuple[Any, ...]]:
    """A flow of three questions."""
    first = yield from ask(Entropy.draw, 1)
    now = yield from ask(Clock.now)
    second = yield from ask(Entropy.draw, count=2)
    return first, now, second


def recover() -> Flow[str]:
    """A flow that goes on after a failing port, and asks again."""
    try:
        yield from ask(Clock.now)
    except StoreUnavailableError as error:
        drawn = yield from ask(Entropy.draw, 1)
        return f"{error}, then {drawn!r}"
    return "not reached"


@DRIVERS
def test_a_flow_is_run_to_its_end(drive: Any) -> None:
    """Each question is answered once, in order, and the flow's result comes back."""
    assert drive(draw_twice(), {Entropy.draw: zeros, Clock.now: lambda: NOON}) == (
        b"\0",
        NOON,
        b"\0\0",
    )


@DRIVERS
def test_a_flow_without_a_question_ends_at_once(drive: Any) -> None:
    """A flow may end before it asks anything."""

    def silent() -> Flow[str]:
        yield from ()
        return "done"

    assert drive(silent(), {}) == "done"


@DRIVERS
def test_what_a_port_raises_is_raised_in_the_flow(drive: Any) -> None:
    """A flow may catch it and go on, or let it pass to the host (C-24, B-87)."""
    assert drive(recover(), {Clock.now: down, Entropy.draw: bytes}) == r"down, then b'\x00'"
    with pytest.raises(StoreUnavailableError, match="down"):
        drive(draw_twice(), {Entropy.draw: down})


@DRIVERS
def test_an_error_of_the_flow_itself_passes(drive: Any) -> None:
    """A mistake inside a flow is not taken for an answer (B-87)."""

    def broken() -> Flow[int]:
        yield from ask(Entropy.draw, 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drive(broken(), {Entropy.draw: bytes})
