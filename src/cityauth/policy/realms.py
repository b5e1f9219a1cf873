"""Which kinds of identifier sign in: a phase, per realm and per account, dated and possible to pause."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Self

from cityauth.errors import PolicyError
from cityauth.policy.validation import require_types


class Phase(StrEnum):
    """One phase of the move from usernames to e-mail addresses.

    At the two middle phases the same identifiers sign in; at ``email_preferred`` the pages recommend the e-mail
    address. A host's own kind of identifier signs in at every phase.
    """

    LEGACY_ONLY = "legacy_only"
    BOTH = "both"
    EMAIL_PREFERRED = "email_preferred"
    EMAIL_ONLY = "email_only"

    def admits(self, kind: str) -> bool:
        """Whether an identifier of *kind* signs in at this phase."""
        if kind == "email":
            return self is not Phase.LEGACY_ONLY
        if kind == "username":
            return self is not Phase.EMAIL_ONLY
        return True


@dataclass(frozen=True, slots=True)
class DatedPhase:
    """A phase, and the time from which it holds: a datetime with a time zone."""

    since: datetime
    phase: Phase

    def __post_init__(self) -> None:
        """Refuse what is no moment or no phase."""
        require_types(self, "realms.schedule")


@dataclass(frozen=True, slots=True)
class RealmPolicy:
    """The phases of one realm.

    Attributes:
        initial: The phase before the first dated one.
        schedule: Later phases, in order of time.
        paused_at: If set, the schedule stops at this time: no later phase begins until it is ``None`` again.
    """

    initial: Phase
    schedule: Sequence[DatedPhase] = ()
    paused_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse naive moments and a schedule out of order."""
        require_types(self, "realms")
        moments = [dated.since for dated in self.schedule]
        if any(moment.utcoffset() is None for moment in [*moments, *filter(None, [self.paused_at])]):
            msg = "a realm's schedule needs aware datetimes"
            raise PolicyError(msg)
        if any(later <= earlier for earlier, later in pairwise(moments)):
            msg = "a realm's schedule must be in order of time"
            raise PolicyError(msg)

    def phase_at(self, now: datetime) -> Phase:
        """Return the phase that holds at *now*."""
        if not self.schedule:
            return self.initial
        moment = min(now, self.paused_at) if self.paused_at else now
        begun = [dated.phase for dated in self.schedule if dated.since <= moment]
        return begun[-1] if begun else self.initial

    def paused(self, at: datetime) -> Self:
        """Return the same realm with its schedule held at *at*."""
        return type(self)(self.initial, self.schedule, at)


@dataclass(frozen=True, slots=True)
class IdentifierPolicy:
    """What may be registered as an identifier.

    Attributes:
        mailer_supports_smtputf8: Whether an address with letters other than ASCII before the ``@`` may be
            registered. Off by default: if the mailer cannot send to such an address, its owner gets no reset mail.
    """

    mailer_supports_smtputf8: bool = False

    def __post_init__(self) -> None:
        """Refuse what is neither true nor false."""
        require_types(self, "identifiers")
