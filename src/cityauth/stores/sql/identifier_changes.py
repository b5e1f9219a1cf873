"""Changes to identifiers. The primary key decides who has one: there is one namespace over all kinds."""

import sqlite3
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from cityauth.core.changes import AccountAdded, IdentifierAdded, IdentifierReleased, IdentifierRetired, Precondition
from cityauth.core.resolution import IdentifierStatus
from cityauth.stores.sql.failures import is_taken
from cityauth.stores.sql.rows import micros
from cityauth.stores.sql.statements import Driver
from cityauth.stores.sql.tables import account, identifier
from cityauth.stores.sql.tombstones import holds_any

_OWN = (identifier.c.key == bindparam("which")) & (identifier.c.account_id == bindparam("holder"))
_ADD: Final = insert(identifier)
_TOKEN: Final = insert(identifier).from_select(
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


def add_identifiers(driver: Driver, change: AccountAdded) -> Precondition | None:
    """Insert the identifiers of a new account."""
    rows = [
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
    try:
        for row in rows:
            driver.execute(_ADD, row)
    except sqlite3.IntegrityError as error:
        if not is_taken(error):
            raise
        return Precondition.IDENTIFIER_TAKEN
    return Precondition.IDENTIFIER_TAKEN if holds_any(driver, change.tombstones) else None


def add_identifier(driver: Driver, change: IdentifierAdded) -> Precondition | None:
    """Give the account one of its own identifiers back, or a new one."""
    new = change.identifier
    own = {"which": new.key, "holder": change.account_id, "sort": new.kind, "form": new.shown}
    if driver.execute(_TAKE_BACK, own).rowcount:
        return None
    row = {
        "key": new.key,
        "holder": change.account_id,
        "kind": new.kind,
        "shown": new.shown,
        "status": IdentifierStatus.ACTIVE.value,
        "since": micros(change.at),
    }
    try:
        if not driver.execute(_TOKEN, row).rowcount:
            return Precondition.ACCOUNT_MISSING
    except sqlite3.IntegrityError as error:
        if not is_taken(error):
            raise
        return Precondition.IDENTIFIER_TAKEN
    return Precondition.IDENTIFIER_TAKEN if holds_any(driver, change.tombstones) else None


def release_identifier(driver: Driver, change: IdentifierReleased) -> Precondition | None:
    """Delete the identifier if it is retired and this account's."""
    done = driver.execute(_RELEASE, {"which": change.key, "holder": change.account_id})
    return None if done.rowcount else Precondition.IDENTIFIER_CHANGED


def retire_identifier(driver: Driver, change: IdentifierRetired) -> Precondition | None:
    """Retire the identifier if it is active and this account's."""
    done = driver.execute(_RETIRE, {"which": change.key, "holder": change.account_id})
    return None if done.rowcount else Precondition.IDENTIFIER_CHANGED
