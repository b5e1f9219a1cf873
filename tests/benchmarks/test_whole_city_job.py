"""The jobs that carry a migration of a whole city out: they do what their tables say."""

from pathlib import Path

import pytest

from benchmarks.harness import run_alone
from benchmarks.jobs import import_people, plan, sign_in_meanwhile, whole_city
from benchmarks.population import ARGON2
from cityauth import HashProfile
from cityauth.stores.sql import SqlStore

NEEDED = (SqlStore,)  # a run without extras leaves this file out


def test_everybody_of_the_file_is_imported_and_planned(tmp_path: Path) -> None:
    """The import asserts that every row lands, and the plan finds nearly everybody ready."""
    path, people = tmp_path / "city.db", tmp_path / "people.csv"
    whole_city.write_people(people, 120)
    import_people.create(path)
    works = whole_city._STEPS["import"][1], whole_city._STEPS["plan"][1]
    assert run_alone(works[0], plan.IMPORTS, path, people)[0] > 0
    assert run_alone(works[1], plan.IMPORTS, path, path.with_suffix(".jsonl"))[0] > 0
    assert path.with_suffix(".jsonl").read_text(encoding="ascii").count('"class":"ready"') > 100


def test_the_floor_and_cityauth_have_databases_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The floor carries the plan out on a copy, so that cityauth finds the accounts as the plan saw them."""
    ran: list[tuple[str, str]] = []

    def run(work: str, path: Path, _file: Path, _accounts: int) -> tuple[float, float, float]:
        ran.append((path.name, work))
        return (20.0, 9.0, 30.0) if "CityAuth" in work else (10.0, 1.0, 0.0)

    monkeypatch.setattr(whole_city, "_run", run)
    result = whole_city.measure(1, 3)
    assert [path for path, _ in ran] == ["other.db", "city.db", *["city.db"] * 2, *["other.db", "city.db"], "city.db",
                                         *["other.db", "city.db"], "city.db"]  # fmt: skip
    assert [goal.measured for goal in result.goals] == [2.0, 2.0, 2.0, 2.0, 9.0, 30.0]
    assert len(result.tables) == len(whole_city._STEPS)


def test_people_sign_in_while_a_plan_is_carried_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A series has a time with and without the migration beside it."""
    path = tmp_path / "city.db"
    plan.fill(path, 60)
    plan_file = path.with_suffix(".jsonl")
    run_alone(plan.OUR_WORK, plan.IMPORTS, path, plan_file)
    monkeypatch.setattr(sign_in_meanwhile, "MOST", 3)
    monkeypatch.setattr(sign_in_meanwhile, "PEOPLE", 2)
    for settings in (None, ", batch=10, pause=0.2"):
        copy = tmp_path / f"{settings is None}.db"
        copy.write_bytes(path.read_bytes())
        with SqlStore(f"sqlite:///{copy}") as store:
            assert sign_in_meanwhile._series(store, copy, HashProfile(**ARGON2), settings, plan_file) > 0
