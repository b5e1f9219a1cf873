"""Stand between the flows of a running service and its ports: to write down what is asked, or to step in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Barrier
from typing import Any

from cityauth import AsyncCityAuth, CityAuth
from cityauth.ports.stores import AccountStore

Recorded = list[tuple[str, ...]]
Answer = Callable[..., Any]


@contextmanager
def standing_between(auth: CityAuth | AsyncCityAuth, wrap: Callable[[Answer, Answer], Answer]) -> Iterator[None]:
    """Let *wrap* give another answer for each port method, made of the method and its own answer."""
    parts = [part for part in vars(auth).values() if hasattr(part, "_answers")]
    before = [part._answers for part in parts]
    for part in parts:
        part._answers = {method: wrap(method, answer) for method, answer in part._answers.items()}
    try:
        yield
    finally:
        for part, answers in zip(parts, before, strict=True):
            part._answers = answers


@contextmanager
def recording(auth: CityAuth | AsyncCityAuth) -> Iterator[Recorded]:
    """Give a list that fills with each question's port method, and for a commit the kinds of its changes."""
    asked: Recorded = []

    def listening(method: Answer, answer: Answer) -> Answer:
        def listen(*args: Any, **kwargs: Any) -> Any:
            changes = args[0] if method is AccountStore.commit else ()
            asked.append((method.__qualname__, *(type(change).__name__ for change in changes)))
            return answer(*args, **kwargs)

        return listen

    with standing_between(auth, listening):
        yield asked


@contextmanager
def stepping_in(auth: CityAuth, at: Answer, step: Callable[[Answer], Answer]) -> Iterator[None]:
    """Let *step* make the answer of one port method from its own."""
    with standing_between(auth, lambda method, answer: step(answer) if method is at else answer):
        yield


@contextmanager
def happening_before(auth: CityAuth, at: Answer, what: Callable[[], object]) -> Iterator[None]:
    """Let *what* happen once, just before a port method answers: the race that is lost."""
    left = [what]

    def once(answer: Answer) -> Answer:
        def after(*args: Any, **kwargs: Any) -> Any:
            if left:
                left.pop()()
            return answer(*args, **kwargs)

        return after

    with stepping_in(auth, at, once):
        yield


@contextmanager
def meeting_at(auth: CityAuth, at: Answer, many: int) -> Iterator[None]:
    """Hold each question to a port method back until *many* of them are there: nobody is late for the race."""
    barrier = Barrier(many, timeout=30)

    def met(answer: Answer) -> Answer:
        def after(*args: Any, **kwargs: Any) -> Any:
            barrier.wait()
            return answer(*args, **kwargs)

        return after

    with stepping_in(auth, at, met):
        yield
