"""What one deployment fixes at construction, and every flow reads."""

import hashlib
import hmac
from collections.abc import Container
from dataclasses import dataclass

from cityauth.core.dummy import HashMix
from cityauth.core.identifier import Identifier, IdentifierKind
from cityauth.core.resolution import IdentifierResolver
from cityauth.core.signing import TokenSigner
from cityauth.policy import Policy


@dataclass(frozen=True, slots=True)
class Deployment:
    """The fixed surroundings of every flow.

    Attributes:
        policy: The tunables.
        signer: Signs and opens tokens.
        resolver: Reads and explains identifiers.
        hash_mix: What unknown identifiers cost to verify.
        dummy_secret: Key from which hash_mix are drawn.
        audit_secret: Key of the digests under which attempts are counted.
        tombstone_secret: Key of the digests that are kept of erased accounts' identifiers.
        email: The e-mail kind by whose rules addresses are registered.
        common: Common passwords, refused as new ones.
    """

    policy: Policy
    signer: TokenSigner
    resolver: IdentifierResolver
    hash_mix: HashMix
    dummy_secret: bytes
    audit_secret: bytes
    tombstone_secret: bytes
    email: IdentifierKind
    common: Container[str]

    def tombstone_hash(self, identifier: Identifier) -> bytes:
        """Return what the tombstones keeps of *identifier* when its account is erased."""
        return hmac.digest(self.tombstone_secret, identifier.key.encode(), hashlib.sha256)
