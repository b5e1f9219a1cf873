"""The performance lab's arithmetic: turns, spreads, ratios, and the page made of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import harness, page
from benchmarks.harness import Contender, Spread, WrongAnswerError, interleave, ratios, without
from benchmarks.result import RESULTS, Goal, Result, read, render, render_goals, tabulate, write

SAMPLES = {"floor": [10.0, 20.0, 10.0], "slow": [30.0, 40.0, 50.0], "hash": [5.0, 10.0, 5.0]}


def noting(calls: list[str], name: str) -> Callable[[str], str]:
    """A job that notes whose turn it is."""

    def job(argument: str) -> str:
        calls.append(f"{name}{argument}")
        return argument

    return job


def test_everybody_has_a_turn_in_every_round() -> None:
    """Contenders take turns A B A B with the same arguments, after a first round that does not count."""
    calls: list[str] = []
    people = [(str(n), str(n)) for n in range(4)]
    contenders = [Contender(name, noting(calls, name), people, 2) for name in "AB"]
    samples = interleave(contenders, 2)
    assert calls == ["A0", "A1", "B0", "B1", "A2", "A3", "B2", "B3", "A0", "A1", "B0", "B1"]
    assert {name: len(series) for name, series in samples.items()} == {"A": 2, "B": 2}


def test_a_time_is_the_median_call_of_a_turn_in_microseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call that the machine interrupted does not count for a turn."""
    ticks = iter([0, 3_000, 0, 900_000, 0, 5_000] * 2)
    monkeypatch.setattr(harness, "perf_counter_ns", lambda: next(ticks))
    contender = Contender("A", lambda text: text, [("x", "x")], 3)
    assert interleave([contender], 1) == {"A": [5.0]}


def test_a_wrong_answer_has_no_time() -> None:
    """A contender that finds nobody, or somebody else, ends the run."""
    with pytest.raises(WrongAnswerError, match="hasty"):
        interleave([Contender("hasty", lambda _: None, [("x", "x")], 1)], 1)


def test_ratios_are_paired_by_round() -> None:
    """A ratio compares turns of one round, so a slow moment of the machine cancels out."""
    assert ratios(SAMPLES, "floor")["slow"] == Spread(3.0, 2.2, 4.6)
    assert ratios(SAMPLES, "floor")["floor"] == Spread(1.0, 1.0, 1.0)


def test_what_all_must_do_is_taken_off_round_by_round() -> None:
    """The time of the hash alone is taken off everybody's turn of the same round."""
    assert without(SAMPLES, "hash") == {"floor": [5.0, 10.0, 5.0], "slow": [25.0, 30.0, 45.0]}


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal("fast", 2.5, 2.5), True),
        (Goal("fast", 2.6, 2.5), False),
        (Goal("far", 20, 20, least=True), True),
        (Goal("far", 19.9, 20, least=True), False),
    ],
)
def test_a_goal_is_reached_at_its_limit(goal: Goal, met: bool) -> None:
    """A goal says itself whether it was reached, upwards or downwards."""
    assert goal.met is met
    assert ("reached" if met else "missed") in render_goals([goal])


def test_a_result_survives_its_file(tmp_path: Path) -> None:
    """What is written as JSON is read back with versions and machine."""
    table = tabulate("three rounds", SAMPLES, "floor")
    result = Result("resolve", "About.", [table], [Goal("goal", 3.0, 4.0)])
    assert read(write(result, tmp_path)) == result
    assert result.versions["python"]
    assert "| slow | 40.0 (32.0 to 48.0) | 3.00 (2.20 to 4.60) |" in render(table)


def test_the_page_says_what_was_measured() -> None:
    """docs/performance.md and its plots are those that the results make; `run.py docs` writes them."""
    found = page.results()
    measured = {path.stem for path in RESULTS.glob("*.json")}  # a new job has no figures until a quiet machine ran it
    assert [result.job for result in found] == [job for job in page.TITLES if job in measured]
    assert measured <= set(page.TITLES)
    assert (page.DOCS / "performance.md").read_text(encoding="utf-8") == page.text(found)
    for name, drawing in page.plots(found).items():
        assert (page.DOCS / "performance" / name).read_text(encoding="utf-8") == drawing
