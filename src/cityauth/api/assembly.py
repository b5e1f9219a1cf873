"""Assemble a deployment from what the host gives, and check it: the composition root."""

import inspect
import logging
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar, cast

from cityauth.api.drivers import methods_of
from cityauth.api.hash_queue import HashQueue, MemoryOf
from cityauth.api.system import LogAudit, SystemClock, SystemEntropy, SystemSleeper
from cityauth.core.check import Setup
from cityauth.core.hashing import HashMix
from cityauth.core.identifiers import EmailKind, IdentifierKind
from cityauth.core.migration import Migration
from cityauth.core.resolution import IdentifierResolver
from cityauth.core.signing import KeyRing, TokenSigner
from cityauth.core.tombstones import TombstoneKeys
from cityauth.errors import ConfigurationError, StoreError
from cityauth.flows.deployment import CountedMix, Deployment
from cityauth.hashing.argon2 import model_of
from cityauth.hashing.hasher import Argon2Hasher
from cityauth.hashing.registry import built_in_formats
from cityauth.mailers.memory import NoMailer
from cityauth.policy import Policy
from cityauth.policy.passwords import common_passwords
from cityauth.ports.services import (
    AuditSink,
    BreachChecker,
    Clock,
    Entropy,
    HashImporter,
    HashMemory,
    Mailer,
    PasswordHasher,
    Sleeper,
)
from cityauth.ports.stores import (
    AccountStore,
    HashCountStore,
    InspectedStore,
    LocalThrottleStore,
    OneTimeTokenStore,
    OutboxStore,
    PopulationStore,
    SessionStore,
    ThrottleStore,
)
from cityauth.stores.memory import MemoryStore
from cityauth.stores.memory.local import LocalThrottle

A = TypeVar("A")
"""The answers: called, or awaited."""

_log = logging.getLogger("cityauth")


@dataclass(frozen=True, slots=True)
class Assembly(Generic[A]):
    """A deployment, the answers to whatever a flow asks, the clock, and what the host put together."""

    deployment: Deployment
    answers: A
    clock: Clock
    setup: Setup
    audit: AuditSink

    def survey(self) -> Setup:
        """Return what the host put together, and whether the log takes audit events now."""
        heard = self.audit.is_heard() if isinstance(self.audit, LogAudit) else True
        return replace(self.setup, audit_is_heard=heard)


class Namespace(Generic[A]):
    """What the namespaces of `CityAuth` share: the deployment, the answers and the clock."""

    def __init__(self, assembly: Assembly[A]) -> None:
        self._deployment = assembly.deployment
        self._answers = assembly.answers
        self._clock = assembly.clock


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
    throttle: object
    outbox: object
    breaches: BreachChecker | None = None


def assemble(given: Supplies, wire: Callable[[dict[type[Any], object]], A]) -> Assembly[A]:
    """Put a deployment together; *wire* makes its answers of the objects that answer the ports.

    Raises:
        SecretError: see `KeyRing.of`.
        PolicyError: two kinds have one name, or the hash profile is over the limits.
        ConfigurationError: the mailer does not fit the policy (see `prepare_mailer`), or the outbox is not the store's.
        WiringError: see *wire*.
    """
    policy = given.policy or Policy()
    keys = KeyRing.of(given.secrets)
    hasher = given.hasher or _hasher_of(policy)
    describes, counts = _is(HashImporter, hasher), _is(HashCountStore, given.store)
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
        counted_mix=CountedMix() if describes and counts and given.hash_mix is None else None,
        describes_hashes=describes,
        has_own_throttle=given.throttle is not None and given.throttle is not given.store,
        checks_breaches=given.breaches is not None,
    )
    clock = given.clock or SystemClock()
    mailer, audit = given.mailer or NoMailer(), given.audit or LogAudit()
    prepare_mailer(mailer, policy)
    ports: dict[type[Any], object] = {
        **_keepers_of(given),
        Mailer: mailer,
        PasswordHasher: hasher,
        Clock: clock,
        Entropy: given.entropy or SystemEntropy(),
        AuditSink: audit,
        Sleeper: SystemSleeper(),
        **({} if given.breaches is None else {BreachChecker: given.breaches}),
        HashQueue: HashQueue(policy.hash_queue, _memory_of(hasher, policy)),
    }
    optional: dict[type[Any], object] = {HashImporter: hasher, **dict.fromkeys(_OPTIONAL, given.store)}
    ports.update((port, answering) for port, answering in optional.items() if _is(port, answering))
    _warn_of_open_migration(given.store)
    return Assembly(deployment, wire(ports), clock, _setup_of(given, keys, ports), audit)


_OPTIONAL: Final[tuple[type[Any], ...]] = (PopulationStore, HashCountStore, InspectedStore)
"""What a store may be without."""


def _setup_of(given: Supplies, keys: KeyRing, ports: Mapping[type[Any], object]) -> Setup:
    """Return what the host put together, for a check of the deployment."""
    return Setup(
        ring_size=len(keys.keys),
        has_tombstone_secret=given.tombstone_secret is not None,
        has_mailer=not isinstance(given.mailer or NoMailer(), NoMailer),
        keeps_in_memory=isinstance(given.store, MemoryStore),
        counts_in_memory=isinstance(given.throttle, MemoryStore | LocalThrottle) and given.throttle is not given.store,
        kinds=frozenset(kind.name for kind in given.kinds),
        counts_hashes=HashCountStore in ports and HashImporter in ports,
        keeps_population=PopulationStore in ports,
        is_inspected=InspectedStore in ports,
    )


def _keepers_of(given: Supplies) -> dict[type[Any], object]:
    """Return what answers each port that keeps something."""
    return {
        AccountStore: given.store,
        SessionStore: given.store,
        OneTimeTokenStore: given.store,
        OutboxStore: _outbox_of(given),
        ThrottleStore: given.store if given.throttle is None else given.throttle,
        LocalThrottleStore: LocalThrottle(),
    }


def _outbox_of(given: Supplies) -> object:
    """Return what mails are leased from: the store, whose commits queue them."""
    if given.outbox is None or given.outbox is given.store:
        return given.store
    raise ConfigurationError(
        "outbox must be the same object as store: a mail is queued by the commit that it belongs to, so no mail would"
        " ever reach another outbox"
    )


def _memory_of(hasher: object, policy: Policy) -> MemoryOf:
    """Return how much memory each hash of *hasher* takes: what it says itself, or else what a new hash takes."""
    if _is(HashMemory, hasher):
        return cast("HashMemory", hasher).memory_of
    return lambda _stored: policy.hashing.memory_cost


def _is(port: type[Any], supplied: object) -> bool:
    """Whether *supplied* has every method of a port that a deployment may be without."""
    return all(hasattr(supplied, name) for name in methods_of(port))


_HALF_CARRIED_OUT: Final = (
    "the migration plan {plan} is half carried out: `cityauth migrate apply` with its file goes on, and"
    " `cityauth migrate rollback {plan}` takes it back"
)


def _warn_of_open_migration(store: Any) -> None:
    """Log that a plan is half carried out, if the store is a synchronous one that can say so now."""
    if not _is(PopulationStore, store) or inspect.iscoroutinefunction(store.list_migrations):
        return
    try:
        known: Sequence[Migration] = store.list_migrations()
    except StoreError:  # there is no file yet, or no table: the first use of the store says so
        return
    for one in known:
        if one.state.is_open:
            _log.warning("%s", _HALF_CARRIED_OUT.format(plan=one.id))


def _domain_of(policy: Policy) -> str:
    """Return what every signature is bound to: deployment and generation, joined unambiguously."""
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
    formats = built_in_formats(bcrypt_truncates=policy.legacy_hashes.bcrypt_truncates, recipes=policy.hashes)
    return Argon2Hasher(policy.hashing, limits=policy.hash_limits, formats=formats)


_SHARE_OF_LEASE: Final = 0.9
"""The part of a lease in which a mail must be handed over, so that no other worker takes it meanwhile."""

_BASE_URL_MISSING: Final = (
    "mail.base_url is {url}, so the links in mails would lead each reader to the reader's own computer: set it to the"
    " address of the service, such as MailPolicy(base_url='https://service.example.org')"
)


def prepare_mailer(mailer: object, policy: Policy) -> None:
    """Check that *mailer* fits *policy*, then let it check whether it can send.

    So the first page knows whether mail can be sent, and no page has to ask the mail server. A mailer may have the
    attribute ``is_local`` and the methods ``limit_time`` and ``check``, as `SmtpMailer` has; it needs none of them.

    Raises:
        ConfigurationError: mail would leave this machine with links that lead to this machine.
    """
    given: Any = mailer
    _check_links(given, policy)
    limit_time = getattr(given, "limit_time", None)
    if callable(limit_time):
        limit_time(policy.outbox.lease.total_seconds() * _SHARE_OF_LEASE)
    check = getattr(given, "check", None)
    if getattr(given, "check_at_start", False) and callable(check) and not inspect.iscoroutinefunction(check):
        check()


def _check_links(mailer: Any, policy: Policy) -> None:
    if not policy.mail.leads_here:
        return
    is_local = getattr(mailer, "is_local", None)
    message = _BASE_URL_MISSING.format(url=policy.mail.base_url)
    if is_local is False:
        raise ConfigurationError(message)
    if is_local is None:  # a host's own mailer, which does not say where it sends
        _log.warning("%s", message)
