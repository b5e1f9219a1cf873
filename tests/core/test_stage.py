"""Stages: which kinds sign in, from when, and how the move is held."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cityauth.core.stage import DatedStage, RealmPolicy, Stage
from cityauth.errors import PolicyError

MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))
MOVE = RealmPolicy(
    Stage.LEGACY_ONLY,
    (DatedStage(MAY, Stage.BOTH), DatedStage(JUNE, Stage.EMAIL_PREFERRED), DatedStage(JULY, Stage.EMAIL_ONLY)),
)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("stage", "email", "username"),
    [
        (Stage.LEGACY_ONLY, False, True),
        (Stage.BOTH, True, True),
        (Stage.EMAIL_PREFERRED, True, True),
        (Stage.EMAIL_ONLY, True, False),
    ],
)
def test_what_a_stage_admits(stage: Stage, email: bool, username: bool) -> None:
    """The built-in kinds sign in by the stage, a host's own at every stage."""
    assert (stage.admits("email"), stage.admits("username"), stage.admits("card")) == (email, username, True)


@pytest.mark.parametrize(
    ("now", "stage"),
    [
        (MAY - MOMENT, Stage.LEGACY_ONLY),
        (MAY, Stage.BOTH),
        (JUNE - MOMENT, Stage.BOTH),
        (JUNE, Stage.EMAIL_PREFERRED),
        (JULY - MOMENT, Stage.EMAIL_PREFERRED),
        (JULY, Stage.EMAIL_ONLY),
        (JULY + timedelta(days=3650), Stage.EMAIL_ONLY),
    ],
)
def test_a_stage_begins_at_its_moment(now: datetime, stage: Stage) -> None:
    """Each dated stage holds from its very moment on, whatever the time zone it is asked in (C-37)."""
    assert MOVE.stage_at(now) is stage
    assert MOVE.stage_at(now.astimezone(timezone(timedelta(hours=-11)))) is stage


def test_a_realm_without_a_schedule_stands_still() -> None:
    """Officials are exempt: their realm has one stage for ever."""
    assert RealmPolicy(Stage.LEGACY_ONLY).stage_at(JULY) is Stage.LEGACY_ONLY


def test_a_pause_holds_the_stage() -> None:
    """While paused no later stage begins, what began before goes on, and lifting the pause catches up."""
    paused = MOVE.paused(JUNE - MOMENT)
    assert [paused.stage_at(now) for now in (MAY - MOMENT, MAY, JUNE, JULY)] == [
        Stage.LEGACY_ONLY,
        Stage.BOTH,
        Stage.BOTH,
        Stage.BOTH,
    ]
    assert MOVE.stage_at(JULY) is Stage.EMAIL_ONLY


@pytest.mark.parametrize(
    "schedule",
    [
        (DatedStage(JUNE, Stage.BOTH), DatedStage(MAY, Stage.EMAIL_ONLY)),
        (DatedStage(MAY, Stage.BOTH), DatedStage(MAY, Stage.EMAIL_ONLY)),
    ],
)
def test_a_schedule_out_of_order_is_refused(schedule: tuple[DatedStage, ...]) -> None:
    """Two stages at one moment, or one before its predecessor, are no schedule."""
    with pytest.raises(PolicyError, match="in order of time"):
        RealmPolicy(Stage.BOTH, schedule)


def test_naive_moments_are_refused() -> None:
    """A moment without a time zone would mean something else on another machine (C-37)."""
    naive = MAY.replace(tzinfo=None)
    with pytest.raises(PolicyError, match="aware"):
        RealmPolicy(Stage.BOTH, (DatedStage(naive, Stage.EMAIL_ONLY),))
    with pytest.raises(PolicyError, match="aware"):
        RealmPolicy(Stage.BOTH, (), naive)
