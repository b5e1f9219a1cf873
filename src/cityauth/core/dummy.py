"""HashMixes: the stored hashes of accounts that do not exist.

An unknown identifier must cost what an account costs, also while hashes of older parameters are
about. So a dummy's hash is drawn from the population's own mix: the same identifier always draws the
same one, as an account always has the same one.
"""

import hashlib
import hmac
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final, Self

from cityauth.core.hashing import HashParameters, parameters_of, render
from cityauth.errors import PolicyError
from cityauth.policy import HashProfile

_PURPOSE: Final = b"cityauth.dummy.v1:"
_TICKET_BYTES: Final = 8
"""64 bits choose the template: the error of the draw is below the total weight divided by 2^64."""

_LETTERS: Final = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[index % 36] for index in range(256))
"""Makes printable salts, for the formats whose salt is text."""


@dataclass(frozen=True, slots=True)
class HashMix:
    """Which stored hashes a population has, and how often.

    Attributes:
        templates: One hash of each kind; only its scheme, its costs and the lengths of salt and digest count.
        weights: How many accounts have such a hash, in the order of the templates; positive.

    Raises:
        PolicyError: no template, a weight below 1, or not one weight for each template.
    """

    templates: tuple[HashParameters, ...]
    weights: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what nothing can be drawn from."""
        if not self.templates or len(self.templates) != len(self.weights) or min(self.weights) < 1:
            msg = "a dummy mix needs at least one template, and a positive weight for each"
            raise PolicyError(msg)

    @classmethod
    def only(cls, profile: HashProfile) -> Self:
        """The mix of a population whose hashes are all of *profile*."""
        return cls((parameters_of(profile, bytes(profile.salt_bytes), bytes(profile.hash_bytes)),), (1,))


def draw(key: str, secret: bytes, mix: HashMix) -> str:
    """Return the stored hash of the dummy with this identifier key.

    It is well formed, and no password verifies against it but by a chance of 2^-128 or less. Nothing
    is hashed by a slow function to make it.

    Args:
        key: The canonical key of the unknown identifier.
        secret: Key of the draw, for this use alone. Who knows it can tell hash_mix from accounts.
        mix: What to draw from.
    """
    seed = hmac.digest(secret, _PURPOSE + key.encode(), hashlib.sha256)
    ticket = int.from_bytes(seed[:_TICKET_BYTES]) % sum(mix.weights)
    template = next(
        template for template, limit in zip(mix.templates, accumulate(mix.weights), strict=True) if ticket < limit
    )
    salt_bytes, digest_bytes = len(template.salt), len(template.digest)
    stream = hashlib.shake_256(seed).digest(salt_bytes + digest_bytes)
    return render(replace(template, salt=stream[:salt_bytes].translate(_LETTERS), digest=stream[salt_bytes:]))
