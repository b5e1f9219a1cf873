"""Parameters of new password hashes, and what a stored hash may cost."""

from dataclasses import dataclass
from typing import ClassVar, Self

from cityauth.policy.validation import require


@dataclass(frozen=True, slots=True)
class HashProfile:
    """Parameters of Argon2id for new hashes.

    Attributes:
        memory_cost: Memory in KiB.
        time_cost: Time cost.
        parallelism: Parallelism.
        salt_bytes: Random salt, 16 bytes (RFC 9106 section 4).
        hash_bytes: Tag length, 32 bytes (RFC 9106 section 4).
    """

    memory_cost: int
    time_cost: int
    parallelism: int
    salt_bytes: int = 16
    hash_bytes: int = 32

    RFC_9106: ClassVar[Self]
    """RFC 9106's second recommended option (low memory): 64 MiB, 3 passes, 4 lanes."""

    SMALL: ClassVar[Self]
    """The minimum of OWASP's Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane."""

    def __post_init__(self) -> None:
        """Refuse what Argon2 cannot compute or what would be no salt."""
        require(
            1 <= self.parallelism <= 16 and 1 <= self.time_cost <= 10 and self.memory_cost >= 8 * self.parallelism,  # noqa: PLR2004
            "hashing: parallelism must be 1..16, time_cost 1..10, memory_cost at least 8 KiB a lane",
        )
        require(
            self.memory_cost <= 1024 * 1024 and self.salt_bytes >= 16 and 16 <= self.hash_bytes <= 64,  # noqa: PLR2004
            "hashing: memory at most 1 GiB, salt at least 16 bytes, hash 16 to 64 bytes",
        )


HashProfile.RFC_9106 = HashProfile(memory_cost=65536, time_cost=3, parallelism=4)
HashProfile.SMALL = HashProfile(memory_cost=19456, time_cost=2, parallelism=1)


@dataclass(frozen=True, slots=True)
class HashLimits:
    """Above these a stored hash is not run: an imported hash must not become a weapon (C-48).

    Attributes:
        argon2_memory_cost: 256 MiB.
        argon2_time_cost: 10.
        argon2_parallelism: 16.
        bcrypt_cost: 14, about a second.
        pbkdf2_iterations: 2,000,000.
        scrypt_n: 2^17.
        scrypt_r: 8.
        scrypt_p: 10.
    """

    argon2_memory_cost: int = 256 * 1024
    argon2_time_cost: int = 10
    argon2_parallelism: int = 16
    bcrypt_cost: int = 14
    pbkdf2_iterations: int = 2_000_000
    scrypt_n: int = 2**17
    scrypt_r: int = 8
    scrypt_p: int = 10
