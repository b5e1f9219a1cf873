"""A migration that stops at any commit, whose answers are lost, or that several workers carry out at once."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cityauth import CityAuth
from cityauth.core.changes import (
    Change,
    Precondition,
    Rejected,
)
from cityauth.core.migration import (
    MigrationMoved,
    MigrationOpened,
    MigrationState,
    StepsApplied,
    StepsPlanned,
    StepsRolledBack,
    StepState,
)
from cityauth.core.migration_run import MigrationRefusal
from cityauth.errors import StoreError, StoreUnavailableError
from cityauth.testing.imports import person
from tests.support.moves import (
    MOVED,
    Move,
    StopError,
    Stopping,
    Unsure,
    fill,
    moved_ids,
    on,
    other_plan,
    population,
    refused,
)
from tests.support.service import KEY, POLICY, Service
from tests.support.stores import STORES, maker


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", STORES)
def test_a_stop_at_any_commit_is_gone_on_from(name: str, tmp_path: Path, after: bool) -> None:
    """For every n the process stops right before or after its n-th commit, and the next one ends where an undisturbed run ends (C-18)."""
    undisturbed = Service()
    fill(undisturbed)
    calm = Move(undisturbed, tmp_path / "calm.jsonl")
    calm.plan()
    before = population(undisturbed.store)
    calm.apply()
    applied = population(undisturbed.store)
    stops = 0
    for number in range(1, 11):
        (tmp_path / str(number)).mkdir()
        service = Service(store=maker(name, tmp_path / str(number))())
        fill(service)
        move = Move(service, tmp_path / "plan.jsonl")
        move.plan()
        stopping = on(move, Stopping(service.store, number, after))
        stops += stopped(partial(stopping.apply, batch=5))
        again = move.apply(batch=5)
        assert (population(service.store), again.status.steps) == (applied, {StepState.APPLIED: 14})
        stopping = on(move, Stopping(service.store, number, after))
        assert stopped(partial(stopping.roll_back, batch=5)) is (number <= 5)
        assert move.roll_back(batch=5).status.steps == {StepState.ROLLED_BACK: 14}
        assert population(service.store) == before
    assert stops == 9


def stopped(work: Callable[[], object]) -> bool:
    """Do the work, and say whether it stopped."""
    try:
        work()
    except StopError:
        return True
    return False


def test_a_lost_answer_is_asked_for_again(move: Move) -> None:
    """A commit whose answer was lost is repeated, and nothing is done twice."""
    before = population(move.service.store)
    assert on(move, Unsure(move.service.store)).apply(batch=3).status.steps == {StepState.APPLIED: 14}
    assert moved_ids(move.service.store) == MOVED
    assert on(move, Unsure(move.service.store)).roll_back(batch=3).status.steps == {StepState.ROLLED_BACK: 14}
    assert population(move.service.store) == before


def test_a_locked_store_is_said_at_once(move: Move) -> None:
    """A store that has written nothing is not asked again: the error reaches the caller, who calls again."""
    move.apply(canary=["p0"])
    locked = Unsure(move.service.store, nothing_written=True)
    with pytest.raises(StoreUnavailableError, match="locked"):
        on(move, locked).apply()
    assert locked.asked == 1


def test_a_pause_lies_between_the_commits(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a pause the sleeper is asked after each commit, also when steps are taken back."""
    slept: list[float] = []
    monkeypatch.setattr("cityauth.api.system.SystemSleeper.sleep", lambda _, seconds: slept.append(seconds))
    move.service.__post_init__()
    move.apply(batch=7, pause=0.5)
    move.roll_back(batch=14, pause=0.25)
    assert slept == [0.5, 0.5, 0.25]


def side_by_side(store: Any, works: Sequence[Callable[[CityAuth], Any]]) -> list[Any]:
    """Let workers, each with a service of its own on one store, begin at the same moment."""
    barrier, outcomes = threading.Barrier(len(works)), list[Any]()

    def work(one: Callable[[CityAuth], Any]) -> None:
        auth = CityAuth(store, [KEY], policy=POLICY)
        barrier.wait(timeout=30)
        outcomes.append(one(auth))

    threads = [threading.Thread(target=work, args=(one,), daemon=True) for one in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return outcomes


def test_two_workers_carry_out_one_plan(move: Move) -> None:
    """Two workers at once end in the state that one reaches alone, forth and back, and each step is done once (C-17)."""
    before = population(move.service.store)
    given: dict[str, Any] = {"actor": "two of us", "batch": 1}
    reports = side_by_side(move.service.store, [lambda auth: auth.migration.apply(move.path, **given)] * 2)
    assert len(reports) == 2
    assert moved_ids(move.service.store) == MOVED
    assert {step.state for step in move.steps().values()} == {StepState.APPLIED}
    assert [one.migration.state for one in move.service.auth.migration.status()] == [MigrationState.APPLIED]
    plan_id = move.id
    reports = side_by_side(move.service.store, [lambda auth: auth.migration.roll_back(plan_id, **given)] * 2)
    assert len(reports) == 2
    assert population(move.service.store) == before
    assert move.service.auth.migration.verify(plan_id).findings == {}


def test_one_worker_applies_while_another_takes_back(move: Move) -> None:
    """A rollback beside an application wins: the accounts are as before, and the application says so."""
    before, plan_id = population(move.service.store), move.id
    move.apply(canary=["p0"])
    outcomes = side_by_side(
        move.service.store,
        [
            lambda auth: auth.migration.apply(move.path, actor="a", batch=1),
            lambda auth: auth.migration.roll_back(plan_id, actor="b", batch=1),
        ],
    )
    assert len(outcomes) == 2
    assert population(move.service.store) == before
    assert move.service.auth.migration.status()[0].migration.state is MigrationState.ROLLED_BACK


class Interfering:
    """A store in which another worker acts before the commit that a test picks.

    It is a class because it stands in for a store.
    """

    def __init__(self, store: Any, before: Callable[[Change], Callable[[], object] | None]) -> None:
        self._store = store
        self._before = before

    def commit(self, changes: Sequence[Change]) -> Any:
        """Let the other worker act, then commit."""
        act = self._before(changes[0])
        if act is not None:
            act()
        return self._store.commit(changes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def once(kind: type[Change], act: Callable[[], object]) -> Callable[[Change], Callable[[], object] | None]:
    """Return what makes *act* happen before the first change of *kind*."""
    left = [act]
    return lambda change: left.pop() if isinstance(change, kind) and left else None


@pytest.mark.parametrize("kind", [MigrationOpened, StepsPlanned, MigrationMoved, StepsApplied])
def test_another_worker_may_end_the_work_at_any_moment(move: Move, kind: type[Change]) -> None:
    """A worker whose commit comes too late looks again, and reports what the other one did (C-17)."""
    late = on(move, Interfering(move.service.store, once(kind, move.apply)))
    assert late.apply().status.migration.state is MigrationState.APPLIED
    assert moved_ids(move.service.store) == MOVED


@pytest.mark.parametrize("kind", [StepsPlanned, MigrationMoved, StepsApplied])
def test_a_rollback_may_come_at_any_moment(move: Move, kind: type[Change]) -> None:
    """An application that is overtaken by a rollback changes nothing more, and says so."""
    before = population(move.service.store)
    late = on(move, Interfering(move.service.store, once(kind, move.roll_back)))
    refused(late.try_apply(), MigrationRefusal.ROLLED_BACK)
    assert population(move.service.store) == before


@pytest.mark.parametrize("kind", [MigrationMoved, StepsRolledBack])
def test_another_worker_may_end_the_rollback(move: Move, kind: type[Change]) -> None:
    """A rollback whose commit comes too late looks again, and reports the same."""
    before = population(move.service.store)
    move.apply()
    late = on(move, Interfering(move.service.store, once(kind, move.roll_back)))
    assert late.roll_back().status.migration.state is MigrationState.ROLLED_BACK
    assert population(move.service.store) == before


def test_a_rollback_begins_although_the_application_just_ended(move: Move) -> None:
    """A rollback that saw an open migration takes it back although another worker ended it meanwhile."""
    before = population(move.service.store)
    move.apply(canary=["p0"])
    late = on(move, Interfering(move.service.store, once(MigrationMoved, move.apply)))
    assert late.roll_back().status.steps == {StepState.ROLLED_BACK: 14}
    assert population(move.service.store) == before


class Refusing(Stopping):
    """A store that refuses every commit."""

    def commit(self, changes: Sequence[Change]) -> Any:
        """Refuse."""
        return Rejected(changes[0], Precondition.MIGRATION_CHANGED)


def test_a_worker_gives_up_in_the_end(move: Move) -> None:
    """A worker that is overtaken again and again ends with an error instead of going on for ever."""
    with pytest.raises(StoreError, match="again and again"):
        on(move, Refusing(move.service.store)).try_apply()
    move.apply()
    with pytest.raises(StoreError, match="again and again"):
        on(move, Refusing(move.service.store)).try_roll_back()


def test_no_second_migration_is_opened_by_a_rollback(move: Move) -> None:
    """A rollback of an earlier plan does not begin while another plan is open, also when that one began just before."""
    move.apply()
    fill(
        move.service, [person("late", "late", email="late@example.com"), person("more", "more", email="m@example.com")]
    )
    later = other_plan(move)
    late = on(move, Interfering(move.service.store, once(MigrationMoved, lambda: later.apply(canary=["late"]))))
    refused(late.try_roll_back(), MigrationRefusal.ANOTHER_IS_OPEN)
    assert [one.migration.state for one in move.service.auth.migration.status() if one.migration.state.is_open] == [
        MigrationState.APPLYING
    ]
