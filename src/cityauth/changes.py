"""What an author of a store needs: the changes of a commit, their preconditions, and the values that they hold."""

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.audit import AuditEvent, AuditEventType
from cityauth.core.changes import (
    AccountAdded,
    AccountErased,
    Change,
    CommitOutcome,
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
from cityauth.core.identifiers import Identifier
from cityauth.core.links import OneTimeToken
from cityauth.core.mail import OutboxStatus, QueuedMail
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus, Match
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import LiveSession, Session
from cityauth.core.signing import Purpose
from cityauth.core.throttling import Allowance, Exhausted, Reserved
from cityauth.messages.mails import MailContent
from cityauth.policy.throttling import Limit

__all__ = [
    "Account",
    "AccountAdded",
    "AccountErased",
    "AccountId",
    "AccountIdentifier",
    "Allowance",
    "AuditEvent",
    "AuditEventType",
    "Change",
    "CommitOutcome",
    "Committed",
    "ContactChanged",
    "EpochAdvanced",
    "EventRecorded",
    "Exhausted",
    "Identifier",
    "IdentifierAdded",
    "IdentifierReleased",
    "IdentifierRetired",
    "IdentifierStatus",
    "Limit",
    "LiveSession",
    "MailContent",
    "MailQueued",
    "Match",
    "OneTimeToken",
    "OutboxStatus",
    "PasswordReplaced",
    "PasswordSet",
    "Precondition",
    "ProfileChanged",
    "Purpose",
    "QueuedMail",
    "Rejected",
    "Reserved",
    "SecretStr",
    "Session",
    "SessionClosed",
    "SessionOpened",
    "SessionRequired",
    "SessionsClosed",
    "Status",
    "StatusChanged",
    "TokenIssued",
    "TokenUsed",
    "TokensRevoked",
    "TombstonesReleased",
]
