"""Assemble a deployment from what the host gives, and check it: the composition root."""

import logging
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from cityauth.api.mail_setup import prepare_mailer
from cityauth.api.system import LogAudit, SystemClock, SystemEntropy
from cityauth.core.dummy import HashMix
from cityauth.core.identifier import EmailKind, IdentifierKind
from cityauth.core.resolution import IdentifierResolver
from cityauth.core.secret import KeyRing
from cityauth.core.signing import TokenSigner
from cityauth.core.tombstone import TombstoneKeys
from cityauth.flows.deployment import Deployment
from cityauth.hashing.argon2 import model_of
from cityauth.hashing.hasher import Argon2Hasher
from cityauth.hashing.registry import built_in_formats
from cityauth.mailers.memory import NoMailer
from cityauth.policy import Policy
from cityauth.policy.passwords import common_passwords
from cityauth.ports.services import AuditSink, Clock, Entropy, Mailer, PasswordHasher
from cityauth.ports.stores import AccountStore, OneTimeTokenStore, OutboxStore, SessionStore, ThrottleStore

_log = logging.getLogger("cityauth")


@dataclass(frozen=True, slots=True)
class Assembly:
    """A deployment, which object answers which port, and the clock."""

    deployment: Deployment
    ports: dict[type[Any], object]
    clock: Clock


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
    hash_mix: HashMix | None
    hasher: PasswordHasher | None
    mailer: Mailer | None
    clock: Clock | None
    entropy: Entropy | None
    audit: AuditSink | None
    common: Container[str] | None
    tombstone_secret: str | bytes | Sequence[str | bytes] | None


def assemble(given: Supplies) -> Assembly:
    """Put a deployment together.

    Raises:
        SecretError: see `KeyRing.of`.
        PolicyError: two kinds have one name, or the hash profile is over the limits.
        ConfigurationError: the mailer does not fit the policy; see `prepare_mailer`.
    """
    policy = given.policy or Policy()
    keys = KeyRing.of(given.secrets)
    deployment = Deployment(
        policy=policy,
        signer=TokenSigner(keys, _domain_of(policy)),
        resolver=IdentifierResolver(policy.realms, given.kinds),
        hash_mix=given.hash_mix or HashMix((model_of(policy.hashing),), (1,)),
        dummy_secret=keys.derive("dummy"),
        audit_secret=keys.derive("audit"),
        tombstones=_tombstone_keys(given, keys),
        email=EmailKind(smtputf8=policy.identifiers.mailer_supports_smtputf8),
        common=_BundledCommon() if given.common is None else given.common,
    )
    clock = given.clock or SystemClock()
    mailer = given.mailer or NoMailer()
    prepare_mailer(mailer, policy)
    ports: dict[type[Any], object] = {
        AccountStore: given.store,
        SessionStore: given.store,
        OneTimeTokenStore: given.store,
        OutboxStore: given.store,
        ThrottleStore: given.store,
        Mailer: mailer,
        PasswordHasher: given.hasher or _hasher_of(policy),
        Clock: clock,
        Entropy: given.entropy or SystemEntropy(),
        AuditSink: given.audit or LogAudit(),
    }
    return Assembly(deployment, ports, clock)


def _domain_of(policy: Policy) -> str:
    """Return what every signature is bound to: deployment and generation, joined so that none can be moved."""
    return f"{len(policy.deployment)}:{policy.deployment}:{policy.generation}"


def _tombstone_keys(given: Supplies, keys: KeyRing) -> TombstoneKeys:
    """Return the host's tombstone keys, or else the one that comes from the oldest signing secret."""
    if given.tombstone_secret is not None:
        return TombstoneKeys.of(given.tombstone_secret)
    if len(keys.keys) > 1:
        _log.warning(
            "tombstone_secret is not given: before the oldest signing secret is removed, give it as"
            " `cityauth keys tombstones` prints it, or the addresses of erased accounts become free"
        )
    return TombstoneKeys((keys.derive("tombstones"),))


def _hasher_of(policy: Policy) -> PasswordHasher:
    """Return the hasher of a host that gives none of its own."""
    formats = built_in_formats(bcrypt_truncates=policy.legacy_hashes.bcrypt_truncates)
    return Argon2Hasher(policy.hashing, limits=policy.limits, formats=formats)
