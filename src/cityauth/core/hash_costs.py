"""What it costs to run each of the slow functions, and whether that is allowed."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from cityauth.policy import HashLimits

ARGON2_VERSION: Final = 19
"""0x13, the version of RFC 9106; 16 (0x10) is what was there before."""
_DIGEST_BYTES: Final = {"sha1": 20, "sha256": 32, "sha512": 64}


@dataclass(frozen=True, slots=True)
class Argon2Costs:
    """Costs of Argon2: *variant* id, i or d; *version* 16 or 19; memory in KiB."""

    variant: str
    version: int
    memory_cost: int
    time_cost: int
    parallelism: int

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether Argon2 can compute this, with a digest that is not guessed by chance."""
        return self.memory_cost >= 8 * self.parallelism and salt_bytes >= 8 and digest_bytes >= 16  # noqa: PLR2004

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether running this would cost more than *limits* allow."""
        return (
            self.memory_cost > limits.argon2_memory_cost
            or self.time_cost > limits.argon2_time_cost
            or self.parallelism > limits.argon2_parallelism
        )


@dataclass(frozen=True, slots=True)
class BcryptCosts:
    """Costs of bcrypt: 2 to the power of *cost* rounds.

    Its *ident* a, b or y tells which program made it, and changes nothing in how it is run.
    """

    ident: str
    cost: int

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether the lengths are bcrypt's."""
        return self.cost >= 4 and salt_bytes == 16 and digest_bytes == 23  # noqa: PLR2004 - fixed by bcrypt

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether running this would cost more than *limits* allow."""
        return self.cost > limits.bcrypt_cost


@dataclass(frozen=True, slots=True)
class Pbkdf2Costs:
    """Costs of PBKDF2: HMAC with *algorithm* sha1, sha256 or sha512, so many *iterations*."""

    algorithm: str
    iterations: int

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether there is a salt, and a digest of one block: each further one costs the same again."""
        return salt_bytes > 0 and digest_bytes == _DIGEST_BYTES[self.algorithm]

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether running this would cost more than *limits* allow."""
        return self.iterations > limits.pbkdf2_iterations


@dataclass(frozen=True, slots=True)
class ScryptCosts:
    """Costs of scrypt: *n* blocks of 128 *r* bytes, *p* times."""

    n: int
    r: int
    p: int

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether scrypt can compute this, with the digest of 64 bytes that its formats share."""
        return self.n > 1 and self.n & (self.n - 1) == 0 and salt_bytes > 0 and digest_bytes == 64  # noqa: PLR2004

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether running this would cost more than *limits* allow."""
        return self.n > limits.scrypt_n or self.r > limits.scrypt_r or self.p > limits.scrypt_p


Costs: TypeAlias = Argon2Costs | BcryptCosts | Pbkdf2Costs | ScryptCosts
