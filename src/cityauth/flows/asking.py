"""How a flow calls ports: it yields a `Question`, and the driver that runs the flow answers it, awaiting or not."""

from collections.abc import Callable, Generator
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeAlias, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Question(NamedTuple):
    """One call of a port that a flow wants made.

    Attributes:
        method: The port's method, as ``AccountStore.find``.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
    """

    method: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


Flow: TypeAlias = Generator[Question, Any, T]
"""A use case: it yields questions, is sent answers, and returns a `T`."""


def ask(method: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> Flow[T]:
    """Ask *method* of its port and return the answer, typed by the port's signature."""
    answer: T = yield tuple.__new__(Question, (method, args, kwargs))  # what Question() does, in half the time
    return answer


def ask_for(network: str, method: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> Flow[T]:
    """Ask *method*, and say for which network, so that whoever answers can share what is scarce between networks.

    Only the hasher's two slow methods are asked so. The answer gets the further keyword ``network``, unless the
    network is not known and *network* is empty.
    """
    further: dict[str, Any] = {"network": network} if network else {}
    answer: T = yield Question(method, args, {**kwargs, **further})
    return answer
