"""The two drivers: one calls, one awaits. The whole difference between sync and async is in this file."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from cityauth.flows.asking import Flow

T = TypeVar("T")
Answers: TypeAlias = Mapping[Callable[..., Any], Callable[..., Any]]
"""For each port method that a flow may ask, the bound method that answers it."""


def run(flow: Flow[T], answers: Answers) -> T:
    """Run *flow* to its end, calling *answers*. What a port raises is raised inside the flow."""
    resume: Callable[[Any], Any] = flow.send
    value: Any = None
    while True:
        try:
            question = resume(value)
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            value = answers[question.method](*question.args, **question.kwargs)
            resume = flow.send
        except Exception as error:  # noqa: BLE001 - handed to the flow, which raises it again
            value, resume = error, flow.throw


async def run_async(flow: Flow[T], answers: Mapping[Callable[..., Any], Callable[..., Awaitable[Any]]]) -> T:
    """Run *flow* to its end, awaiting *answers*. What a port raises is raised inside the flow."""
    resume: Callable[[Any], Any] = flow.send
    value: Any = None
    while True:
        try:
            question = resume(value)
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            value = await answers[question.method](*question.args, **question.kwargs)
            resume = flow.send
        except Exception as error:  # noqa: BLE001 - handed to the flow, which raises it again
            value, resume = error, flow.throw
