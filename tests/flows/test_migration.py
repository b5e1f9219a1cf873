"""A plan that is carried out and taken back: refusals, shares, what is planned anew, and what the report says."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cityauth import CityAuth
from cityauth.api.drivers import run
from cityauth.api.plan_files import read_plan
from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.audit import AuditEventType
from cityauth.core.changes import (
    AccountAdded,
    AccountErased,
    Change,
    ContactChanged,
    IdentifierAdded,
    IdentifierRetired,
    StatusChanged,
)
from cityauth.core.client import UNKNOWN_CLIENT
from cityauth.core.migration import (
    MigrationMoved,
    MigrationState,
    StepAction,
    StepRefusal,
    StepState,
)
from cityauth.core.migration_run import ApplySettings, MigrationRefusal, MigrationReport, Plan, differs
from cityauth.core.migration_run import chosen as chosen_lines
from cityauth.core.tombstones import TombstoneKeys
from cityauth.errors import UsageError
from cityauth.flows import migration
from cityauth.flows.asking import Flow
from cityauth.policy.realms import Phase
from cityauth.testing.imports import person
from cityauth.testing.migration_samples import NIGHT
from cityauth.testing.samples import NOON, identifier
from tests.support.moves import (
    KEPT,
    MOVED,
    Move,
    StopError,
    Stopping,
    commit,
    erase,
    fill,
    leads_to,
    moved_ids,
    on,
    other_plan,
    people,
    population,
    refused,
)
from tests.support.service import Service


def test_a_plan_is_carried_out_to_the_last_account(move: Move) -> None:
    """Who is ready signs in by address and by username, and everybody else keeps the username."""
    told: list[tuple[int, int]] = []
    report = move.apply(batch=4, progress=lambda done, steps: told.append((done, steps)))
    assert told == [(4, 14), (8, 14), (12, 14), (14, 14)]
    assert report.status.migration.state is MigrationState.APPLIED
    assert (report.status.steps, report.refusals, report.status.waiting) == ({StepState.APPLIED: 14}, {}, 0)
    steps = move.steps()
    assert {name for name, step in steps.items() if step.action is StepAction.MOVE} == MOVED
    assert {name for name, step in steps.items() if step.action is StepAction.KEEP} == KEPT
    rows = population(move.service.store)
    assert {rows[name].account.phase for name in MOVED} == {Phase.EMAIL_PREFERRED}
    assert {rows[name].account.phase for name in KEPT} == {Phase.BOTH}
    assert rows["official"].account.phase is None
    for name in MOVED - {"nameless", "self"}:
        assert leads_to(move.service, f"name{name[1:]}") == name
        assert leads_to(move.service, f"Name{name[1:]}@EXAMPLE.com") == name
    assert leads_to(move.service, "home@example.com") is None


def test_the_journal_says_who_and_when_and_what(move: Move) -> None:
    """Each step has who ran it, when, and identifier, contact and phase before and after."""
    move.service.wait(minutes=1)
    move.apply(actor="anna")
    step = move.steps()["p0"]
    assert (step.actor, step.at, step.state) == ("anna", move.service.now, StepState.APPLIED)
    assert step.identifier is not None
    assert (step.identifier.shown, step.contact_before, step.contact_after) == ("name0@example.com",) * 3
    assert (step.phase_before, step.phase_after) == (None, Phase.EMAIL_PREFERRED)
    events = [event.what for event in move.service.audit.events]
    assert events[-3:] == [
        AuditEventType.MIGRATION_OPENED,
        AuditEventType.MIGRATION_BEGUN,
        AuditEventType.MIGRATION_APPLIED,
    ]
    assert move.service.audit.events[-1].detail == {"plan": move.id, "actor": "anna"}


def test_applying_again_changes_nothing(move: Move) -> None:
    """A plan that is carried out is answered with its report, and no commit is made."""
    first = move.apply()
    held, counting = population(move.service.store), Stopping(move.service.store)
    move.service.store = counting
    move.service.__post_init__()
    move.service.wait(hours=1)
    assert move.apply() == first
    assert (counting.commits, population(counting)) == (0, held)


OUTDATED: dict[str, Sequence[Change]] = {
    "disabled": [StatusChanged(AccountId("p1"), Status.ACTIVE, Status.DISABLED)],
    "another address": [ContactChanged(AccountId("p1"), "new@example.com")],
    "no address": [ContactChanged(AccountId("p1"), None)],
    "taken": [
        AccountAdded(
            person("t", "name1@example.com").account, person("t", "name1@example.com").account_identifiers, None, NOON
        )
    ],
    "shared": [AccountAdded(Account(AccountId("t"), "citizen", "T", contact="NAME1@example.com"), (), None, NOON)],
    "gone": [AccountErased(AccountId("p1"), 0, (), NOON)],
}


@pytest.mark.parametrize("what", OUTDATED)
def test_an_outdated_plan_is_refused_with_the_accounts(move: Move, what: str) -> None:
    """Accounts that changed where it matters are named, nothing is written, and only they are planned anew."""
    commit(move.service.store, *OUTDATED[what])
    held = population(move.service.store)
    found = refused(move.try_apply(), MigrationRefusal.PLAN_OUTDATED)
    assert (found.accounts, found.count) == (("ext-p1",), 1)
    assert population(move.service.store) == held
    assert move.service.auth.migration.status() == []
    report = move.apply(replan=True)
    assert report.refusals == {}
    moves = MOVED if what == "another address" else MOVED - {"p1"}
    assert moved_ids(move.service.store) - {"t"} == moves
    assert set(move.steps()) == MOVED | KEPT - ({"p1"} if what == "gone" else set()) or what == "gone"
    assert ("p1" in move.steps()) is (what != "gone")


@pytest.mark.parametrize("what", OUTDATED)
def test_a_rehearsal_names_the_accounts_that_make_a_plan_outdated(move: Move, what: str) -> None:
    """A rehearsal says what `apply` would say: which accounts have changed where it matters, and that it does not hold."""
    commit(move.service.store, *OUTDATED[what])
    found = move.service.auth.migration.rehearse(move.path)
    assert (found.outdated, found.outdated_accounts, found.holds) == (1, ("ext-p1",), False)
    move.plan()
    found = move.service.auth.migration.rehearse(move.path)
    assert (found.outdated, found.outdated_accounts, found.holds) == (0, (), True)


def test_a_rehearsal_of_a_plan_that_is_being_carried_out_names_nobody_as_changed(move: Move) -> None:
    """The plan's own steps change accounts, and the steps that are left are refused one by one."""
    move.apply(canary=["p0"])
    commit(move.service.store, *OUTDATED["another address"])
    assert move.service.auth.migration.rehearse(move.path).outdated == 0


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ([ContactChanged(AccountId("official"), "new@example.com")], 14),
        ([AccountErased(AccountId("p1"), 0, (), NOON)], 13),
        ([IdentifierAdded(AccountId("p1"), identifier("name1@example.com"), NOON, ())], 13),
        ([ContactChanged(AccountId("late"), "late@example.com")], 15),
    ],
)
def test_a_plan_that_is_made_anew_counts_its_steps(move: Move, changes: Sequence[Change], steps: int) -> None:
    """With *replan* the total is what the journal comes to: who is waiting is counted after every share."""
    fill(move.service, [person("late")])
    move.plan()
    commit(move.service.store, *changes)
    for given in ({"canary": ["p0", "p1"]}, {"canary": ["late", "home1"]}, {"share": 0.6}, {"share": 0.6}):
        status = move.apply(replan=True, **given).status
        assert status.waiting == steps - status.steps[StepState.APPLIED] > 0
    status = move.apply(replan=True).status
    assert (status.migration.total, status.waiting, status.steps) == (steps, 0, {StepState.APPLIED: steps})


@pytest.mark.parametrize("replan", [False, True])
@pytest.mark.parametrize("given", [{"share": 0.5}, {"canary": ["p1", "p4", "self", "home2"]}])
def test_a_share_carries_out_no_step_that_was_loaded_before(move: Move, given: dict[str, Any], *, replan: bool) -> None:
    """A call for all accounts stops at any commit; a call for some of them then changes these alone."""
    untouched = population(move.service.store)
    chosen = {name for name, line in move.lines().items() if (choose := chosen_lines(**given)) and choose(line)}
    for at in range(1, 20):
        stopping = on(move, Stopping(move.service.store, at))
        try:
            stopping.apply(batch=3, replan=replan)
        except StopError:
            pass
        else:
            break
        begun = {name for name, step in move.steps().items() if step.state is not StepState.PLANNED}
        report = move.apply(batch=2, replan=replan, **given)
        done = {name for name, step in move.steps().items() if step.state is not StepState.PLANNED}
        assert done == begun | (chosen & (MOVED | KEPT))
        assert report.status.waiting == 14 - len(done)
        move.roll_back()
        assert population(move.service.store) == untouched
        move.plan()
    assert at > 8


def test_a_change_that_does_not_matter_is_no_reason(move: Move) -> None:
    """A new person, and a new name of somebody, do not make a plan outdated."""
    fill(move.service, [person("new", "newcomer", email="newcomer@example.com")])
    assert moved_ids(move.service.store) == set()
    move.apply()
    assert moved_ids(move.service.store) == MOVED


def test_another_open_plan_is_named(move: Move) -> None:
    """While a plan is half carried out no other one is begun or taken back, and the answer names it."""
    other = other_plan(move)
    move.apply(canary=["p0"])
    assert refused(other.try_apply(), MigrationRefusal.ANOTHER_IS_OPEN).plan_id == move.id
    assert refused(other.try_roll_back(), MigrationRefusal.UNKNOWN_PLAN).plan_id == ""
    move.apply()
    later = Move(move.service, move.path.with_name("later.jsonl"))
    fill(
        move.service, [person("late", "late", email="late@example.com"), person("late2", "l2", email="l2@example.com")]
    )
    later.plan()
    later.apply(canary=["late"])
    assert refused(move.try_roll_back(), MigrationRefusal.ANOTHER_IS_OPEN).plan_id == later.id


def test_another_file_of_the_same_id_is_refused(move: Move) -> None:
    """A plan that has the id of a known one and other contents is another plan."""
    move.apply(canary=["p0"])
    known = move.service.auth.migration.status()[0].migration
    flow = migration.apply(
        move.service.auth.migration._deployment,
        replace_digest(move, "0" * 64),
        ApplySettings("op"),
        client=UNKNOWN_CLIENT,
    )
    outcome = answered(flow, move.service)
    refused(outcome, MigrationRefusal.ANOTHER_PLAN)
    assert move.service.auth.migration.status()[0].migration == known


def replace_digest(move: Move, digest: str) -> Plan:
    """Return the plan of the file with another digest."""
    plan = read_plan(move.path)
    return replace(plan, header=replace(plan.header, digest=digest))


def answered(flow: Flow[Any], service: Service) -> Any:
    """Run a flow on the service."""
    return run(flow, service.auth.migration._answers)


def test_a_plan_that_was_taken_back_is_not_carried_out(move: Move) -> None:
    """Neither while it is taken back nor afterwards is a plan carried out again; a new plan is."""
    move.apply()
    commit(move.service.store, MigrationMoved(move.id, MigrationState.APPLIED, MigrationState.ROLLING_BACK, NIGHT))
    refused(move.try_apply(), MigrationRefusal.ROLLED_BACK)
    move.roll_back()
    refused(move.try_apply(), MigrationRefusal.ROLLED_BACK)
    again = other_plan(move)
    again.apply()
    assert moved_ids(move.service.store) == MOVED


def test_an_unknown_plan_is_not_taken_back(move: Move) -> None:
    """A plan that was never begun cannot be taken back, and has neither report nor comparison."""
    refused(move.try_roll_back(), MigrationRefusal.UNKNOWN_PLAN)
    with pytest.raises(UsageError, match="there is no migration"):
        move.service.auth.migration.verify(move.id)
    with pytest.raises(UsageError, match="there is no migration"):
        answered(migration.report(move.id), move.service)


@pytest.mark.parametrize("given", [{"batch": 0}, {"batch": 10_001}, {"pause": -1.0}, {"pause": 61.0}])
def test_settings_out_of_range_are_mistakes(move: Move, given: dict[str, Any]) -> None:
    """A batch or a pause out of its range is the caller's mistake, for applying and for taking back."""
    with pytest.raises(UsageError, match=r"batch is|pause is"):
        move.try_apply(**given)
    with pytest.raises(UsageError, match=r"batch is|pause is"):
        move.try_roll_back(**given)


@pytest.mark.parametrize("given", [{"share": 0.0}, {"share": 1.1}, {"share": -0.1}, {"canary": "p0"}])
def test_a_share_out_of_range_is_a_mistake(move: Move, given: dict[str, Any]) -> None:
    """A share of nothing or of more than all, and a text for a collection, are the caller's mistakes."""
    with pytest.raises(UsageError, match=r"share is|canary is"):
        move.try_apply(**given)


def test_a_larger_share_contains_a_smaller_one(service: Service, tmp_path: Path) -> None:
    """Each share adds accounts to the one before, and the migration stays open until all are moved."""
    fill(service, [person(f"p{n:03d}", f"name{n}", email=f"n{n}@example.com") for n in range(200)])
    move = Move(service, tmp_path / "plan.jsonl")
    move.plan()
    former: set[str] = set()
    for share in (0.01, 0.1, 0.3, 0.8):
        report = move.apply(share=share)
        now = moved_ids(service.store)
        assert former <= now
        assert abs(len(now) - 200 * share) < 25
        assert report.status.migration.state is MigrationState.APPLYING
        assert (report.status.waiting, report.status.migration.ended_at) == (200 - len(now), None)
        former = now
    assert move.apply(share=0.1).status.waiting == 200 - len(former)
    move.apply()
    assert len(moved_ids(service.store)) == 200
    assert service.auth.migration.status()[0].waiting == 0


def test_a_canary_names_accounts_by_either_id(move: Move) -> None:
    """Only the named accounts move, by external id or by id; names that the plan lacks do no harm."""
    report = move.apply(canary=["ext-p0", "p3", "nobody", "official"], share=1.0)
    assert moved_ids(move.service.store) == {"p0", "p3"}
    assert (report.status.migration.state, report.status.waiting) == (MigrationState.APPLYING, 12)
    assert report.status.steps == {StepState.APPLIED: 2}
    assert move.apply(canary=[]).status.steps == {StepState.APPLIED: 2}


def test_only_the_chosen_accounts_are_compared(move: Move) -> None:
    """A share does not fail on an account that is not in it; that account is found changed when its turn comes."""
    commit(move.service.store, ContactChanged(AccountId("p1"), "new@example.com"))
    move.apply(canary=["p0"])
    report = move.apply()
    assert report.refusals == {StepRefusal.CONTACT_CHANGED: 1}
    assert [(step.account_id, step.state) for step in report.refused] == [("p1", StepState.CHANGED)]
    assert report.status.steps == {StepState.APPLIED: 13, StepState.CHANGED: 1}


def test_a_later_share_can_be_planned_anew(move: Move) -> None:
    """With *replan* the accounts of a later share that changed since are planned as they are by then."""
    commit(move.service.store, ContactChanged(AccountId("p1"), "new@example.com"))
    move.apply(canary=["p0"])
    assert move.apply(replan=True).refusals == {}
    assert leads_to(move.service, "new@example.com") == "p1"


def test_an_account_that_becomes_ready_is_planned_anew(move: Move) -> None:
    """With *replan* an account that kept its username for want of an address moves when it has one by then."""
    commit(move.service.store, ContactChanged(AccountId("nothing"), "some@example.com"))
    refused(move.try_apply(), MigrationRefusal.PLAN_OUTDATED)
    move.apply(replan=True)
    assert leads_to(move.service, "some@example.com") == "nothing"


def test_an_erased_account_leaves_no_step_behind(move: Move) -> None:
    """What is erased between two shares is not written into the journal again, and the migration ends."""
    move.apply(canary=["p0", "p1"])
    for name in ("p0", "p2"):
        erase(move.service.store, name)
    report = move.apply()
    assert report.status.migration.state is MigrationState.APPLIED
    assert {"p0", "p2"}.isdisjoint(move.steps())
    assert (report.status.waiting, report.refusals) == (0, {})
    assert move.roll_back().refusals == {}


def test_an_address_of_an_erased_account_is_not_given_away(move: Move) -> None:
    """An address whose owner was erased after the plan was made is not given to somebody who has it on file."""
    store, digests = move.service.store, move.service.auth.migration._deployment.tombstones.digests
    step = move.lines()["p1"]
    move.apply(canary=["p0"])
    commit(store, AccountAdded(Account(AccountId("gone"), "citizen", "Gone"), (), None, NOON))
    identifier = population(store)["p0"].account_identifiers[-1].identifier
    grave = digests(replace(identifier, shown=step.identifier or "", key=step.key or ""))
    commit(store, AccountErased(AccountId("gone"), 0, tuple(grave), NOON))
    assert move.apply().refusals == {StepRefusal.IDENTIFIER_TAKEN: 1}
    assert leads_to(move.service, "name1@example.com") is None


def test_an_older_tombstone_key_finds_the_account_whose_address_it_is(move: Move) -> None:
    """Of several keys each one finds the tombstones that it made, and the step that is refused is the right one."""
    older, newer = bytes(range(130, 162)), bytes(range(170, 202))
    address = move.lines()["p1"]
    store, grave = move.service.store, TombstoneKeys.of(older).digest(identifier((address.key or "").partition(":")[2]))
    commit(store, AccountAdded(Account(AccountId("gone"), "citizen", "Gone"), (), None, NOON))
    commit(store, AccountErased(AccountId("gone"), 0, (grave,), NOON))
    auth = CityAuth(store, [bytes(range(100, 132))], tombstone_secret=[older, newer])
    report = auth.migration.apply(move.path, actor="eeva")
    assert isinstance(report, MigrationReport)
    assert [(step.account_id, step.refusal) for step in report.refused] == [("p1", StepRefusal.IDENTIFIER_TAKEN)]


def test_taking_back_restores_every_account(move: Move) -> None:
    """After the rollback every account is as it was, and a second rollback changes nothing."""
    before = population(move.service.store)
    move.apply()
    told: list[tuple[int, int]] = []
    report = move.roll_back(batch=5, progress=lambda done, steps: told.append((done, steps)))
    assert told == [(5, 14), (10, 14), (14, 14)]
    assert (report.status.steps, report.refusals) == ({StepState.ROLLED_BACK: 14}, {})
    assert report.status.migration.state is MigrationState.ROLLED_BACK
    assert population(move.service.store) == before
    assert move.roll_back() == report


def test_a_part_can_be_taken_back(move: Move) -> None:
    """A migration that was carried out in part is taken back, and its other steps stay planned."""
    before = population(move.service.store)
    move.apply(share=0.5)
    move.roll_back()
    assert population(move.service.store) == before
    assert move.service.auth.migration.verify(move.id).findings == {}


def test_a_plan_can_be_taken_back_before_any_account_changed(move: Move) -> None:
    """A process that stopped while it loaded the steps leaves a plan that can be taken back."""
    stopped = Stopping(move.service.store, at=2)
    with pytest.raises(StopError):
        on(move, stopped).try_apply()
    assert move.service.auth.migration.status()[0].migration.state is MigrationState.LOADING
    assert move.roll_back().status.migration.state is MigrationState.ROLLED_BACK
    assert moved_ids(move.service.store) == set()


def test_what_people_changed_is_not_taken_back_until_they_change_it_back(move: Move) -> None:
    """An account that changed since is listed and left as it is; a later rollback takes its step back."""
    store = move.service.store
    before = population(store)
    move.apply()
    commit(store, ContactChanged(AccountId("p1"), "else@example.com"), ContactChanged(AccountId("nothing"), "n@e.fi"))
    commit(store, IdentifierRetired(AccountId("p2"), "1:name2@example.com", NIGHT))
    held = population(store)
    report = move.roll_back()
    assert report.refusals == {StepRefusal.CONTACT_CHANGED: 2, StepRefusal.IDENTIFIER_CHANGED: 1}
    assert [step.account_id for step in report.refused] == ["nothing", "p1", "p2"]
    assert {step.state for step in report.refused} == {StepState.APPLIED}
    after = population(store)
    assert all(after[name] == held[name] for name in ("nothing", "p1", "p2"))
    assert all(after[name] == before[name] for name in MOVED | KEPT - {"nothing"} if name not in {"p1", "p2"})
    assert move.service.auth.migration.verify(move.id).findings == {}
    commit(store, ContactChanged(AccountId("p1"), "name1@example.com"), ContactChanged(AccountId("nothing"), None))
    assert move.roll_back().refusals == {StepRefusal.IDENTIFIER_CHANGED: 1}
    after = population(store)
    assert leads_to(move.service, "name1@example.com") is None
    assert after["nothing"].account.phase is None


def test_a_decision_holds_when_accounts_are_planned_anew(move: Move) -> None:
    """With *replan* the decided account still gets the address, and one that is gone is no account of the plan."""
    decisions = move.path.with_name("decisions.csv")
    decisions.write_text("external_id,decision,email\next-home1,use_email,\next-home2,keep_username,\n")
    decided = Move(move.service, move.path.with_name("decided.jsonl"))
    decided.plan(decisions=decisions)
    commit(move.service.store, ContactChanged(AccountId("p1"), "new@example.com"))
    assert decided.apply(replan=True).refusals == {}
    assert leads_to(move.service, "home@example.com") == "home1"
    assert population(move.service.store)["home2"].account.phase is Phase.BOTH
    assert all(differs(line, None) for line in decided.lines().values() if line.action is not None)


def test_two_plans_are_taken_back_in_the_reverse_order(move: Move) -> None:
    """Who was moved by a later plan is refused by the earlier one's rollback, until the later one is taken back."""
    store = move.service.store
    before = population(store)
    move.apply()
    middle = population(store)
    move.path.with_name("decisions.csv").write_text("external_id,decision,email\next-home1,use_email,\n")
    later = Move(move.service, move.path.with_name("later.jsonl"))
    later.plan(decisions=move.path.with_name("decisions.csv"))
    later.apply()
    assert leads_to(move.service, "home@example.com") == "home1"
    assert move.service.auth.migration.verify(move.id).findings == {}
    assert move.roll_back().refusals == {StepRefusal.PHASE_CHANGED: 1}
    later.roll_back()
    assert population(store)["home1"] == middle["home1"]
    assert move.roll_back().refusals == {}
    assert population(store) == before


def test_the_report_is_what_the_database_says(move: Move) -> None:
    """Counts, refusals and state of the closing report are those of the journal and of the accounts (C-18)."""
    move.apply(canary=["p0", "home1"])
    commit(move.service.store, StatusChanged(AccountId("p2"), Status.ACTIVE, Status.DISABLED))
    report = move.apply(batch=2)
    steps = move.steps().values()
    assert report.status.steps == {
        state: sum(step.state is state for step in steps) for state in (StepState.APPLIED, StepState.CHANGED)
    }
    assert list(report.refused) == [step for step in steps if step.state is StepState.CHANGED]
    applied = {step.account_id for step in steps if step.state is StepState.APPLIED and step.identifier}
    assert moved_ids(move.service.store) == applied == MOVED - {"p2"}
    assert move.service.auth.migration.status() == [report.status]


def test_an_empty_plan_is_carried_out(service: Service, tmp_path: Path) -> None:
    """A plan of nobody begins and ends."""
    move = Move(service, tmp_path / "plan.jsonl")
    move.plan()
    assert move.apply().status.steps == {}
    assert move.roll_back().status.migration.state is MigrationState.ROLLED_BACK
    assert len(people()) == 15
