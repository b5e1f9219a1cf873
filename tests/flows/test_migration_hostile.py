"""A plan's file that others change, and decisions about addresses that others take meanwhile, give nothing away."""

import hashlib
import json
from pathlib import Path

import pytest

from cityauth.api.plan_files import read_plan
from cityauth.core.accounts import AccountId
from cityauth.core.changes import ContactChanged
from cityauth.core.migration import MigrationState, StepRefusal
from cityauth.core.plan_file import NO_DIGEST, checked
from cityauth.errors import PlanError, UsageError
from cityauth.policy.realms import Phase
from cityauth.testing.imports import person
from tests.support.moves import Move, StopError, Stopping, commit, fill, leads_to, moved_ids, on, other_plan, population
from tests.support.service import Service


def edit(path: Path, old: str, new: str) -> None:
    """Change the lines of a plan and complete each with a right checksum; the header stays."""
    head, *lines = path.read_bytes().splitlines(keepends=True)
    check, written = 0, [head]
    for line in lines:
        body = line.partition(b',"check":')[0].replace(old.encode(), new.encode())
        made, check = checked(body, check)
        written.append(made)
    path.write_bytes(b"".join(written))


def test_a_plan_that_was_changed_meanwhile_adds_no_step(move: Move) -> None:
    """Where loading was stopped, a changed file of the same header writes nothing into the journal."""
    stopping = on(move, Stopping(move.service.store, 2, after=True))
    with pytest.raises(StopError):
        stopping.apply(batch=4)
    before = move.steps()
    kept = move.path.read_bytes()
    address = str(move.lines()["p1"].identifier)
    edit(move.path, address, "evil@example.com")
    with pytest.raises(PlanError, match="line 1 was edited"):
        move.try_apply()
    assert move.steps() == before
    move.path.write_bytes(kept)
    assert move.apply().status.migration.state is MigrationState.APPLIED
    assert leads_to(move.service, "evil@example.com") is None
    assert leads_to(move.service, address) == "p1"


def test_a_file_that_is_replaced_is_another_plan(move: Move) -> None:
    """A plan whose file is replaced while it is read anew is not mixed with the new one."""
    plan = read_plan(move.path)
    other = other_plan(move)
    move.path.write_bytes(other.path.read_bytes())
    with pytest.raises(PlanError, match="the file was replaced"):
        list(plan.lines())


def test_a_decided_address_that_another_person_gets_meanwhile_stays_theirs(service: Service, tmp_path: Path) -> None:
    """An address that was free when it was decided for signs in nobody else once another person has it on file."""
    fill(
        service,
        [
            person("anna", "anna", email="home@example.com"),
            person("bo", "bo", email="home@example.com"),
            person("third", "third"),
        ],
    )
    decisions = tmp_path / "decisions.csv"
    decisions.write_text("external_id,decision,email\next-anna,use_email,free@example.com\n")
    move = Move(service, tmp_path / "plan.jsonl")
    move.plan(decisions=decisions)
    assert not move.lines()["anna"].may_share
    move.apply(canary=["bo"])
    commit(service.store, ContactChanged(AccountId("third"), "free@example.com"))
    report = move.apply()
    refusals = {str(step.account_id): step.refusal for step in report.refused}
    assert refusals["anna"] is StepRefusal.ADDRESS_SHARED
    assert leads_to(service, "free@example.com") is None
    assert population(service.store)["anna"].account.contact == "home@example.com"
    assert json.loads(move.path.read_text().splitlines()[0])["decisions"]["use_email"] == 1


def forge(path: Path, old: str, new: str) -> None:
    """Change a plan as one does who knows its form: every checksum and the digest of the result are right."""
    head, *lines = path.read_text().splitlines()
    path.write_text("\n".join([head.replace(json.loads(head)["digest"], NO_DIGEST).replace(old, new), *lines]) + "\n")
    edit(path, old, new)
    content = path.read_bytes()
    path.write_bytes(content.replace(NO_DIGEST.encode(), hashlib.sha256(content).hexdigest().encode(), 1))


def test_a_decided_address_with_the_key_of_another_is_refused(service: Service, tmp_path: Path) -> None:
    """A plan in which an address has the key of another address is refused, however its checksums are."""
    fill(service, [person("anna", "anna", email="anna@example.com"), person("bo", "bo")])
    decisions = tmp_path / "decisions.csv"
    decisions.write_text("external_id,decision,email\next-anna,use_email,free@example.com\n")
    move = Move(service, tmp_path / "plan.jsonl")
    move.plan(decisions=decisions)
    forge(move.path, '"key":"1:free@example.com"', '"key":"1:victim@example.com"')
    with pytest.raises(PlanError, match="'ext-anna' has the key of another one"):
        move.try_apply()
    assert service.auth.migration.status() == []
    assert leads_to(service, "victim@example.com") is None


def test_one_of_two_steps_that_want_one_address_is_carried_out(service: Service, tmp_path: Path) -> None:
    """A plan that gives one address to two people ends on every store: the first gets it, the second is refused."""
    people = [person(name, name, email="home@example.com") for name in ("a", "b", "c")]
    fill(service, [*people, *(person(f"p{n}", f"name{n}", email=f"n{n}@example.com") for n in range(5))])
    decisions = tmp_path / "decisions.csv"
    decisions.write_text("external_id,decision,email\next-b,use_email,\n")
    move = Move(service, tmp_path / "plan.jsonl")
    move.plan(decisions=decisions)
    kept, moved = '"action":"keep","collision"', '"action":"move","decision":"use_email","collision"'
    assert kept.encode() in move.path.read_bytes()
    forge(move.path, kept, moved)
    report = move.apply()
    assert report.status.migration.state is MigrationState.APPLIED
    assert leads_to(service, "home@example.com") == "a"
    assert {step.account_id: step.refusal for step in report.refused} == {
        "b": StepRefusal.IDENTIFIER_TAKEN,
        "c": StepRefusal.IDENTIFIER_TAKEN,
    }
    assert moved_ids(service.store) == {"a", *(f"p{n}" for n in range(5))}


def test_nobody_moves_where_no_address_signs_in(move: Move) -> None:
    """No plan is made or read that moves people to the phase legacy_only, which would lock them out."""
    with pytest.raises(UsageError, match="addresses sign in"):
        move.plan(phase=Phase.LEGACY_ONLY)
    forge(move.path, '"phase": "email_preferred"', '"phase": "legacy_only"')
    with pytest.raises(PlanError, match="the field 'phase' is not as a plan has it"):
        move.try_apply()
