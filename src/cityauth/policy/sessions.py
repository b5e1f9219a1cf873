"""How long a session lives."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Self

from cityauth.policy.validation import require, require_types


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """How long a session lives.

    Attributes:
        idle: Inactivity after which a session ends; 30 minutes, the upper end of OWASP's 15 to 30.
        absolute: Age at which it ends whatever happens; 12 hours, a working day (NIST 2.1.3 allows 30 d).
        remembered_idle: The same for a session that the person chose to be remembered: 14 days.
        remembered_absolute: 30 days (NIST 2.1.3).
        fresh: How long after a verified password sensitive changes need no further one: 5 minutes.
        touch_every: A session in use is written at most this often: 1 minute.
        per_account: Sessions one account may have at once; the oldest is ended beyond it (ASVS 7.1.2).
    """

    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=12)
    remembered_idle: timedelta = timedelta(days=14)
    remembered_absolute: timedelta = timedelta(days=30)
    fresh: timedelta = timedelta(minutes=5)
    touch_every: timedelta = timedelta(minutes=1)
    per_account: int = 50

    AAL2: ClassVar[Self]
    """NIST's limits for authentication assurance level 2: 1 h idle, 24 h overall, nothing remembered."""

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
        """The age that no session outlives."""
        return max(self.absolute, self.remembered_absolute)


SessionPolicy.AAL2 = SessionPolicy(
    idle=timedelta(hours=1),
    absolute=timedelta(hours=24),
    remembered_idle=timedelta(hours=1),
    remembered_absolute=timedelta(hours=24),
)
