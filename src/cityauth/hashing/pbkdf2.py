"""PBKDF2 (RFC 8018), as Django and Werkzeug store it."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from cityauth.core.hashing import HashMatch, HashParameters
from cityauth.hashing.text import HEX, PADDED_BASE64, TEXT, TextFormat, is_zero_padded
from cityauth.policy import HashLimits

_DIGEST_BYTES: Final = {"sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
_BLOCK_BYTES: Final = {"sha1": 64, "sha224": 64, "sha256": 64, "sha384": 128, "sha512": 128}
_MOST_ITERATIONS: Final = 2**31 - 1
"""OpenSSL takes no more."""


@dataclass(frozen=True, slots=True)
class Pbkdf2Costs:
    """Costs of PBKDF2: HMAC with *algorithm* sha1, sha224, sha256, sha384 or sha512, run *iterations* times."""

    algorithm: str = field(metadata={"pattern": "|".join(_DIGEST_BYTES)})
    iterations: int

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether there is a salt, and a digest of exactly one block: each further block costs as much again."""
        return salt_bytes > 0 and digest_bytes == _DIGEST_BYTES[self.algorithm]

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether there are more iterations than *limits* or OpenSSL allow."""
        return self.iterations > min(limits.pbkdf2_iterations, _MOST_ITERATIONS)


class Pbkdf2Format(TextFormat[Pbkdf2Costs]):
    """Verifies PBKDF2 hashes."""

    __slots__ = ()

    def verify(self, password: bytes, parameters: HashParameters[Pbkdf2Costs]) -> HashMatch:
        """Run PBKDF2 once. A password that HMAC takes for a shorter one is wrong; see `is_zero_padded`."""
        costs = parameters.costs
        digest = hashlib.pbkdf2_hmac(costs.algorithm, password, parameters.salt, costs.iterations)
        same = hmac.compare_digest(digest, parameters.digest)
        return HashMatch.YES if same and not is_zero_padded(password, _BLOCK_BYTES[costs.algorithm]) else HashMatch.NO


DJANGO_PBKDF2: Final = Pbkdf2Format(
    "django_pbkdf2", "pbkdf2_{algorithm}${iterations}${salt}${digest}", Pbkdf2Costs, TEXT, PADDED_BASE64
)
WERKZEUG_PBKDF2: Final = Pbkdf2Format(
    "werkzeug_pbkdf2", "pbkdf2:{algorithm}:{iterations}${salt}${digest}", Pbkdf2Costs, TEXT, HEX
)
