"""How long a person may take to sign in, and how long a session lasts."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Self

from cityauth.policy.validation import require, require_types


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    """How long a person may take between the identify page and the password, and how long a device is known.

    Attributes:
        pending_max_age: For this long after the identify page, the password page is accepted; 1 second to 15
            minutes. 15 minutes are enough to look a password up.
        device_max_age: For this long after a sign-in its device token counts; 1 day to 400 days, which is how long
            browsers keep a cookie.
    """

    pending_max_age: timedelta = timedelta(minutes=15)
    device_max_age: timedelta = timedelta(days=180)

    def __post_init__(self) -> None:
        """Refuse an age outside 1 second to 15 minutes."""
        require_types(self, "login")
        require(
            timedelta(seconds=1) <= self.pending_max_age <= timedelta(minutes=15),
            "login.pending_max_age must be between 1 second and 15 minutes",
        )
        require(
            timedelta(days=1) <= self.device_max_age <= timedelta(days=400),
            "login.device_max_age must be between 1 day and 400 days",
        )


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """How long a session is valid.

    Attributes:
        idle: A session that is not used for this long ends; by default 30 minutes, the most that OWASP recommends.
        absolute: A session of this age ends, even if it is used; by default 12 hours, a working day. At most 30 days.
        remembered_idle: The same as *idle* for a remembered session; by default 14 days.
        remembered_absolute: The same as *absolute* for a remembered session; by default 30 days, the most that NIST
            SP 800-63B-4 allows.
        fresh: For this long after a password was verified, sensitive changes do not ask for it again; by default 5
            minutes, at most 1 hour.
        touch_every: The time of the last use is stored at most this often; by default 1 minute.
        per_account: The most sessions of one account, 1 to 10,000; a further session ends the oldest.
    """

    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=12)
    remembered_idle: timedelta = timedelta(days=14)
    remembered_absolute: timedelta = timedelta(days=30)
    fresh: timedelta = timedelta(minutes=5)
    touch_every: timedelta = timedelta(minutes=1)
    per_account: int = 50

    AAL2: ClassVar[Self]
    """NIST's limits for authentication assurance level 2: 1 hour idle, 24 hours in all, also if remembered."""

    def __post_init__(self) -> None:
        """Refuse spans that contradict one another or exceed the sources."""
        require_types(self, "sessions")
        require(
            self.touch_every < self.idle <= self.absolute <= timedelta(days=30),
            "sessions: touch_every < idle <= absolute <= 30 days",
        )
        require(
            self.touch_every < self.remembered_idle <= self.remembered_absolute <= timedelta(days=30),
            "sessions: touch_every < remembered_idle <= remembered_absolute <= 30 days",
        )
        require(self.touch_every >= timedelta(), "sessions.touch_every must not be negative")
        require(timedelta(0) < self.fresh <= timedelta(hours=1), "sessions.fresh must be at most 1 hour")
        require(1 <= self.per_account <= 10_000, "sessions.per_account must be 1 to 10000")  # noqa: PLR2004

    @property
    def longest(self) -> timedelta:
        """The longest time that any session is valid."""
        return max(self.absolute, self.remembered_absolute)


SessionPolicy.AAL2 = SessionPolicy(
    idle=timedelta(hours=1),
    absolute=timedelta(hours=24),
    remembered_idle=timedelta(hours=1),
    remembered_absolute=timedelta(hours=24),
)
