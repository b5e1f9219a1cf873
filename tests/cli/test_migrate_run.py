"""``cityauth migrate rehearse|apply|status|verify|rollback``: what they print, their JSON, and their exit statuses."""

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("click", reason="the command needs the extra 'cli'")

from sqlalchemy import delete

from cityauth.config.configuration import load
from cityauth.core.accounts import AccountId
from cityauth.core.changes import AccountAdded, ContactChanged
from cityauth.stores.sql.programs import write
from cityauth.stores.sql.tables import identifier
from cityauth.testing.imports import person
from cityauth.testing.samples import NOON
from tests.support.command import Deployment
from tests.support.moves import commit, fill, moved_ids, people, population
from tests.support.service import Service

PLAN = "plan.jsonl"


@pytest.fixture
def planned(deployment: Deployment) -> Deployment:
    """A deployment with people of every class, and a plan of them."""
    with closing(load().store()) as store:
        fill(Service(store=store))
    deployment.well("migrate", "plan", "--out", PLAN)
    return deployment


def plan_id() -> str:
    """The id of the plan."""
    return str(json.loads(Path(PLAN).read_text().splitlines()[0])["plan"])


def change(*changes: Any) -> None:
    """Commit changes to the configured database."""
    with closing(load().store()) as store:
        commit(store, *changes)


def stored() -> tuple[Any, set[str]]:
    """The population of the configured database, and who has moved."""
    with closing(load().store()) as store:
        return population(store), moved_ids(store)


def answer(deployment: Deployment, status: int, *arguments: str) -> tuple[Any, str]:
    """Run the command with --json, which must end with *status*; return the JSON and the sentence."""
    result = deployment.run(*arguments, "--json")
    assert result.exit_code == status, result.output
    return json.loads(result.stdout), result.stderr


def test_the_night_goes_as_planned(planned: Deployment) -> None:
    """Rehearse, apply, verify and roll back succeed, say what was done, and restore every account."""
    before, _ = stored()
    printed = planned.well("migrate", "rehearse", PLAN)
    assert "Looked at 15 accounts and resolved 22 names; nothing was changed." in printed
    assert "Everybody who can sign in today can sign in afterwards" in printed
    assert "8 sign in by their address, 6 keep their username, and 1 are left alone. Locked out: 0." in " ".join(
        printed.split()
    )
    assert "it is carried out" in planned.well("migrate", "apply", PLAN, "--by", "anna")
    assert len(stored()[1]) == 8
    assert "Compared 14 steps" in planned.well("migrate", "verify", PLAN)
    printed = planned.well("migrate", "verify")
    assert "The journal and the accounts agree." in printed
    assert "begun" in planned.well("migrate", "status")
    assert "it is taken back" in planned.well("migrate", "rollback", PLAN)
    assert stored()[0] == before
    assert "it is taken back" in planned.well("migrate", "rollback", plan_id())


def test_each_answer_as_json(planned: Deployment) -> None:
    """With --json a program reads counts, states and accounts, and no address."""
    found, said = answer(planned, 0, "migrate", "rehearse", PLAN)
    assert (found["accounts"], found["holds"], found["findings"], said) == (15, True, {}, "")
    found, said = answer(planned, 0, "migrate", "apply", PLAN, "--by", "anna", "--batch", "4")
    assert found["status"]["migration"] | {"began_at": "", "ended_at": "", "digest": ""} == {
        "id": plan_id(),
        "digest": "",
        "state": "applied",
        "phase": "email_preferred",
        "total": 14,
        "actor": "anna",
        "began_at": "",
        "ended_at": "",
    }
    assert (found["status"]["steps"], found["refusals"], found["refused"]) == ({"applied": 14}, {}, [])
    change(ContactChanged(AccountId("p0"), "else@example.com"))
    [status] = answer(planned, 0, "migrate", "status")[0]
    assert status["migration"]["state"] == "applied"
    found, said = answer(planned, 0, "migrate", "verify", plan_id())
    assert (found["steps"], found["changed_since"], found["findings"]) == (14, 1, {})
    result = planned.run("migrate", "rollback", PLAN, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["refusals"]) == (0, {"contact_changed": 1})
    assert found["refused"] == [{"account": "ext-p0", "state": "applied", "refusal": "contact_changed"}]
    assert "@" not in result.output


def test_a_share_and_a_canary_stay_open_and_say_so(planned: Deployment) -> None:
    """A part of the plan is carried out, and the two commands that end it are named."""
    assert planned.well("migrate", "status") == "No migration was ever begun.\n"
    Path("canary.txt").write_text("\ufeffext-p0\n\np1\n", encoding="utf-8")
    printed = planned.well("migrate", "apply", PLAN, "--canary", "canary.txt", "--pause", "0")
    for text in (printed, planned.well("migrate", "status")):
        assert "It is half carried out. `cityauth migrate apply` with its file goes on," in text
        assert f"and `cityauth migrate rollback {plan_id()}` takes it back." in text
    assert stored()[1] == {"p0", "p1"}
    planned.well("migrate", "apply", PLAN, "--share", "50%")
    assert {"p0", "p1"} <= stored()[1]
    printed = planned.well("migrate", "apply", PLAN, "--share", "100%")
    assert "half carried out" not in printed
    assert len(stored()[1]) == 8


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the canary file canary.txt names no account of the plan: write one external id on each line"),
        (
            b"\xef\xbb\xbf \r\n\n",
            "the canary file canary.txt names no account of the plan: write one external id on each line",
        ),
        (
            "ext-p0\nÅke\n".encode("latin-1"),
            "the canary file canary.txt cannot be read as UTF-8: write one external id on each line",
        ),
        (
            "ext-p0\n".encode("utf-16"),
            "the canary file canary.txt cannot be read as UTF-8: write one external id on each line",
        ),
        (b"ext-p0\next-pO\n", "the canary file canary.txt has ids that are not in the plan, such as ext-pO (1 in all)"),
        (b"x\np1\ny\nx\n", "the canary file canary.txt has ids that are not in the plan, such as x (2 in all)"),
    ],
)
def test_a_wrong_file_of_canaries_begins_nothing(planned: Deployment, content: bytes, sentence: str) -> None:
    """A slip in an id, an empty file and one that is no UTF-8 are named, and no migration is opened."""
    Path("canary.txt").write_bytes(content)
    assert planned.refused(2, "migrate", "apply", PLAN, "--canary", "canary.txt") == sentence
    assert planned.well("migrate", "status") == "No migration was ever begun.\n"


def test_what_waits_is_shown(planned: Deployment) -> None:
    """While a plan is half carried out, the table says how many accounts wait, and the numbers add up."""
    Path("canary.txt").write_text("p0\n")
    for arguments in (("apply", PLAN, "--canary", "canary.txt"), ("status",)):
        printed = planned.well("migrate", *arguments)
        numbers = {name: int(number) for name, number in re.findall(r"^ ([a-z ]+?) +(\d+)$", printed, re.MULTILINE)}
        assert numbers["applied"] == 1
        assert numbers["waiting"] + numbers["applied"] == numbers["of all"] > 2
    assert "waiting" not in planned.well("migrate", "rollback", PLAN)


def test_an_account_that_got_a_step_is_counted(planned: Deployment) -> None:
    """With --replan the journal may get more steps than the plan had, and the total is never below their number."""
    planned.well("migrate", "apply", PLAN)
    planned.well("migrate", "plan", "--out", "second.jsonl")
    planned.well("migrate", "rollback", PLAN)
    printed = planned.well("migrate", "apply", "second.jsonl", "--replan")
    numbers = {name: int(number) for name, number in re.findall(r"^ ([a-z ]+?) +(\d+)$", printed, re.MULTILINE)}
    assert numbers["applied"] == numbers["of all"] > 0


def test_an_outdated_plan_ends_with_one(planned: Deployment) -> None:
    """A plan whose accounts have changed is refused with status 1, their names, and the way on."""
    change(ContactChanged(AccountId("p0"), "else@example.com"))
    result = planned.run("migrate", "apply", PLAN)
    assert result.exit_code == 1
    assert result.stdout == "changed since the plan: ext-p0\n"
    assert "accounts have changed where it matters since the plan was made (1 of them)" in result.stderr
    found, said = answer(planned, 1, "migrate", "apply", PLAN)
    assert (found["why"], found["accounts"], found["count"]) == ("plan_outdated", ["ext-p0"], 1)
    assert "--replan" in said
    assert stored()[1] == set()
    planned.well("migrate", "apply", PLAN, "--replan")
    assert len(stored()[1]) == 8


def test_refused_steps_are_listed(planned: Deployment) -> None:
    """Accounts that changed between two parts are listed with the reason, and the command succeeds."""
    Path("canary.txt").write_text("p0\n")
    planned.well("migrate", "apply", PLAN, "--canary", "canary.txt")
    change(ContactChanged(AccountId("p1"), "else@example.com"))
    printed = planned.well("migrate", "apply", PLAN)
    assert "ext-p1: contact_changed" in printed
    assert "since: 1. They stay as they are; a new plan looks at them again." in printed


def test_other_plans_are_refused(planned: Deployment) -> None:
    """Another open plan, another file of the same id, a plan that was taken back and an unknown one end with 1."""
    planned.well("migrate", "plan", "--out", "other.jsonl")
    Path("canary.txt").write_text("p0\n")
    planned.well("migrate", "apply", PLAN, "--canary", "canary.txt")
    sentence = planned.refused(1, "migrate", "apply", "other.jsonl")
    assert sentence.startswith(f"the plan {plan_id()} is half carried out")
    assert planned.refused(1, "migrate", "rollback", "other.jsonl").startswith("the database knows no plan of this id")
    planned.well("migrate", "rollback", PLAN)
    assert planned.refused(1, "migrate", "apply", PLAN) == "this plan was rolled back: make a new one"
    assert planned.refused(1, "migrate", "rollback", "nothing").startswith("the database knows no plan of this id")


def test_a_lock_out_ends_with_one(planned: Deployment) -> None:
    """A rehearsal that finds something names the accounts, and ends with status 1."""
    change(ContactChanged(AccountId("p0"), None))
    thief = person("thief", "name0@example.com")
    change(AccountAdded(thief.account, thief.account_identifiers, None, NOON))
    result = planned.run("migrate", "rehearse", PLAN)
    assert (result.exit_code, "ext-p0: address_elsewhere" in result.stdout) == (1, True)
    assert "1 things would go wrong; do not apply this plan" in result.stderr
    found, _ = answer(planned, 1, "migrate", "rehearse", PLAN)
    assert (found["holds"], found["examples"]) == (False, [["ext-p0", "address_elsewhere"]])


def test_a_rehearsal_of_an_outdated_plan_ends_with_one(planned: Deployment) -> None:
    """A rehearsal names the accounts for which `apply` would refuse the plan, and ends with status 1."""
    change(ContactChanged(AccountId("p0"), "else@example.com"))
    result = planned.run("migrate", "rehearse", PLAN)
    assert (result.exit_code, "changed since the plan: ext-p0\n" in result.stdout) == (1, True)
    assert "the plan is outdated: accounts have changed where it matters since it was made (1 of them)" in result.stderr
    found, _ = answer(planned, 1, "migrate", "rehearse", PLAN)
    assert (found["holds"], found["outdated"], found["outdated_accounts"]) == (False, 1, ["ext-p0"])


def test_damage_ends_with_one(planned: Deployment) -> None:
    """A comparison that finds damage names the account, and ends with status 1."""
    planned.well("migrate", "apply", PLAN)
    with closing(load().store()) as store:
        store._database.write(write(delete(identifier).where(identifier.c.key == "1:name0@example.com"), {}))
    result = planned.run("migrate", "verify")
    assert (result.exit_code, "ext-p0: identifier_missing" in result.stdout) == (1, True)
    assert "the journal and the accounts disagree 1 times" in result.stderr
    found, _ = answer(planned, 1, "migrate", "verify", PLAN)
    assert found["findings"] == {"identifier_missing": 1}


def test_a_changed_account_is_in_order(planned: Deployment) -> None:
    """The comparison counts the accounts that people changed after their step."""
    planned.well("migrate", "apply", PLAN)
    change(ContactChanged(AccountId("p0"), "else@example.com"))
    printed = planned.well("migrate", "verify")
    assert "Accounts that people have changed after their step, which is in order: 1." in printed


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("verify",), 1, "no migration was ever begun"),
        (("verify", "unknown"), 1, "the database knows no plan of this id; `cityauth migrate status` lists them"),
        (("apply", "missing.jsonl"), 2, "Invalid value for 'PLAN'"),
        (("apply", "service.keys"), 2, "service.keys: line 1 is no line of a plan; make the plan again with"),
        (("rehearse", "service.keys"), 2, "service.keys: line 1 is no line of a plan; make the plan again with"),
        (("rollback", "service.keys"), 2, "service.keys: line 1 is no line of a plan; make the plan again with"),
        (("apply", PLAN, "--share", "10"), 2, "Invalid value for '--share': give a share above 0% and up to 100%"),
        (("apply", PLAN, "--share", "0%"), 2, "Invalid value for '--share'"),
        (("apply", PLAN, "--share", "101%"), 2, "Invalid value for '--share'"),
        (("apply", PLAN, "--share", "much%"), 2, "Invalid value for '--share'"),
        (("apply", PLAN, "--share", "nan%"), 2, "Invalid value for '--share'"),
        (("apply", PLAN, "--batch", "0"), 2, "Invalid value for '--batch'"),
        (("apply", PLAN, "--pause", "61"), 2, "Invalid value for '--pause'"),
        (("apply", PLAN, "--canary", "missing.txt"), 2, "Invalid value for '--canary'"),
    ],
)
def test_mistakes_are_sentences(planned: Deployment, arguments: tuple[str, ...], status: int, sentence: str) -> None:
    """A wrong command line or file is one sentence, and nothing is written."""
    before = stored()
    assert planned.refused(status, "migrate", *arguments).startswith(sentence)
    assert stored() == before


def test_a_user_without_a_name_is_unknown(planned: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system knows no name of the user, the journal says so."""

    def nameless() -> str:
        raise KeyError("uid")

    monkeypatch.setattr("getpass.getuser", nameless)
    found, _ = answer(planned, 0, "migrate", "apply", PLAN)
    assert found["status"]["migration"]["actor"] == "unknown"
    assert len(people()) == 15
