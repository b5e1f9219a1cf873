"""Rows: how a stored row becomes an object."""

from collections.abc import Callable
from dataclasses import fields, make_dataclass
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar, cast

from cityauth.errors import StoreError

P = ParamSpec("P")
T = TypeVar("T")

Row: TypeAlias = tuple[Any, ...]

_UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What the reading of a row raises when a stored value is not one that cityauth has written."""


def read_one(read: Callable[[Row], T], row: Row) -> T:
    """Return what *read* makes of a row.

    Raises:
        StoreError: a stored value is not one that cityauth has written. The message does not hold it.
    """
    try:
        return read(row)
    except _UNREADABLE as error:
        failure = StoreError(f"the database holds a value that cannot be read ({type(error).__name__})")
    raise failure


def maker(kind: Callable[P, T]) -> Callable[P, T]:
    """Return a function that makes objects of *kind*, a frozen dataclass with slots, in half the constructor's time.

    The constructor of a frozen dataclass sets each attribute by a call of its own, and these calls took a tenth of
    a session check. So the function makes an object of a twin, a dataclass with the same slots that is not frozen,
    and then gives the object its own class. The object is the same as one that the constructor makes.

    All fields are given, by position.

    Raises:
        TypeError: the constructor of *kind* does more than to set the fields.
    """
    given: Any = kind
    if hasattr(given, "__post_init__"):
        raise TypeError(f"the constructor of {given.__name__} does more than to set the fields")
    twin = make_dataclass(given.__name__, [one.name for one in fields(given)], slots=True)

    def make(*values: Any) -> Any:  # noqa: ANN401 - typed by what is returned below
        made = twin(*values)
        made.__class__ = given
        return made

    return cast("Callable[P, T]", make)
