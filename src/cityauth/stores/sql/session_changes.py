"""Changes to sessions."""

from typing import Final

from sqlalchemy import bindparam, delete, exists, insert, literal, select, update

from cityauth.core.accounts import Status
from cityauth.core.changes import Precondition, SessionClosed, SessionOpened, SessionRequired, SessionsClosed
from cityauth.stores.sql.account_changes import why_not_open
from cityauth.stores.sql.rows import micros
from cityauth.stores.sql.statements import Driver
from cityauth.stores.sql.tables import account, session

# Locks the account where rows can be locked, so that disabling it waits, or is waited for.
_OPEN: Final = insert(session).from_select(
    [column.name for column in session.c],
    select(*(bindparam(column.name, type_=column.type) for column in session.c))
    .where(
        account.c.id == bindparam("account_id", type_=account.c.id.type),
        account.c.status == Status.ACTIVE.value,
        account.c.epoch == bindparam("epoch", type_=account.c.epoch.type),
    )
    .with_for_update(key_share=True),
)
# Writes nothing new: its row count decides, and it locks the row where rows can be locked.
_REQUIRE: Final = (
    update(session)
    .where(
        session.c.digest == bindparam("which"),
        session.c.account_id == bindparam("holder"),
        session.c.seen_at > bindparam("used_after"),
        session.c.opened_at > bindparam("opened_after"),
        session.c.seen_at <= bindparam("until"),
        session.c.opened_at <= bindparam("until"),
        exists(literal(1)).where(
            account.c.id == session.c.account_id,
            account.c.status == Status.ACTIVE.value,
            account.c.epoch == session.c.epoch,
        ),
    )
    .values(seen_at=session.c.seen_at)
)
_OTHERS = (session.c.account_id == bindparam("of")) & (session.c.digest != bindparam("but"))
_CLOSE_ALL: Final = delete(session).where(session.c.account_id == bindparam("of"))
_CLOSE_OTHERS: Final = _CLOSE_ALL.where(session.c.family != bindparam("kept"))
_BEYOND: Final = (
    select(session.c.digest)
    .where(_OTHERS)
    .order_by(session.c.opened_at.desc(), session.c.digest.desc())
    .offset(bindparam("spared"))
)
_CLOSE: Final = delete(session).where(session.c.digest == bindparam("which"))
_CLOSE_FAMILY: Final = delete(session).where(session.c.family == bindparam("which"))
TOUCH: Final = (
    update(session)
    .where(session.c.digest == bindparam("which"), session.c.seen_at < bindparam("at"))
    .values(seen_at=bindparam("at"))
)
"""Moves a session's last use forward; a closed one has no row to revive."""
PURGE: Final = delete(session).where(session.c.opened_at < bindparam("before"))
"""Deletes the sessions that were opened before a moment."""


def open_session(driver: Driver, change: SessionOpened) -> Precondition | None:
    """Insert the session if the account is active and of its epoch, then end the oldest others."""
    opened = change.session
    row = {
        "digest": opened.digest,
        "family": opened.family,
        "handle": opened.handle,
        "account_id": opened.account_id,
        "epoch": opened.epoch,
        "opened_at": micros(opened.opened_at),
        "seen_at": micros(opened.seen_at),
        "verified_at": None if opened.verified_at is None else micros(opened.verified_at),
        "remembered": opened.remembered,
        "method": opened.method,
        "identifier_kind": opened.identifier_kind,
        "address": opened.address,
        "user_agent": opened.user_agent,
    }
    if not driver.execute(_OPEN, row).rowcount:
        return why_not_open(driver, opened.account_id)
    spared = max(change.per_account - 1, 0)
    others = {"of": opened.account_id, "but": opened.digest, "spared": spared}
    for (digest,) in driver.execute(_BEYOND, others).all():  # none but for who has very many
        driver.execute(_CLOSE, {"which": digest})
    return None


def require_session(driver: Driver, change: SessionRequired) -> Precondition | None:
    """Refuse the commit unless the session lives."""
    values = {
        "which": change.digest,
        "holder": change.account_id,
        "used_after": micros(change.used_after),
        "opened_after": micros(change.opened_after),
        "until": micros(change.until),
    }
    return None if driver.execute(_REQUIRE, values).rowcount else Precondition.SESSION_MISSING


def close_session(driver: Driver, change: SessionClosed) -> Precondition | None:
    """Delete the session of the family, if there is one."""
    closed = driver.execute(_CLOSE_FAMILY, {"which": change.family}).rowcount
    return Precondition.SESSION_MISSING if change.must_be_open and not closed else None


def close_sessions(driver: Driver, change: SessionsClosed) -> None:
    """Delete the account's sessions, but for one."""
    if change.keep is None:
        driver.execute(_CLOSE_ALL, {"of": change.account_id})
    else:
        driver.execute(_CLOSE_OTHERS, {"of": change.account_id, "kept": change.keep})
