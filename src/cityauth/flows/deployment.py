"""What every use case needs: the deployment, the context of a request, and the commit that records what happened."""

import base64
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime

from cityauth.core.accounts import AccountId
from cityauth.core.audit import AuditEvent, EventSummed, sum_of
from cityauth.core.changes import Change, CommitOutcome, Committed, EventRecorded
from cityauth.core.client import ClientContext, RequestContext
from cityauth.core.hashing import HashMix
from cityauth.core.identifiers import IdentifierKind
from cityauth.core.resolution import IdentifierResolver
from cityauth.core.signing import TokenSigner
from cityauth.core.tombstones import TombstoneKeys
from cityauth.errors import StoreUnavailableError
from cityauth.flows.asking import Flow, ask
from cityauth.policy import Policy
from cityauth.policy.hashing import MIX_MAX_AGE
from cityauth.ports.services import AuditSink, Clock, Entropy
from cityauth.ports.stores import AccountStore


@dataclass(slots=True)
class CountedMix:
    """The population's mix of hashes, as the store counted it last.

    Attributes:
        mix: The mix; ``None`` before the first count.
        counted_at: When it was counted.
    """

    mix: HashMix | None = None
    counted_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether to count again: after `MIX_MAX_AGE`, and after a clock was set back."""
        return self.counted_at is None or not self.counted_at <= now < self.counted_at + MIX_MAX_AGE


@dataclass(frozen=True, slots=True)
class Deployment:
    """What every flow reads. No flow changes it, but for the count of hashes.

    Attributes:
        policy: The tunables.
        signer: Signs and opens tokens.
        resolver: Reads and explains identifiers.
        hash_mix: What unknown identifiers cost to verify, where nothing was counted.
        dummy_secret: Key from which dummy hashes are drawn.
        audit_secret: Key of the digests under which attempts are counted.
        tombstones: Keys of the digests that are kept of erased accounts' identifiers.
        email: The e-mail kind by whose rules addresses are registered.
        common: Common passwords, refused as new ones.
        counted_mix: What the store counted; ``None`` where the host declares the mix, or the store does not count.
        describes_hashes: Whether the hasher is a `HashImporter`, which can say of which kind a stored hash is.
        has_own_throttle: Whether the throttle is an object apart from the store, and can fail alone.
        checks_breaches: Whether there is a `BreachChecker`, which is asked about every new password.
    """

    policy: Policy
    signer: TokenSigner
    resolver: IdentifierResolver
    hash_mix: HashMix
    dummy_secret: bytes
    audit_secret: bytes
    tombstones: TombstoneKeys
    email: IdentifierKind
    common: Container[str]
    counted_mix: CountedMix | None = None
    describes_hashes: bool = False
    has_own_throttle: bool = False
    checks_breaches: bool = False


_ID_BYTES = 12
"""96 random bits name a commit; nobody gains by guessing one."""

_ACCOUNT_ID_BYTES = 15
"""120 random bits, so that no account id is drawn twice."""


def begin(client: ClientContext) -> Flow[RequestContext]:
    """Return the context of a use case that will write."""
    now = yield from ask(Clock.now)
    name = yield from ask(Entropy.draw, _ID_BYTES)
    return RequestContext(name.hex(), now, client)


def commit_with(event: AuditEvent, changes: Sequence[Change] = (), *, summed: bool = False) -> Flow[CommitOutcome]:
    """Commit *changes* together with *event*, and give the event to the audit sink once they are committed.

    A commit whose outcome the store does not know is repeated once. The event's id makes sure that it is
    not applied twice, and that one which was applied is answered `Committed`. A store that knows that it
    wrote nothing, for example because it stayed locked, is not asked again. With *summed* the event is only counted
    (`EventSummed`). Such a commit is not repeated, because it has no id of its own.
    """
    whole = (*changes, EventSummed(sum_of(event)) if summed else EventRecorded(event))
    try:
        outcome = yield from ask(AccountStore.commit, whole)
    except StoreUnavailableError as error:
        if error.nothing_written or summed:
            raise
        outcome = yield from ask(AccountStore.commit, whole)
    if isinstance(outcome, Committed):
        yield from ask(AuditSink.emit, event)
    return outcome


def new_account_id() -> Flow[AccountId]:
    """Return a random account id: 24 letters and digits."""
    entropy = yield from ask(Entropy.draw, _ACCOUNT_ID_BYTES)
    return AccountId(base64.b32encode(entropy).decode().lower())
