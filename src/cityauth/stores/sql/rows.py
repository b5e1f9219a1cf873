"""Rows into values. Rows are read by position: each function says which columns it wants, in order."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeVar

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.audit import AuditEvent, AuditEventType
from cityauth.core.identifiers import Identifier
from cityauth.core.links import OneTimeToken
from cityauth.core.mail import OutboxStatus, QueuedMail
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus, Match
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import LiveSession, Session
from cityauth.core.signing import Purpose
from cityauth.errors import StoreError
from cityauth.messages.mails import MailContent
from cityauth.policy.realms import Phase
from cityauth.stores.sql.tables import account, event, identifier, mail, one_time_token, session

R = TypeVar("R")
T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# A member is looked up in a dict five times as fast as by calling its enumeration.
_STATUS = {one.value: one for one in Status}
_PHASE: dict[str | None, Phase | None] = {None: None, **{one.value: one for one in Phase}}
_LIFE = {one.value: one for one in IdentifierStatus}
_PURPOSE = {one.value: one for one in Purpose}

ACCOUNT = (
    account.c.id,
    account.c.realm,
    account.c.display_name,
    account.c.language,
    account.c.status,
    account.c.epoch,
    account.c.contact,
    account.c.phase,
)
ACCOUNT_IDENTIFIER = (identifier.c.kind, identifier.c.shown, identifier.c.key, identifier.c.status)
MATCH = (*ACCOUNT, *ACCOUNT_IDENTIFIER, account.c.password_hash)
SESSION = tuple(session.c)
LIVE_SESSION = (*SESSION, *ACCOUNT)
TOKEN = tuple(one_time_token.c)
MAIL = tuple(column for column in mail.c if column is not mail.c.due_at)
EVENT = tuple(column for column in event.c if column is not event.c.number)


def read_all(read: Callable[[R], T], rows: Iterable[R]) -> list[T]:
    """Return what *read* makes of each row.

    Raises:
        StoreError: a stored value is none that cityauth has written. The message does not hold it.
    """
    try:
        return [read(row) for row in rows]
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        failure = StoreError(f"the database holds a value that cannot be read ({type(error).__name__})")
    raise failure


def micros(at: datetime) -> int:
    """Return the aware moment *at* as stored."""
    return (at - _EPOCH) // _MICROSECOND


def moment(stored: int) -> datetime:
    """Return a stored moment, aware, in UTC."""
    return _EPOCH + _MICROSECOND * stored  # half the time of timedelta(microseconds=stored)


def account_of(row: Sequence[Any]) -> Account:
    """Read a row of `ACCOUNT`."""
    account_id, realm, name, language, status, epoch, contact, phase = row
    return Account(AccountId(account_id), realm, name, language, _STATUS[status], epoch, contact, _PHASE[phase])


def account_identifier_of(row: Sequence[Any]) -> AccountIdentifier:
    """Read a row of `ACCOUNT_IDENTIFIER`."""
    kind, shown, key, status = row
    return AccountIdentifier(Identifier(kind, shown, key), _LIFE[status])


def match_of(row: Sequence[Any]) -> Match:
    """Read a row of `MATCH`."""
    stored = row[12]
    return Match(account_of(row[:8]), account_identifier_of(row[8:12]), None if stored is None else SecretStr(stored))


def session_of(row: Sequence[Any]) -> Session:
    """Read a row of `SESSION`."""
    digest, family, handle, account_id, epoch, opened, seen, verified, remembered, method, kind, address, agent = row
    return Session(
        digest,
        family,
        handle,
        AccountId(account_id),
        epoch,
        moment(opened),
        moment(seen),
        None if verified is None else moment(verified),
        bool(remembered),
        method,
        kind,
        address,
        agent,
    )


def live_session_of(row: Sequence[Any]) -> LiveSession:
    """Read a row of `LIVE_SESSION`."""
    return LiveSession(session_of(row[:13]), account_of(row[13:]))


def event_of(row: Sequence[Any]) -> AuditEvent:
    """Read a row of `EVENT`."""
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


def token_of(row: Sequence[Any]) -> OneTimeToken:
    """Read a row of `TOKEN`."""
    digest, purpose, account_id, epoch, address, issued, expires, contact, issued_epoch = row
    return OneTimeToken(
        digest,
        _PURPOSE[purpose],
        None if account_id is None else AccountId(account_id),
        epoch,
        address,
        moment(issued),
        moment(expires),
        contact,
        issued_epoch,
    )


def token_row(issued: OneTimeToken) -> dict[str, object]:
    """Return *issued* as stored, by column."""
    return {
        "digest": issued.digest,
        "purpose": issued.purpose.value,
        "account_id": issued.account_id,
        "epoch": issued.epoch,
        "address": issued.address,
        "issued_at": micros(issued.issued_at),
        "expires_at": micros(issued.expires_at),
        "contact": issued.contact,
        "issued_epoch": issued.issued_epoch,
    }


def mail_of(row: Sequence[Any]) -> QueuedMail:
    """Read a row of `MAIL`."""
    mail_id, recipient, subject, body, language, queued, expires, attempts = row
    content = MailContent(subject, body)
    return QueuedMail(mail_id, recipient, content, language, moment(queued), moment(expires), attempts)


def mail_row(queued: QueuedMail) -> dict[str, object]:
    """Return *queued* as stored, by column; it is due at once."""
    return {
        "id": queued.id,
        "recipient": queued.to,
        "subject": queued.content.subject,
        "body": queued.content.body,
        "language": queued.language,
        "queued_at": micros(queued.queued_at),
        "expires_at": micros(queued.expires_at),
        "attempts": queued.attempts,
        "due_at": micros(queued.queued_at),
    }


def outbox_status_of(row: Sequence[Any]) -> OutboxStatus:
    """Read the one row that counts the outbox."""
    waiting, retrying, oldest = row
    return OutboxStatus(waiting, retrying, None if oldest is None else moment(oldest))
