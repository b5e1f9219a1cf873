"""The boundary: a flow asks a port's method, and whoever runs the flow answers, waiting or not."""

from collections.abc import Callable, Generator
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeAlias, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")


class Ask(NamedTuple):
    """One question to a port.

    Attributes:
        method: The port's method, as ``AccountStore.find``.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
    """

    method: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


Flow: TypeAlias = Generator[Ask, Any, T]
"""A use case: it yields questions, is sent answers, and returns a `T`."""


def ask(method: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> Flow[T]:
    """Ask *method* of its port and return the answer, typed by the port's signature."""
    return cast("T", (yield Ask(method, args, kwargs)))
