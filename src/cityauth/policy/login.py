"""How long a person may take to sign in."""

from dataclasses import dataclass
from datetime import timedelta

from cityauth.policy.validation import require, require_types


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    """How long a person may take between the identify page and the password.

    Attributes:
        pending_max_age: Age at which a signed pending login is refused; at most 15 minutes, long
            enough to look a password up, short enough that a form left open is worth nothing.
    """

    pending_max_age: timedelta = timedelta(minutes=15)

    def __post_init__(self) -> None:
        """Refuse an age outside 1 second to 15 minutes."""
        require_types(self, "login")
        require(
            timedelta(seconds=1) <= self.pending_max_age <= timedelta(minutes=15),
            "login.pending_max_age must be between 1 second and 15 minutes",
        )
