"""The job that measures a plan: both contenders do the same work."""

from pathlib import Path

import pytest

from benchmarks.harness import WrongAnswerError
from benchmarks.jobs import plan
from cityauth.stores.sql import SqlStore

NEEDED = (SqlStore,)  # a run without extras leaves this file out


def test_everybody_finds_the_same_accounts_ready(tmp_path: Path) -> None:
    """The floor and cityauth plan one city, and find the same accounts ready."""
    path = tmp_path / "city.db"
    plan.fill(path, 120)
    (floor, _, right), (ours, _, found) = (plan._plan(plan._WORK[name], path) for name in (plan.BASE, plan.OURS))
    assert floor > 0
    assert ours > 0
    assert 100 < len(right) < 120
    assert found == right


def test_another_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A contender that does less than its work is no contender."""
    monkeypatch.setattr(plan, "_plan", lambda work, _: (1.0, 1.0, {work[:20]}))
    with pytest.raises(WrongAnswerError, match="cityauth"):
        plan.measure(2, 0)


def test_the_goals_are_of_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table has every contender, and the goals compare cityauth with the floor and name the most memory."""
    monkeypatch.setattr(plan, "_plan", lambda work, _: (30.0 if "CityAuth" in work else 10.0, 7.0, set()))
    result = plan.measure(2, 3)
    assert [row.name for row in result.tables[0].rows] == [plan.BASE, plan.AGAIN, plan.OURS]
    assert [goal.measured for goal in result.goals] == [3.0, 7.0]
