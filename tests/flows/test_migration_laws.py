"""The laws of a migration, on generated populations: nobody is locked out, nobody gets in as another, and back is back."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityauth.api.drivers import run
from cityauth.core.accounts import Status
from cityauth.core.identifiers import EMAIL, USERNAME, Identifier, Malformed, read, register
from cityauth.core.mail import contact_key
from cityauth.core.migration import (
    Migration,
    MigrationMoved,
    MigrationOpened,
    MigrationState,
    StepAction,
    StepRefusal,
    StepsApplied,
    StepsPlanned,
    StepState,
)
from cityauth.core.migration_plan import AccountClass, Decision, PlanHeader, PlanLine
from cityauth.core.migration_run import step_of
from cityauth.core.population import NewPerson, PopulationRow
from cityauth.core.resolution import IdentifierResolver, IdentifierStatus, Outcome
from cityauth.flows import rehearsal
from cityauth.flows.rehearsal import RehearsalFinding
from cityauth.policy import Policy
from cityauth.policy.realms import Phase, RealmPolicy
from cityauth.testing.migration_samples import LAST
from cityauth.testing.populations import ADDRESSES, BAD_ADDRESSES, USERNAMES, populations
from cityauth.testing.samples import NOON
from tests.support.moves import Move, commit, fill, leads_to, population
from tests.support.service import POLICY, Service
from tests.support.stores import STORES, maker

PHASES = tuple(Phase)
"""In the order in which a realm goes through them."""

SOME = settings(max_examples=30)
"""Each example plans, applies and takes back a population."""

MOVING = PHASES[1:]
"""The phases that a plan may give."""


def at_phase(phase: Phase) -> Policy:
    """Return the policy of a city whose citizens are in that phase."""
    return replace(POLICY, realms={"citizen": RealmPolicy(initial=phase), "official": RealmPolicy(Phase.LEGACY_ONLY)})


@contextmanager
def city(
    people: Sequence[NewPerson], realm: Phase = Phase.LEGACY_ONLY, store: str = "memory", **plan: Any
) -> Iterator[Move]:
    """Give a service with these people, and a plan of them."""
    with TemporaryDirectory() as folder:
        service = Service(store=maker(store, Path(folder))(), policy=at_phase(realm))
        if people:
            fill(service, people)
        move = Move(service, Path(folder) / "plan.jsonl")
        move.plan(exempt=["official"], **plan)
        yield move


def names(people: Sequence[NewPerson]) -> set[str]:
    """Return whatever somebody could enter for one of these people."""
    shown = {held.identifier.shown for one in people for held in one.account_identifiers}
    contacts = {one.account.contact for one in people if one.account.contact}
    return shown | contacts | {*ADDRESSES, *USERNAMES, *BAD_ADDRESSES}


def holders(service: Service, entered: set[str], realm: Phase) -> dict[str, str]:
    """Return the account into which each name signs in when citizens are in that phase."""
    resolver = IdentifierResolver(at_phase(realm).realms)
    readings = {name: resolver.read(name) for name in entered}
    found = {
        name: resolver.explain(name, keys, service.store.find([one.key for one in keys]), NOON)
        for name, keys in readings.items()
        if not isinstance(keys, Malformed)
    }
    return {name: str(one.account.id) for name, one in found.items() if one.outcome is Outcome.RESOLVED and one.account}


def can_sign_in(service: Service, entered: set[str], realm: Phase) -> set[str]:
    """Return the active accounts that some name signs in."""
    active = {one.account.id for one in population(service.store).values() if one.account.status is Status.ACTIVE}
    return set(holders(service, entered, realm).values()) & active


def expected(line: PlanLine, row: PopulationRow, phase: Phase) -> Mapping[str, object]:
    """Return what a plan's line promises of its account."""
    account = row.account
    held = {(one.identifier.key, one.identifier.kind, one.status) for one in row.account_identifiers}
    if line.action is StepAction.KEEP:
        return {"account": replace(account, phase=Phase.BOTH), "held": held}
    if line.action is None:
        return {"account": account, "held": held}
    held = {one for one in held if one[0] != line.key} | {(line.key or "", EMAIL.name, IdentifierStatus.ACTIVE)}
    return {"account": replace(account, phase=phase, contact=line.identifier), "held": held}


def actual(row: PopulationRow) -> Mapping[str, object]:
    """Return the same of an account as it is."""
    held = {(one.identifier.key, one.identifier.kind, one.status) for one in row.account_identifiers}
    return {"account": row.account, "held": held}


@SOME
@given(populations(), st.sampled_from(MOVING), st.sampled_from(PHASES))
def test_what_is_planned_is_what_is_done(people: Sequence[NewPerson], phase: Phase, realm: Phase) -> None:
    """Every account is afterwards as its line of the plan promised, no step is refused, and a second run does nothing."""
    with city(people, realm, phase=phase) as move:
        before, lines = population(move.service.store), move.lines()
        report = move.apply(batch=3)
        assert report.refusals == {}
        after = population(move.service.store)
        for name, row in after.items():
            assert actual(row) == expected(lines[name], before[name], phase), name
        assert set(move.steps()) == {name for name, line in lines.items() if line.action is not None}
        assert {step.state for step in move.steps().values()} <= {StepState.APPLIED}
        assert move.apply() == report
        assert population(move.service.store) == after
        assert move.service.auth.migration.verify(move.id).findings == {}


@SOME
@given(populations(), st.sampled_from(MOVING), st.sampled_from(PHASES), st.floats(0.01, 1))
def test_there_and_back_is_the_identity(people: Sequence[NewPerson], phase: Phase, realm: Phase, share: float) -> None:
    """After the rollback of all or of a part, the store is as before, but for the journal and the audit trail."""
    with city(people, realm, phase=phase) as move:
        before = contents(move.service.store)
        move.apply(share=share)
        move.roll_back(batch=2)
        assert contents(move.service.store) == before


def contents(store: Any) -> object:
    """Return everything of a store in memory that a migration may touch."""
    state = store._state
    return dict(state.rows), dict(state.holders), dict(state.sources), dict(state.external_ids)


@SOME
@given(populations(min_size=1), st.sampled_from(MOVING), st.sampled_from(PHASES), st.randoms())
def test_nobody_gets_in_as_another_at_any_moment(
    people: Sequence[NewPerson], phase: Phase, realm: Phase, random: Any
) -> None:
    """After each account of the plan, and on the way back, a name leads where it led, or first to who has it on file (B-11, B-12)."""
    entered = names(people)
    with city(people, realm, phase=phase) as move:
        service, files = move.service, {str(one.account.id): one for one in people}
        before, could = holders(service, entered, realm), can_sign_in(service, entered, realm)
        order = list(move.lines())
        random.shuffle(order)
        for count in range(len(order) + 1):
            move.apply(canary=order[:count])
            check_names(before, holders(service, entered, realm), files)
            assert can_sign_in(service, entered, realm) >= could
        move.apply()
        move.roll_back()
        assert holders(service, entered, realm) == before


def check_names(before: Mapping[str, str], now: Mapping[str, str], people: Mapping[str, NewPerson]) -> None:
    """See that no name has passed to another account, and that a new one is its account's own name or address."""
    for name, account_id in now.items():
        if name in before:
            assert account_id == before[name], name
        else:
            one = people[account_id]
            own = {held.identifier.key for held in one.account_identifiers} | {contact_key(one.account.contact or "")}
            readings = read(name)
            assert not isinstance(readings, Malformed)
            assert own & {reading.key for reading in readings}, name


@SOME
@given(populations(min_size=1), st.sampled_from(MOVING), st.integers(0, 3))
def test_everybody_signs_in_in_every_later_phase(people: Sequence[NewPerson], phase: Phase, first: int) -> None:
    """Who signs in before the move signs in after it, whatever later phase the realm comes to."""
    entered = names(people)
    with city(people, PHASES[first], phase=phase) as move:
        could = can_sign_in(move.service, entered, PHASES[first])
        citizens = {one.account.id for one in people if one.account.realm == "citizen"}
        move.apply()
        for later in PHASES[first:]:
            assert can_sign_in(move.service, entered, later) & citizens >= could & citizens, later


@SOME
@given(populations(min_size=1), st.sampled_from(MOVING), st.sampled_from(PHASES))
def test_a_rehearsal_is_right(people: Sequence[NewPerson], phase: Phase, realm: Phase) -> None:
    """A fresh plan holds, its counts are what then happens, and so are the names that lead to somebody."""
    with city(people, realm, phase=phase) as move:
        found = move.service.auth.migration.rehearse(move.path)
        assert found.holds
        move.apply()
        actions = [step.action for step in move.steps().values()]
        assert (found.moved, found.kept) == (actions.count(StepAction.MOVE), actions.count(StepAction.KEEP))
        assert found.untouched == len(people) - len(actions)


@SOME
@given(populations(min_size=1), st.sampled_from(MOVING), st.data())
def test_a_rehearsal_of_a_bad_plan_is_right(people: Sequence[NewPerson], phase: Phase, data: st.DataObject) -> None:
    """Where lines give accounts any address there is, exactly the accounts are found whose address then leads elsewhere."""
    with city(people, Phase.BOTH) as move:
        lines = [
            forced(line, data.draw(st.sampled_from(ADDRESSES)))
            for line, one in zip(move.lines().values(), people, strict=True)
            if one.account.status is Status.ACTIVE
        ]
        header = PlanHeader("forced", "1", "", NOON, len(lines), {}, phase)
        auth, store = move.service.auth.migration, move.service.store
        found = run(rehearsal.rehearse(auth._deployment, header, lines, lambda *_: None), auth._answers)
        steps = tuple(step for line in lines if (step := step_of(line, phase)) is not None)
        opened = Migration("forced", "", MigrationState.LOADING, phase, len(steps), "op", NOON)
        commit(store, MigrationOpened(opened), StepsPlanned("forced", steps))
        commit(store, MigrationMoved("forced", MigrationState.LOADING, MigrationState.APPLYING, NOON))
        commit(store, StepsApplied("forced", "", LAST, NOON, "op"))
        elsewhere = {line.reference for line in lines if leads_to(move.service, line.identifier or "") != line.account}
        assert {name for name, finding in found.examples if finding is RehearsalFinding.ADDRESS_ELSEWHERE} == elsewhere
        refusals = {step.refusal for step in store.read_steps("forced", StepState.CHANGED, "", 100)}
        assert refusals <= {StepRefusal.IDENTIFIER_TAKEN, StepRefusal.ADDRESS_SHARED}


def forced(line: PlanLine, address: str) -> PlanLine:
    """Return the line as if people had decided that *address* signs in there, whatever is in the way."""
    identifier = register(address, EMAIL)
    assert isinstance(identifier, Identifier)
    return line._replace(
        account_class=AccountClass.SHARED_EMAIL,
        reasons=(AccountClass.SHARED_EMAIL.value,),
        decision=Decision.USE_EMAIL,
        action=StepAction.MOVE,
        identifier=identifier.shown,
        key=identifier.key,
    )


@pytest.mark.skipif("sql" not in STORES, reason="the SQL store needs its extra")
@settings(max_examples=8)
@given(populations(min_size=2), st.sampled_from(MOVING))
def test_both_stores_do_the_same(people: Sequence[NewPerson], phase: Phase) -> None:
    """A store in SQL comes to the accounts that a store in memory comes to, and back to the very rows that it had."""
    with city(people, phase=phase) as here, city(people, store="sql", phase=phase) as there:
        before = rows_of(there)
        here.apply(batch=2)
        there.apply(batch=2)
        assert population(there.service.store) == population(here.service.store)
        assert there.service.auth.migration.verify(there.id).findings == {}
        there.roll_back(batch=2)
        assert rows_of(there) == before
        assert there.service.auth.migration.verify(there.id).findings == {}


def rows_of(move: Move) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table but the journal and the audit trail, with its columns of any kind."""
    with closing(sqlite3.connect(move.path.with_name("service.db"))) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = [name for name in tables if "migration" not in name and "event" not in name]
        return {name: sorted(database.execute(f'SELECT * FROM "{name}"'), key=repr) for name in kept}  # noqa: S608 - names of our own tables


def test_the_phases_come_in_their_order() -> None:
    """The laws above go through the phases as realms do: first usernames alone, in the end addresses alone."""
    admitted = [(phase.admits(USERNAME.name), phase.admits(EMAIL.name)) for phase in PHASES]
    assert admitted == [(True, False), (True, True), (True, True), (False, True)]
