"""Write down what the flows of a service ask, and what they commit, while it runs for real."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cityauth import CityAuth
from cityauth.ports.accounts import AccountStore

Recorded = list[tuple[str, ...]]


@contextmanager
def recording(auth: CityAuth) -> Iterator[Recorded]:
    """Give a list that fills with each question's port method, and for a commit the kinds of its changes."""
    asked: Recorded = []
    parts = [part for part in vars(auth).values() if hasattr(part, "_answers")]
    before = {id(part): part._answers for part in parts}
    for part in parts:
        part._answers = {method: _listening(method, answer, asked) for method, answer in part._answers.items()}
    try:
        yield asked
    finally:
        for part in parts:
            part._answers = before[id(part)]


def _listening(method: Callable[..., Any], answer: Callable[..., Any], asked: Recorded) -> Callable[..., Any]:
    def listen(*args: Any, **kwargs: Any) -> Any:
        changes = args[0] if method is AccountStore.commit else ()
        asked.append((method.__qualname__, *(type(change).__name__ for change in changes)))
        return answer(*args, **kwargs)

    return listen
