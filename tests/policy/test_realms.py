"""Phases: which kinds sign in, from when, and how the move is held."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cityauth.errors import PolicyError
from cityauth.policy.realms import DatedPhase, Phase, RealmPolicy

MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))
MOVE = RealmPolicy(
    Phase.LEGACY_ONLY,
    (DatedPhase(MAY, Phase.BOTH), DatedPhase(JUNE, Phase.EMAIL_PREFERRED), DatedPhase(JULY, Phase.EMAIL_ONLY)),
)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("phase", "email", "username"),
    [
        (Phase.LEGACY_ONLY, False, True),
        (Phase.BOTH, True, True),
        (Phase.EMAIL_PREFERRED, True, True),
        (Phase.EMAIL_ONLY, True, False),
    ],
)
def test_what_a_phase_admits(phase: Phase, email: bool, username: bool) -> None:
    """The built-in kinds sign in by the phase, a host's own at every phase."""
    assert (phase.admits("email"), phase.admits("username"), phase.admits("card")) == (email, username, True)


@pytest.mark.parametrize(
    ("now", "phase"),
    [
        (MAY - MOMENT, Phase.LEGACY_ONLY),
        (MAY, Phase.BOTH),
        (JUNE - MOMENT, Phase.BOTH),
        (JUNE, Phase.EMAIL_PREFERRED),
        (JULY - MOMENT, Phase.EMAIL_PREFERRED),
        (JULY, Phase.EMAIL_ONLY),
        (JULY + timedelta(days=3650), Phase.EMAIL_ONLY),
    ],
)
def test_a_phase_begins_at_its_moment(now: datetime, phase: Phase) -> None:
    """Each dated phase holds from its very moment on, whatever the time zone it is asked in (C-37)."""
    assert MOVE.phase_at(now) is phase
    assert MOVE.phase_at(now.astimezone(timezone(timedelta(hours=-11)))) is phase


def test_a_realm_without_a_schedule_stands_still() -> None:
    """Officials are exempt: their realm has one phase for ever."""
    assert RealmPolicy(Phase.LEGACY_ONLY).phase_at(JULY) is Phase.LEGACY_ONLY


def test_a_pause_holds_the_phase() -> None:
    """While paused no later phase begins, what began before goes on, and lifting the pause catches up."""
    paused = MOVE.paused(JUNE - MOMENT)
    assert [paused.phase_at(now) for now in (MAY - MOMENT, MAY, JUNE, JULY)] == [
        Phase.LEGACY_ONLY,
        Phase.BOTH,
        Phase.BOTH,
        Phase.BOTH,
    ]
    assert MOVE.phase_at(JULY) is Phase.EMAIL_ONLY


@pytest.mark.parametrize(
    "schedule",
    [
        (DatedPhase(JUNE, Phase.BOTH), DatedPhase(MAY, Phase.EMAIL_ONLY)),
        (DatedPhase(MAY, Phase.BOTH), DatedPhase(MAY, Phase.EMAIL_ONLY)),
    ],
)
def test_a_schedule_out_of_order_is_refused(schedule: tuple[DatedPhase, ...]) -> None:
    """Two phases at one moment, or one before its predecessor, are no schedule."""
    with pytest.raises(PolicyError, match="in order of time"):
        RealmPolicy(Phase.BOTH, schedule)


def test_naive_moments_are_refused() -> None:
    """A moment without a time zone would mean something else on another machine (C-37)."""
    naive = MAY.replace(tzinfo=None)
    with pytest.raises(PolicyError, match="aware"):
        RealmPolicy(Phase.BOTH, (DatedPhase(naive, Phase.EMAIL_ONLY),))
    with pytest.raises(PolicyError, match="aware"):
        RealmPolicy(Phase.BOTH, (), naive)
