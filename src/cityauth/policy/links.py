"""How long a mailed link can be used, and to which addresses it goes. How often one may be asked for: `throttling`."""

from dataclasses import dataclass
from datetime import timedelta

from cityauth.policy.validation import require, require_types


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """How long a mailed link is valid. The time counts from the request, not from the arrival of the mail.

    Attributes:
        reset: The link for a forgotten password; 1 minute to 24 hours (NIST SP 800-63B-4), by default 60 minutes.
        invitation: The link that sets a password for an administrator's invitation; 1 minute to 24 hours.
        sign_up: The link that confirms the address of a new account; 1 minute to 24 hours, by default 1 hour.
        email_change: The link that confirms a new address; 1 minute to 24 hours, by default 2 hours.
        email_undo: The link that undoes a change of address from the old mailbox; 1 to 30 days, by default 7.
        reset_to_unverified: Whether the link for a forgotten password goes to an address on file that nobody has
            verified, as an import brings them. By default it does: most people have no other way to a new password,
            and a link that is used verifies the address. Without it such a person needs an invitation.
    """

    reset: timedelta = timedelta(minutes=60)
    invitation: timedelta = timedelta(hours=24)
    sign_up: timedelta = timedelta(hours=1)
    email_change: timedelta = timedelta(hours=2)
    email_undo: timedelta = timedelta(days=7)
    reset_to_unverified: bool = True

    def __post_init__(self) -> None:
        """Refuse a link that can be used for longer than NIST allows, or for no time."""
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
