"""What the comparison of journal and accounts finds: nothing after a move, and each damage that is planted."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cityauth.core.accounts import AccountId
from cityauth.core.changes import AccountErased, ContactChanged, IdentifierReleased, IdentifierRetired
from cityauth.core.migration import MigrationState, StepState
from cityauth.flows.migration_check import VerifyFinding
from cityauth.policy.realms import Phase
from cityauth.stores.memory.state import StoredStep
from cityauth.testing.migration_samples import NIGHT
from cityauth.testing.samples import NOON
from tests.support.moves import Move, commit, fresh_memory, people


@pytest.fixture
def here(tmp_path_factory: pytest.TempPathFactory) -> Move:
    """A plan on a store in memory, into which damage can be planted."""
    made = Move(fresh_memory(), tmp_path_factory.mktemp("plan") / "plan.jsonl")
    made.plan()
    return made


def test_after_each_part_of_the_work_nothing_is_found(move: Move) -> None:
    """Journal and accounts agree after a part, after all, and after the way back; progress is told."""
    told: list[tuple[int, int]] = []
    check = move.service.auth.migration.verify
    move.apply(share=0.4)
    assert check(move.id).findings == {}
    move.apply()
    found = check(move.id, progress=lambda done, steps: told.append((done, steps)))
    assert (found.steps, found.findings, found.examples, found.changed_since) == (14, {}, (), 0)
    assert (found.migration.state, told) == (MigrationState.APPLIED, [(14, 14)])
    move.roll_back()
    found = check(move.id)
    assert (found.steps, found.findings, found.changed_since) == (14, {}, 0)


def test_what_people_change_is_no_damage(move: Move) -> None:
    """Accounts that were changed after their step are counted, and are no finding, before and after a rollback."""
    commit(move.service.store, ContactChanged(AccountId("p3"), "third@example.com"))
    move.apply(canary=["p0"])
    assert move.apply().refusals
    commit(
        move.service.store,
        ContactChanged(AccountId("p1"), "else@example.com"),
        IdentifierRetired(AccountId("p2"), "1:name2@example.com", NIGHT),
        ContactChanged(AccountId("nothing"), "n@example.com"),
        AccountErased(AccountId("p4"), 0, (), NOON),
    )
    found = move.service.auth.migration.verify(move.id)
    assert (found.findings, found.changed_since, found.steps) == ({}, 3, 13)
    move.roll_back()
    commit(move.service.store, ContactChanged(AccountId("p5"), None))
    found = move.service.auth.migration.verify(move.id)
    assert (found.findings, found.changed_since) == ({}, 4)


def test_an_address_that_was_given_up_and_released_is_no_damage(move: Move) -> None:
    """When the person takes another address, and customer service releases the former one, nothing is amiss."""
    move.apply()
    commit(
        move.service.store,
        ContactChanged(AccountId("p1"), "else@example.com"),
        IdentifierRetired(AccountId("p1"), "1:name1@example.com", NIGHT),
        IdentifierReleased(AccountId("p1"), "1:name1@example.com"),
    )
    found = move.service.auth.migration.verify(move.id)
    assert (found.findings, found.changed_since) == ({}, 1)


def set_account(name: str, **values: Any) -> Callable[[Any], None]:
    """Return what changes an account behind the library's back."""

    def plant(state: Any) -> None:
        row = state.rows[AccountId(name)]
        state.rows[AccountId(name)] = replace(row, account=replace(row.account, **values))

    return plant


def drop_identifier(state: Any) -> None:
    """Take an address away from its account."""
    del state.holders["1:name0@example.com"]
    row = state.rows[AccountId("p0")]
    state.rows[AccountId("p0")] = replace(row, keys=tuple(one for one in row.keys if one != "1:name0@example.com"))


def drop_account(state: Any) -> None:
    """Take an account away, and leave its step."""
    del state.rows[AccountId("nothing")]


def forget_step(state: Any) -> None:
    """Say that a step was not carried out."""
    [steps] = state.steps.values()
    stored = steps[AccountId("p0")]
    steps[AccountId("p0")] = StoredStep(stored.step._replace(state=StepState.PLANNED))


@pytest.mark.parametrize(
    ("plant", "account", "finding"),
    [
        (drop_identifier, "ext-p0", VerifyFinding.IDENTIFIER_MISSING),
        (drop_account, "ext-nothing", VerifyFinding.ACCOUNT_MISSING),
        (forget_step, "ext-p0", VerifyFinding.NOT_CARRIED_OUT),
    ],
)
def test_planted_damage_is_found(
    here: Move, plant: Callable[[Any], None], account: str, finding: VerifyFinding
) -> None:
    """Each way in which journal and accounts can disagree is found, with the account's name."""
    here.apply()
    plant(here.service.store._state)
    found = here.service.auth.migration.verify(here.id)
    assert (found.findings, found.examples) == ({finding: 1}, ((account, finding),))


def test_a_phase_that_was_not_taken_back_is_found(here: Move) -> None:
    """An account that still has the phase of its step after the rollback is named."""
    here.apply()
    here.roll_back()
    set_account("p0", phase=Phase.EMAIL_PREFERRED)(here.service.store._state)
    found = here.service.auth.migration.verify(here.id)
    assert found.examples == (("ext-p0", VerifyFinding.NOT_TAKEN_BACK),)


def test_a_later_plan_is_no_damage_of_an_earlier_one(move: Move) -> None:
    """An account that a later plan moved, after the earlier plan was taken back, is changed and not damaged."""
    move.apply()
    move.roll_back()
    later = Move(move.service, move.path.with_name("later.jsonl"))
    later.plan()
    later.apply()
    assert move.service.auth.migration.verify(later.id).findings == {}
    earlier = move.service.auth.migration.verify(move.id)
    assert (earlier.findings, earlier.changed_since) == ({}, 14)


def test_an_account_without_an_external_id_is_named_by_its_id(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A finding names an account that the host gave no key of its own by its id."""
    given = people()
    given[0] = replace(given[0], account=replace(given[0].account, external_id=None))
    move = Move(fresh_memory(given), tmp_path_factory.mktemp("plan") / "plan.jsonl")
    move.plan()
    move.apply()
    drop_identifier(move.service.store._state)
    assert move.service.auth.migration.verify(move.id).examples == (("p0", VerifyFinding.IDENTIFIER_MISSING),)
