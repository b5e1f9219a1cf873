"""Run a flow with no fake at all: its questions are answered from a mapping, and kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cityauth.flows.asking import Flow, Question

T = TypeVar("T")
Answers = Mapping[Any, Any]
"""For each port method, what it answers."""


@dataclass(frozen=True)
class Trace(Generic[T]):
    """What a flow asked, in order, and what it came to."""

    questions: tuple[Question, ...]
    result: T

    @property
    def names(self) -> list[str]:
        """The port methods that were asked, such as ``AccountStore.find``."""
        return [question.method.__qualname__ for question in self.questions]

    def asked(self, method: Callable[..., Any]) -> list[tuple[Any, ...]]:
        """The arguments of every question to one method."""
        return [question.args for question in self.questions if question.method is method]


def trace(flow: Flow[T], answers: Answers) -> Trace[T]:
    """Run a flow; a list in *answers* is used up one a question, anything else answers every one.

    An exception among the answers is raised inside the flow. A question without an answer fails the test.
    """
    left = {method: list(answer) if isinstance(answer, list) else None for method, answer in answers.items()}
    questions: list[Question] = []
    try:
        question = next(flow)
        while True:
            questions.append(question)
            queue = left[question.method]
            answer = queue.pop(0) if queue is not None else answers[question.method]
            question = flow.throw(answer) if isinstance(answer, Exception) else flow.send(answer)
    except StopIteration as done:
        return Trace(tuple(questions), done.value)
