"""Which kinds of hashes the population has: named where a hash is written, and counted for the dummy hashes."""

from datetime import datetime

from cityauth.core.hashing import HashMix
from cityauth.core.secret import SecretStr
from cityauth.errors import StoreError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.policy.hashing import MOST_KINDS
from cityauth.ports.services import HashImporter
from cityauth.ports.stores import HashCountStore


def kind_of_hash(deployment: Deployment, stored: SecretStr | None) -> Flow[str]:
    """Return the kind of *stored* as a change names it: empty without a hash, or where the hasher cannot say it."""
    if stored is None or not deployment.describes_hashes:
        return ""
    kind = yield from ask(HashImporter.describe, stored.get_secret_value())
    return kind.sample if kind else ""


def current_mix(deployment: Deployment, now: datetime) -> Flow[HashMix]:
    """Return the mix of hashes from which a dummy is drawn now: the host's, or what the store counts.

    The store is asked at the first sign-in, and again by the first one after `cityauth.policy.hashing.MIX_MAX_AGE`.
    Every sign-in asks for the mix at the same place, also the one that needs no dummy, so a count says nothing of the
    identifier. Where nothing is counted yet, or the store cannot count now, the mix is the former one, and at first
    the policy's profile.
    """
    counted = deployment.counted_mix
    if counted is None:
        return deployment.hash_mix
    if not counted.is_due(now):
        return counted.mix or deployment.hash_mix
    if counted.mix is not None:  # others go on with the former mix meanwhile
        counted.counted_at = now
    try:
        kinds = yield from ask(HashCountStore.count_hash_kinds, MOST_KINDS)
    except StoreError:
        return counted.mix or deployment.hash_mix
    if kinds:
        models = yield from ask(HashImporter.models, tuple(kinds))
        counted.mix = HashMix(tuple(models), tuple(kinds.values()))
    else:
        counted.mix = deployment.hash_mix
    counted.counted_at = now
    return counted.mix
