"""scrypt (RFC 7914), as Django and Werkzeug store it."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from cityauth.core.hashing import HashMatch, HashParameters
from cityauth.errors import HasherBusyError
from cityauth.hashing.text import HEX, PADDED_BASE64, TEXT, TextFormat, is_zero_padded
from cityauth.policy import HashLimits

_DIGEST_BYTES: Final = 64
"""The length that Django and Werkzeug share."""

_BLOCK_BYTES: Final = 64
"""The block of SHA-256: scrypt hands the password to HMAC-SHA-256."""

_MOST_MEMORY: Final = 2**31 - 1
"""Bytes: OpenSSL takes no higher bound."""


@dataclass(frozen=True, slots=True)
class ScryptCosts:
    """Costs of scrypt: *n* blocks of 128 * *r* bytes, *p* times."""

    n: int
    r: int
    p: int

    @property
    def memory(self) -> int:
        """The bytes that running it needs."""
        return 128 * self.r * (self.n + self.p + 2)

    @property
    def memory_cost(self) -> int:
        """The KiB that running it needs."""
        return self.memory // 1024

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether RFC 7914 allows these numbers: n is a power of two and below 2 ^ (16 * r)."""
        power_of_two = self.n > 1 and self.n & (self.n - 1) == 0
        possible = self.n.bit_length() <= 16 * self.r and self.r * self.p < 2**30
        return power_of_two and possible and salt_bytes > 0 and digest_bytes == _DIGEST_BYTES

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether running this would cost more than *limits* or OpenSSL allow."""
        over = self.n > limits.scrypt_n or self.r > limits.scrypt_r or self.p > limits.scrypt_p
        return over or self.memory > _MOST_MEMORY


class ScryptFormat(TextFormat[ScryptCosts]):
    """Verifies scrypt hashes."""

    __slots__ = ()

    def verify(self, password: bytes, parameters: HashParameters[ScryptCosts]) -> HashMatch:
        """Run scrypt once. A password that HMAC takes for a shorter one is wrong; see `is_zero_padded`.

        Raises:
            HasherBusyError: there is not enough memory now.
        """
        costs = parameters.costs
        try:
            digest = hashlib.scrypt(
                password,
                salt=parameters.salt,
                n=costs.n,
                r=costs.r,
                p=costs.p,
                dklen=len(parameters.digest),
                maxmem=costs.memory,
            )
        except (MemoryError, ValueError) as error:  # the numbers were checked: only the memory can be lacking
            raise HasherBusyError("there is not enough memory to run scrypt now") from error
        same = hmac.compare_digest(digest, parameters.digest)
        return HashMatch.YES if same and not is_zero_padded(password, _BLOCK_BYTES) else HashMatch.NO


DJANGO_SCRYPT: Final = ScryptFormat(
    "django_scrypt", "scrypt${n}${salt}${r}${p}${digest}", ScryptCosts, TEXT, PADDED_BASE64
)
WERKZEUG_SCRYPT: Final = ScryptFormat("werkzeug_scrypt", "scrypt:{n}:{r}:{p}${salt}${digest}", ScryptCosts, TEXT, HEX)
