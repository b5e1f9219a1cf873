"""New identifiers and passwords, and what stored hashes may cost."""

from dataclasses import dataclass
from typing import ClassVar, Self

from cityauth.policy.ruling import require


@dataclass(frozen=True, slots=True)
class IdentifierPolicy:
    """What may be registered as an identifier.

    Attributes:
        mailer_supports_smtputf8: Whether an address with a non-ASCII local part may be registered.
            Off by default: a reset mail that cannot be delivered locks its owner out.
    """

    mailer_supports_smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What a *new* password must be. Old passwords keep working whatever stands here.

    Attributes:
        min_length: Code points after NFC; 15 where the password is the only factor (NIST 3.1.1.2,
            ASVS 6.2.1), never below 8.
        max_code_points: 1,024; at least 64 must be permitted (ASVS 6.2.9).
        max_bytes: 4,096 bytes of UTF-8, refused before any work on every road.
        context_words: Names of the service, the organisation and its places, refused as a whole
            password, never as a part of one (ASVS 6.1.2, 6.2.11).
    """

    min_length: int = 15
    max_code_points: int = 1024
    max_bytes: int = 4096
    context_words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse lengths that the sources forbid."""
        require(self.min_length >= 8, "passwords.min_length must be at least 8 (ASVS 6.2.1)")  # noqa: PLR2004
        require(
            max(64, self.min_length) <= self.max_code_points <= 1024,  # noqa: PLR2004
            "passwords.max_code_points must be between 64 (ASVS 6.2.9) and 1024",
        )
        require(
            self.max_code_points <= self.max_bytes <= 4096,  # noqa: PLR2004
            "passwords.max_bytes must be between max_code_points and 4096",
        )


@dataclass(frozen=True, slots=True)
class HashProfile:
    """Parameters of Argon2id for new hashes.

    Attributes:
        memory_kib: Memory in KiB.
        passes: Time cost.
        lanes: Parallelism.
        salt_bytes: Random salt, 16 bytes (RFC 9106 section 4).
        hash_bytes: Tag length, 32 bytes (RFC 9106 section 4).
    """

    memory_kib: int
    passes: int
    lanes: int
    salt_bytes: int = 16
    hash_bytes: int = 32

    RFC_9106: ClassVar[Self]
    """RFC 9106's second recommended option (low memory): 64 MiB, 3 passes, 4 lanes."""

    SMALL: ClassVar[Self]
    """The minimum of OWASP's Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane."""

    def __post_init__(self) -> None:
        """Refuse what Argon2 cannot compute or what would be no salt."""
        require(
            1 <= self.lanes <= 16 and 1 <= self.passes <= 10 and self.memory_kib >= 8 * self.lanes,  # noqa: PLR2004
            "hashing: lanes must be 1..16, passes 1..10, memory at least 8 KiB a lane",
        )
        require(
            self.memory_kib <= 1024 * 1024 and self.salt_bytes >= 16 and 16 <= self.hash_bytes <= 64,  # noqa: PLR2004
            "hashing: memory at most 1 GiB, salt at least 16 bytes, hash 16 to 64 bytes",
        )


HashProfile.RFC_9106 = HashProfile(memory_kib=65536, passes=3, lanes=4)
HashProfile.SMALL = HashProfile(memory_kib=19456, passes=2, lanes=1)


@dataclass(frozen=True, slots=True)
class HashCeilings:
    """Above these a stored hash is not run: an imported hash must not become a weapon (C-48).

    Attributes:
        argon2_memory_kib: 256 MiB.
        argon2_passes: 10.
        argon2_lanes: 16.
        bcrypt_cost: 14, about a second.
        pbkdf2_iterations: 2,000,000.
        scrypt_n: 2^17.
        scrypt_r: 8.
        scrypt_p: 10.
    """

    argon2_memory_kib: int = 256 * 1024
    argon2_passes: int = 10
    argon2_lanes: int = 16
    bcrypt_cost: int = 14
    pbkdf2_iterations: int = 2_000_000
    scrypt_n: int = 2**17
    scrypt_r: int = 8
    scrypt_p: int = 10
