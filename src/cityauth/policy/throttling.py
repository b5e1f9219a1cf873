"""How often something may happen."""

from dataclasses import dataclass
from datetime import timedelta

from cityauth.policy.validation import require, require_types


@dataclass(frozen=True, slots=True)
class Limit:
    """At most *count* times in any span of *window*.

    Attributes:
        count: 0 to 1,000,000; 0 allows nothing.
        window: Longer than nothing, and at most 366 days.
    """

    count: int
    window: timedelta

    def __post_init__(self) -> None:
        """Refuse values out of these ranges."""
        require_types(self, "throttle.limit")
        require(0 <= self.count <= 1_000_000, "throttle: the count of a limit must be 0 to 1000000")  # noqa: PLR2004
        require(
            timedelta() < self.window <= timedelta(days=366),
            "throttle: the window of a limit must be longer than nothing and at most 366 days",
        )


@dataclass(frozen=True, slots=True)
class ThrottlePolicy:
    """How often something may happen; each is a set of limits that all hold.

    Attributes:
        mail_per_account: Mails that somebody asks for, per account, or per identifier of none: one a
            minute, five an hour, ten a day.
        mail_per_network: The same per network: 20 a minute.
        mail_per_recipient: The same per mailbox that they go to, over all accounts and strangers; ``name+tag`` is
            the mailbox ``name``: three a minute, ten an hour, twenty a day.
        link_per_network: Links per network: 60 looked at a minute, as a scanner may, and 60 used.
        verify_per_account: Passwords tried by a signed-in person: 10 in five minutes.
        refusals_recorded: Audit events, per network, of refusals that cost no work, such as an empty password
            or a mail over its limit: 10 a minute. Further ones are refused all the same, and not recorded.
        refusals_recorded_in_all: The same for all networks together: 100 a minute.
    """

    mail_per_account: tuple[Limit, ...] = (
        Limit(1, timedelta(minutes=1)),
        Limit(5, timedelta(hours=1)),
        Limit(10, timedelta(days=1)),
    )
    mail_per_network: tuple[Limit, ...] = (Limit(20, timedelta(minutes=1)),)
    link_per_network: tuple[Limit, ...] = (Limit(60, timedelta(minutes=1)),)
    verify_per_account: tuple[Limit, ...] = (Limit(10, timedelta(minutes=5)),)
    refusals_recorded: tuple[Limit, ...] = (Limit(10, timedelta(minutes=1)),)
    refusals_recorded_in_all: tuple[Limit, ...] = (Limit(100, timedelta(minutes=1)),)
    mail_per_recipient: tuple[Limit, ...] = (
        Limit(3, timedelta(minutes=1)),
        Limit(10, timedelta(hours=1)),
        Limit(20, timedelta(days=1)),
    )

    def __post_init__(self) -> None:
        """Refuse what is no list of limits."""
        require_types(self, "throttle")

    @property
    def longest(self) -> timedelta:
        """The longest window of all limits: a use before it is counted by none."""
        limits = (
            *self.mail_per_account,
            *self.mail_per_network,
            *self.mail_per_recipient,
            *self.link_per_network,
            *self.verify_per_account,
            *self.refusals_recorded,
            *self.refusals_recorded_in_all,
        )
        return max((limit.window for limit in limits), default=timedelta())
