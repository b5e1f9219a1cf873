"""What the host supplies, as Protocols: the ports that keep (stores) and the ports that act (services)."""

from cityauth.ports.services import (
    AuditSink,
    Clock,
    DomainCheck,
    DomainState,
    Entropy,
    HashImporter,
    HashMemory,
    Mailer,
    PasswordHasher,
    Verdict,
)
from cityauth.ports.stores import (
    AccountStore,
    AnyStore,
    AsyncStore,
    HashCountStore,
    OneTimeTokenStore,
    OutboxStore,
    PopulationStore,
    SessionStore,
    Store,
    ThrottleStore,
)

__all__ = [
    "AccountStore",
    "AnyStore",
    "AsyncStore",
    "AuditSink",
    "Clock",
    "DomainCheck",
    "DomainState",
    "Entropy",
    "HashCountStore",
    "HashImporter",
    "HashMemory",
    "Mailer",
    "OneTimeTokenStore",
    "OutboxStore",
    "PasswordHasher",
    "PopulationStore",
    "SessionStore",
    "Store",
    "ThrottleStore",
    "Verdict",
]
