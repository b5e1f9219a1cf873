"""The page for the night of the move is followed word by word: every command, in order, prints what the page shows."""

import csv
import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import cityauth
from cityauth.core.import_row import COLUMNS
from flask_app.population import people
from tests.docs.reading import DOCS
from tests.support.command import Deployment

PAGE = (DOCS / "runbook.md").read_text(encoding="utf-8")

SPOILED = {
    40: {"realm": "kansalainen"},
    50: {"username": "NULL"},
    60: {"external_id": "1.00E+05"},
    70: {"status": "poistettu"},
    80: {"password_hash": "5f4dcc3b"},
}
"""What is wrong in the rows of the older system's first export, by the place of the row."""


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A folder with a configuration, no database, and both exports of a small city."""
    monkeypatch.chdir(tmp_path)
    found = Deployment(tmp_path)
    found.configure()
    write(tmp_path / "people.csv", SPOILED)
    write(tmp_path / "people-mended.csv", {})
    return found


def write(file: Path, spoiled: dict[int, dict[str, str]]) -> None:
    """Write an export, as a spreadsheet does: with a byte order mark."""
    with file.open("w", encoding="utf-8-sig", newline="") as opened:
        writer = csv.DictWriter(opened, COLUMNS)
        writer.writeheader()
        writer.writerows({**row, **spoiled.get(number, {})} for number, row in enumerate(people(500)))


def steps() -> Iterator[tuple[str, str]]:
    """Every command of the page in its order, with what the page shows below it."""
    sessions = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for found in re.finditer(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(sessions), re.MULTILINE):
        yield found[1], found[2]


def do(night: Deployment, line: str, shown: str) -> str:
    """Do one command of the page, and return what it prints."""
    program, *arguments = shlex.split(line)
    if program == "cat":  # the person writes the file that the page shows
        (night.folder / arguments[0]).write_text(shown, encoding="utf-8")
        return shown
    if program == "sqlite3":
        with closing(sqlite3.connect(night.folder / arguments[0])) as database:
            return "".join(f"{row[0]}\n" for row in database.execute(arguments[1]))
    assert program == "cityauth"
    return night.run(*arguments).output


def masked(line: str, printed: str) -> list[str]:
    """What was printed, line by line, without what differs from one night to another."""
    text = re.sub(r"\b(?:[a-z2-7]{24}|[a-z2-7]{16})\b", "ID", printed)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC by \S+(?=\.)", "TIME", text)
    if "--share" in line:  # a digest of the random account ids chooses the accounts
        text = re.sub(r"((?:applied|waiting) +)\d+", r"\1SHARE", text)
    return [one.rstrip() for one in text.strip().splitlines()]


def test_the_night_goes_as_the_page_says(night: Deployment) -> None:
    """Each command of the page prints exactly what stands below it, but for ids, times and the size of a share."""
    done = [(line, masked(line, do(night, line, shown)), masked(line, shown)) for line, shown in steps()]
    assert len(done) >= 18
    for line, printed, shown in done:
        assert printed == shown, line
    assert (night.folder / "before-move.db").stat().st_size > 0


def test_the_page_runs_every_command_of_a_move() -> None:
    """Import and every subcommand of migrate stand on the page, and are run."""
    lines = "\n".join(line for line, _ in steps())
    for name in ("db init", "import people.csv --dry-run", "apply plan.jsonl --canary", "apply plan.jsonl --share 10%"):
        assert f"{name}" in lines
    for name in ("plan", "rehearse", "apply", "rollback", "status", "verify"):
        assert f"cityauth migrate {name}" in lines


def test_the_messages_that_end_a_night_are_those_of_the_command() -> None:
    """What the page quotes under "When to stop" is what the commands say."""
    section = PAGE.partition("## When to stop")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.*?) \|", section, re.MULTILINE)
    quoted = {part for row in rows for text in re.findall(r"`([^`]+)`", row) for part in text.split(" … ")}
    package = Path(cityauth.__file__).parent
    source = "".join(
        file.read_text(encoding="utf-8") for part in ("cli", "core") for file in package.glob(f"{part}/*.py")
    )
    said = re.sub(r'"\s*f?"', "", source)
    messages = {one for one in quoted if " " in one.strip()}
    assert len(messages) >= 6
    assert {one for one in messages if one.strip(" …") not in said} == set()


def test_the_comparison_can_fail() -> None:
    """A number, a word or a line that differs is seen; an id and a time are not compared."""
    assert masked("", "a 1\nb 2") != masked("", "a 1\nb 3")
    assert masked("", "a\nb") != masked("", "a\n\nb")
    first, second = "begun 2027-03-01 21:40 UTC by eeva.", "begun 2031-12-24 00:00 UTC by root."
    assert masked("", f"abcdefgh22345677: {first}") == masked("", f"zyxwvuts22345677: {second}")
