"""What one deployment fixes at construction, and every flow reads."""

import hashlib
import hmac
from collections.abc import Container
from dataclasses import dataclass

from cityauth.core.ghost import GhostMix
from cityauth.core.identifier import Identifier, IdentifierKind
from cityauth.core.resolution import IdentifierResolver
from cityauth.core.sealing import Sealer
from cityauth.policy import Policy


@dataclass(frozen=True, slots=True)
class Deployment:
    """The fixed surroundings of every flow.

    Attributes:
        policy: The tunables.
        sealer: Seals and opens tokens.
        resolver: Reads and explains identifiers.
        ghosts: What unknown identifiers cost to verify.
        ghost_secret: Key from which ghosts are drawn.
        audit_secret: Key of the digests under which attempts are counted.
        ledger_secret: Key of the digests that are kept of erased accounts' identifiers.
        email: The e-mail kind by whose rules addresses are registered.
        common: Common passwords, refused as new ones.
    """

    policy: Policy
    sealer: Sealer
    resolver: IdentifierResolver
    ghosts: GhostMix
    ghost_secret: bytes
    audit_secret: bytes
    ledger_secret: bytes
    email: IdentifierKind
    common: Container[str]

    def ledger_digest(self, identifier: Identifier) -> bytes:
        """Return what the ledger keeps of *identifier* when its account is erased."""
        return hmac.digest(self.ledger_secret, identifier.key.encode(), hashlib.sha256)
