"""What one deployment fixes at construction, and every flow reads."""

from collections.abc import Container
from dataclasses import dataclass

from cityauth.core.ghost import GhostMix
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
        common: Common passwords, refused as new ones.
    """

    policy: Policy
    sealer: Sealer
    resolver: IdentifierResolver
    ghosts: GhostMix
    ghost_secret: bytes
    audit_secret: bytes
    common: Container[str]
