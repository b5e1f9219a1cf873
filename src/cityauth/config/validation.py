"""Values of the configuration file. The message about a wrong value names its key and never shows the value."""

import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final, get_type_hints

from cityauth.errors import ConfigurationError
from cityauth.policy.throttling import Limit

Reader = Callable[[object, str], object]
"""Takes a value of the file and the key it stands under, for messages."""

_SPAN: Final = re.compile(r"([0-9]{1,6}) (second|minute|hour|day)s?")
_LIMIT: Final = re.compile(r"([0-9]{1,6}) per (?:([0-9]{1,6}) )?(second|minute|hour|day)s?")
_MOMENT: Final = "2027-01-01T00:00:00+02:00"


def read_text(value: object, where: str) -> str:
    """Return *value*, which must be text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{where} must be text in quotes, and not empty")
    return value


def read_one_of(known: Iterable[str], value: object, where: str) -> str:
    """Return *value*, which must be one of the *known* names."""
    names = list(known)
    if not isinstance(value, str) or value not in names:
        raise ConfigurationError(f"{where} must be one of {quoted(names)}")
    return value


def read_moment(value: object, where: str) -> datetime:
    """Return *value*, which must be a date and time with its offset from UTC."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ConfigurationError(f"{where} must be a moment with its offset, without quotes, such as {_MOMENT}")
    return value


def quoted(names: Iterable[str]) -> str:
    """Return the *names* in quotes, as the file has them."""
    return ", ".join(f'"{name}"' for name in names)


def readers_of(policy: object) -> dict[str, Reader]:
    """Return how each field of *policy*, a dataclass, is read; fields of other types are no keys of the file."""
    kind: Any = type(policy)
    hints = get_type_hints(kind)
    return {one.name: _READERS[hints[one.name]] for one in fields(kind) if hints[one.name] in _READERS}


def _number(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigurationError(f"{where} must be a whole number")
    return value


def _switch(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{where} must be true or false")
    return value


def _span(value: object, where: str) -> timedelta:
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ConfigurationError(f'{where} must be a time such as "90 seconds", "30 minutes" or "14 days"')
    return timedelta(**{f"{match[2]}s": int(match[1])})


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ConfigurationError(f'{where} must be a list of texts, such as ["Esimerkkilä", "Exempelstad"]')
    return tuple(read_text(one, where) for one in value)


def _limits(value: object, where: str) -> tuple[Limit, ...]:
    matches = [_LIMIT.fullmatch(one) for one in value if isinstance(one, str)] if isinstance(value, list) else []
    limits = tuple(
        Limit(int(match[1]), timedelta(**{f"{match[3]}s": int(match[2] or 1)})) for match in matches if match
    )
    if not isinstance(value, list) or not limits or len(limits) != len(value):
        raise ConfigurationError(f'{where} must be a list such as ["1 per minute", "10 per 5 minutes"]')
    if any(limit.count < 1 or not limit.window for limit in limits):
        raise ConfigurationError(f"{where} must allow at least one, in a time longer than none")
    return limits


_READERS: Final[dict[object, Reader]] = {
    int: _number,
    bool: _switch,
    str: read_text,
    timedelta: _span,
    tuple[str, ...]: _texts,
    tuple[Limit, ...]: _limits,
}
"""How a value of the file becomes a value of a field of this type."""
