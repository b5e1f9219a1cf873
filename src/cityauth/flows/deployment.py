"""What one deployment fixes at construction, and every flow reads."""

from collections.abc import Container
from dataclasses import dataclass

from cityauth.core.dummy import HashMix
from cityauth.core.identifier import IdentifierKind
from cityauth.core.resolution import IdentifierResolver
from cityauth.core.signing import TokenSigner
from cityauth.core.tombstone import TombstoneKeys
from cityauth.policy import Policy


@dataclass(frozen=True, slots=True)
class Deployment:
    """The fixed surroundings of every flow.

    Attributes:
        policy: The tunables.
        signer: Signs and opens tokens.
        resolver: Reads and explains identifiers.
        hash_mix: What unknown identifiers cost to verify.
        dummy_secret: Key from which dummy hashes are drawn.
        audit_secret: Key of the digests under which attempts are counted.
        tombstones: Keys of the digests that are kept of erased accounts' identifiers.
        email: The e-mail kind by whose rules addresses are registered.
        common: Common passwords, refused as new ones.
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
