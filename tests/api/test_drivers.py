"""The two drivers: one calls, one awaits, and nothing else differs."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cityauth.api.drivers import run, run_async
from cityauth.errors import StoreUnavailableError
from cityauth.flows.asking import Flow, ask
from cityauth.ports.services import Clock, Entropy
from tests.support.fakes import NOON


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
