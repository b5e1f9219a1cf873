"""scrypt (RFC 7914), as Django, Werkzeug, passlib and Spring Security store it."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from cityauth.core.hashing import HashFormat, HashMatch, HashParameters
from cityauth.errors import HasherBusyError
from cityauth.hashing.text import BASE64, HEX, PADDED_BASE64, TEXT, TextFormat, is_zero_padded
from cityauth.policy import HashLimits

_DIGEST_BYTES: Final = 64
"""The length that Django and Werkzeug share."""

_SHORT_DIGEST_BYTES: Final = 32
"""The length that passlib and Spring Security share."""

_BLOCK_BYTES: Final = 64
"""The block of SHA-256: scrypt hands the password to HMAC-SHA-256."""

_MOST_MEMORY: Final = 2**31 - 1
"""Bytes: OpenSSL takes no higher bound."""


class Scrypt(Protocol):
    """Costs of scrypt, whatever their text: *n* blocks of 128 * *r* bytes, *p* times."""

    @property
    def n(self) -> int:
        """How many blocks."""

    @property
    def r(self) -> int:
        """The size of a block, in 128 bytes."""

    @property
    def p(self) -> int:
        """How often it runs."""

    @property
    def memory(self) -> int:
        """The bytes that running it needs."""
        return 128 * self.r * (self.n + self.p + 2)

    @property
    def memory_cost(self) -> int:
        """The KiB that running it needs."""
        return self.memory // 1024

    def is_possible(self, salt_bytes: int) -> bool:
        """Say whether RFC 7914 allows these numbers: n is a power of two and below 2 ^ (16 * r)."""
        power_of_two = self.n > 1 and self.n & (self.n - 1) == 0
        possible = self.n.bit_length() <= 16 * self.r and 0 < self.r * self.p < 2**30
        return power_of_two and possible and salt_bytes > 0

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether running this would cost more than *limits* or OpenSSL allow."""
        over = self.n > limits.scrypt_n or self.r > limits.scrypt_r or self.p > limits.scrypt_p
        return over or self.memory > _MOST_MEMORY

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether the numbers are possible and the digest is as long as those of this format."""


@dataclass(frozen=True, slots=True)
class ScryptCosts(Scrypt):
    """Costs of scrypt with every number written out."""

    n: int
    r: int
    p: int

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether the numbers are possible and the digest has 64 bytes."""
        return self.is_possible(salt_bytes) and digest_bytes == _DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class LogScryptCosts(Scrypt):
    """Costs of scrypt with *ln* in place of n, which is 2 to the power of *ln*."""

    ln: int = field(metadata={"pattern": "[1-9]|[1-5][0-9]|6[0-3]"})
    r: int
    p: int

    @property
    def n(self) -> int:
        """How many blocks."""
        return 1 << self.ln

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether the numbers are possible and the digest has 32 bytes."""
        return self.is_possible(salt_bytes) and digest_bytes == _SHORT_DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class PackedScryptCosts(Scrypt):
    """Costs of scrypt as one hexadecimal number: the logarithm of n, then r and p in two digits each."""

    packed: str = field(metadata={"pattern": "[1-3]?[0-9a-f][0-9a-f]{4}"})

    @property
    def n(self) -> int:
        """How many blocks."""
        return 1 << (int(self.packed, 16) >> 16)

    @property
    def r(self) -> int:
        """The size of a block, in 128 bytes."""
        return int(self.packed, 16) >> 8 & 255

    @property
    def p(self) -> int:
        """How often it runs."""
        return int(self.packed, 16) & 255

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether the numbers are possible and the digest has 32 bytes."""
        return self.is_possible(salt_bytes) and digest_bytes == _SHORT_DIGEST_BYTES


C = TypeVar("C", ScryptCosts, LogScryptCosts, PackedScryptCosts)


class ScryptFormat(TextFormat[C]):
    """Verifies scrypt hashes."""

    __slots__ = ()

    def verify(self, password: bytes, parameters: HashParameters[C]) -> HashMatch:
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
PASSLIB_SCRYPT: Final = ScryptFormat(
    "passlib_scrypt", "$scrypt$ln={ln},r={r},p={p}${salt}${digest}", LogScryptCosts, BASE64, BASE64
)
SPRING_SCRYPT: Final = tuple(
    ScryptFormat(name, "${packed}${salt}${digest}", PackedScryptCosts, PADDED_BASE64, PADDED_BASE64, prefix=prefix)
    for name, prefix in (
        ("spring_scrypt", "{scrypt}"),
        ("spring_scrypt_5_8", "{scrypt@SpringSecurity_v5_8}"),
    )
)
SCRYPT_FORMATS: Final[tuple[HashFormat[Any], ...]] = (DJANGO_SCRYPT, WERKZEUG_SCRYPT, PASSLIB_SCRYPT, *SPRING_SCRYPT)
