"""The boundary: a flow asks, whoever runs it answers."""

import inspect

import pytest

from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.errors import StoreUnavailableError
from cityauth.flows.asking import Flow, Question, ask
from cityauth.flows.deployment import begin
from cityauth.ports.services import Clock, Entropy
from tests.support.fakes import NOON
from tests.support.tracing import trace


def drawing(count: int) -> Flow[bytes]:
    """A flow of one question."""
    return (yield from ask(Entropy.draw, count))


def test_a_question_names_the_method_and_its_arguments() -> None:
    """A question is data: a test reads it without any port (ASVS 2.3.1)."""
    flow = ask(Entropy.draw, count=3)
    assert next(flow) == Question(Entropy.draw, (), {"count": 3})
    with pytest.raises(StopIteration) as done:
        flow.send(b"abc")
    assert done.value.value == b"abc"


def test_an_error_is_raised_where_it_was_asked() -> None:
    """What a port raises comes up inside the flow, at its question (C-24, B-87)."""
    with pytest.raises(StoreUnavailableError, match="down"):
        trace(drawing(3), {Entropy.draw: StoreUnavailableError("down")})


def test_a_flow_is_neither_sync_nor_async() -> None:
    """A flow is a plain generator: nothing runs until it is driven."""
    assert inspect.isgeneratorfunction(drawing)
    assert not inspect.iscoroutinefunction(drawing)


def test_a_context_has_a_time_a_name_and_a_client() -> None:
    """Every use case that writes begins alike: the time, then 96 random bits that name its commit (C-25, ASVS 16.2.1)."""
    client = ClientContext("192.0.2.7")
    found = trace(begin(client), {Clock.now: NOON, Entropy.draw: [bytes(range(12))]})
    assert found.asked(Entropy.draw) == [(12,)]
    assert (found.result.at, found.result.id, found.result.client) == (NOON, bytes(range(12)).hex(), client)
    assert client != UNKNOWN_CLIENT
