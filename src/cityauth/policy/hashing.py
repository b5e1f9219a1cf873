"""Parameters of new password hashes, what a stored hash may cost, and how many hashes are computed at once."""

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import ClassVar, Final, Self

from cityauth.policy.validation import require, require_types

MIX_MAX_AGE: Final = timedelta(minutes=5)
"""How old the count of stored hashes may be that dummy hashes are drawn from. Counting a million takes some tenths of a
second, so it is not done at each sign-in; an import is known everywhere within this time."""

MOST_KINDS: Final = 64
"""How many kinds of stored hashes are drawn from, the most frequent first. A system has a handful; only one that chose
its costs at random for each account has more, and a draw must stay cheap."""

WRAPPING_MEMORY: Final = 512 * 1024
"""KiB of memory that the wrapping of weak hashes takes at once: it runs beside a service, which needs its own."""


@dataclass(frozen=True, slots=True)
class HashProfile:
    """Parameters of Argon2id for new hashes.

    Attributes:
        memory_cost: Memory in KiB; at least 8 for each of *parallelism*, at most 1 GiB.
        time_cost: How often the memory is filled; 1 to 10.
        parallelism: How many threads fill the memory at the same time; 1 to 16.
        salt_bytes: Length of the random salt; 16 to 64, by default 16 (RFC 9106 section 4).
        hash_bytes: Length of the digest; 16 to 64, by default 32 (RFC 9106 section 4).
    """

    memory_cost: int
    time_cost: int
    parallelism: int
    salt_bytes: int = 16
    hash_bytes: int = 32

    RFC_9106: ClassVar[Self]
    """The second recommended option of RFC 9106, for little memory: 64 MiB, time cost 3, parallelism 4."""

    SMALL: ClassVar[Self]
    """The minimum of OWASP's Password Storage Cheat Sheet: 19 MiB, time cost 2, parallelism 1."""

    def __post_init__(self) -> None:
        """Refuse parameters that Argon2 cannot compute, and a salt or digest that is too short."""
        require_types(self, "hashing")
        require(
            1 <= self.parallelism <= 16 and 1 <= self.time_cost <= 10 and self.memory_cost >= 8 * self.parallelism,  # noqa: PLR2004
            "hashing: parallelism must be 1 to 16, time_cost 1 to 10, memory_cost at least 8 times parallelism",
        )
        require(
            self.memory_cost <= 1024 * 1024 and 16 <= self.salt_bytes <= 64 and 16 <= self.hash_bytes <= 64,  # noqa: PLR2004
            "hashing: memory at most 1 GiB, salt 16 to 64 bytes, hash 16 to 64 bytes",
        )


HashProfile.RFC_9106 = HashProfile(memory_cost=65536, time_cost=3, parallelism=4)
HashProfile.SMALL = HashProfile(memory_cost=19456, time_cost=2, parallelism=1)


@dataclass(frozen=True, slots=True)
class HashLimits:
    """A stored hash that costs more than this is not verified, so that an imported hash cannot stop the service.

    Attributes:
        argon2_memory_cost: The most KiB of memory; by default 256 MiB.
        argon2_time_cost: The highest time cost; by default 10.
        argon2_parallelism: The highest parallelism; by default 16.
        bcrypt_cost: The highest cost; by default 14, which takes about a second.
        pbkdf2_iterations: The most iterations; by default 2,000,000.
        scrypt_n: The highest cost ``n``; by default 2^17.
        scrypt_r: The highest block size ``r``; by default 8.
        scrypt_p: The highest parallelism ``p``; by default 10.
        digest_rounds: The most rounds of a fast digest, in SHA-crypt, phpass, Drupal and recipes; by default
            1,000,000, which is about 3 seconds of SHA-512-crypt.
    """

    argon2_memory_cost: int = 256 * 1024
    argon2_time_cost: int = 10
    argon2_parallelism: int = 16
    bcrypt_cost: int = 14
    pbkdf2_iterations: int = 2_000_000
    scrypt_n: int = 2**17
    scrypt_r: int = 8
    scrypt_p: int = 10
    digest_rounds: int = 1_000_000

    def __post_init__(self) -> None:
        """Refuse limits below 1, under which no hash could be verified."""
        require_types(self, "hash_limits")
        for limit in fields(self):
            require(getattr(self, limit.name) >= 1, f"hash_limits.{limit.name} must be at least 1")

    @property
    def most_memory(self) -> int:
        """KiB of memory that a stored hash within these limits needs at most."""
        scrypt = 128 * self.scrypt_r * (self.scrypt_n + self.scrypt_p + 2) // 1024
        return max(self.argon2_memory_cost, scrypt)


@dataclass(frozen=True, slots=True)
class HashQueuePolicy:
    """How many hashes one process computes at once, and who waits for how long. Beyond that the answer is "busy".

    Attributes:
        slots: Hashes at once; 1 to 1,024. By default, and with ``None``, as many as the process may use cores: more
            would make every sign-in slower and none faster.
        memory_budget: KiB of memory that all hashes at once may take, each with its own costs; by default 512 MiB.
            At least what a new hash needs, and what the most expensive stored hash within `HashLimits` needs.
        length: How many hashes may wait; 1 to 100,000, by default 500. When the queue is full, the newest one of the
            network with the most waiting ones gives way to a network with fewer.
        max_wait: How long one waits at most; more than 0 and at most 60 seconds, by default 10 seconds: people and
            proxies give up later than that.
    """

    slots: int | None = None
    memory_budget: int = 512 * 1024
    length: int = 500
    max_wait: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        """Refuse values out of these ranges."""
        require_types(self, "hash_queue")
        require(self.slots is None or 1 <= self.slots <= 1024, "hash_queue.slots must be 1 to 1024")  # noqa: PLR2004
        require(1 <= self.length <= 100_000, "hash_queue.length must be 1 to 100000")  # noqa: PLR2004
        require(
            timedelta() < self.max_wait <= timedelta(seconds=60),
            "hash_queue.max_wait must be longer than nothing and at most 60 seconds",
        )

    def check_budget(self, profile: HashProfile, limits: HashLimits) -> None:
        """Refuse a budget in which a hash that must be computed has no room.

        Raises:
            PolicyError: the budget is below what a new hash or a stored hash within *limits* needs.
        """
        require(
            self.memory_budget >= profile.memory_cost,
            f"hash_queue.memory_budget is below hashing.memory_cost: set it to at least {profile.memory_cost} KiB",
        )
        require(
            self.memory_budget >= limits.most_memory,
            f"hash_queue.memory_budget is below what hash_limits allow a stored hash: set it to at least"
            f" {limits.most_memory} KiB, or lower hash_limits",
        )


@dataclass(frozen=True, slots=True)
class LegacyHashPolicy:
    """How the old system made its hashes.

    Attributes:
        bcrypt_truncates: Whether that system cut passwords at 72 bytes before it ran bcrypt, as most did until
            2025. If so, a longer password is cut in the same way for bcrypt hashes. After a match, the hash is
            replaced by an Argon2id hash of the whole password, and the audit trail says ``truncated``. Until that
            sign-in, every password with the same first 72 bytes opens the account. By default it is off, and a
            password of more than 72 bytes matches no bcrypt hash.
    """

    bcrypt_truncates: bool = False

    def __post_init__(self) -> None:
        """Refuse what is neither true nor false."""
        require_types(self, "legacy_hashes")
