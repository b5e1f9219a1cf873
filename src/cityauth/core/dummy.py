"""Dummy hashes: what a password is verified against when no account has the identifier.

An unknown identifier must cost as much work as a known one, also while some accounts still have hashes of older
formats. Therefore a dummy hash is drawn from the mix of hashes that the population has. One identifier always
draws the same dummy, as one account always has the same hash.
"""

import hashlib
import hmac
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from cityauth.core.hashing import StoredHash
from cityauth.errors import PolicyError

_PURPOSE: Final = b"cityauth.dummy.v1:"
_TICKET_BYTES: Final = 8
"""64 bits choose the model: the error of the draw is below the total weight divided by 2^64."""

_LETTERS: Final = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[index % 36] for index in range(256))
"""Makes printable salts, for the formats whose salt is text."""


@dataclass(frozen=True, slots=True)
class HashMix:
    """Which stored hashes a population has, and how many accounts have each kind.

    `Argon2Hasher.mix` makes one from samples.

    Attributes:
        models: One hash of each kind. Its format, its costs and the lengths of its salt and digest count.
        weights: How many accounts have such a hash, in the order of the models; each at least 1.

    Raises:
        PolicyError: there is no model, a weight is below 1, or the numbers of models and weights differ.
    """

    models: tuple[StoredHash, ...]
    weights: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse a mix from which nothing can be drawn."""
        if not self.models or len(self.models) != len(self.weights) or min(self.weights) < 1:
            msg = "a mix of hashes needs at least one model, and a positive weight for each"
            raise PolicyError(msg)


def draw(key: str, secret: bytes, mix: HashMix) -> str:
    """Return the dummy hash of the identifier with this key.

    The dummy is well formed. A password matches it only by a chance of 2^-128 or less. No slow function runs here.

    Args:
        key: The canonical key of the unknown identifier.
        secret: The key of the draw, used for nothing else. A person who knows it can tell dummies from real hashes.
        mix: The hashes of the population.
    """
    seed = hmac.digest(secret, _PURPOSE + key.encode(), hashlib.sha256)
    ticket = int.from_bytes(seed[:_TICKET_BYTES]) % sum(mix.weights)
    model = next(model for model, limit in zip(mix.models, accumulate(mix.weights), strict=True) if ticket < limit)
    salt_bytes, digest_bytes = len(model.parameters.salt), len(model.parameters.digest)
    stream = hashlib.shake_256(seed).digest(salt_bytes + digest_bytes)
    salt, digest = stream[:salt_bytes].translate(_LETTERS), stream[salt_bytes:]
    return model.format.render(replace(model.parameters, salt=salt, digest=digest))
