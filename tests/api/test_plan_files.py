"""The files of a plan: written whole or not at all, and refused with their names."""

from pathlib import Path

import pytest

from cityauth.api.plan_files import building, replacing
from cityauth.errors import PlanError, UsageError
from cityauth.migration import open_plan, write_collisions, write_report
from cityauth.testing.imports import person
from cityauth.testing.populations import store_people
from tests.support.service import Service


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A plan of a household."""
    service = Service()
    store_people(service.store, [person(name, name, email="pair@example.com") for name in "ab"])
    service.auth.migration.plan(tmp_path / "plan.jsonl")
    return tmp_path / "plan.jsonl"


def test_what_fails_leaves_the_older_file(tmp_path: Path) -> None:
    """A file whose writing fails is gone, and the older one is as it was."""
    path = tmp_path / "plan.jsonl"
    path.write_text("older")
    for writing in (replacing, building):
        with pytest.raises(ZeroDivisionError), writing(path):
            raise ZeroDivisionError
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_only_the_owner_reads_what_is_written(plan: Path, tmp_path: Path) -> None:
    """The plan and both reports can be read by their owner alone."""
    write_report(plan, tmp_path / "plan.html")
    assert write_collisions(plan, tmp_path / "collisions.csv") == 2
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    """A plan that is not there, or is a folder, is refused with its name, and no report is begun."""
    path = tmp_path / name
    with pytest.raises(UsageError, match="cannot be read"), open_plan(path):
        pass
    for write in (write_report, write_collisions):
        with pytest.raises(UsageError, match="cannot be read"):
            write(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_report_is_made_of_a_plan_that_was_changed(plan: Path, tmp_path: Path) -> None:
    """A plan with a changed line is refused as a whole: an older report stays."""
    plan.write_text(plan.read_text().replace("pair@", "peer@"))
    (tmp_path / "out").write_text("older")
    for write in (write_report, write_collisions):
        with pytest.raises(PlanError, match="line 2 was edited"):
            write(plan, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "older"


def test_an_error_of_the_reader_is_its_own(plan: Path) -> None:
    """What goes wrong in the caller's own block is not said of the plan."""
    with pytest.raises(FileNotFoundError), open_plan(plan):
        (plan.parent / "missing" / "own.txt").read_text()


def test_a_folder_that_is_not_there_is_named(plan: Path, tmp_path: Path) -> None:
    """A report that cannot be written is refused with its name."""
    with pytest.raises(UsageError, match="out cannot be written: No such file or directory"):
        write_report(plan, tmp_path / "missing" / "out")
