"""Changes to accounts. The write decides; a read after it only names what did not hold."""

import sqlite3
from typing import Final

from sqlalchemy import Text, bindparam, delete, func, insert, select, update

from cityauth.core.accounts import AccountId, Status
from cityauth.core.changes import (
    AccountAdded,
    AccountErased,
    ContactChanged,
    EpochAdvanced,
    PasswordReplaced,
    PasswordSet,
    Precondition,
    ProfileChanged,
    StatusChanged,
)
from cityauth.core.mail import contact_key
from cityauth.stores.sql.failures import is_taken
from cityauth.stores.sql.identifier_changes import add_identifiers
from cityauth.stores.sql.rows import micros
from cityauth.stores.sql.statements import Driver
from cityauth.stores.sql.tables import account, identifier, one_time_token, session
from cityauth.stores.sql.tombstones import enter

_THE_ACCOUNT = account.c.id == bindparam("which")
_STANDING: Final = select(account.c.status, account.c.epoch).where(_THE_ACCOUNT)
_ADD_ACCOUNT: Final = insert(account)
_REPLACE_PASSWORD: Final = (
    update(account)
    .where(_THE_ACCOUNT, account.c.password_hash.is_not_distinct_from(bindparam("was")))
    .values(password_hash=bindparam("now"))
)
_SET_PASSWORD: Final = update(account).where(_THE_ACCOUNT).values(password_hash=bindparam("now"))
_CHANGE_STATUS: Final = (
    update(account).where(_THE_ACCOUNT, account.c.status == bindparam("was")).values(status=bindparam("now"))
)
_ADVANCE_EPOCH: Final = update(account).where(_THE_ACCOUNT).values(epoch=account.c.epoch + 1)
_CHANGE_CONTACT: Final = (
    update(account).where(_THE_ACCOUNT).values(contact=bindparam("now"), contact_key=bindparam("found_by"))
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
    delete(account).where(_THE_ACCOUNT),  # the last one: its row count decides
)


def add_account(driver: Driver, change: AccountAdded) -> Precondition | None:
    """Insert the account, then its identifiers; the primary keys decide."""
    new = change.account
    row = {
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
    }
    try:
        driver.execute(_ADD_ACCOUNT, row)
    except sqlite3.IntegrityError as error:
        if not is_taken(error):
            raise
        return Precondition.ACCOUNT_EXISTS
    return add_identifiers(driver, change)


def erase_account(driver: Driver, change: AccountErased) -> Precondition | None:
    """Delete all that is the account's, and enter its identifiers in the tombstones."""
    advanced = driver.execute(_IF_OF_EPOCH, {"which": change.account_id, "seen": change.epoch})
    if not advanced.rowcount:
        return _missing_or(driver, change.account_id, Precondition.EPOCH_CHANGED)
    for statement in _ERASE:
        driver.execute(statement, {"which": change.account_id})
    enter(driver, change.tombstones, change.at)
    return None


def replace_password(driver: Driver, change: PasswordReplaced) -> Precondition | None:
    """Set the hash if the stored one is still the expected one; both may be none."""
    was = None if change.was is None else change.was.get_secret_value()
    values = {"which": change.account_id, "was": was, "now": change.now.get_secret_value()}
    done = driver.execute(_REPLACE_PASSWORD, values)
    return None if done.rowcount else _missing_or(driver, change.account_id, Precondition.PASSWORD_CHANGED)


def set_password(driver: Driver, change: PasswordSet) -> Precondition | None:
    """Set the hash, or leave none."""
    now = None if change.now is None else change.now.get_secret_value()
    done = driver.execute(_SET_PASSWORD, {"which": change.account_id, "now": now})
    return None if done.rowcount else Precondition.ACCOUNT_MISSING


def change_status(driver: Driver, change: StatusChanged) -> Precondition | None:
    """Compare and set the status."""
    values = {"which": change.account_id, "was": change.was.value, "now": change.now.value}
    done = driver.execute(_CHANGE_STATUS, values)
    return None if done.rowcount else _missing_or(driver, change.account_id, Precondition.STATUS_CHANGED)


def advance_epoch(driver: Driver, change: EpochAdvanced) -> Precondition | None:
    """Count the epoch up where it is stored."""
    done = driver.execute(_ADVANCE_EPOCH, {"which": change.account_id})
    return None if done.rowcount else Precondition.ACCOUNT_MISSING


def change_contact(driver: Driver, change: ContactChanged) -> Precondition | None:
    """Set the contact address."""
    key = None if change.contact is None else contact_key(change.contact)
    done = driver.execute(_CHANGE_CONTACT, {"which": change.account_id, "now": change.contact, "found_by": key})
    return None if done.rowcount else Precondition.ACCOUNT_MISSING


def change_profile(driver: Driver, change: ProfileChanged) -> Precondition | None:
    """Set display name, language, or both."""
    values = {"which": change.account_id, "name": change.display_name, "spoken": change.language}
    done = driver.execute(_CHANGE_PROFILE, values)
    return None if done.rowcount else Precondition.ACCOUNT_MISSING


def standing(driver: Driver, account_id: AccountId) -> tuple[str, int] | None:
    """Return the account's status and epoch as the transaction sees them; ``None`` when it is missing."""
    row = driver.execute(_STANDING, {"which": account_id}).first()
    return None if row is None else (row[0], row[1])


def why_not_open(driver: Driver, account_id: AccountId) -> Precondition:
    """Say why the account can have no session of an epoch that did not match."""
    found = standing(driver, account_id)
    if found is None:
        return Precondition.ACCOUNT_MISSING
    return Precondition.EPOCH_CHANGED if found[0] == Status.ACTIVE.value else Precondition.STATUS_CHANGED


def _missing_or(driver: Driver, account_id: AccountId, changed: Precondition) -> Precondition:
    return Precondition.ACCOUNT_MISSING if standing(driver, account_id) is None else changed
