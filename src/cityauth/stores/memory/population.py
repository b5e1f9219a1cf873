"""The population in memory: imports, migration plans, and the journal of what a migration did."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.changes import AccountAdded, AccountUnchanged, Change, ContactVerified, Precondition
from cityauth.core.identifiers import USERNAME
from cityauth.core.mail import contact_key
from cityauth.core.migration import (
    Migration,
    MigrationDiscarded,
    MigrationMoved,
    MigrationOpened,
    MigrationState,
    MigrationStep,
    StepAction,
    StepRefusal,
    StepsApplied,
    StepsPlanned,
    StepsRolledBack,
    StepState,
)
from cityauth.core.population import ImportedPerson, KeyUse, PeopleAdded, PopulationRow, SourceRecorded
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.stores.memory.changes import Apply, add_account
from cityauth.stores.memory.state import AccountRow, State, StoredStep, with_account


@dataclass(frozen=True, slots=True)
class _Uses:
    """Which accounts use which key as their contact."""

    contacts: Mapping[str, set[AccountId]]

    def has_other(self, key: str, account_id: AccountId) -> bool:
        return bool(self.contacts.get(key, set()) - {account_id})


def _contacts(state: State) -> _Uses:
    contacts: defaultdict[str, set[AccountId]] = defaultdict(set)
    for account_id, row in state.rows.items():
        if row.account.contact is not None:
            contacts[contact_key(row.account.contact)].add(account_id)
    return _Uses(contacts)


def read_population(state: State, after: str, most: int) -> list[PopulationRow]:
    """See `PopulationStore.read_population`."""
    ids = sorted((one for one in state.rows if one > after), key=str.encode)[:most]
    return rows_of(state, ids)


def rows_of(state: State, account_ids: Iterable[AccountId]) -> list[PopulationRow]:
    """Return those of the accounts that there are."""
    uses = _contacts(state)
    return [_row(state, uses, state.rows[one]) for one in dict.fromkeys(account_ids) if one in state.rows]


def _row(state: State, uses: _Uses, row: AccountRow) -> PopulationRow:
    account = row.account
    key = "" if account.contact is None else contact_key(account.contact)
    holder, held = state.holders.get(key, (None, None))
    other = held if holder != account.id else None
    usernames = [one for one in row.keys if state.holders[one][1].identifier.kind == USERNAME.name]
    source = state.sources.get(account.external_id or "")
    return PopulationRow(
        account,
        tuple(state.account_identifiers(row)),
        row.password_hash is not None,
        account.contact or (source.email if source else ""),
        key,
        uses.has_other(key, account.id) or (other is not None and other.identifier.kind != USERNAME.name),
        other is not None and other.identifier.kind == USERNAME.name,
        any(uses.has_other(one, account.id) for one in usernames),
        bool(source and source.contact),
    )


def find_key_uses(state: State, keys: Sequence[str]) -> list[KeyUse]:
    """See `PopulationStore.find_key_uses`."""
    uses = _contacts(state)
    found: list[KeyUse] = []
    for key in dict.fromkeys(keys):
        users = [state.rows[one].account for one in uses.contacts.get(key, ())]
        found += [KeyUse(key, one.id, one.external_id, one.display_name, "contact", None) for one in users]
        if key in state.holders:
            account_id, held = state.holders[key]
            one = state.rows[account_id].account
            found.append(KeyUse(key, one.id, one.external_id, one.display_name, held.identifier.kind, held.status))
    return found


def find_imported(state: State, external_ids: Sequence[str]) -> list[ImportedPerson]:
    """See `PopulationStore.find_imported`."""
    ids = [state.external_ids[one] for one in dict.fromkeys(external_ids) if one in state.external_ids]
    people = []
    for row in rows_of(state, ids):
        source = state.sources.get(row.account.external_id or "")
        people.append(ImportedPerson(row, state.rows[row.account.id].password_hash, source))
    return people


def list_migrations(state: State) -> list[Migration]:
    """See `PopulationStore.list_migrations`."""
    return list(reversed(state.migrations.values()))


def read_steps(state: State, migration_id: str, only: StepState | None, after: str, most: int) -> list[MigrationStep]:
    """See `PopulationStore.read_steps`."""
    steps = state.steps.get(migration_id, {})
    chosen = [one for one in sorted(steps, key=str.encode) if one > after and only in {None, steps[one].step.state}]
    return [steps[one].step for one in chosen[:most]]


def read_step_keys(
    state: State, migration_id: str, only: StepState, after: str, most: int
) -> list[tuple[AccountId, str | None]]:
    """See `PopulationStore.read_step_keys`."""
    steps = read_steps(state, migration_id, only, after, most)
    return [(step.account_id, step.identifier.key if step.identifier else None) for step in steps]


def read_outdated(state: State, migration_id: str, after: str, most: int) -> list[MigrationStep]:
    """See `PopulationStore.read_outdated`."""
    planned = read_steps(state, migration_id, StepState.PLANNED, after, len(state.steps.get(migration_id, ())))
    judged = [(step, _why_not_applied(state, step)) for step in planned]
    return [step._replace(refusal=why) for step, why in judged if why][:most]


def count_steps(state: State, migration_id: str) -> dict[StepState, int]:
    """See `PopulationStore.count_steps`."""
    return dict(Counter(one.step.state for one in state.steps.get(migration_id, {}).values()))


def account_steps(state: State, account_id: AccountId) -> list[tuple[Migration, MigrationStep]]:
    """See `PopulationStore.account_steps`."""
    found = [(one, state.steps[one.id].get(account_id)) for one in list_migrations(state) if one.id in state.steps]
    return [(migration, stored.step) for migration, stored in found if stored is not None]


def require_unchanged(state: State, change: AccountUnchanged) -> Precondition | None:
    """Refuse unless the account is as expected."""
    row = state.rows.get(change.account.id)
    if row is None:
        return Precondition.ACCOUNT_MISSING
    return None if row.account == change.account else Precondition.ACCOUNT_CHANGED


def verify_contact(state: State, change: ContactVerified) -> Precondition | None:
    """Mark the contact as verified, if it is still this one."""
    row = state.rows.get(change.account_id)
    if row is None:
        return Precondition.ACCOUNT_MISSING
    if row.account.contact != change.contact:
        return Precondition.CONTACT_CHANGED
    state.amend(change.account_id, with_account(lambda account: replace(account, contact_verified=True)))
    return None


def add_people(state: State, change: PeopleAdded) -> Precondition | None:
    """Add every person, or say why one cannot be added."""
    for person in change.people:
        added = AccountAdded(
            person.account,
            person.account_identifiers,
            person.password_hash,
            change.at,
            person.tombstones,
            person.hash_kind,
        )
        if (failed := add_account(state, added)) is not None:
            return failed
        state.put(state.sources, person.source.external_id, person.source)
    return None


def record_source(state: State, change: SourceRecorded) -> None:
    """Store what the older system says by now."""
    state.put(state.sources, change.source.external_id, change.source)


def open_migration(state: State, change: MigrationOpened) -> Precondition | None:
    """Store the migration, unless one is open or it was begun before."""
    if change.migration.id in state.migrations or any(one.state.is_open for one in state.migrations.values()):
        return Precondition.MIGRATION_OPEN
    state.put(state.migrations, change.migration.id, change.migration)
    state.put(state.steps, change.migration.id, {})
    return None


def move_migration(state: State, change: MigrationMoved) -> Precondition | None:
    """Bring the migration to another state."""
    found = state.migrations.get(change.migration_id)
    if found is None or found.state is not change.was:
        return Precondition.MIGRATION_CHANGED
    opens = change.now.is_open and not change.was.is_open
    if opens and any(one.state.is_open for one in state.migrations.values()):
        return Precondition.MIGRATION_CHANGED
    ended_at = None if change.now.is_open else change.at
    state.put(state.migrations, found.id, replace(found, state=change.now, ended_at=ended_at))
    return None


def discard_migration(state: State, change: MigrationDiscarded) -> Precondition | None:
    """Forget the migration with its steps."""
    if _is_not(state, change.migration_id, MigrationState.LOADING):
        return Precondition.MIGRATION_CHANGED
    state.drop(state.migrations, change.migration_id)
    state.drop(state.steps, change.migration_id)
    return None


def plan_steps(state: State, change: StepsPlanned) -> Precondition | None:
    """Store the steps that are not stored yet."""
    if _is_not(state, change.migration_id, MigrationState.LOADING, MigrationState.APPLYING):
        return Precondition.MIGRATION_CHANGED
    steps = state.steps[change.migration_id]
    for step in change.steps:
        if step.account_id not in steps:
            state.put(steps, step.account_id, StoredStep(step))
    if change.total is not None:
        found = state.migrations[change.migration_id]
        state.put(state.migrations, found.id, replace(found, total=change.total))
    return None


def _is_not(state: State, migration_id: str, *expected: MigrationState) -> bool:
    found = state.migrations.get(migration_id)
    return found is None or found.state not in expected


def apply_steps(state: State, change: StepsApplied) -> Precondition | None:
    """Carry out the planned steps of the range."""
    if _is_not(state, change.migration_id, MigrationState.APPLYING):
        return Precondition.MIGRATION_CHANGED
    erased = {account_id for digest, account_id in change.tombstones if digest in state.tombstones}
    steps = state.steps[change.migration_id]
    for stored in _range(steps, change, StepState.PLANNED):
        step = stored.step
        refusal = _why_not_applied(state, step) or (
            StepRefusal.IDENTIFIER_TAKEN if step.account_id in erased else StepRefusal.NONE
        )
        outcome = StepState.CHANGED if refusal else StepState.APPLIED
        done = step._replace(state=outcome, refusal=refusal, at=change.at, actor=change.actor)
        prior = state.holders.get(step.identifier.key) if step.identifier else None
        verified = step.account_id not in state.rows or state.rows[step.account_id].account.contact_verified
        state.put(steps, step.account_id, StoredStep(done, prior[1] if prior and not refusal else None, verified))
        if not refusal:
            _apply(state, step)
    return None


def _range(
    steps: Mapping[AccountId, StoredStep], change: StepsApplied | StepsRolledBack, only: StepState
) -> list[StoredStep]:
    return [
        stored
        for account_id, stored in steps.items()
        if change.after < account_id <= change.last and stored.step.state is only
    ]


def _why_not_applied(state: State, step: MigrationStep) -> StepRefusal:
    row = state.rows.get(step.account_id)
    if row is None:
        return StepRefusal.ACCOUNT_MISSING
    if step.action is StepAction.MOVE and row.account.status is not Status.ACTIVE:
        return StepRefusal.STATUS_CHANGED
    if row.account.phase is not step.phase_before:
        return StepRefusal.PHASE_CHANGED
    if row.account.contact != step.contact_before:
        return StepRefusal.CONTACT_CHANGED
    if step.identifier is None:
        return StepRefusal.NONE
    holder, held = state.holders.get(step.identifier.key, (step.account_id, None))
    if holder != step.account_id or (held is not None and held.status is IdentifierStatus.CONTESTED):
        return StepRefusal.IDENTIFIER_TAKEN
    shared = not step.may_share and _contacts(state).has_other(step.identifier.key, step.account_id)
    return StepRefusal.ADDRESS_SHARED if shared else StepRefusal.NONE


def _apply(state: State, step: MigrationStep) -> None:
    if step.identifier is not None:
        key = step.identifier.key
        if key not in state.holders:
            state.amend(step.account_id, lambda row: replace(row, keys=(*row.keys, key)))
        state.put(state.holders, key, (step.account_id, AccountIdentifier(step.identifier)))
    same = step.contact_before == step.contact_after
    _amend(
        state,
        step.account_id,
        contact=step.contact_after,
        phase=step.phase_after,
        **({} if same else {"contact_verified": False}),
    )


def _amend(state: State, account_id: AccountId, **values: Any) -> None:  # noqa: ANN401 - whatever the field holds
    def amended(account: Account) -> Account:
        return replace(account, **values)

    state.amend(account_id, with_account(amended))


def roll_back_steps(state: State, change: StepsRolledBack) -> Precondition | None:
    """Take back the applied steps of the range."""
    if _is_not(state, change.migration_id, MigrationState.ROLLING_BACK):
        return Precondition.MIGRATION_CHANGED
    steps = state.steps[change.migration_id]
    for stored in _range(steps, change, StepState.APPLIED):
        step = stored.step
        refusal = _why_not_taken_back(state, step)
        if refusal:
            state.put(steps, step.account_id, replace(stored, step=step._replace(refusal=refusal)))
            continue
        _take_back(state, stored)
        done = step._replace(state=StepState.ROLLED_BACK, refusal=StepRefusal.NONE, at=change.at, actor=change.actor)
        state.put(steps, step.account_id, StoredStep(done))
    return None


def _why_not_taken_back(state: State, step: MigrationStep) -> StepRefusal:
    row = state.rows.get(step.account_id)
    if row is None:
        return StepRefusal.ACCOUNT_MISSING
    if row.account.phase is not step.phase_after:
        return StepRefusal.PHASE_CHANGED
    if row.account.contact != step.contact_after:
        return StepRefusal.CONTACT_CHANGED
    if step.identifier is None:
        return StepRefusal.NONE
    as_applied = (step.account_id, AccountIdentifier(step.identifier))
    return StepRefusal.NONE if state.holders.get(step.identifier.key) == as_applied else StepRefusal.IDENTIFIER_CHANGED


def _take_back(state: State, stored: StoredStep) -> None:
    step = stored.step
    if step.identifier is not None:
        key = step.identifier.key
        if stored.prior is not None:
            state.put(state.holders, key, (step.account_id, stored.prior))
        else:
            state.drop(state.holders, key)
            state.amend(step.account_id, lambda row: replace(row, keys=tuple(one for one in row.keys if one != key)))
    same = step.contact_before == step.contact_after
    _amend(
        state,
        step.account_id,
        contact=step.contact_before,
        phase=step.phase_before,
        **({} if same else {"contact_verified": stored.prior_verified}),
    )


APPLY: Final[Mapping[type[Change], Apply]] = {
    AccountUnchanged: require_unchanged,
    ContactVerified: verify_contact,
    PeopleAdded: add_people,
    SourceRecorded: record_source,
    MigrationOpened: open_migration,
    MigrationMoved: move_migration,
    MigrationDiscarded: discard_migration,
    StepsPlanned: plan_steps,
    StepsApplied: apply_steps,
    StepsRolledBack: roll_back_steps,
}
"""Each function changes the state and returns what did not hold, if anything."""
