"""The steps of a sign-in: what a host is answered, a closed union to match on."""

from dataclasses import dataclass
from typing import TypeAlias

from cityauth.core.problem import Problem
from cityauth.core.state import Authenticated
from cityauth.messages.codes import Code


@dataclass(frozen=True, slots=True)
class PasswordRequired:
    """Show the password page.

    Attributes:
        pending: The signed pending login, for a hidden field of the form. No account id, no password.
        entered: The identifier to show, editable.
        problem: What to tell the person, or ``None`` at first.
    """

    pending: str
    entered: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Show the identify page again.

    Attributes:
        problem: What to tell the person.
        entered: The identifier to show again, as far as it could be kept.
    """

    problem: Problem
    entered: str = ""


LoginStep: TypeAlias = PasswordRequired | Authenticated | Refused

UNIFORM_REFUSAL = Problem(Code.LOGIN_REFUSED)
"""What every refused attempt says, whatever the reason."""
