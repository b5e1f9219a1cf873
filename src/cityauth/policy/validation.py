"""Refuse a value that a policy's docstring rules out."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import UnionType
from typing import Any, get_args, get_origin

from cityauth.errors import PolicyError


def require(condition: bool, message: str) -> None:  # noqa: FBT001 - reads as an assertion
    """Raise `PolicyError` with *message* unless *condition* holds."""
    if not condition:
        raise PolicyError(message)


def require_types(policy: Any, section: str) -> None:  # noqa: ANN401 - any dataclass of the policy
    """Raise `PolicyError` unless every field of *policy* holds a value of the field's type.

    Without this check a number in the place of a time, or text in the place of a list, would be found by the first
    request that uses it.

    Args:
        policy: A dataclass of the policy, while it is constructed.
        section: The name of its section, for the message; empty for the policy itself.
    """
    for one in fields(policy):
        if not _fits(getattr(policy, one.name), one.type):
            name = getattr(one.type, "__name__", "value")
            raise PolicyError(f"{section}{'.' if section else ''}{one.name} must be of the type {name}")


def _fits(value: object, kind: Any) -> bool:  # noqa: ANN401 - the annotation of a field
    """Whether *value* is of the type *kind*; ``True`` and ``False`` are no numbers."""
    origin = get_origin(kind)
    if origin is UnionType:
        return any(_fits(value, one) for one in get_args(kind))
    if origin is tuple:
        return isinstance(value, tuple) and all(isinstance(item, get_args(kind)[0]) for item in value)
    if origin is Sequence:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            return False
        return all(isinstance(item, get_args(kind)[0]) for item in value)
    if origin is Mapping:
        key_type, value_type = get_args(kind)
        if not isinstance(value, Mapping):
            return False
        return all(isinstance(key, key_type) and isinstance(item, value_type) for key, item in value.items())
    if kind is int and isinstance(value, bool):
        return False
    return isinstance(value, kind)
