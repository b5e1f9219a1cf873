"""Accounts: their rows, their look-ups and their changes.

Each write checks its precondition itself. A read after it only finds out which precondition did not hold.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Text, bindparam, delete, func, insert, select, update

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.changes import (
    AccountAdded,
    AccountErased,
    AccountUnchanged,
    ContactChanged,
    ContactVerified,
    EpochAdvanced,
    PasswordReplaced,
    PasswordSet,
    Precondition,
    ProfileChanged,
    StatusChanged,
)
from cityauth.core.mail import contact_key
from cityauth.core.resolution import Match
from cityauth.core.secret import SecretStr
from cityauth.core.throttling import FailureCounted, FailuresCleared
from cityauth.policy.realms import Phase
from cityauth.stores.sql.hash_kinds import enter_kinds, number_of
from cityauth.stores.sql.identifiers import (
    ACCOUNT_IDENTIFIER,
    NO_IDENTIFIER,
    account_identifier_of,
    add_identifiers,
    enter_tombstones,
)
from cityauth.stores.sql.programs import Program, Read, UnmetError, Write, look_up_alike, look_up_one
from cityauth.stores.sql.rows import Row, maker
from cityauth.stores.sql.tables import account, identifier, micros, migration_step, one_time_token, session, source

# A member is looked up in a dict five times as fast as by calling its enumeration.
_STATUS = {one.value: one for one in Status}
_PHASE: dict[str | None, Phase | None] = {None: None, **{one.value: one for one in Phase}}
_account, _match = maker(Account), maker(Match)

ACCOUNT = (
    account.c.id,
    account.c.realm,
    account.c.display_name,
    account.c.language,
    account.c.status,
    account.c.epoch,
    account.c.contact,
    account.c.phase,
    account.c.external_id,
    account.c.contact_verified,
)
"""The columns that `account_of` reads."""
_MATCH = (*ACCOUNT, *ACCOUNT_IDENTIFIER, account.c.password_hash, account.c.failures)
_HELD = select(*_MATCH).join_from(identifier, account)
_FIND_ONE: Final = _HELD.where(identifier.c.key == bindparam("key"))
_FIND: Final = _HELD.where(identifier.c.key.in_(bindparam("keys", expanding=True)))
_LOAD: Final = select(*ACCOUNT).where(account.c.id == bindparam("account_id"))
_FIND_BY_CONTACT: Final = select(*ACCOUNT).where(account.c.contact_key == bindparam("key"))
_PASSWORD_HASH: Final = select(account.c.password_hash).where(account.c.id == bindparam("account_id"))
_THE_ACCOUNT = account.c.id == bindparam("which")
_STANDING: Final = select(account.c.status, account.c.epoch).where(_THE_ACCOUNT)
ADD_ACCOUNT: Final = insert(account)
_REPLACE_PASSWORD: Final = (
    update(account)
    .where(_THE_ACCOUNT, account.c.password_hash.is_not_distinct_from(bindparam("was")))
    .values(password_hash=bindparam("now"), hash_kind=bindparam("kind"))
)
_SET_PASSWORD: Final = (
    update(account).where(_THE_ACCOUNT).values(password_hash=bindparam("now"), hash_kind=bindparam("kind"), failures=0)
)
_ONE_MORE = update(account).where(_THE_ACCOUNT).values(failures=account.c.failures + 1)
_COUNT_FAILURE: Final = _ONE_MORE.where(account.c.failures != bindparam("before"))
_COUNT_LAST_FAILURE: Final = _ONE_MORE.where(account.c.failures == bindparam("before"))
_CLEAR_FAILURES: Final = update(account).where(_THE_ACCOUNT).values(failures=0)
_CHANGE_STATUS: Final = (
    update(account).where(_THE_ACCOUNT, account.c.status == bindparam("was")).values(status=bindparam("now"))
)
_ADVANCE_EPOCH: Final = update(account).where(_THE_ACCOUNT).values(epoch=account.c.epoch + 1)
_CHANGE_CONTACT: Final = (
    update(account)
    .where(_THE_ACCOUNT)
    .values(contact=bindparam("now"), contact_key=bindparam("found_by"), contact_verified=bindparam("verified"))
)
_REPLACE_CONTACT: Final = _CHANGE_CONTACT.where(account.c.contact.is_not_distinct_from(bindparam("was")))
_UNCHANGED: Final = (
    update(account)
    .where(_THE_ACCOUNT, *(column.is_not_distinct_from(bindparam(f"was_{column.name}")) for column in ACCOUNT[1:]))
    .values(epoch=account.c.epoch)
)
_VERIFY_CONTACT: Final = (
    update(account).where(_THE_ACCOUNT, account.c.contact == bindparam("seen")).values(contact_verified=True)
)
_CHANGE_PROFILE: Final = (
    update(account)
    .where(_THE_ACCOUNT)
    .values(
        display_name=func.coalesce(bindparam("name", type_=Text()), account.c.display_name),
        language=func.coalesce(bindparam("spoken", type_=Text()), account.c.language),
    )
)
_IF_OF_EPOCH: Final = (
    update(account).where(_THE_ACCOUNT, account.c.epoch == bindparam("seen")).values(epoch=account.c.epoch + 1)
)
_ERASE: Final = (
    delete(session).where(session.c.account_id == bindparam("which")),
    delete(one_time_token).where(one_time_token.c.account_id == bindparam("which")),
    delete(identifier).where(identifier.c.account_id == bindparam("which")),
    delete(source).where(source.c.account_id == bindparam("which")),
    delete(migration_step).where(migration_step.c.account_id == bindparam("which")),
    delete(account).where(_THE_ACCOUNT),  # the last one, because foreign keys lead to it
)


_NO_ACCOUNT: Final = ("nobody", "citizen", "Nobody", "fi", Status.ACTIVE.value, 1, "nobody@example.com", None, None, 1)
_NO_MATCH: Final = (*_NO_ACCOUNT, *NO_IDENTIFIER, "$argon2id$v=19$m=65536,t=3,p=4$", 0)
"""Stand for rows of `ACCOUNT` and `_MATCH`; see `look_up_alike`."""


def account_of(row: Row) -> Account:
    """Read a row of `ACCOUNT`."""
    account_id, realm, name, language, status, epoch, contact, phase, external_id, contact_verified = row
    return _account(
        account_id,
        realm,
        name,
        language,
        _STATUS[status],
        epoch,
        contact,
        _PHASE[phase],
        external_id,
        bool(contact_verified),
    )


def _match_of(row: Row) -> Match:
    """Read a row of `_MATCH`."""
    stored = row[14]
    held = account_identifier_of(row[10:14])
    secret = SecretStr(stored or "")  # also without a hash, so that an account without a password takes as long
    return _match(account_of(row[:10]), held, None if stored is None else secret, row[15])


def find(keys: Sequence[str]) -> Program[list[Match]]:
    """Return what is held under any of *keys*."""
    if len(keys) == 1:
        return look_up_alike(_match_of, _FIND_ONE, {"key": keys[0]}, _NO_MATCH)
    return look_up_alike(_match_of, _FIND, {"keys": list(keys)}, _NO_MATCH)


def load(account_id: AccountId) -> Program[Account | None]:
    """Return an account by its id."""
    return look_up_one(account_of, _LOAD, {"account_id": account_id})


def find_by_contact(key: str) -> Program[list[Account]]:
    """Return the accounts of a contact."""
    return look_up_alike(account_of, _FIND_BY_CONTACT, {"key": key}, _NO_ACCOUNT)


def password_hash(account_id: AccountId) -> Program[SecretStr | None]:
    """Return an account's stored hash."""
    stored: Any = yield from look_up_one(itemgetter(0), _PASSWORD_HASH, {"account_id": account_id})
    return None if stored is None else SecretStr(stored)


def add_account(change: AccountAdded) -> Program[None]:
    """Insert the account, then its identifiers; the unique keys decide."""
    yield Write(ADD_ACCOUNT, values_of_account(change), taken=Precondition.ACCOUNT_EXISTS)
    yield from enter_kinds([change.hash_kind])
    yield from add_identifiers(change)


def values_of_account(change: AccountAdded) -> dict[str, object]:
    """Return the row of a new account."""
    new = change.account
    return {
        "id": new.id,
        "realm": new.realm,
        "display_name": new.display_name,
        "language": new.language,
        "status": new.status.value,
        "epoch": new.epoch,
        "contact": new.contact,
        "phase": None if new.phase is None else new.phase.value,
        "password_hash": None if change.password_hash is None else change.password_hash.get_secret_value(),
        "created_at": micros(change.at),
        "contact_key": None if new.contact is None else contact_key(new.contact),
        "external_id": new.external_id,
        "contact_verified": new.contact_verified,
        "hash_kind": number_of(change.hash_kind),
        "failures": 0,
    }


def erase_account(change: AccountErased) -> Program[None]:
    """Delete all that is the account's, and enter its identifiers in the tombstones."""
    if not (yield Write(_IF_OF_EPOCH, {"which": change.account_id, "seen": change.epoch})):
        yield from _refuse(change.account_id, Precondition.EPOCH_CHANGED)
    for statement in _ERASE:
        yield Write(statement, {"which": change.account_id})
    yield from enter_tombstones(change.tombstones, change.at)


def replace_password(change: PasswordReplaced) -> Program[None]:
    """Set the hash if the stored one is still the expected one; ``None`` expects that there is none."""
    was = None if change.was is None else change.was.get_secret_value()
    values = {"which": change.account_id, "was": was, "now": change.now.get_secret_value()}
    if not (yield Write(_REPLACE_PASSWORD, {**values, "kind": number_of(change.hash_kind)})):
        yield from _refuse(change.account_id, Precondition.PASSWORD_CHANGED)
    yield from enter_kinds([change.hash_kind])


def set_password(change: PasswordSet) -> Program[None]:
    """Set the hash, or remove it."""
    now = None if change.now is None else change.now.get_secret_value()
    values = {"which": change.account_id, "now": now, "kind": number_of(change.hash_kind)}
    yield Write(_SET_PASSWORD, values, otherwise=Precondition.ACCOUNT_MISSING)
    yield from enter_kinds([change.hash_kind])


def count_failure(change: FailureCounted) -> Program[None]:
    """Count one more failure, if it is rightly said whether it reaches the limit."""
    statement = _COUNT_LAST_FAILURE if change.reaches else _COUNT_FAILURE
    if not (yield Write(statement, {"which": change.account_id, "before": change.limit - 1})) and change.account_id:
        rows: list[Row] = yield Read(_STANDING, {"which": change.account_id})
        if rows:
            raise UnmetError(Precondition.FAILURES_CHANGED)


def clear_failures(change: FailuresCleared) -> Program[None]:
    """Forget the failures."""
    yield Write(_CLEAR_FAILURES, {"which": change.account_id})


def change_status(change: StatusChanged) -> Program[None]:
    """Compare and set the status."""
    values = {"which": change.account_id, "was": change.was.value, "now": change.now.value}
    if not (yield Write(_CHANGE_STATUS, values)):
        yield from _refuse(change.account_id, Precondition.STATUS_CHANGED)


def advance_epoch(change: EpochAdvanced) -> Program[None]:
    """Add one to the epoch in the database."""
    yield Write(_ADVANCE_EPOCH, {"which": change.account_id}, otherwise=Precondition.ACCOUNT_MISSING)


def change_contact(change: ContactChanged) -> Program[None]:
    """Compare and set the contact address."""
    key = None if change.contact is None else contact_key(change.contact)
    values = {"which": change.account_id, "now": change.contact, "found_by": key, "verified": change.verified}
    if change.was is ...:
        yield Write(_CHANGE_CONTACT, values, otherwise=Precondition.ACCOUNT_MISSING)
    elif not (yield Write(_REPLACE_CONTACT, {**values, "was": change.was})):
        yield from _refuse(change.account_id, Precondition.CONTACT_CHANGED)


def require_unchanged(change: AccountUnchanged) -> Program[None]:
    """Refuse the commit unless every column of the account is as expected. The write changes no value."""
    one = change.account
    phase = None if one.phase is None else one.phase.value
    was = (one.realm, one.display_name, one.language, one.status.value, one.epoch, one.contact, phase, one.external_id)
    names = (f"was_{column.name}" for column in ACCOUNT[1:])
    values = {"which": one.id, **dict(zip(names, (*was, one.contact_verified), strict=True))}
    if not (yield Write(_UNCHANGED, values)):
        yield from _refuse(change.account.id, Precondition.ACCOUNT_CHANGED)


def verify_contact(change: ContactVerified) -> Program[None]:
    """Mark the contact as verified, if it is still this one."""
    if not (yield Write(_VERIFY_CONTACT, {"which": change.account_id, "seen": change.contact})):
        yield from _refuse(change.account_id, Precondition.CONTACT_CHANGED)


def change_profile(change: ProfileChanged) -> Program[None]:
    """Set display name, language, or both."""
    values = {"which": change.account_id, "name": change.display_name, "spoken": change.language}
    yield Write(_CHANGE_PROFILE, values, otherwise=Precondition.ACCOUNT_MISSING)


def refuse_session(account_id: AccountId) -> Program[None]:
    """Refuse the commit: the account is missing, is disabled, or is of another epoch than the session."""
    rows: list[Row] = yield Read(_STANDING, {"which": account_id})
    if not rows:
        raise UnmetError(Precondition.ACCOUNT_MISSING)
    is_active = rows[0][0] == Status.ACTIVE.value
    raise UnmetError(Precondition.EPOCH_CHANGED if is_active else Precondition.STATUS_CHANGED)


def _refuse(account_id: AccountId, changed: Precondition) -> Program[None]:
    """Refuse the commit: the account is missing, or else *changed* is the reason."""
    rows: list[Row] = yield Read(_STANDING, {"which": account_id})
    raise UnmetError(changed if rows else Precondition.ACCOUNT_MISSING)
