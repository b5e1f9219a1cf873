"""The journal of migrations: look up migrations and their steps, and store those of a plan."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import bindparam, delete, exists, func, insert, literal, select, update

from cityauth.core.accounts import AccountId
from cityauth.core.changes import Precondition
from cityauth.core.identifiers import Identifier
from cityauth.core.migration import (
    Migration,
    MigrationDiscarded,
    MigrationMoved,
    MigrationOpened,
    MigrationState,
    MigrationStep,
    StepAction,
    StepRefusal,
    StepsPlanned,
    StepState,
)
from cityauth.policy.realms import Phase
from cityauth.stores.sql.migration_steps import WHY_NOT_APPLIED, hold
from cityauth.stores.sql.programs import Program, Read, Write, WriteMany, insert_missing, lock_name, look_up
from cityauth.stores.sql.rows import Row
from cityauth.stores.sql.tables import micros, migration, migration_step, moment

_STEP = migration_step.c

_MIGRATIONS: Final = select(migration).order_by(migration.c.number.desc())
_OPEN: Final = insert(migration).from_select(
    [one.name for one in migration.c if one is not migration.c.number],
    select(*(bindparam(one.name, type_=one.type) for one in migration.c if one is not migration.c.number)).where(
        ~exists(literal(1)).where(migration.c.state.in_([one.value for one in MigrationState if one.is_open]))
    ),
)
_MOVE: Final = (
    update(migration)
    .where(migration.c.id == bindparam("which"), migration.c.state == bindparam("was"))
    .values(state=bindparam("now"), ended_at=bindparam("ended"))
)
_LOCK_MIGRATIONS: Final = lock_name("open migration")
_ANOTHER = migration.alias("another")
_REOPEN: Final = _MOVE.where(
    ~exists(literal(1)).where(
        _ANOTHER.c.id != migration.c.id, _ANOTHER.c.state.in_([one.value for one in MigrationState if one.is_open])
    )
)
_STEP_COLUMNS = tuple(one for one in migration_step.c if not one.name.startswith("prior_"))
_PLAN: Final = insert_missing(migration_step).values({one.name: bindparam(one.name) for one in _STEP_COLUMNS})
_STEPS: Final = (
    select(*_STEP_COLUMNS)
    .where(_STEP.migration_id == bindparam("migration"), _STEP.account_id > bindparam("after"))
    .order_by(_STEP.account_id)
    .limit(bindparam("most"))
)
_STEPS_OF_STATE: Final = _STEPS.where(_STEP.state == bindparam("only"))
_STEP_KEYS: Final = (
    select(_STEP.account_id, _STEP.key)
    .where(
        _STEP.migration_id == bindparam("migration"),
        _STEP.account_id > bindparam("after"),
        _STEP.state == bindparam("only"),
    )
    .order_by(_STEP.account_id)
    .limit(bindparam("most"))
)
_OUTDATED: Final = (
    select(*(WHY_NOT_APPLIED if one is _STEP.refusal else one for one in _STEP_COLUMNS))
    .where(
        _STEP.migration_id == bindparam("migration"),
        _STEP.account_id > bindparam("after"),
        _STEP.state == StepState.PLANNED.value,
        literal(StepRefusal.NONE.value) != WHY_NOT_APPLIED,
    )
    .order_by(_STEP.account_id)
    .limit(bindparam("most"))
)
_COUNTED: Final = update(migration).where(migration.c.id == bindparam("which")).values(total=bindparam("number"))
_DISCARD_STEPS: Final = delete(migration_step).where(_STEP.migration_id == bindparam("which"))
_DISCARD: Final = delete(migration).where(migration.c.id == bindparam("which"))
_COUNT: Final = (
    select(_STEP.state, func.count()).where(_STEP.migration_id == bindparam("migration")).group_by(_STEP.state)
)
_OF_ACCOUNT: Final = (
    select(*migration.c, *_STEP_COLUMNS)
    .join_from(migration_step, migration, _STEP.migration_id == migration.c.id)
    .where(_STEP.account_id == bindparam("account_id"))
    .order_by(migration.c.number.desc())
)
_PHASE: dict[str | None, Phase | None] = {None: None, **{one.value: one for one in Phase}}


def list_migrations() -> Program[list[Migration]]:
    """Return every migration, the newest first."""
    return look_up(_migration_of, _MIGRATIONS, {})


def _migration_of(row: Row) -> Migration:
    _, migration_id, digest, state, phase, total, actor, began_at, ended_at = row
    return Migration(
        migration_id,
        digest,
        MigrationState(state),
        Phase(phase),
        total,
        actor,
        moment(began_at),
        None if ended_at is None else moment(ended_at),
    )


def read_steps(migration_id: str, state: StepState | None, after: str, most: int) -> Program[list[MigrationStep]]:
    """Return a page of steps in the order of their account ids."""
    values: dict[str, object] = {"migration": migration_id, "after": after, "most": most}
    if state is None:
        return look_up(_step_of, _STEPS, values)
    return look_up(_step_of, _STEPS_OF_STATE, {**values, "only": state.value})


def read_step_keys(
    migration_id: str, state: StepState, after: str, most: int
) -> Program[list[tuple[AccountId, str | None]]]:
    """Return accounts and keys of a page of steps."""
    values = {"migration": migration_id, "after": after, "most": most, "only": state.value}
    rows: list[tuple[AccountId, str | None]] = yield Read(_STEP_KEYS, values)
    return rows


def read_outdated(migration_id: str, after: str, most: int) -> Program[list[MigrationStep]]:
    """Return a page of the planned steps that could not be carried out now, each with the reason."""
    return look_up(_step_of, _OUTDATED, {"migration": migration_id, "after": after, "most": most})


def _step_of(row: Row) -> MigrationStep:
    _, account_id, external_id, account_class, action, kind, shown, key, *rest = row
    contact_before, contact_after, before, after, may_share, state, refusal, actor, at = rest
    return MigrationStep(
        account_id=AccountId(account_id),
        external_id=external_id,
        account_class=account_class,
        action=StepAction(action),
        identifier=None if key is None else Identifier(kind, shown, key),
        contact_before=contact_before,
        contact_after=contact_after,
        phase_before=_PHASE[before],
        phase_after=_PHASE[after],
        may_share=bool(may_share),
        state=StepState(state),
        refusal=StepRefusal(refusal),
        actor=actor,
        at=None if at is None else moment(at),
    )


def count_steps(migration_id: str) -> Program[Mapping[StepState, int]]:
    """Return how many steps are in each state."""
    rows = yield Read(_COUNT, {"migration": migration_id})
    return {StepState(state): number for state, number in rows}


def account_steps(account_id: AccountId) -> Program[list[tuple[Migration, MigrationStep]]]:
    """Return what migrations did to one account, the newest migration first."""
    columns = len(migration.c)
    return look_up(
        lambda row: (_migration_of(row[:columns]), _step_of(row[columns:])), _OF_ACCOUNT, {"account_id": account_id}
    )


def open_migration(change: MigrationOpened) -> Program[None]:
    """Store the migration, unless one is open or it was begun before."""
    new = change.migration
    values = {
        "id": new.id,
        "digest": new.digest,
        "state": new.state.value,
        "phase": new.phase.value,
        "total": new.total,
        "actor": new.actor,
        "began_at": micros(new.began_at),
        "ended_at": None if new.ended_at is None else micros(new.ended_at),
    }
    yield _LOCK_MIGRATIONS
    yield Write(_OPEN, values, otherwise=Precondition.MIGRATION_OPEN, taken=Precondition.MIGRATION_OPEN)


def move_migration(change: MigrationMoved) -> Program[None]:
    """Set the migration's state, if it is still the expected one."""
    ended = None if change.now.is_open else micros(change.at)
    values = {"which": change.migration_id, "was": change.was.value, "now": change.now.value, "ended": ended}
    opens = change.now.is_open and not change.was.is_open
    if opens:
        yield _LOCK_MIGRATIONS
    yield Write(_REOPEN if opens else _MOVE, values, otherwise=Precondition.MIGRATION_CHANGED)


def discard_migration(change: MigrationDiscarded) -> Program[None]:
    """Forget the migration with its steps."""
    yield from hold(change.migration_id, MigrationState.LOADING)
    yield Write(_DISCARD_STEPS, {"which": change.migration_id})
    yield Write(_DISCARD, {"which": change.migration_id})


def plan_steps(change: StepsPlanned) -> Program[None]:
    """Store the steps that are not stored yet."""
    yield from hold(change.migration_id, MigrationState.LOADING, MigrationState.APPLYING)
    yield WriteMany(_PLAN, [_values_of_step(change.migration_id, one) for one in change.steps])
    if change.total is not None:
        yield Write(_COUNTED, {"which": change.migration_id, "number": change.total})


def _values_of_step(migration_id: str, step: MigrationStep) -> dict[str, Any]:
    new = step.identifier
    return {
        "migration_id": migration_id,
        "account_id": step.account_id,
        "external_id": step.external_id,
        "account_class": step.account_class,
        "action": str(step.action),
        "kind": new and new.kind,
        "shown": new and new.shown,
        "key": new and new.key,
        "contact_before": step.contact_before,
        "contact_after": step.contact_after,
        "phase_before": step.phase_before and str(step.phase_before),
        "phase_after": step.phase_after and str(step.phase_after),
        "may_share": step.may_share,
        "state": str(step.state),
        "refusal": str(step.refusal),
        "actor": step.actor,
        "at": None if step.at is None else micros(step.at),
    }
