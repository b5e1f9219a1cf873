"""Sign-in that moves a whole population from usernames to e-mail addresses, and stays.

The other public packages are `cityauth.policy`, `cityauth.ports`, `cityauth.changes`, `cityauth.stores`,
`cityauth.hashing`, `cityauth.breaches`, `cityauth.mailers`, `cityauth.messages`, `cityauth.migration`,
`cityauth.config` and `cityauth.testing`. Each name is loaded when it is first used.
"""

from typing import TYPE_CHECKING

from cityauth._lazy import attach as _attach

if TYPE_CHECKING:
    from cityauth.api._async import AsyncCityAuth
    from cityauth.api._sync import CityAuth
    from cityauth.core.accounts import Account, AccountId, Status
    from cityauth.core.answers import Done, MailAwaited, MailerDown, MailOutcome, Problem, Refused
    from cityauth.core.characters import Malformed
    from cityauth.core.check import Acceptance, Finding, Level
    from cityauth.core.client import ClientContext
    from cityauth.core.identifiers import BUILT_IN, Identifier, IdentifierKind
    from cityauth.core.import_fault import ImportFault, RowFault
    from cityauth.core.import_file import read_people
    from cityauth.core.import_row import ImportRow
    from cityauth.core.links import LinkLive, LinkOutcome, LinkRefused
    from cityauth.core.login import Authenticated, LoginStep, PasswordRequired
    from cityauth.core.population import ImportOptions, ImportReport
    from cityauth.core.quarantine import QuarantinedRow
    from cityauth.core.resolution import IdentifierResolver, Outcome, Reason, Resolution
    from cityauth.core.secret import SecretStr
    from cityauth.core.sessions import LiveSession, OpenedSession, Session
    from cityauth.core.signing import KeyRing
    from cityauth.core.web import is_same_link, link_proof, link_token, safe_next
    from cityauth.errors import (
        BreachCheckerUnavailableError,
        CityAuthError,
        ConfigurationError,
        HasherBusyError,
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
    from cityauth.flows.accounts import AccountOutcome, AccountRecord, NewAccount
    from cityauth.flows.housekeeping import Purged
    from cityauth.flows.identifiers import AccountRefused, Released
    from cityauth.flows.invitation import Invited
    from cityauth.flows.outbox import Flushed
    from cityauth.mailers.memory import MemoryMailer
    from cityauth.policy import HashProfile, MailPolicy, Policy
    from cityauth.policy.realms import DatedPhase, Phase, RealmPolicy
    from cityauth.stores.memory import MemoryStore

__all__ = [
    "BUILT_IN",
    "Acceptance",
    "Account",
    "AccountId",
    "AccountOutcome",
    "AccountRecord",
    "AccountRefused",
    "AsyncCityAuth",
    "Authenticated",
    "BreachCheckerUnavailableError",
    "CityAuth",
    "CityAuthError",
    "ClientContext",
    "ConfigurationError",
    "DatedPhase",
    "Done",
    "Finding",
    "Flushed",
    "HashProfile",
    "HasherBusyError",
    "Identifier",
    "IdentifierKind",
    "IdentifierResolver",
    "IllegalTransitionError",
    "ImportFault",
    "ImportOptions",
    "ImportReport",
    "ImportRow",
    "Invited",
    "KeyRing",
    "Level",
    "LinkLive",
    "LinkOutcome",
    "LinkRefused",
    "LiveSession",
    "LoginStep",
    "MailAwaited",
    "MailOutcome",
    "MailPolicy",
    "MailRefusedError",
    "MailerDown",
    "MailerError",
    "MailerUnavailableError",
    "Malformed",
    "MemoryMailer",
    "MemoryStore",
    "MissingExtraError",
    "NewAccount",
    "OpenedSession",
    "Outcome",
    "PasswordRequired",
    "Phase",
    "Policy",
    "PolicyError",
    "Problem",
    "Purged",
    "QuarantinedRow",
    "RealmPolicy",
    "Reason",
    "Refused",
    "Released",
    "Resolution",
    "RowFault",
    "SchemaError",
    "SecretError",
    "SecretStr",
    "Session",
    "Status",
    "StoreError",
    "StoreUnavailableError",
    "UsageError",
    "WiringError",
    "is_same_link",
    "link_proof",
    "link_token",
    "read_people",
    "safe_next",
]

#: For each module, the public names that it defines.
_HOMES = {
    "cityauth.mailers.memory": ("MemoryMailer",),
    "cityauth.stores.memory": ("MemoryStore",),
    "cityauth.core.accounts": ("Account", "AccountId", "Status"),
    "cityauth.core.characters": ("Malformed",),
    "cityauth.core.check": ("Acceptance", "Finding", "Level"),
    "cityauth.core.client": ("ClientContext",),
    "cityauth.core.identifiers": ("BUILT_IN", "Identifier", "IdentifierKind"),
    "cityauth.core.import_fault": ("ImportFault", "RowFault"),
    "cityauth.core.import_file": ("read_people",),
    "cityauth.core.population": ("ImportOptions", "ImportReport"),
    "cityauth.core.import_row": ("ImportRow",),
    "cityauth.core.quarantine": ("QuarantinedRow",),
    "cityauth.core.links": ("LinkLive", "LinkOutcome", "LinkRefused"),
    "cityauth.core.answers": ("Done", "MailAwaited", "MailOutcome", "MailerDown", "Problem", "Refused"),
    "cityauth.core.web": ("is_same_link", "link_proof", "link_token", "safe_next"),
    "cityauth.core.resolution": ("IdentifierResolver", "Outcome", "Reason", "Resolution"),
    "cityauth.core.secret": ("SecretStr",),
    "cityauth.core.signing": ("KeyRing",),
    "cityauth.core.sessions": ("LiveSession", "OpenedSession", "Session"),
    "cityauth.policy.realms": ("DatedPhase", "RealmPolicy", "Phase"),
    "cityauth.core.login": ("Authenticated", "LoginStep", "PasswordRequired"),
    "cityauth.errors": (
        "BreachCheckerUnavailableError",
        "CityAuthError",
        "ConfigurationError",
        "HasherBusyError",
        "IllegalTransitionError",
        "MailerError",
        "MailerUnavailableError",
        "MailRefusedError",
        "MissingExtraError",
        "PolicyError",
        "SchemaError",
        "SecretError",
        "StoreError",
        "StoreUnavailableError",
        "UsageError",
        "WiringError",
    ),
    "cityauth.flows.accounts": ("AccountOutcome", "AccountRecord", "NewAccount"),
    "cityauth.flows.housekeeping": ("Purged",),
    "cityauth.flows.invitation": ("Invited",),
    "cityauth.flows.outbox": ("Flushed",),
    "cityauth.flows.identifiers": ("AccountRefused", "Released"),
    "cityauth.policy": ("HashProfile", "MailPolicy", "Policy"),
    "cityauth.api._async": ("AsyncCityAuth",),
    "cityauth.api._sync": ("CityAuth",),
}

if not TYPE_CHECKING:  # a type checker would take every name for a public one
    _HOME = {name: module for module, names in _HOMES.items() for name in names}
    __getattr__, __dir__ = _attach(__name__, _HOME)
