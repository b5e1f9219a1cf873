"""Rows become the same objects as constructors make."""

from collections.abc import Callable
from copy import copy
from dataclasses import FrozenInstanceError, dataclass, fields, replace
from typing import Any

import pytest

from cityauth.core.accounts import Account, Status
from cityauth.core.identifiers import EMAIL, Identifier
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus, Match
from cityauth.core.sessions import LiveSession, Session
from cityauth.stores.sql.rows import maker
from cityauth.testing.samples import AINO, digest, opened

_ACCOUNT = Account(
    AINO, "citizen", "Aino", "sv", Status.DISABLED, 3, "a@example.com", None, "7", contact_verified=False
)
_HELD = AccountIdentifier(Identifier(EMAIL.name, "a@example.com", "1:a@example.com"), IdentifierStatus.PENDING)
_SESSION = opened("a").session


@dataclass(frozen=True, slots=True)
class Checked:
    """A value whose constructor looks at its field."""

    number: int

    def __post_init__(self) -> None:
        """Refuse nothing."""


@pytest.mark.parametrize(
    "made", [_ACCOUNT, _HELD, _HELD.identifier, _SESSION, LiveSession(_SESSION, _ACCOUNT), Match(_ACCOUNT, _HELD, None)]
)
def test_a_made_object_is_as_the_constructor_makes_it(made: Any) -> None:
    """An object that is made of a row is equal to the constructed one, of its class, frozen, and can be replaced."""
    kind: Callable[..., Any] = type(made)
    values = [getattr(made, one.name) for one in fields(made)]
    again = maker(kind)(*values)
    assert again == made
    assert type(again) is kind
    assert repr(again) == repr(made)
    assert hash(again) == hash(made)
    assert copy(again) == replace(again) == made
    with pytest.raises(FrozenInstanceError):
        setattr(again, fields(made)[0].name, None)
    with pytest.raises((AttributeError, TypeError)):
        again.something_else = 1


def test_every_field_is_given() -> None:
    """A row with a column too few or too many is an error, as it is for the constructor."""
    make: Callable[..., Session] = maker(Session)
    for values in ((), (digest("a"),), range(14)):
        with pytest.raises(TypeError):
            make(*values)


def test_a_constructor_that_checks_is_never_passed_by() -> None:
    """A class whose constructor does more than to set its fields is refused."""
    with pytest.raises(TypeError, match="Checked"):
        maker(Checked)
