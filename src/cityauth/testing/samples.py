"""Accounts, sessions, links and mails to test a store with."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cityauth.core.accounts import Account, AccountId
from cityauth.core.audit import AuditEvent, AuditEventType, EventSummed
from cityauth.core.changes import (
    AccountAdded,
    Change,
    Committed,
    EventRecorded,
    IdentifierAdded,
    MailQueued,
    Precondition,
    Rejected,
    SessionOpened,
    SessionRequired,
)
from cityauth.core.identifiers import Identifier
from cityauth.core.links import OneTimeToken
from cityauth.core.mail import QueuedMail
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import Session
from cityauth.core.signing import Purpose
from cityauth.messages.mails import MailContent
from cityauth.ports.stores import AccountStore

NOON: Final = datetime(2026, 3, 2, 12, 0, 0, 123457, tzinfo=UTC)
"""When most tests happen. It has microseconds, so a store that loses them fails."""

MINUTE: Final = timedelta(minutes=1)
AINO: Final = AccountId("aino")
OLD_HASH: Final = SecretStr("$argon2id$old")
NEW_HASH: Final = SecretStr("$argon2id$new")

HOSTILE: Final = (
    "",
    " ",
    "'; DROP TABLE cityauth_account; --",
    '100 %_\\ "quoted" `back` ${x} {0} :name ?',
    "line\r\nbreak\ttab",
    "Väinö Åström\u0301 \U0001f469\u200d\U0001f680 \u202eevil",
    "ſtraße İstanbul \uff20",
    "x" * 256,
    "\U0001f600" * 256,
)
"""Text that must come back as it went in."""


def digest(name: object) -> bytes:
    """Return 32 bytes that stand for *name*."""
    return hashlib.sha256(str(name).encode()).digest()


def family(name: object) -> bytes:
    """Return the 16 bytes of the family to which the session of *name* belongs."""
    return digest(("family", name))[:16]


def identifier(value: str, kind: str = "email") -> Identifier:
    """Return the identifier with the key ``1:`` and *value*."""
    return Identifier(kind, value, f"1:{value}")


def added(
    account_id: str = AINO,
    *values: str,
    password: SecretStr | None = OLD_HASH,
    identifier_status: IdentifierStatus = IdentifierStatus.ACTIVE,
    tombstones: tuple[bytes, ...] = (),
    **account: Any,
) -> AccountAdded:
    """Return the change that adds an account with identifiers of *values*."""
    holder = Account(
        AccountId(account_id), account.pop("realm", "citizen"), account.pop("display_name", "A"), **account
    )
    held = tuple(AccountIdentifier(identifier(value), identifier_status) for value in values)
    return AccountAdded(holder, held, password, NOON, tombstones)


def identifier_added(value: str, account_id: AccountId = AINO, kind: str = "email") -> IdentifierAdded:
    """Return the change that gives an account the identifier of *value*."""
    return IdentifierAdded(account_id, identifier(value, kind), NOON, (digest(("tombstones", value)),))


def session(
    name: object, account_id: AccountId = AINO, *, at: datetime = NOON, epoch: int = 0, **other: Any
) -> Session:
    """Return a session of *name*, opened and last used at *at*."""
    plain = Session(
        digest=digest(name),
        family=family(name),
        handle=f"handle-{name}",
        account_id=account_id,
        epoch=epoch,
        opened_at=at,
        seen_at=at,
        verified_at=at,
        remembered=False,
        method="pwd",
        identifier_kind="email",
        address="192.0.2.7",
        user_agent="Browser/1.0",
    )
    return replace(plain, **other)


def opened(name: object, account_id: AccountId = AINO, *, per_account: int = 100, **other: Any) -> SessionOpened:
    """Return the change that opens the session of *name*."""
    return SessionOpened(session(name, account_id, **other), per_account)


def required(
    name: object, account_id: AccountId = AINO, *, at: datetime = NOON, limit: timedelta = 30 * MINUTE
) -> SessionRequired:
    """Return the precondition that the session of *name* is valid at *at*, where both its limits are *limit*."""
    return SessionRequired(digest(name), account_id, at - limit, at - limit, at)


def one_time_token(
    name: object, account_id: AccountId | None = AINO, purpose: Purpose = Purpose.RESET, **other: Any
) -> OneTimeToken:
    """Return a one-time token of *name*, issued at noon and good for an hour."""
    plain = OneTimeToken(digest(name), purpose, account_id, 0, None, NOON, NOON + 60 * MINUTE)
    return replace(plain, **other)


def queued(name: str, to: str = "aino@example.com", *, at: datetime = NOON) -> MailQueued:
    """Return the change that queues a mail of *name*."""
    return MailQueued(QueuedMail(name, to, MailContent("Aihe", "Hei!\n\nLinkki"), "fi", at, at + 60 * MINUTE))


def recorded(name: str, account_id: AccountId | None = AINO, **other: Any) -> EventRecorded:
    """Return the change that records an event whose id is *name*."""
    return EventRecorded(AuditEvent(name, AuditEventType.LOGIN_ACCEPTED, NOON, account_id, **other))


def summed(name: str, account_id: AccountId | None = None, **other: Any) -> EventSummed:
    """Return the change that counts one more event in the sum whose id is *name*."""
    return EventSummed(AuditEvent(name, AuditEventType.LOGIN_REFUSED, NOON, account_id, detail={"count": "1"}, **other))


def commit(store: AccountStore, *changes: Change) -> None:
    """Commit *changes*, and check that they were committed."""
    assert store.commit(changes) == Committed()


def refuse(store: AccountStore, change: Change, why: Precondition) -> None:
    """Commit *change*, and check that it was refused for that reason."""
    assert store.commit([change]) == Rejected(change, why)
