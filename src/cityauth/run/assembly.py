"""Assemble a deployment from what the host gives, and check it: the composition root."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from cityauth.adapters.argon2 import Argon2Hasher
from cityauth.adapters.blocklist import common_passwords
from cityauth.adapters.mailbox import NoMailer
from cityauth.adapters.system import LogAudit, SystemClock, SystemEntropy
from cityauth.core.ghost import GhostMix
from cityauth.core.identifier import EmailKind, IdentifierKind
from cityauth.core.resolution import IdentifierResolver
from cityauth.core.sealing import Sealer
from cityauth.core.secret import KeyRing
from cityauth.flows.deployment import Deployment
from cityauth.policy import Policy
from cityauth.ports.accounts import AccountStore
from cityauth.ports.audit import AuditSink
from cityauth.ports.claims import ClaimStore
from cityauth.ports.clock import Clock, Entropy
from cityauth.ports.hasher import PasswordHasher
from cityauth.ports.mailer import Mailer
from cityauth.ports.outbox import OutboxStore
from cityauth.ports.sessions import SessionStore
from cityauth.ports.throttle import ThrottleStore


@dataclass(frozen=True, slots=True)
class Assembly:
    """A deployment, and which object answers which port."""

    desk: Deployment
    ports: dict[type[Any], object]


class _BundledCommon(Container[str]):
    """The bundled list, read when it is first looked into."""

    def __contains__(self, key: object) -> bool:
        return key in common_passwords()


@dataclass(frozen=True, slots=True)
class Supplies:
    """What a host gives; ``None`` stands for the ready-made adapter."""

    store: object
    secrets: Sequence[str | bytes]
    policy: Policy | None
    kinds: Sequence[IdentifierKind]
    ghosts: GhostMix | None
    hasher: PasswordHasher | None
    mailer: Mailer | None
    clock: Clock | None
    entropy: Entropy | None
    audit: AuditSink | None
    common: Container[str] | None
    ledger_secret: bytes | None


def assemble(given: Supplies) -> Assembly:
    """Put a deployment together.

    Raises:
        SecretError: see `KeyRing.of`.
        PolicyError: two kinds have one name, or the hash profile is over the ceilings.
    """
    policy = given.policy or Policy()
    keys = KeyRing.of(given.secrets)
    desk = Deployment(
        policy=policy,
        sealer=Sealer(keys, _domain_of(policy)),
        resolver=IdentifierResolver(policy.realms, given.kinds),
        ghosts=given.ghosts or GhostMix.only(policy.hashing),
        ghost_secret=keys.derive("ghost"),
        audit_secret=keys.derive("audit"),
        ledger_secret=given.ledger_secret or keys.derive("ledger"),
        email=EmailKind(smtputf8=policy.identifiers.mailer_supports_smtputf8),
        common=_BundledCommon() if given.common is None else given.common,
    )
    ports: dict[type[Any], object] = {
        AccountStore: given.store,
        SessionStore: given.store,
        ClaimStore: given.store,
        OutboxStore: given.store,
        ThrottleStore: given.store,
        Mailer: given.mailer or NoMailer(),
        PasswordHasher: given.hasher or Argon2Hasher(policy.hashing, ceilings=policy.ceilings),
        Clock: given.clock or SystemClock(),
        Entropy: given.entropy or SystemEntropy(),
        AuditSink: given.audit or LogAudit(),
    }
    return Assembly(desk, ports)


def _domain_of(policy: Policy) -> str:
    """Return what every signature is bound to: deployment and generation, joined so that none can be moved."""
    return f"{len(policy.deployment)}:{policy.deployment}:{policy.generation}"
