"""The measure of whether times can be told apart: it finds what is there, and nothing where nothing is."""

import random

import pytest

from benchmarks.jobs import equal_time
from benchmarks.jobs.equal_time import auc, interval


@pytest.mark.parametrize(
    ("ones", "others", "expected"),
    [
        ([1.0, 2.0], [3.0, 4.0], 0.0),
        ([3.0, 4.0], [1.0, 2.0], 1.0),
        ([1.0, 2.0], [1.0, 2.0], 0.5),
        ([2.0], [1.0, 2.0, 3.0], 0.5),
        ([5.0, 1.0], [2.0, 3.0, 4.0], 0.5),
        ([7.0, 7.0], [7.0], 0.5),
    ],
)
def test_the_auc_counts_pairs(ones: list[float], others: list[float], expected: float) -> None:
    """It is the share of pairs in which the first is greater, and equal ones count half."""
    assert auc(ones, others) == expected


def test_an_interval_finds_what_is_planted_and_nothing_else() -> None:
    """Equal samples have 0.5 in their interval; a shift of half a deviation does not."""
    chance = random.Random(3)
    ones = [chance.gauss(300, 40) for _ in range(1000)]
    others = [chance.gauss(300, 40) for _ in range(1000)]
    middle, low, high = interval(ones, others)
    assert low <= 0.5 <= high
    assert low <= middle <= high
    assert interval([one + equal_time.PLANT_MICROS for one in ones], others)[1] > 0.5 + equal_time.CLOSE


def test_every_class_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short run times each class and says of each whether it can be told from nobody, for sign-in and for reset."""
    monkeypatch.setattr(equal_time, "WARM_UP", 1)
    monkeypatch.setattr(equal_time, "RESAMPLES", 40)
    result = equal_time.measure(20, 25)
    assert [len(table.rows) for table in result.tables] == [7, 7]
    for title in ("sign-in", "reset"):
        for kind in equal_time.CLASSES:
            assert sum(goal.text.startswith(f"{title}, {kind}: ") for goal in result.goals) == 3
        assert sum("planted" in goal.text and goal.text.startswith(title) for goal in result.goals) == 1
