"""How long a mailed link lives."""

from dataclasses import dataclass
from datetime import timedelta

from cityauth.policy.validation import require, require_types


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """How long a mailed link lives; from its issue, whenever the mail arrives.

    Attributes:
        reset: Forgotten password; 60 minutes, at most 24 hours, as NIST SP 800-63B-4 demands.
        invitation: The first password of an account that an administrator made; at most 24 hours.
        sign_up: Confirms the address of a new account; at most 24 hours.
        email_change: Confirms a new address; 2 hours, at most 24.
        email_undo: Undoes an e-mail change from the old mailbox; 7 days, at least 1, at most 30.
    """

    reset: timedelta = timedelta(minutes=60)
    invitation: timedelta = timedelta(hours=24)
    sign_up: timedelta = timedelta(hours=1)
    email_change: timedelta = timedelta(hours=2)
    email_undo: timedelta = timedelta(days=7)

    def __post_init__(self) -> None:
        """Refuse a link that lives longer than NIST allows, or none at all."""
        require_types(self, "links")
        short = (self.reset, self.invitation, self.sign_up, self.email_change)
        require(
            all(timedelta(minutes=1) <= one <= timedelta(hours=24) for one in short),
            "links: reset, invitation, sign_up and email_change must be 1 minute to 24 hours (NIST 4.2.1.2)",
        )
        require(
            timedelta(days=1) <= self.email_undo <= timedelta(days=30),
            "links.email_undo must be 1 to 30 days",
        )
