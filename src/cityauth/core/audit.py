"""The audit trail: what happened, to which account, from where. No field is meant for a secret."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from cityauth.core.accounts import AccountId
from cityauth.core.client import RequestContext

_NOTHING: Mapping[str, str] = MappingProxyType({})


class AuditEventType(StrEnum):
    """What an audit event reports."""

    LOGIN_ACCEPTED = "login.accepted"
    LOGIN_REFUSED = "login.refused"
    SESSION_CLOSED = "session.closed"
    SESSIONS_CLOSED = "sessions.closed"
    ACCOUNT_ADDED = "account.added"
    ACCOUNT_DISABLED = "account.disabled"
    ACCOUNT_ENABLED = "account.enabled"
    ACCOUNT_INVITED = "account.invited"
    ACCOUNT_ERASED = "account.erased"
    PEOPLE_IMPORTED = "people.imported"
    HASHES_WRAPPED = "hashes.wrapped"
    IDENTIFIER_RELEASED = "identifier.released"
    CONTACT_CHANGED = "contact.changed"
    PROFILE_CHANGED = "profile.changed"
    LINK_REQUESTED = "link.requested"
    LINK_REFUSED = "link.refused"
    PASSWORD_RESET = "password.reset"  # noqa: S105 - an event's name
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - an event's name
    PASSWORD_CONFIRMED = "password.confirmed"  # noqa: S105 - an event's name
    PASSWORD_NOT_CONFIRMED = "password.not_confirmed"  # noqa: S105 - an event's name
    HASHER_BUSY = "hasher.busy"
    BREACH_CHECK_FAILED = "breach_check.failed"
    SIGN_UP_REQUESTED = "sign_up.requested"
    SIGN_UP_CONFIRMED = "sign_up.confirmed"
    EMAIL_CHANGE_REQUESTED = "email_change.requested"
    EMAIL_CHANGED = "email.changed"
    EMAIL_CHANGE_UNDONE = "email_change.undone"
    THROTTLE_DEGRADED = "throttle.degraded"
    MAIL_ABANDONED = "mail.abandoned"
    MIGRATION_OPENED = "migration.opened"
    MIGRATION_DISCARDED = "migration.discarded"
    MIGRATION_BEGUN = "migration.begun"
    MIGRATION_APPLIED = "migration.applied"
    MIGRATION_ROLLBACK_BEGUN = "migration.rollback_begun"
    MIGRATION_ROLLED_BACK = "migration.rolled_back"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One line of the audit trail.

    Attributes:
        id: Names this event and the commit it belongs to; random.
        what: See `AuditEventType`.
        at: When, aware UTC.
        account_id: Whose account, or ``None`` when none was found.
        reason: The true reason of a refusal, as a code; the person sees only the uniform text.
        identifier_hash: A keyed digest of the identifier that was typed. With it attempts on one identifier can be
            counted, and a password that was typed into the wrong field is not stored.
        address: The client's address.
        user_agent: The client's user agent, cut.
        detail: Further codes.
    """

    id: str
    what: AuditEventType
    at: datetime
    account_id: AccountId | None = None
    reason: str = ""
    identifier_hash: str = ""
    address: str | None = None
    user_agent: str = ""
    detail: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


def audit_event(
    what: AuditEventType,
    context: RequestContext,
    *,
    account_id: AccountId | None = None,
    reason: str = "",
    identifier_hash: str = "",
    detail: Mapping[str, str] = _NOTHING,
) -> AuditEvent:
    """Return the event of what happened in the request *context*; empty details are left out."""
    client = context.client
    given = {name: value for name, value in detail.items() if value}
    return AuditEvent(
        context.id,
        what,
        context.at,
        account_id,
        reason,
        identifier_hash,
        client.address,
        client.user_agent,
        given,
    )


@dataclass(frozen=True, slots=True)
class EventSummed:
    """One more of many like events, for which the audit trail keeps one line with a count. Never refused.

    If no event has the account and the id of *event*, it is recorded as it is. Otherwise only the number
    ``detail["count"]`` of the recorded event becomes greater by 1, as `one_more` says.
    A commit with it that is repeated counts twice.
    """

    event: AuditEvent


COUNT = "count"
"""The detail of a summed event that says how many events it stands for."""


def sum_of(event: AuditEvent) -> AuditEvent:
    """Return the event under which *event* is summed up: with all others of its type, reason and minute."""
    minute = event.at.replace(second=0, microsecond=0)
    name = f"sum {minute:%Y-%m-%dT%H:%M} {event.what.value} {event.reason}".strip()
    return AuditEvent(name, event.what, minute, reason=event.reason, detail={COUNT: "1"})


def one_more(recorded: Mapping[str, str]) -> Mapping[str, str]:
    """Return the details of a summed event that stands for one event more than *recorded* says."""
    return {**recorded, COUNT: str(int(recorded.get(COUNT, "1")) + 1)}


def count_of(event: AuditEvent) -> int:
    """Return how many events *event* stands for: 1, but for the sum of a flood."""
    return int(event.detail.get(COUNT, "1")) if event.id.startswith("sum ") else 1


def hash_identifier(key: str, secret: bytes) -> str:
    """Return the keyed digest under which attempts on the identifier *key* are counted: 16 hex digits."""
    return hmac.digest(secret, key.encode(), hashlib.sha256)[:8].hex()
