"""``cityauth migrate plan``: the files that it writes, what it says, and that it changes nothing."""

import csv
import io
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from io import StringIO
from itertools import count
from pathlib import Path

import pytest
from rich.console import Console

pytest.importorskip("click", reason="the command needs the extra 'cli'")

from cityauth.cli.migrate import showing_progress
from cityauth.config.configuration import load
from cityauth.core.population import NewPerson
from cityauth.mailers.domains import DnsDomainCheck
from cityauth.ports.services import DomainState
from cityauth.testing.imports import person
from cityauth.testing.populations import city, store_people
from tests.support.command import Deployment

HOUSEHOLD = [
    person("a", "anna", email="pair@example.com"),
    person("b", "bo", email="pair@example.com"),
    person("c", "cecilia", email="cecilia@example.com"),
    person("d", "dora"),
]


def fill(people: Sequence[NewPerson]) -> None:
    """Put people into the configured database."""
    with closing(load().store()) as store:
        store_people(store, people)


def classes(path: Path = Path("plan.jsonl")) -> dict[str, str]:
    """The class of each account in a plan, by external id."""
    lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    return {line["external_id"]: line["class"] for line in lines}


def stored() -> bytes:
    """The database as it lies on the disk."""
    return Path("service.db").read_bytes()


def test_a_plan_is_written_and_nothing_else(deployment: Deployment) -> None:
    """A plan says what each account is, prints what it came to, and leaves the database as it was."""
    fill(HOUSEHOLD)
    before = stored()
    printed = deployment.well("migrate", "plan", "--to", "email", "--out", "plan.jsonl")
    assert classes() == {"ext-a": "shared_email", "ext-b": "shared_email", "ext-c": "ready", "ext-d": "no_email"}
    assert "Planned 4 accounts; nothing was changed. 1 move, 3 keep their username, 0 are left alone." in printed
    assert "shared_email   2" in printed
    assert stored() == before
    assert Path("plan.jsonl").stat().st_mode & 0o777 == 0o600


def test_the_summary_as_json(deployment: Deployment) -> None:
    """With --json a program reads the same counts."""
    fill(HOUSEHOLD)
    summary = deployment.json("migrate", "plan", "--out", "plan.jsonl", "--groups", "collisions.csv")
    assert (summary["accounts"], summary["actions"], summary["to_decide"]) == (4, {"move": 1, "keep": 3}, 2)
    assert json.loads(Path("plan.jsonl").read_text().splitlines()[0])["digest"] == summary["digest"]


def test_decisions_go_round(deployment: Deployment) -> None:
    """The spreadsheet of collisions, filled in, comes back as decisions: one of a household moves, the other stays."""
    fill(HOUSEHOLD)
    deployment.well("migrate", "plan", "--out", "plan.jsonl", "--groups", "collisions.csv")
    head, *rows = csv.reader(io.StringIO(Path("collisions.csv").read_text(encoding="utf-8-sig")))
    assert [row[head.index("external_id")] for row in rows] == ["ext-a", "ext-b"]
    assert {row[head.index("group")] for row in rows} == {"ext-a"}
    rows[0][head.index("decision")] = "use_email"
    with Path("decisions.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    deployment.well("migrate", "plan", "--out", "plan.jsonl", "--decisions", "decisions.csv")
    lines = {line["external_id"]: line for line in map(json.loads, Path("plan.jsonl").read_text().splitlines()[1:])}
    assert (lines["ext-a"]["action"], lines["ext-a"]["decision"]) == ("move", "use_email")
    assert (lines["ext-b"]["action"], "decision" in lines["ext-b"]) == ("keep", False)
    assert lines["ext-a"]["class"] == "shared_email"


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (["nobody,skip,"], "unknown_account"),
        (["ext-c,perhaps,"], "unknown_decision"),
        (["ext-o,keep_username,"], "exempt_account"),
        (["ext-d,use_email,"], "address_missing"),
        (["ext-d,use_email,not an address"], "bad_address"),
        (["ext-d,use_email,cecilia@example.com"], "address_in_use"),
        (["ext-d,use_email,CECILIA@Example.com"], "address_in_use"),
        (["ext-d,use_email,bo"], "bad_address"),
        (["ext-c,keep_username,cecilia@example.com"], "address_not_wanted"),
        (["ext-x,use_email,"], "disabled_account"),
        (["ext-e,use_email,"], "address_in_use"),
        (["ext-c,skip,", "ext-c,use_email,"], "decided_twice"),
        (["ext-a,use_email,", "ext-b,use_email,"], "address_decided_twice"),
        (["ext-c,use_email,new@example.com", "ext-d,use_email,NEW@example.com"], "address_decided_twice"),
    ],
)
def test_a_decision_with_a_fault_is_not_used(deployment: Deployment, rows: list[str], fault: str) -> None:
    """Each faulty row is named with its line and a code, and its account is planned as if nobody had decided."""
    official = person("o", "olli", email="o@example.com")
    official = replace(official, account=replace(official.account, realm="official"))
    closed = person("x", "xena", email="x@example.com")
    fill(
        [
            *HOUSEHOLD,
            official,
            replace(closed, account=replace(closed.account, status=closed.account.status.__class__("disabled"))),
            person("e", "eva", email="bertta@example.com"),
            person("f", "bertta@example.com"),
        ]
    )
    deployment.well("migrate", "plan", "--out", "plan.jsonl")
    undecided = {
        line["account"]: line["action"] for line in map(json.loads, Path("plan.jsonl").read_text().splitlines()[1:])
    }
    Path("decisions.csv").write_text("external_id,decision,email\n" + "\n".join(rows) + "\n")
    summary = deployment.json("migrate", "plan", "--out", "plan.jsonl", "--decisions", "decisions.csv")
    assert summary["refused_decisions"] == [
        {"line": number, "external_id": row.partition(",")[0], "faults": [fault]} for number, row in enumerate(rows, 2)
    ]
    decided = {
        line["account"]: line["action"] for line in map(json.loads, Path("plan.jsonl").read_text().splitlines()[1:])
    }
    assert decided == undecided
    printed = deployment.well("migrate", "plan", "--out", "plan.jsonl", "--decisions", "decisions.csv")
    assert f"The decision in line 2 is not used ({fault}): {rows[0].partition(',')[0]}." in printed


@pytest.mark.parametrize(
    ("language", "word"), [("fi", "Siirtosuunnitelma"), ("sv", "Flyttplan"), ("en", "Migration plan")]
)
def test_the_report_speaks_three_languages(deployment: Deployment, language: str, word: str) -> None:
    """The report is one page in the language that was asked for, and shows no address as a whole."""
    fill(HOUSEHOLD)
    printed = deployment.well("migrate", "plan", "--out", "plan.jsonl", "--report", "plan.html", "--language", language)
    page = Path("plan.html").read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in page
    assert f"<h1>{word}" in page
    assert "ext-a" in page
    assert "pair@example.com" not in page
    assert "The report for those who decide is in plan.html." in printed


def test_domains_are_looked_up_when_asked(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --check-dns an address on a dead domain does not move."""
    monkeypatch.setattr(DnsDomainCheck, "check", lambda _, domains: dict.fromkeys(domains, DomainState.DEAD))
    fill(HOUSEHOLD)
    deployment.well("migrate", "plan", "--out", "plan.jsonl", "--check-dns")
    assert classes()["ext-c"] == "dead_domain"


def test_the_phase_and_the_exempt_realms(deployment: Deployment) -> None:
    """The phase and the realms of the command line stand in the plan."""
    fill(HOUSEHOLD)
    deployment.well("migrate", "plan", "--out", "plan.jsonl", "--exempt", "citizen", "--phase", "email_only")
    header = json.loads(Path("plan.jsonl").read_text().splitlines()[0])
    assert (header["phase"], header["exempt"]) == ("email_only", ["citizen"])
    assert set(classes().values()) == {"exempt"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--out", "missing/plan.jsonl"), "missing/plan.jsonl cannot be written: No such file or directory"),
        (("--out", "plan.jsonl", "--exempt", "officials"), "the realm 'officials' is not in the policy"),
        (("--out", "plan.jsonl", "--decisions", "none.csv"), "none.csv cannot be read: No such file or directory"),
        (("--out", "plan.jsonl", "--decisions", "latin.csv"), "latin.csv is no CSV file in UTF-8"),
        (("--out", "plan.jsonl", "--decisions", "head.csv"), "the first row of the decisions has no column"),
        (("--out", "plan.jsonl", "--phase", "legacy_only"), "Invalid value for '--phase'"),
        ((), "Missing option '--out'"),
    ],
)
def test_mistakes_are_sentences(deployment: Deployment, arguments: tuple[str, ...], sentence: str) -> None:
    """A wrong command line or file is one sentence and status 2, and no plan is left behind."""
    Path("latin.csv").write_bytes("external_id,decision,email\nÅsa,skip,\n".encode("latin-1"))
    Path("head.csv").write_text("id,decision\n")
    assert deployment.refused(2, "migrate", "plan", *arguments).startswith(sentence)
    assert list(Path().glob("*.jsonl")) + list(Path().glob("tmp*")) == []


def test_warnings_are_counted(deployment: Deployment) -> None:
    """What is odd about addresses that may move is counted by kind."""
    fill(
        [
            person("a", "anna", email="anna@example.com"),
            person("b", "bo", email="anna+b@example.com"),
            person("c", "c", email="c@gmial.com"),
        ]
    )
    printed = deployment.well("migrate", "plan", "--out", "plan.jsonl")
    assert "Warnings, which do not block: 2 plus_twin, 1 typo_domain." in printed


def test_a_whole_city(deployment: Deployment) -> None:
    """A population with every class is planned to the last account, and both its reports are written."""
    fill(list(city(2000)))
    summary = deployment.json(
        "migrate", "plan", "--out", "plan.jsonl", "--report", "plan.html", "--groups", "collisions.csv"
    )
    assert sum(summary["classes"].values()) == 2000
    assert {name for name, count in summary["classes"].items() if not count} == {"dead_domain"}
    assert summary["to_decide"] == len(Path("collisions.csv").read_text(encoding="utf-8-sig").splitlines()) - 1


def test_the_bar_shows_what_is_done_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the bar counts the accounts that are read, and then what is done of all."""
    shown = StringIO()
    console = Console(file=shown, force_terminal=True, width=80)
    monkeypatch.setattr("cityauth.cli.migrate.error_console", lambda: console)
    monkeypatch.setattr("cityauth.cli.migrate.time.monotonic", count().__next__)
    with showing_progress(quiet=False) as report:
        report(5, 0)
        report(7, 10)
    assert "7/10" in shown.getvalue()
    assert "10/7" not in shown.getvalue()
