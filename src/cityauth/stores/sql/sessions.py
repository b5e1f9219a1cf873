"""Sessions: their rows, their look-ups and their changes."""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, exists, func, insert, literal, select, update

from cityauth.core.accounts import AccountId, Status
from cityauth.core.changes import Precondition, SessionClosed, SessionOpened, SessionRequired, SessionsClosed
from cityauth.core.sessions import LiveSession, Session
from cityauth.stores.sql.accounts import ACCOUNT, account_of, refuse_session
from cityauth.stores.sql.programs import Program, Read, Write, look_up, look_up_one, write
from cityauth.stores.sql.rows import Row, maker
from cityauth.stores.sql.tables import account, micros, moment, session

_session, _live_session = maker(Session), maker(LiveSession)

_SESSION = tuple(column for column in session.c if column is not session.c.position)
_LIVE_SESSION = select(*_SESSION, *ACCOUNT[1:]).join_from(session, account)  # the account's id is the session's
_FIND: Final = _LIVE_SESSION.where(session.c.digest == bindparam("digest"))
_FIND_FAMILY: Final = _LIVE_SESSION.where(session.c.family == bindparam("family"))
_OF_ACCOUNT: Final = (
    select(*_SESSION)
    .where(session.c.account_id == bindparam("account_id"))
    .order_by(session.c.seen_at.desc(), session.c.digest)
)
# Locks the account's row where a database locks rows: this and the disabling of the account wait for each other.
_OPEN: Final = insert(session).from_select(
    [*(column.name for column in _SESSION), session.c.position.name],
    select(*(bindparam(column.name, type_=column.type) for column in (*_SESSION, session.c.position)))
    .where(
        account.c.id == bindparam("account_id", type_=account.c.id.type),
        account.c.status == Status.ACTIVE.value,
        account.c.epoch == bindparam("epoch", type_=account.c.epoch.type),
    )
    .with_for_update(key_share=True),
)
# Changes no value. Its row count decides, and it locks the row where a database locks rows.
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
_CLOSE_ALL: Final = delete(session).where(session.c.account_id == bindparam("of"))
_CLOSE_OTHERS: Final = _CLOSE_ALL.where(session.c.family != bindparam("kept"))
_NUMBER_OPEN: Final = select(func.count(), func.max(session.c.position)).where(session.c.account_id == bindparam("of"))
_OLDEST_FIRST: Final = (
    select(session.c.digest)
    .where(session.c.account_id == bindparam("of"), session.c.digest != bindparam("kept"))
    .order_by(session.c.position, session.c.digest)
    .limit(bindparam("most"))
)
_CLOSE: Final = delete(session).where(session.c.digest == bindparam("which"))
_CLOSE_FAMILY: Final = delete(session).where(session.c.family == bindparam("which"))
_TOUCH: Final = (
    update(session)
    .where(session.c.digest == bindparam("which"), session.c.seen_at < bindparam("at"))
    .values(seen_at=bindparam("at"))
)
_PURGE: Final = delete(session).where(session.c.opened_at < bindparam("before"))


def _session_of(row: Row) -> Session:
    """Read a row of `_SESSION`."""
    digest, family, handle, account_id, epoch, opened, seen, verified, remembered, method, kind, address, agent = row
    opened_at = moment(opened)  # most often the others equal it, and each reading takes time
    return _session(
        digest,
        family,
        handle,
        account_id,
        epoch,
        opened_at,
        opened_at if seen == opened else moment(seen),
        None if verified is None else opened_at if verified == opened else moment(verified),
        bool(remembered),
        method,
        kind,
        address,
        agent,
    )


def _live_session_of(row: Row) -> LiveSession:
    """Read a row of `_LIVE_SESSION`."""
    return _live_session(_session_of(row[:13]), account_of((row[3], *row[13:])))


def find_session(digest: bytes) -> Program[LiveSession | None]:
    """Return a session with its account."""
    return look_up_one(_live_session_of, _FIND, {"digest": digest})


def find_family(family: bytes) -> Program[LiveSession | None]:
    """Return the session of a family with its account."""
    return look_up_one(_live_session_of, _FIND_FAMILY, {"family": family})


def list_sessions(account_id: AccountId) -> Program[list[Session]]:
    """Return an account's sessions, the last used first."""
    return look_up(_session_of, _OF_ACCOUNT, {"account_id": account_id})


def touch_session(digest: bytes, at: datetime) -> Program[int]:
    """Move a session's last use forward; a closed one has no row to revive."""
    return write(_TOUCH, {"which": digest, "at": micros(at)})


def purge_sessions(opened_before: datetime) -> Program[int]:
    """Delete the sessions that were opened before a moment."""
    return write(_PURGE, {"before": micros(opened_before)})


def open_session(change: SessionOpened) -> Program[None]:
    """Insert the session if the account is active and of its epoch, then end the oldest sessions beyond the limit.

    Its position is counted from the stored ones: by the clocks of two hosts the oldest may be another one. The
    INSERT does not count it, because SQLite copies the rows of an INSERT that reads its own table.
    """
    opened = change.session
    rows: list[Row] = yield Read(_NUMBER_OPEN, {"of": opened.account_id})
    open_already, newest = rows[0]
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
        "position": newest + 1 if open_already else 0,
    }
    if not (yield Write(_OPEN, row)):
        yield from refuse_session(opened.account_id)
    if (excess := open_already + 1 - max(change.per_account, 1)) > 0:  # only an account with very many sessions
        values = {"of": opened.account_id, "kept": opened.digest, "most": excess}
        oldest: list[Row] = yield Read(_OLDEST_FIRST, values)
        for (digest,) in oldest:
            yield Write(_CLOSE, {"which": digest}, durable=True)


def require_session(change: SessionRequired) -> Program[None]:
    """Refuse the commit unless the session is still valid."""
    values = {
        "which": change.digest,
        "holder": change.account_id,
        "used_after": micros(change.used_after),
        "opened_after": micros(change.opened_after),
        "until": micros(change.until),
    }
    yield Write(_REQUIRE, values, otherwise=Precondition.SESSION_MISSING)


def close_session(change: SessionClosed) -> Program[None]:
    """Delete the session of the family, if there is one."""
    otherwise = Precondition.SESSION_MISSING if change.must_be_open else None
    yield Write(_CLOSE_FAMILY, {"which": change.family}, otherwise=otherwise)


def close_sessions(change: SessionsClosed) -> Program[None]:
    """Delete the account's sessions, but for one."""
    if change.keep is None:
        yield Write(_CLOSE_ALL, {"of": change.account_id})
    else:
        yield Write(_CLOSE_OTHERS, {"of": change.account_id, "kept": change.keep})
