"""Sign-in that moves a whole population from usernames to e-mail addresses, and stays."""

from cityauth.adapters.mailbox import MemoryMailer
from cityauth.adapters.memory import MemoryStore
from cityauth.core.account import Account, AccountId, Status
from cityauth.core.client import ClientContext
from cityauth.core.identifier import BUILT_IN, Identifier, IdentifierKind
from cityauth.core.link import Declined, Done, LinkDead, LinkLive, LinkOutcome, MailAwaited, MailerDown, MailOutcome
from cityauth.core.problem import Problem
from cityauth.core.redirect import safe_next
from cityauth.core.resolution import IdentifierResolver, Outcome, Resolution
from cityauth.core.secret import Concealed
from cityauth.core.session import LiveSession, OpenedSession, Session
from cityauth.core.stage import DatedStage, RealmPolicy, Stage
from cityauth.core.state import Authenticated
from cityauth.core.step import LoginStep, PasswordRequired, Refused
from cityauth.errors import (
    CityAuthError,
    ConfigurationError,
    IllegalTransitionError,
    MailerError,
    MailerUnavailableError,
    MailRefusedError,
    MissingExtraError,
    PolicyError,
    SchemaError,
    SecretError,
    StoreError,
    StoreUnavailableError,
    UsageError,
    WiringError,
)
from cityauth.flows.accounts import AccountOutcome, AccountRecord, AccountRefused, NewAccount
from cityauth.flows.invitation import Invited
from cityauth.flows.outbox import Flushed
from cityauth.flows.passwords import PasswordRejected
from cityauth.policy import HashProfile, MailPolicy, Policy
from cityauth.run.awaiting import AsyncCityAuth
from cityauth.run.calling import CityAuth

__all__ = [
    "BUILT_IN",
    "Account",
    "AccountId",
    "AccountOutcome",
    "AccountRecord",
    "AccountRefused",
    "AsyncCityAuth",
    "Authenticated",
    "CityAuth",
    "CityAuthError",
    "ClientContext",
    "Concealed",
    "ConfigurationError",
    "DatedStage",
    "Declined",
    "Done",
    "Flushed",
    "HashProfile",
    "Identifier",
    "IdentifierKind",
    "IdentifierResolver",
    "IllegalTransitionError",
    "Invited",
    "LinkDead",
    "LinkLive",
    "LinkOutcome",
    "LiveSession",
    "LoginStep",
    "MailAwaited",
    "MailOutcome",
    "MailPolicy",
    "MailRefusedError",
    "MailerDown",
    "MailerError",
    "MailerUnavailableError",
    "MemoryMailer",
    "MemoryStore",
    "MissingExtraError",
    "NewAccount",
    "OpenedSession",
    "Outcome",
    "PasswordRejected",
    "PasswordRequired",
    "Policy",
    "PolicyError",
    "Problem",
    "RealmPolicy",
    "Refused",
    "Resolution",
    "SchemaError",
    "SecretError",
    "Session",
    "Stage",
    "Status",
    "StoreError",
    "StoreUnavailableError",
    "UsageError",
    "WiringError",
    "safe_next",
]
