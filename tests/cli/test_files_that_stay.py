"""A careless command line destroys no file: not the database, no device, no decisions, and no plan that is needed."""

import os
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("click", reason="the command needs the extra 'cli'")

from cityauth.api.plan_files import write_collisions, write_report
from cityauth.config.configuration import load
from cityauth.errors import UsageError
from cityauth.testing.imports import person
from cityauth.testing.populations import store_people
from tests.support.command import Deployment

HEADER = (
    "external_id,realm,username,email,contact,display_name,language,status,password_hash,password_format,"
    "password_encoding\n"
)


@pytest.fixture
def planned(deployment: Deployment) -> Deployment:
    """A deployment with two people who share an address and one who does not, and a plan of them."""
    people = [
        person("a", "anna", email="pair@example.com"),
        person("b", "bo", email="pair@example.com"),
        person("c", "cecilia", email="cecilia@example.com"),
    ]
    with closing(load().store()) as store:
        store_people(store, people)
    deployment.well("migrate", "plan", "--out", "plan.jsonl")
    return deployment


@pytest.mark.parametrize("option", ["--out", "--report", "--groups"])
def test_no_part_of_a_plan_takes_the_place_of_the_database(planned: Deployment, option: str) -> None:
    """The database that is named for a file of the plan stays as it is."""
    before = Path("service.db").read_bytes()
    first = [] if option == "--out" else ["--out", "new.jsonl"]
    said = planned.refused(2, "migrate", "plan", *first, option, "service.db")
    assert said == "service.db is a database and is not replaced: name another file"
    assert Path("service.db").read_bytes() == before
    assert not Path("new.jsonl").exists()


def test_the_quarantine_takes_the_place_of_no_database(planned: Deployment) -> None:
    """The database that is named for the quarantine stays as it is, and nobody is imported."""
    Path("people.csv").write_text(f"{HEADER}1,nowhere,x,,,X,,,,,\n")
    before = Path("service.db").read_bytes()
    for arguments in ((), ("--dry-run",)):
        assert "is a database" in planned.refused(2, "import", "people.csv", "--quarantine", "service.db", *arguments)
    assert Path("service.db").read_bytes() == before


STRANGERS = ("cityauth.toml", "service.keys", "people.csv", "notes.txt")


@pytest.mark.parametrize("option", ["--out", "--report", "--groups"])
@pytest.mark.parametrize("name", STRANGERS)
def test_only_an_earlier_file_of_the_same_kind_is_replaced(planned: Deployment, option: str, name: str) -> None:
    """The configuration, the keys, an export and a text of somebody stay where a file of a plan is to be written."""
    Path("people.csv").write_text(HEADER)
    Path("notes.txt").write_text("Remember the milk.\n")
    before = Path(name).read_bytes()
    first = [] if option == "--out" else ["--out", "new.jsonl"]
    said = planned.refused(2, "migrate", "plan", *first, option, name)
    assert said.startswith(f"{name} is no earlier ")
    assert said.endswith(" and is not replaced: name another file")
    assert Path(name).read_bytes() == before
    assert not Path("new.jsonl").exists()


def test_earlier_files_and_empty_ones_are_replaced(planned: Deployment) -> None:
    """A plan, its report and its spreadsheet take the place of earlier ones, and of empty files."""
    for name in ("empty1", "empty2", "empty3"):
        Path(name).touch()
    every = ("--out", "plan.jsonl", "--report", "plan.html", "--groups", "collisions.csv")
    planned.well("migrate", "plan", *every)
    planned.well("migrate", "plan", *every, "--language", "sv")
    planned.well("migrate", "plan", "--out", "empty1", "--report", "empty2", "--groups", "empty3")
    assert Path("empty2").read_bytes()[:15] == b"<!doctype html>"
    for option in ("--out", "--report", "--groups"):
        for name in {"plan.jsonl", "plan.html", "collisions.csv"} - {every[every.index(option) + 1]}:
            first = [] if option == "--out" else ["--out", "new.jsonl"]
            assert "is no earlier" in planned.refused(2, "migrate", "plan", *first, option, name)


@pytest.mark.parametrize("name", STRANGERS)
@pytest.mark.parametrize("row", ["1,citizen,xenia,,,X,,,,,\n", "1,nowhere,xenia,,,X,,,,,\n", ""])
def test_only_an_earlier_quarantine_is_replaced(planned: Deployment, name: str, row: str) -> None:
    """A file of another kind that is named for the quarantine stays, and nobody is imported."""
    Path("people.csv").write_text(HEADER)
    Path("notes.txt").write_text("Remember the milk.\n")
    Path("new.csv").write_text(f"{HEADER}{row}")
    before = Path(name).read_bytes()
    said = planned.refused(2, "import", "new.csv", "--quarantine", name)
    assert said == f"{name} is no earlier quarantine file and is not replaced: name another file"
    assert Path(name).read_bytes() == before
    with closing(load().store()) as store:
        assert not store.find_imported(["1"])


@pytest.mark.parametrize("name", ["x" * 256, "eeva\nroot", "eeva\x1b[2J", "e\u202eva"])
def test_who_does_it_is_named_in_one_line(planned: Deployment, name: str) -> None:
    """A name that would fill the journal, or that a terminal would act upon, is refused before anything is written."""
    for command in ("apply", "rollback"):
        said = planned.refused(2, "migrate", command, "plan.jsonl", "--by", name)
        assert said == "who does it is named in at most 255 characters, none of them invisible"
    assert planned.json("migrate", "status") == []
    planned.well("migrate", "apply", "plan.jsonl", "--by", "ä" * 255)


def test_no_device_and_no_pipe_is_replaced(planned: Deployment) -> None:
    """What is no ordinary file, such as /dev/null, is not put away for a new file."""
    os.mkfifo("pipe")
    Path("people.csv").write_text(f"{HEADER}1,nowhere,x,,,X,,,,,\n")
    for arguments in (
        ("import", "people.csv", "--quarantine", "pipe"),
        ("migrate", "plan", "--out", "pipe"),
        ("migrate", "plan", "--out", "new.jsonl", "--report", "pipe"),
        ("migrate", "plan", "--out", "new.jsonl", "--groups", "pipe"),
    ):
        assert planned.refused(2, *arguments) == "pipe is no ordinary file: name another one"
    assert Path("pipe").is_fifo()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--out", "filled.csv", "--decisions", "filled.csv"),
        ("--out", "new.jsonl", "--decisions", "filled.csv", "--groups", "filled.csv"),
        ("--out", "new.jsonl", "--decisions", "filled.csv", "--groups", "./filled.csv"),
        ("--out", "new.jsonl", "--decisions", "filled.csv", "--report", "filled.csv"),
        ("--out", "new.jsonl", "--report", "new.jsonl"),
        ("--out", "new.jsonl", "--groups", "new.jsonl"),
        ("--out", "new.jsonl", "--report", "page.html", "--groups", "page.html"),
    ],
)
def test_no_file_serves_for_two_things(planned: Deployment, arguments: tuple[str, ...]) -> None:
    """Decisions that people have filled in are not written over, and no file of a plan takes another's place."""
    Path("filled.csv").write_text("external_id,decision,email\next-a,use_email,a@example.com\n")
    assert planned.refused(2, "migrate", "plan", *arguments).endswith("is named for two things: name another file")
    assert Path("filled.csv").read_text().endswith("a@example.com\n")
    assert not Path("new.jsonl").exists()


def test_the_library_writes_no_report_over_its_plan(planned: Deployment) -> None:
    """From Python as well, a plan stays where a report or a spreadsheet of it is to be written."""
    before = Path("plan.jsonl").read_bytes()
    for write in (write_report, write_collisions):
        with pytest.raises(UsageError, match="named for two things"):
            write("plan.jsonl", "plan.jsonl")
    assert Path("plan.jsonl").read_bytes() == before
    assert planned.folder.joinpath("plan.jsonl").exists()


def test_a_plan_that_is_half_carried_out_is_kept(planned: Deployment) -> None:
    """Its file is needed to go on, so a new plan goes elsewhere; when it has ended, the file is free."""
    Path("canary.txt").write_text("ext-c\n")
    planned.well("migrate", "apply", "plan.jsonl", "--canary", "canary.txt")
    before = Path("plan.jsonl").read_bytes()
    said = planned.refused(1, "migrate", "plan", "--out", "plan.jsonl")
    assert said == "plan.jsonl is a plan that is half carried out: apply it to its end or roll it back first"
    assert Path("plan.jsonl").read_bytes() == before
    planned.well("migrate", "plan", "--out", "another.jsonl")
    planned.well("migrate", "apply", "plan.jsonl")
    planned.well("migrate", "plan", "--out", "plan.jsonl")
    assert Path("plan.jsonl").read_bytes() != before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xe4\n", "the canary file canary.txt cannot be read as UTF-8"),
        (b"", "the canary file canary.txt names no account of the plan"),
        (b"external_id\nstranger\n", "the canary file canary.txt names no account of the plan"),
    ],
)
def test_a_wrong_canary_file_is_said(planned: Deployment, content: bytes, sentence: str) -> None:
    """A canary file in another encoding, or of other people, is one sentence, and no migration begins."""
    Path("canary.txt").write_bytes(content)
    assert planned.refused(2, "migrate", "apply", "plan.jsonl", "--canary", "canary.txt").startswith(sentence)
    assert planned.json("migrate", "status") == []


@pytest.mark.parametrize(("command", "status"), [("rollback", 1), ("verify", 1)])
def test_an_id_that_no_file_can_have_is_unknown(planned: Deployment, command: str, status: int) -> None:
    """A text too long for the name of a file is the id of no plan, not a traceback."""
    assert "no" in planned.refused(status, "migrate", command, "x" * 5000)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="the system has no device of endless zeros")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("import", "/dev/zero", "--format", "csv"), "line 1 of the file does not end"),
        (("import", "/dev/zero", "--format", "jsonl"), "line 1 of the file does not end"),
        (("migrate", "apply", "/dev/zero"), "/dev/zero"),
        (("migrate", "rehearse", "/dev/zero"), "/dev/zero"),
        (("migrate", "plan", "--out", "new.jsonl", "--decisions", "/dev/zero"), "/dev/zero is no CSV file"),
    ],
)
def test_a_file_that_never_ends_is_refused(planned: Deployment, arguments: tuple[str, ...], sentence: str) -> None:
    """A device without an end fills no memory, and the command comes to its end."""
    assert sentence in planned.refused(2, *arguments)
