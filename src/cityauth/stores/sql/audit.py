"""The audit trail: its rows, its look-ups, and the lines that a commit writes or counts up."""

import json
from types import MappingProxyType
from typing import Final

from sqlalchemy import bindparam, insert, select, update

from cityauth.core.accounts import AccountId
from cityauth.core.audit import AuditEvent, AuditEventType, EventSummed, one_more
from cityauth.core.changes import Committed, EventRecorded
from cityauth.stores.sql.programs import Program, Read, Write, lock_name, look_up
from cityauth.stores.sql.rows import Row
from cityauth.stores.sql.tables import event, micros, moment

_EVENT = tuple(column for column in event.c if column is not event.c.number)
_OF_ACCOUNT: Final = select(*_EVENT).where(event.c.account_id == bindparam("account_id")).order_by(event.c.number)
_TRAIL: Final = select(*_EVENT).order_by(event.c.number)
_TRAIL_END: Final = select(*_EVENT).order_by(event.c.number.desc()).limit(bindparam("limit"))
_THE_LINE = (event.c.account_id == bindparam("of"), event.c.id == bindparam("name"))
_DETAIL: Final = select(event.c.detail).where(*_THE_LINE)
_RAISE: Final = update(event).where(*_THE_LINE).values(detail=bindparam("more"))
_RECORD: Final = insert(event).inline().values({column.name: bindparam(column.name) for column in _EVENT})
_JSON: Final = json.JSONEncoder(ensure_ascii=False)


def _event_of(row: Row) -> AuditEvent:
    """Read a row of `_EVENT`."""
    event_id, what, at, account_id, reason, identifier_hash, address, user_agent, detail = row
    return AuditEvent(
        event_id,
        AuditEventType(what),
        moment(at),
        AccountId(account_id) if account_id else None,
        reason,
        identifier_hash,
        address,
        user_agent,
        MappingProxyType(json.loads(detail)),
    )


def events(account_id: AccountId) -> Program[list[AuditEvent]]:
    """Return one account's audit trail, oldest first."""
    return look_up(_event_of, _OF_ACCOUNT, {"account_id": account_id})


def trail(limit: int | None) -> Program[list[AuditEvent]]:
    """Return the audit trail of all accounts, oldest first; only its last *limit* lines when given."""
    if limit is None:
        return (yield from look_up(_event_of, _TRAIL, {}))
    return (yield from look_up(_event_of, _TRAIL_END, {"limit": limit}))[::-1]


def record(change: EventRecorded) -> Program[None]:
    """Insert a line. If the line is there already, the whole commit was applied before."""
    yield Write(_RECORD, _row_of(change.event), taken=Committed())


def sum_up(change: EventSummed) -> Program[None]:
    """Insert a line, or count one more in the line that is there, while no other transaction does the same."""
    summed = change.event
    yield lock_name(f"audit {summed.id}")
    line = {"of": summed.account_id or "", "name": summed.id}
    rows: list[Row] = yield Read(_DETAIL, line)
    if rows:
        more = one_more(json.loads(rows[0][0]))
        yield Write(_RAISE, {**line, "more": _JSON.encode(dict(more))})
    else:
        yield Write(_RECORD, _row_of(summed))


def _row_of(recorded: AuditEvent) -> dict[str, object]:
    """Return the columns of a line."""
    return {
        "id": recorded.id,
        "what": recorded.what.value,
        "at": micros(recorded.at),
        "account_id": recorded.account_id or "",
        "reason": recorded.reason,
        "identifier_hash": recorded.identifier_hash,
        "address": recorded.address,
        "user_agent": recorded.user_agent,
        "detail": _JSON.encode(dict(recorded.detail)) if recorded.detail else "{}",
    }
