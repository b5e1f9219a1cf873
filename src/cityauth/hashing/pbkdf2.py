"""PBKDF2 (RFC 8018), as Django, Werkzeug, passlib, Spring Security and Atlassian's programs store it."""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cityauth.core.hashing import HashMatch, HashParameters
from cityauth.hashing.computed import DIGEST_BYTES, Computed, PackedFormat
from cityauth.hashing.text import ADAPTED_BASE64, HEX, PADDED_BASE64, TEXT, TextFormat, is_zero_padded
from cityauth.policy import HashLimits

_ALGORITHMS: Final = "sha1|sha224|sha256|sha384|sha512"
BLOCK_BYTES: Final = {"sha1": 64, "sha224": 64, "sha256": 64, "sha384": 128, "sha512": 128}
_SIZES: Final = (16, 20, 32, 64)
"""The lengths that digests are cut to, so that a hash that lost its end is damaged."""

_MOST_ITERATIONS: Final = 2**31 - 1
"""OpenSSL takes no more."""


@dataclass(frozen=True, slots=True)
class Pbkdf2Costs:
    """Costs of PBKDF2: HMAC with *algorithm* sha1, sha224, sha256, sha384 or sha512, run *iterations* times."""

    algorithm: str = field(metadata={"pattern": _ALGORITHMS})
    iterations: int

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether there is a salt, and a digest of exactly one block: each further block costs as much again."""
        return salt_bytes > 0 and digest_bytes == DIGEST_BYTES[self.algorithm]

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether there are more iterations than *limits* or OpenSSL allow."""
        return self.iterations > min(limits.pbkdf2_iterations, _MOST_ITERATIONS)


@dataclass(frozen=True, slots=True)
class SizedPbkdf2Costs(Pbkdf2Costs):
    """Costs of PBKDF2 for a digest of *size* bytes. If it has several blocks, each block costs the same."""

    size: int

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether there is a salt, and a digest that cannot be guessed by chance."""
        return salt_bytes > 0 and digest_bytes == self.size and self.size in _SIZES

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether all blocks together have more iterations than *limits* or OpenSSL allow."""
        blocks = -(-self.size // DIGEST_BYTES[self.algorithm])
        return self.iterations * blocks > min(limits.pbkdf2_iterations, _MOST_ITERATIONS)


class Pbkdf2(Computed[Pbkdf2Costs]):
    """Verifies PBKDF2 hashes, whatever their text."""

    __slots__ = ()

    def digest_of(self, password: bytes, parameters: HashParameters[Pbkdf2Costs]) -> bytes:
        """Run PBKDF2 once."""
        costs, size = parameters.costs, len(parameters.digest)
        longer = (size,) if size != DIGEST_BYTES[costs.algorithm] else ()
        return hashlib.pbkdf2_hmac(costs.algorithm, password, parameters.salt, costs.iterations, *longer)

    def match_of(self, password: bytes, parameters: HashParameters[Pbkdf2Costs]) -> HashMatch:
        """Return no for a password that HMAC takes for a shorter one; see `is_zero_padded`."""
        padded = is_zero_padded(password, BLOCK_BYTES[parameters.costs.algorithm])
        return HashMatch.NO if padded else HashMatch.YES

    def rounds_of(self, parameters: HashParameters[Pbkdf2Costs]) -> int:
        """Return the iterations."""
        return parameters.costs.iterations


class Pbkdf2Format(Pbkdf2, TextFormat[Pbkdf2Costs]):
    """Verifies PBKDF2 hashes whose text is a template."""

    __slots__ = ()


class PasslibPbkdf2Format(Pbkdf2Format):
    """Verifies passlib's hashes. Those of SHA-1 begin with ``$pbkdf2$``; they are read as ``$pbkdf2-sha1$``."""

    __slots__ = ()

    def body_of(self, stored: str) -> str:
        """Return *stored* with its digest function written out."""
        return stored.replace("$pbkdf2$", "$pbkdf2-sha1$", 1) if stored.startswith("$pbkdf2$") else stored


DJANGO_PBKDF2: Final = Pbkdf2Format(
    "django_pbkdf2", "pbkdf2_{algorithm}${iterations}${salt}${digest}", Pbkdf2Costs, TEXT, PADDED_BASE64
)
WERKZEUG_PBKDF2: Final = Pbkdf2Format(
    "werkzeug_pbkdf2", "pbkdf2:{algorithm}:{iterations}${salt}${digest}", Pbkdf2Costs, TEXT, HEX
)
PASSLIB_PBKDF2: Final = PasslibPbkdf2Format(
    "passlib_pbkdf2", "$pbkdf2-{algorithm}${iterations}${salt}${digest}", Pbkdf2Costs, ADAPTED_BASE64, ADAPTED_BASE64
)


_SUBKEY: Final = 32


class FixedPbkdf2Format(Pbkdf2, PackedFormat[Pbkdf2Costs]):
    """Verifies hashes of fixed costs: the salt, then 32 bytes of digest, in base64 or hexadecimal digits."""

    __slots__ = ("_costs", "_in_hex", "_salt_bytes")

    def __init__(self, name: str, tag: str, costs: SizedPbkdf2Costs, salt_bytes: int, *, in_hex: bool) -> None:
        """Describe hashes that begin with *tag* and have these costs."""
        super().__init__(name, tag)
        self._costs, self._salt_bytes, self._in_hex = costs, salt_bytes, in_hex

    def decode(self, text: str) -> bytes:
        """Read hexadecimal digits or base64."""
        return bytes.fromhex(text) if self._in_hex and text.isalnum() else super().decode(text)

    def unpack(self, data: bytes) -> HashParameters[Pbkdf2Costs] | None:
        """Take salt and digest."""
        salt, digest = data[: self._salt_bytes], data[self._salt_bytes :]
        return HashParameters(self._costs, salt, digest) if len(digest) == _SUBKEY else None

    def pack(self, parameters: HashParameters[Pbkdf2Costs]) -> bytes:
        """Put the digest behind the salt."""
        return parameters.salt + parameters.digest

    def render(self, parameters: HashParameters[Pbkdf2Costs]) -> str:
        """Write *parameters* down in this format."""
        return self._tag + self.pack(parameters).hex() if self._in_hex else super().render(parameters)


JAVA_FORMATS: Final = (
    FixedPbkdf2Format("atlassian", "{PKCS5S2}", SizedPbkdf2Costs("sha1", 10_000, _SUBKEY), 16, in_hex=False),
    FixedPbkdf2Format(
        "spring_pbkdf2_5_8",
        "{pbkdf2@SpringSecurity_v5_8}",
        SizedPbkdf2Costs("sha256", 310_000, _SUBKEY),
        16,
        in_hex=True,
    ),
    FixedPbkdf2Format("spring_pbkdf2", "{pbkdf2}", SizedPbkdf2Costs("sha1", 185_000, _SUBKEY), 8, in_hex=True),
)
