"""How often something may happen."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from cityauth.policy.validation import require, require_types

WITHOUT_SERVER: Final = 4
"""By how much each process is stricter while the throttle's own server is down: as if four processes shared a limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most *count* times in any period as long as *window*.

    Attributes:
        count: 0 to 1,000,000; 0 allows nothing.
        window: More than 0 seconds and at most 366 days.
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

    @property
    def stricter(self) -> "Limit":
        """The limit in one process while the shared counts cannot be reached: a quarter, at least 1."""
        return Limit(min(self.count, max(1, self.count // WITHOUT_SERVER)), self.window)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow with each failure in a row; a success begins anew.

    Attributes:
        free: Failures in a row that make nobody wait; 1 to 1,000.
        first: The wait after the last of them. Each further failure doubles it. More than 0 seconds.
        longest: The longest wait; *first* or more, and at most one day.
        memory: After this time without an attempt, counted from the end of the wait, nothing is known of earlier
            failures; *longest* or more, and at most 366 days.
    """

    free: int = 5
    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=15)
    memory: timedelta = timedelta(days=1)

    def __post_init__(self) -> None:
        """Refuse values out of these ranges."""
        require_types(self, "throttle.backoff")
        require(1 <= self.free <= 1000, "throttle: free failures must be 1 to 1000")  # noqa: PLR2004
        require(
            timedelta() < self.first <= self.longest <= timedelta(days=1),
            "throttle: the first wait must be longer than nothing, and the longest at least as long, at most one day",
        )
        require(
            self.longest <= self.memory <= timedelta(days=366),
            "throttle: the memory of failures must be at least the longest wait, and at most 366 days",
        )

    @property
    def stricter(self) -> "Backoff":
        """The waits in one process while the shared counts cannot be reached: a quarter as many free failures."""
        return replace(self, free=max(1, self.free // WITHOUT_SERVER))

    def wait_after(self, failures: int) -> timedelta:
        """Return how long to wait after this many failures in a row."""
        if failures < self.free:
            return timedelta()
        doublings = min(failures - self.free, (self.longest // self.first).bit_length())
        return min(self.first * (1 << doublings), self.longest)


@dataclass(frozen=True, slots=True)
class ThrottlePolicy:
    """How often something may happen. A tuple of limits holds as a whole.

    Attributes:
        sign_in_per_account: How long to wait between passwords that are tried for one account, whatever identifier
            was typed; an identifier that no account has counts by itself. By default 5 failures in a row are free.
            Then the wait is 1 second, doubled by each failure, up to 15 minutes.
        sign_in_per_network: Passwords that are sent, for each network; by default 30 a minute.
        sign_in_failures_per_network: Those of them that were wrong, for each network; by default 10 a minute.
        password_disabled_after: Failed sign-ins to one account in a row after which its password is disabled, until a
            new one is set with a mailed link; 10 to 100, as NIST SP 800-63B-4 allows at most.
        failures_reported: After as many failed sign-ins in a row, the person is told of them by mail at the next
            sign-in; 1 or more.
        mail_per_account: Mails that somebody asks for, for each account; an identifier that no account has counts by
            itself. By default 1 a minute, 5 an hour and 10 a day.
        mail_per_network: The same mails for each network; by default 20 a minute.
        mail_per_recipient: The same mails for each mailbox that they go to, over all accounts. ``name+tag`` is the
            mailbox ``name``. By default 3 a minute, 10 an hour and 20 a day.
        mail_guaranteed: Reset mails for each mailbox that are sent although the limits above are reached, however many
            accounts share the mailbox; by default 1 an hour.
        link_per_network: Links that are inspected, and apart from these links that are used, for each network; by
            default 60 a minute.
        verify_per_account: Passwords that a signed-in person tries, for each account; by default 10 in 5 minutes.
        refusals_recorded: Audit events, for each network, of refusals that cost no work, such as an empty password
            or a mail above its limit; by default 10 a minute. More of them are summed up, as below.
        refusals_recorded_in_all: The same for all networks together; by default 100 a minute.
        failures_recorded_in_all: Audit events of failed sign-ins, for all networks together; by default 300 a minute.
            More of them are summed up: for each minute and reason the audit trail has one event with their count. The
            same is done with refused sign-ins that `refusals_recorded` leaves out.
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
    mail_guaranteed: tuple[Limit, ...] = (Limit(1, timedelta(hours=1)),)
    sign_in_per_account: Backoff = field(default_factory=Backoff)
    sign_in_per_network: tuple[Limit, ...] = (Limit(30, timedelta(minutes=1)),)
    sign_in_failures_per_network: tuple[Limit, ...] = (Limit(10, timedelta(minutes=1)),)
    password_disabled_after: int = 100
    failures_reported: int = 10
    failures_recorded_in_all: tuple[Limit, ...] = (Limit(300, timedelta(minutes=1)),)

    def __post_init__(self) -> None:
        """Refuse what is no list of limits, and numbers out of their ranges."""
        require_types(self, "throttle")
        require(
            10 <= self.password_disabled_after <= 100,  # noqa: PLR2004 - stated above
            "throttle.password_disabled_after must be 10 to 100",
        )
        require(self.failures_reported >= 1, "throttle.failures_reported must be 1 or more")

    @property
    def longest(self) -> timedelta:
        """The longest window of all limits, and of all memory. Nothing counts what happened before it."""
        limits = (
            *self.mail_per_account,
            *self.mail_per_network,
            *self.mail_per_recipient,
            *self.mail_guaranteed,
            *self.link_per_network,
            *self.verify_per_account,
            *self.refusals_recorded,
            *self.refusals_recorded_in_all,
            *self.failures_recorded_in_all,
            *self.sign_in_per_network,
            *self.sign_in_failures_per_network,
        )
        return max([self.sign_in_per_account.memory, *(limit.window for limit in limits)])
