"""Identifiers: their rows and their changes. The primary key lets one account alone hold a key, of any kind and status.

A tombstone is what is kept of an identifier of an erased account, so that it does not pass to another person.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from cityauth.core.accounts import AccountId
from cityauth.core.changes import (
    AccountAdded,
    IdentifierAdded,
    IdentifierReleased,
    IdentifierRetired,
    Precondition,
    TombstonesReleased,
)
from cityauth.core.identifiers import Identifier
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.stores.sql.programs import Program, Read, UnmetError, Write, WriteMany, insert_missing, look_up_alike
from cityauth.stores.sql.rows import Row, maker
from cityauth.stores.sql.tables import account, identifier, micros, tombstone

_STATUS = {one.value: one for one in IdentifierStatus}
_identifier, _account_identifier = maker(Identifier), maker(AccountIdentifier)

ACCOUNT_IDENTIFIER = (identifier.c.kind, identifier.c.shown, identifier.c.key, identifier.c.status)
"""The columns that `account_identifier_of` reads."""
NO_IDENTIFIER: Final = ("email", "nobody@example.com", "nobody@example.com", IdentifierStatus.ACTIVE.value)
"""Stands for a row of them; see `look_up_alike`."""
_OF_ACCOUNT: Final = (
    select(*ACCOUNT_IDENTIFIER)
    .where(identifier.c.account_id == bindparam("account_id"))
    .order_by(identifier.c.position)
)
_OWN = (identifier.c.key == bindparam("which")) & (identifier.c.account_id == bindparam("holder"))
ADD_FIRST: Final = insert(identifier)
_ADD_NEW: Final = insert(identifier).from_select(
    [column.name for column in identifier.c],
    select(
        bindparam("key", type_=identifier.c.key.type),
        account.c.id,
        bindparam("kind", type_=identifier.c.kind.type),
        bindparam("shown", type_=identifier.c.shown.type),
        bindparam("status", type_=identifier.c.status.type),
        bindparam("since", type_=identifier.c.since.type),
        select(func.coalesce(func.max(identifier.c.position) + 1, 0))
        .where(identifier.c.account_id == account.c.id)
        .scalar_subquery(),
    ).where(account.c.id == bindparam("holder")),
)
_TAKE_BACK: Final = (
    update(identifier)
    .where(_OWN, identifier.c.status != IdentifierStatus.CONTESTED.value)
    .values(status=IdentifierStatus.ACTIVE.value, kind=bindparam("sort"), shown=bindparam("form"))
)
_RELEASE: Final = delete(identifier).where(_OWN, identifier.c.status == IdentifierStatus.RETIRED.value)
_RETIRE: Final = (
    update(identifier)
    .where(_OWN, identifier.c.status == IdentifierStatus.ACTIVE.value)
    .values(status=IdentifierStatus.RETIRED.value)
)
_ANY_TOMBSTONE: Final = (
    select(tombstone.c.digest).where(tombstone.c.digest.in_(bindparam("digests", expanding=True))).limit(1)
)
_RELEASE_TOMBSTONE: Final = delete(tombstone).where(tombstone.c.digest == bindparam("which"))
_ENTER_TOMBSTONE: Final = insert_missing(tombstone)


def account_identifier_of(row: Row) -> AccountIdentifier:
    """Read a row of `ACCOUNT_IDENTIFIER`."""
    kind, shown, key, status = row
    return _account_identifier(_identifier(kind, shown, key), _STATUS[status])


def account_identifiers(account_id: AccountId) -> Program[list[AccountIdentifier]]:
    """Return an account's identifiers, oldest first."""
    return look_up_alike(account_identifier_of, _OF_ACCOUNT, {"account_id": account_id}, NO_IDENTIFIER)


def has_tombstone(digests: Sequence[bytes]) -> Program[bool]:
    """Whether an erased account held one of the identifiers."""
    return bool(digests) and bool((yield Read(_ANY_TOMBSTONE, {"digests": list(digests)})))


def add_identifiers(change: AccountAdded) -> Program[None]:
    """Insert the identifiers of a new account."""
    yield WriteMany(ADD_FIRST, values_of_identifiers(change), taken=Precondition.IDENTIFIER_TAKEN)
    yield from refuse_tombstones(change.tombstones)


def values_of_identifiers(change: AccountAdded) -> list[dict[str, object]]:
    """Return the rows of a new account's identifiers."""
    return [
        {
            "key": account_identifier.identifier.key,
            "account_id": change.account.id,
            "kind": account_identifier.identifier.kind,
            "shown": account_identifier.identifier.shown,
            "status": account_identifier.status.value,
            "since": micros(change.at),
            "position": position,
        }
        for position, account_identifier in enumerate(change.account_identifiers)
    ]


def add_identifier(change: IdentifierAdded) -> Program[None]:
    """Give the account one of its own identifiers back, or a new one."""
    new = change.identifier
    own = {"which": new.key, "holder": change.account_id, "sort": new.kind, "form": new.shown}
    if (yield Write(_TAKE_BACK, own)):
        return
    row = {
        "key": new.key,
        "holder": change.account_id,
        "kind": new.kind,
        "shown": new.shown,
        "status": IdentifierStatus.ACTIVE.value,
        "since": micros(change.at),
    }
    yield Write(_ADD_NEW, row, otherwise=Precondition.ACCOUNT_MISSING, taken=Precondition.IDENTIFIER_TAKEN)
    yield from refuse_tombstones(change.tombstones)


def release_identifier(change: IdentifierReleased) -> Program[None]:
    """Delete the identifier if it is retired and this account's."""
    own = {"which": change.key, "holder": change.account_id}
    yield Write(_RELEASE, own, otherwise=Precondition.IDENTIFIER_CHANGED)


def retire_identifier(change: IdentifierRetired) -> Program[None]:
    """Retire the identifier if it is active and this account's."""
    own = {"which": change.key, "holder": change.account_id}
    yield Write(_RETIRE, own, otherwise=Precondition.IDENTIFIER_CHANGED)


def enter_tombstones(digests: Sequence[bytes], at: datetime) -> Program[None]:
    """Keep the tombstones of an erased account's identifiers; those that are there already stay as they are."""
    yield WriteMany(_ENTER_TOMBSTONE, [{"digest": digest, "since": micros(at)} for digest in sorted(digests)])


def release_tombstones(change: TombstonesReleased) -> Program[None]:
    """Delete the tombstones, one of which must be there."""
    if not (yield WriteMany(_RELEASE_TOMBSTONE, [{"which": digest} for digest in change.tombstones])):
        raise UnmetError(Precondition.IDENTIFIER_CHANGED)


def refuse_tombstones(digests: Sequence[bytes]) -> Program[None]:
    """Refuse the commit if an erased account held one of the identifiers.

    It reads after the identifier was written, so it sees an erasure that was committed meanwhile.
    """
    if (yield from has_tombstone(digests)):
        raise UnmetError(Precondition.IDENTIFIER_TAKEN)
