"""A migration's steps: the statements that carry out and take back a range of them.

Each program works on all the steps of a range at once. First it marks the steps whose account is no longer as it should
be, then it changes the accounts of the others, then it marks those as done. The transaction makes this one act.
"""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from cityauth.core.accounts import Status
from cityauth.core.changes import Precondition
from cityauth.core.migration import (
    MigrationState,
    StepAction,
    StepRefusal,
    StepsApplied,
    StepsRolledBack,
    StepState,
)
from cityauth.core.resolution import IdentifierStatus
from cityauth.stores.sql.programs import Lock, Program, Read, Write
from cityauth.stores.sql.tables import account, identifier, micros, migration, migration_step, tombstone

_OTHER = account.alias("other")
_STEP = migration_step.c
_RANGE = and_(
    _STEP.migration_id == bindparam("migration"),
    _STEP.account_id > bindparam("after"),
    _STEP.account_id <= bindparam("last"),
)
_PLANNED = and_(_RANGE, _STEP.state == StepState.PLANNED.value)
_APPLIED = and_(_RANGE, _STEP.state == StepState.APPLIED.value)
_UNDOABLE = and_(_APPLIED, _STEP.refusal == StepRefusal.NONE.value)
_IS_OWN = and_(identifier.c.key == _STEP.key, identifier.c.account_id == _STEP.account_id)
"""Says whose identifier it is: where several transactions write at once, another account may have taken the key since
the statement before."""
_CONTACT_MOVES = _STEP.contact_before.is_distinct_from(_STEP.contact_after)

_HOLD: Final = (  # takes the write lock; its row count decides
    update(migration)
    .where(migration.c.id == bindparam("which"), migration.c.state.in_(bindparam("expected", expanding=True)))
    .values(state=migration.c.state)
)

_LOCK_ACCOUNTS: Final = (
    select(account.c.id)
    .where(
        account.c.id.in_(select(_STEP.account_id).where(_RANGE)),
        account.c.id > bindparam("after"),  # so that no server reads the whole table for a range
        account.c.id <= bindparam("last"),
    )
    .order_by(account.c.id)
    .with_for_update(key_share=True)
)


def _there_is(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether there is a row of another table that meets *conditions* on the step at hand."""
    return select(literal(1)).where(*conditions).correlate(migration_step).exists()


def _first_refusal(*whens: tuple[ColumnElement[bool], StepRefusal]) -> ColumnElement[str]:
    """Return the first reason that holds for the step's account, or that there is no such account."""
    found = (
        select(case(*((when, why.value) for when, why in whens), else_=StepRefusal.NONE.value))
        .where(account.c.id == _STEP.account_id)
        .correlate(migration_step)
        .scalar_subquery()
    )
    return func.coalesce(found, StepRefusal.ACCOUNT_MISSING.value)


_NO_REFUSAL = literal(StepRefusal.NONE.value)
_MOVES = _STEP.action == StepAction.MOVE.value
_TAKEN = _there_is(
    identifier.c.key == _STEP.key,
    or_(identifier.c.account_id != _STEP.account_id, identifier.c.status == IdentifierStatus.CONTESTED.value),
)
_SHARED = _there_is(_OTHER.c.contact_key == _STEP.key, _OTHER.c.id != _STEP.account_id)
WHY_NOT_APPLIED = _first_refusal(
    (and_(_MOVES, account.c.status != Status.ACTIVE.value), StepRefusal.STATUS_CHANGED),
    (account.c.phase.is_distinct_from(_STEP.phase_before), StepRefusal.PHASE_CHANGED),
    (account.c.contact.is_distinct_from(_STEP.contact_before), StepRefusal.CONTACT_CHANGED),
    (and_(_STEP.key.is_not(None), _TAKEN), StepRefusal.IDENTIFIER_TAKEN),
    (and_(_STEP.key.is_not(None), ~_STEP.may_share, _SHARED), StepRefusal.ADDRESS_SHARED),
)
_IS_AS_APPLIED = _there_is(
    identifier.c.key == _STEP.key,
    identifier.c.account_id == _STEP.account_id,
    identifier.c.status == IdentifierStatus.ACTIVE.value,
    identifier.c.kind == _STEP.kind,
    identifier.c.shown == _STEP.shown,
)
_WHY_NOT_TAKEN_BACK = _first_refusal(
    (account.c.phase.is_distinct_from(_STEP.phase_after), StepRefusal.PHASE_CHANGED),
    (account.c.contact.is_distinct_from(_STEP.contact_after), StepRefusal.CONTACT_CHANGED),
    (and_(_STEP.key.is_not(None), ~_IS_AS_APPLIED), StepRefusal.IDENTIFIER_CHANGED),
)
_BY: dict[str, Any] = {"at": bindparam("now"), "actor": bindparam("who")}

_ERASED: Final = select(tombstone.c.digest).where(tombstone.c.digest.in_(bindparam("digests", expanding=True)))
_REFUSE_ERASED: Final = (
    update(migration_step)
    .where(_PLANNED, _STEP.account_id.in_(bindparam("ids", expanding=True)))
    .values(state=StepState.CHANGED.value, refusal=StepRefusal.IDENTIFIER_TAKEN.value, **_BY)
)
_REFUSE_CHANGED: Final = (
    update(migration_step)
    .where(_PLANNED, _NO_REFUSAL != WHY_NOT_APPLIED)
    .values(state=StepState.CHANGED.value, refusal=WHY_NOT_APPLIED, **_BY)
)
_SAVE_IDENTIFIER: Final = (
    update(migration_step)
    .where(_PLANNED, _IS_OWN)
    .values(
        prior_kind=identifier.c.kind,
        prior_shown=identifier.c.shown,
        prior_status=identifier.c.status,
    )
)
_SAVE_CONTACT: Final = (
    update(migration_step)
    .where(_PLANNED, _CONTACT_MOVES, account.c.id == _STEP.account_id)
    .values(prior_contact_key=account.c.contact_key, prior_verified=account.c.contact_verified)
)
_TURN_OWN: Final = (
    update(identifier)
    .where(_PLANNED, _IS_OWN, _STEP.prior_kind.is_not(None))
    .values(kind=_STEP.kind, shown=_STEP.shown, status=IdentifierStatus.ACTIVE.value)
)
_MADE = identifier.alias("made")
_ADD_NEW: Final = insert(identifier).from_select(
    ["key", "account_id", "kind", "shown", "status", "since", "position"],
    select(
        _STEP.key,
        _STEP.account_id,
        _STEP.kind,
        _STEP.shown,
        literal(IdentifierStatus.ACTIVE.value),
        bindparam("now", type_=identifier.c.since.type),
        select(func.coalesce(func.max(_MADE.c.position) + 1, 0))
        .where(_MADE.c.account_id == _STEP.account_id)
        .correlate(migration_step)
        .scalar_subquery(),
    ).where(_PLANNED, _STEP.key.is_not(None), _STEP.prior_kind.is_(None)),
)
_SET_PHASE: Final = (
    update(account)
    .where(_PLANNED, account.c.id == _STEP.account_id, account.c.phase.is_distinct_from(_STEP.phase_after))
    .values(phase=_STEP.phase_after)
)
_SET_CONTACT: Final = (
    update(account)
    .where(_PLANNED, account.c.id == _STEP.account_id, _CONTACT_MOVES)
    .values(contact=_STEP.contact_after, contact_key=_STEP.key, contact_verified=False)
)
_MARK_APPLIED: Final = update(migration_step).where(_PLANNED).values(state=StepState.APPLIED.value, **_BY)

_FORGET_REFUSALS: Final = (
    update(migration_step).where(_APPLIED, _STEP.refusal != "").values(refusal=StepRefusal.NONE.value)
)
_REFUSE_TAKING_BACK: Final = (
    update(migration_step).where(_APPLIED, _NO_REFUSAL != _WHY_NOT_TAKEN_BACK).values(refusal=_WHY_NOT_TAKEN_BACK)
)
_DELETE_NEW: Final = delete(identifier).where(
    identifier.c.key.in_(select(_STEP.key).where(_UNDOABLE, _STEP.key.is_not(None), _STEP.prior_kind.is_(None)))
)
_TURN_BACK_OWN: Final = (
    update(identifier)
    .where(_UNDOABLE, _IS_OWN, _STEP.prior_kind.is_not(None))
    .values(kind=_STEP.prior_kind, shown=_STEP.prior_shown, status=_STEP.prior_status)
)
_SET_PHASE_BACK: Final = (
    update(account)
    .where(_UNDOABLE, account.c.id == _STEP.account_id, account.c.phase.is_distinct_from(_STEP.phase_before))
    .values(phase=_STEP.phase_before)
)
_SET_CONTACT_BACK: Final = (
    update(account)
    .where(_UNDOABLE, account.c.id == _STEP.account_id, _CONTACT_MOVES)
    .values(contact=_STEP.contact_before, contact_key=_STEP.prior_contact_key, contact_verified=_STEP.prior_verified)
)
_MARK_ROLLED_BACK: Final = (
    update(migration_step)
    .where(_UNDOABLE)
    .values(
        state=StepState.ROLLED_BACK.value,
        prior_kind=null(),
        prior_shown=null(),
        prior_status=null(),
        prior_contact_key=null(),
        prior_verified=null(),
        **_BY,
    )
)
_SAVE: Final = (_SAVE_IDENTIFIER, _SAVE_CONTACT, _TURN_OWN)
_THEN: Final = (_SET_PHASE, _SET_CONTACT, _MARK_APPLIED)
_ROLL_BACK: Final = (
    _FORGET_REFUSALS,
    _REFUSE_TAKING_BACK,
    _DELETE_NEW,
    _TURN_BACK_OWN,
    _SET_PHASE_BACK,
    _SET_CONTACT_BACK,
    _MARK_ROLLED_BACK,
)


def hold(migration_id: str, *expected: MigrationState) -> Program[None]:
    """Refuse the commit unless the migration's state is one of *expected*; no other commit changes it meanwhile."""
    values = {"which": migration_id, "expected": [one.value for one in expected]}
    yield Write(_HOLD, values, otherwise=Precondition.MIGRATION_CHANGED)


def apply_steps(change: StepsApplied) -> Program[None]:
    """Carry out the planned steps of the range."""
    yield from hold(change.migration_id, MigrationState.APPLYING)
    values = _range_of(change)
    yield Lock(_LOCK_ACCOUNTS, values)
    yield Write(_REFUSE_CHANGED, values)
    by_digest = dict(change.tombstones)
    if by_digest:
        erased = yield Read(_ERASED, {"digests": list(by_digest)})
        if erased:
            ids = sorted({by_digest[digest] for (digest,) in erased})
            yield Write(_REFUSE_ERASED, {**values, "ids": ids})
    for statement in _SAVE:
        yield Write(statement, values)
    yield Write(_ADD_NEW, values, taken=Precondition.IDENTIFIER_TAKEN)
    for statement in _THEN:
        yield Write(statement, values)


def roll_back_steps(change: StepsRolledBack) -> Program[None]:
    """Take back the applied steps of the range."""
    yield from hold(change.migration_id, MigrationState.ROLLING_BACK)
    values = _range_of(change)
    yield Lock(_LOCK_ACCOUNTS, values)
    for statement in _ROLL_BACK:
        yield Write(statement, values)


def _range_of(change: StepsApplied | StepsRolledBack) -> dict[str, object]:
    return {
        "migration": change.migration_id,
        "after": change.after,
        "last": change.last,
        "now": micros(change.at),
        "who": change.actor,
    }
