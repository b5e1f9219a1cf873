"""What a store promises of a migration: which accounts it changes, and what its journal says."""

from collections.abc import Sequence
from dataclasses import replace

from cityauth.core.accounts import AccountId, Status
from cityauth.core.changes import (
    AccountErased,
    Change,
    ContactChanged,
    EpochAdvanced,
    IdentifierRetired,
    Precondition,
)
from cityauth.core.migration import (
    MigrationDiscarded,
    MigrationMoved,
    MigrationOpened,
    MigrationState,
    StepRefusal,
    StepsApplied,
    StepsPlanned,
    StepsRolledBack,
    StepState,
)
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.policy.realms import Phase
from cityauth.testing.imports import FullStore, ImportContract, add, everything, person
from cityauth.testing.migration_samples import (
    LAST,
    NIGHT,
    PLAN,
    REFUSALS,
    TAKING_BACK,
    apply,
    apply_plan,
    begin,
    erase_all,
    keep,
    move,
    roll_back,
    states,
)
from cityauth.testing.samples import (
    AINO,
    NOON,
    added,
    commit,
    digest,
    identifier,
    identifier_added,
    opened,
    refuse,
)


class MigrationContract:
    """A migration changes the accounts that are as the plan saw them, and journals what it did."""

    def test_one_migration_is_open_at_a_time(self, store: FullStore) -> None:
        """No other migration begins while one is open, and none begins twice."""
        commit(store, MigrationOpened(PLAN))
        other = MigrationOpened(replace(PLAN, id="other", began_at=NIGHT))
        refuse(store, other, Precondition.MIGRATION_OPEN)
        commit(store, MigrationMoved("plan", MigrationState.LOADING, MigrationState.ROLLED_BACK, NIGHT))
        refuse(store, MigrationOpened(PLAN), Precondition.MIGRATION_OPEN)
        commit(store, other)
        ended = replace(PLAN, state=MigrationState.ROLLED_BACK, ended_at=NIGHT)
        assert list(store.list_migrations()) == [other.migration, ended]

    def test_a_state_changes_from_the_expected_one(self, store: FullStore) -> None:
        """Of two changes from the same state, one succeeds. A change of an unknown migration is refused."""
        commit(store, MigrationOpened(PLAN))
        moved = MigrationMoved("plan", MigrationState.LOADING, MigrationState.APPLYING, NOON)
        commit(store, moved)
        refuse(store, moved, Precondition.MIGRATION_CHANGED)
        refuse(store, replace(moved, migration_id="none"), Precondition.MIGRATION_CHANGED)
        assert [one.ended_at for one in store.list_migrations()] == [None]

    def test_none_is_opened_again_beside_an_open_one(self, store: FullStore) -> None:
        """A migration that has ended is not taken back while another one is open."""
        commit(store, MigrationOpened(PLAN))
        commit(store, MigrationMoved("plan", MigrationState.LOADING, MigrationState.APPLIED, NOON))
        commit(store, MigrationOpened(replace(PLAN, id="other")))
        back = MigrationMoved("plan", MigrationState.APPLIED, MigrationState.ROLLING_BACK, NIGHT)
        refuse(store, back, Precondition.MIGRATION_CHANGED)
        commit(store, MigrationMoved("other", MigrationState.LOADING, MigrationState.ROLLED_BACK, NIGHT), back)

    def test_each_kind_of_work_needs_its_state(self, store: FullStore) -> None:
        """Steps are loaded, applied and rolled back only in the states of the migration that allow it."""
        loading, applying, back = MigrationState.LOADING, MigrationState.APPLYING, MigrationState.ROLLING_BACK
        work: Sequence[tuple[Change, set[MigrationState]]] = [
            (StepsPlanned("plan", ()), {loading, applying}),
            (StepsApplied("plan", "", LAST, NIGHT, "op"), {applying}),
            (StepsRolledBack("plan", "", LAST, NIGHT, "op"), {back}),
        ]
        commit(store, MigrationOpened(PLAN))
        state = MigrationState.LOADING
        for now in MigrationState:
            if now is not state:
                commit(store, MigrationMoved("plan", state, now, NOON))
            state = now
            for change, needed in work:
                if now in needed:
                    commit(store, change)
                else:
                    refuse(store, change, Precondition.MIGRATION_CHANGED)
        refuse(store, StepsPlanned("none", ()), Precondition.MIGRATION_CHANGED)
        refuse(store, StepsApplied("none", "", LAST, NIGHT, "op"), Precondition.MIGRATION_CHANGED)
        refuse(store, StepsRolledBack("none", "", LAST, NIGHT, "op"), Precondition.MIGRATION_CHANGED)

    def test_a_step_is_loaded_once(self, store: FullStore) -> None:
        """A step comes back whole, and loading it again changes nothing."""
        steps = (keep("a", "x@example.com", may_share=True), move("b", "b@example.com", phase_before=Phase.BOTH))
        commit(store, MigrationOpened(PLAN), StepsPlanned("plan", steps))
        commit(store, StepsPlanned("plan", (steps[0]._replace(contact_after="y@example.com"), keep("c"))))
        assert list(store.read_steps("plan", None, "", 10)) == [*steps, keep("c")]
        assert list(store.read_steps("plan", StepState.PLANNED, "a", 1)) == [steps[1]]
        assert list(store.read_steps("plan", StepState.APPLIED, "", 10)) == []
        assert list(store.read_steps("none", None, "", 10)) == []
        assert store.count_steps("plan") == {StepState.PLANNED: 3}

    def test_the_number_of_steps_can_be_corrected(self, store: FullStore) -> None:
        """Loading steps may change the total of a migration, and nothing else of it."""
        commit(store, MigrationOpened(PLAN), StepsPlanned("plan", (keep("a"),)))
        commit(store, StepsPlanned("plan", total=7))
        assert store.list_migrations() == [replace(PLAN, total=7)]
        assert store.count_steps("plan") == {StepState.PLANNED: 1}

    def test_outdated_steps_are_found_before_anything_changes(self, store: FullStore) -> None:
        """Each planned step that could not be carried out is named with its reason, page by page, and stays planned."""
        add(store, *(person(name, name, email=f"{name}@example.com") for name in ("a", "b", "c", "d")))
        steps = [move(name, f"{name}@example.com") for name in ("a", "b", "c", "d")]
        commit(store, MigrationOpened(PLAN), StepsPlanned("plan", (*steps, keep("e"))))
        commit(store, ContactChanged(AccountId("b"), "x@example.com"), added("thief", "d@example.com"))
        pages = [list(store.read_outdated("plan", after, 2)) for after in ("", "d")]
        assert [[(one.account_id, one.refusal) for one in page] for page in pages] == [
            [("b", StepRefusal.CONTACT_CHANGED), ("d", StepRefusal.IDENTIFIER_TAKEN)],
            [("e", StepRefusal.ACCOUNT_MISSING)],
        ]
        assert list(store.read_outdated("plan", "e", 2)) == list(store.read_outdated("none", "", 2)) == []
        assert list(store.read_steps("plan", None, "", 10)) == [*steps, keep("e")]

    def test_keys_of_steps_are_those_of_the_steps(self, store: FullStore) -> None:
        """The short form has the same accounts in the same pages, with the key of the new identifier or none."""
        commit(store, MigrationOpened(PLAN), StepsPlanned("plan", (move("a", "a@example.com"), keep("b"), keep("c"))))
        assert list(store.read_step_keys("plan", StepState.PLANNED, "", 2)) == [("a", "1:a@example.com"), ("b", None)]
        assert list(store.read_step_keys("plan", StepState.PLANNED, "b", 2)) == [("c", None)]
        assert list(store.read_step_keys("plan", StepState.APPLIED, "", 2)) == []

    def test_a_migration_without_changes_can_be_forgotten(self, store: FullStore) -> None:
        """While its steps are loaded a migration can be discarded with them, and its id is free; later it cannot."""
        commit(store, MigrationOpened(PLAN), StepsPlanned("plan", (keep("a"),)), MigrationDiscarded("plan"))
        assert (list(store.list_migrations()), list(store.read_steps("plan", None, "", 10))) == ([], [])
        refuse(store, MigrationDiscarded("plan"), Precondition.MIGRATION_CHANGED)
        begin(store, keep("a"))
        refuse(store, MigrationDiscarded("plan"), Precondition.MIGRATION_CHANGED)
        assert store.count_steps("plan") == {StepState.PLANNED: 1}

    def test_a_moved_account_signs_in_by_its_address(self, store: FullStore) -> None:
        """The address becomes an active identifier beside the username, and the phase is the plan's."""
        add(store, person("aino", "aino", email="aino@example.com"))
        begin(store, move("aino", "aino@example.com"))
        apply(store)
        [match] = store.find(["1:aino@example.com"])
        assert match.account_identifier == AccountIdentifier(identifier("aino@example.com"))
        assert (match.account.phase, match.account.contact) == (Phase.EMAIL_PREFERRED, "aino@example.com")
        assert [one.identifier.shown for one in store.account_identifiers(AINO)] == ["aino", "aino@example.com"]
        [(migration, step)] = store.account_steps(AINO)
        assert (migration.id, step.state, step.actor, step.at) == ("plan", StepState.APPLIED, "night", NIGHT)

    def test_a_kept_account_keeps_its_username(self, store: FullStore) -> None:
        """No identifier is added, and the account's own phase lets the username in."""
        add(store, person("aino", "aino", status=Status.DISABLED))
        begin(store, keep("aino"))
        apply(store)
        [row] = everything(store)
        assert (row.account.phase, row.account.status) == (Phase.BOTH, Status.DISABLED)
        assert [one.identifier.shown for one in row.account_identifiers] == ["aino"]

    def test_an_account_that_changed_is_left_alone(self, store: FullStore) -> None:
        """A step whose account is not as planned is not carried out, and the journal says why."""
        for number, (why, changes) in enumerate(REFUSALS.items()):
            self._begin_again(store, number)
            commit(store, *changes)
            before = everything(store)
            apply_plan(store, number)
            [step] = store.read_steps(f"plan{number}", None, "", 10)
            assert (step.state, step.refusal, step.at) == (StepState.CHANGED, why, NIGHT)
            assert everything(store) == before
            erase_all(store)

    @staticmethod
    def _begin_again(store: FullStore, number: int) -> None:
        """Import one person, and begin a plan of its own for it."""
        add(store, person("aino", "aino", email="aino@example.com"))
        plan_id = f"plan{number}"
        step = move("aino", "aino@example.com")
        commit(store, MigrationOpened(replace(PLAN, id=plan_id)), StepsPlanned(plan_id, (step,)))
        commit(store, MigrationMoved(plan_id, MigrationState.LOADING, MigrationState.APPLYING, NOON))

    def test_another_phase_and_a_missing_account_are_found(self, store: FullStore) -> None:
        """A step is not carried out where the account's own phase is another one, or where there is no account."""
        add(store, person("aino", "aino", email="aino@example.com"))
        begin(store, move("aino", "aino@example.com", phase_before=Phase.BOTH), keep("nobody"))
        apply(store)
        assert states(store) == {
            "aino": (StepState.CHANGED, StepRefusal.PHASE_CHANGED),
            "nobody": (StepState.CHANGED, StepRefusal.ACCOUNT_MISSING),
        }

    def test_an_address_of_an_erased_account_does_not_pass_on(self, store: FullStore) -> None:
        """A step whose address has a tombstone is not carried out; the steps before and after it are."""
        add(store, person("aino", "aino", email="aino@example.com"), person("bo", "bo", email="bo@example.com"))
        commit(store, added("gone", "gone@example.com"))
        commit(store, AccountErased(AccountId("gone"), 0, (digest("grave"),), NOON))
        begin(store, move("aino", "aino@example.com"), move("bo", "bo@example.com"))
        graves = ((digest("grave"), AINO), (digest("other"), AccountId("bo")))
        commit(store, StepsApplied("plan", "", LAST, NIGHT, "op", graves))
        assert states(store) == {
            "aino": (StepState.CHANGED, StepRefusal.IDENTIFIER_TAKEN),
            "bo": (StepState.APPLIED, StepRefusal.NONE),
        }

    def test_a_decided_address_may_be_shared(self, store: FullStore) -> None:
        """If people decided so, one of two accounts gets their shared address, and the other a new contact."""
        add(store, person("aino", "aino", email="home@example.com"), person("bo", "bo", email="home@example.com"))
        own = move("bo", "home@example.com", identifier=identifier("bo@example.com"), contact_after="bo@example.com")
        before = everything(store)
        begin(store, move("aino", "home@example.com", may_share=True), own)
        apply(store)
        assert {one.account.id for one in store.find(["1:home@example.com", "1:bo@example.com"])} == {"aino", "bo"}
        changed = store.load(AccountId("bo"))
        assert changed is not None
        assert (changed.contact, changed.contact_verified) == ("bo@example.com", False)
        assert [one.id for one in store.find_by_contact("1:bo@example.com")] == ["bo"]
        roll_back(store)
        assert everything(store) == before

    def test_own_identifiers_are_turned_and_turned_back(self, store: FullStore) -> None:
        """A username that is the own address becomes the e-mail, a retired one active. A rollback restores both."""
        add(
            store,
            person("aino", "old", "aino@example.com", "last", email="aino@example.com"),
            person("bo", "bo", email="bo@example.com"),
        )
        commit(store, identifier_added("bo@example.com", AccountId("bo"), kind="email"))
        commit(store, IdentifierRetired(AccountId("bo"), "1:bo@example.com", NOON))
        before = everything(store)
        begin(store, move("aino", "aino@example.com"), move("bo", "bo@example.com"))
        apply(store)
        held = [AccountIdentifier(identifier(value, kind)) for value, kind in
                (("old", "username"), ("aino@example.com", "email"), ("last", "username"))]  # fmt: skip
        assert list(store.account_identifiers(AINO)) == held
        [match] = store.find(["1:bo@example.com"])
        assert match.account_identifier.status is IdentifierStatus.ACTIVE
        roll_back(store)
        assert everything(store) == before

    def test_erasure_forgets_the_steps(self, store: FullStore) -> None:
        """No step of a migration, which names an address, is left of an erased account."""
        add(store, person("a", "a", email="a@example.com"), person("b", "b", email="b@example.com"))
        begin(store, move("a", "a@example.com"), move("b", "b@example.com"))
        apply(store)
        commit(store, AccountErased(AccountId("a"), 0, (), NOON))
        assert set(states(store)) == {"b"}
        commit(store, added("a"))
        assert list(store.account_steps(AccountId("a"))) == []

    def test_nobody_is_signed_out(self, store: FullStore) -> None:
        """Neither application nor rollback ends a session or advances an epoch."""
        add(store, person("aino", "aino", email="aino@example.com"))
        commit(store, EpochAdvanced(AINO), opened("a", epoch=1))
        begin(store, move("aino", "aino@example.com"))
        apply(store)
        roll_back(store)
        live = store.find_session(digest("a"))
        assert live is not None
        assert (live.account.epoch, live.session.epoch) == (1, 1)

    def test_a_range_is_applied_once(self, store: FullStore) -> None:
        """Only the steps of the range are carried out, and carrying them out again changes nothing."""
        names = ["a", "b", "c", "d"]
        add(store, *(person(name, name, email=f"{name}@example.com") for name in names))
        begin(store, *(move(name, f"{name}@example.com") for name in names))
        apply(store, "a", "c")
        assert [one for one, (state, _) in states(store).items() if state is StepState.APPLIED] == ["b", "c"]
        once = everything(store)
        apply(store, "a", "c")
        assert everything(store) == once
        apply(store)
        assert store.count_steps("plan") == {StepState.APPLIED: 4}
        roll_back(store, "", "b")
        assert store.count_steps("plan") == {StepState.ROLLED_BACK: 2, StepState.APPLIED: 2}

    def test_what_the_person_changed_is_not_taken_back(self, store: FullStore) -> None:
        """A rollback leaves an account alone that has changed since, and the journal says why."""
        for number, (why, changes) in enumerate(TAKING_BACK.items()):
            self._begin_again(store, number)
            apply_plan(store, number)
            commit(store, *changes)
            before = everything(store)
            plan_id = f"plan{number}"
            commit(store, MigrationMoved(plan_id, MigrationState.APPLYING, MigrationState.ROLLING_BACK, NIGHT))
            commit(store, StepsRolledBack(plan_id, "", LAST, NIGHT, "morning"))
            [step] = store.read_steps(plan_id, None, "", 10)
            assert (step.state, step.refusal, step.actor) == (StepState.APPLIED, why, "night")
            assert everything(store) == before
            commit(store, MigrationMoved(plan_id, MigrationState.ROLLING_BACK, MigrationState.ROLLED_BACK, NIGHT))
            erase_all(store)

    def test_a_step_can_be_taken_back_after_it_was_refused(self, store: FullStore) -> None:
        """If the person has undone the own change meanwhile, the next attempt takes the step back."""
        add(store, person("aino", "aino", email="aino@example.com"))
        before = everything(store)
        begin(store, move("aino", "aino@example.com"))
        apply(store)
        commit(store, ContactChanged(AINO, "other@example.com"))
        roll_back(store)
        commit(store, ContactChanged(AINO, "aino@example.com"))
        roll_back(store)
        assert states(store) == {"aino": (StepState.ROLLED_BACK, StepRefusal.NONE)}
        assert everything(store) == before


class PopulationContract(ImportContract, MigrationContract):
    """Every promise of a `PopulationStore` that is a `Store` as well; each test takes the fixture ``store``."""
