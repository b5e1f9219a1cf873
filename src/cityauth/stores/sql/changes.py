"""Which function applies which change, and how a commit applies them all."""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import bindparam, insert

from cityauth.core.audit import AuditEvent
from cityauth.core.changes import (
    AccountAdded,
    AccountErased,
    Change,
    Committed,
    ContactChanged,
    EpochAdvanced,
    EventRecorded,
    IdentifierAdded,
    IdentifierReleased,
    IdentifierRetired,
    MailQueued,
    PasswordReplaced,
    PasswordSet,
    Precondition,
    ProfileChanged,
    Rejected,
    SessionClosed,
    SessionOpened,
    SessionRequired,
    SessionsClosed,
    StatusChanged,
    TokenIssued,
    TokensRevoked,
    TokenUsed,
    TombstonesReleased,
)
from cityauth.stores.sql import account_changes, identifier_changes, outbox, session_changes, token_changes, tombstones
from cityauth.stores.sql.failures import is_taken
from cityauth.stores.sql.rows import micros
from cityauth.stores.sql.statements import Driver
from cityauth.stores.sql.tables import event

Apply: TypeAlias = Callable[[Driver, Any], Precondition | None]

APPLY: Final[Mapping[type[Change], Apply]] = {
    AccountAdded: account_changes.add_account,
    IdentifierAdded: identifier_changes.add_identifier,
    IdentifierRetired: identifier_changes.retire_identifier,
    IdentifierReleased: identifier_changes.release_identifier,
    TombstonesReleased: tombstones.release,
    PasswordReplaced: account_changes.replace_password,
    PasswordSet: account_changes.set_password,
    StatusChanged: account_changes.change_status,
    EpochAdvanced: account_changes.advance_epoch,
    ContactChanged: account_changes.change_contact,
    ProfileChanged: account_changes.change_profile,
    AccountErased: account_changes.erase_account,
    SessionOpened: session_changes.open_session,
    SessionRequired: session_changes.require_session,
    SessionClosed: session_changes.close_session,
    SessionsClosed: session_changes.close_sessions,
    TokenIssued: token_changes.issue_token,
    TokenUsed: token_changes.use_token,
    TokensRevoked: token_changes.revoke_tokens,
    MailQueued: outbox.queue_mail,
}
"""Each function writes inside the commit's transaction and returns what did not hold, if anything.

`EventRecorded` is missing: events go first, all of them, since they tell whether the commit is a repeated one.
"""

_RECORD: Final = insert(event).values(
    {column.name: bindparam(column.name) for column in event.c if column is not event.c.number}
)
_JSON: Final = json.JSONEncoder(ensure_ascii=False)


DURABLE: Final = frozenset(
    {
        AccountErased,
        EpochAdvanced,
        PasswordSet,
        SessionClosed,
        SessionsClosed,
        StatusChanged,
        TokensRevoked,
        TokenUsed,
    }
)
"""Changes that take something from somebody: a commit with one of them waits for the disk whatever the setting."""


class Rollback(Exception):  # noqa: N818 - no error: it undoes the transaction and is caught outside it
    """The commit ends with *outcome*, and nothing of it stays."""

    def __init__(self, outcome: Committed | Rejected) -> None:
        self.outcome = outcome


def apply(driver: Driver, changes: Sequence[Change]) -> Committed:
    """Apply *changes* within a transaction.

    Raises:
        Rollback: a precondition did not hold, or all of it was committed before.
    """
    events = {one.event.id: one.event for one in changes if isinstance(one, EventRecorded)}
    try:
        for event in events.values():
            driver.execute(_RECORD, _row_of(event))
    except sqlite3.IntegrityError as error:
        if not is_taken(error):
            raise
        raise Rollback(Committed()) from None
    for change in changes:
        if not isinstance(change, EventRecorded):
            failed = APPLY[type(change)](driver, change)
            if failed is not None:
                raise Rollback(Rejected(change, failed))
    return Committed()


def _row_of(event: AuditEvent) -> dict[str, object]:
    return {
        "id": event.id,
        "what": event.what.value,
        "at": micros(event.at),
        "account_id": event.account_id or "",
        "reason": event.reason,
        "identifier_hash": event.identifier_hash,
        "address": event.address,
        "user_agent": event.user_agent,
        "detail": _JSON.encode(dict(event.detail)) if event.detail else "{}",
    }
