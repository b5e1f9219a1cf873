"""Every tunable in one place: frozen values, each with its reason and source.

Sources: OWASP ASVS 5.0 (``ASVS x.y.z``), NIST SP 800-63B-4 (``NIST``), RFC 9106 (Argon2), RFC 5321.
A value outside its range raises `PolicyError` when the policy is constructed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar, Self

from cityauth.core.stage import RealmPolicy, Stage
from cityauth.errors import PolicyError


def _require(condition: bool, message: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not condition:
        raise PolicyError(message)


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    """How long a person may take between the identify page and the password.

    Attributes:
        pending_max_age: Age at which a sealed pending login is refused; at most 15 minutes, long
            enough to look a password up, short enough that a form left open is worth nothing.
    """

    pending_max_age: timedelta = timedelta(minutes=15)

    def __post_init__(self) -> None:
        """Refuse an age outside 1 second to 15 minutes."""
        _require(
            timedelta(seconds=1) <= self.pending_max_age <= timedelta(minutes=15),
            "login.pending_max_age must be between 1 second and 15 minutes",
        )


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
        _require(self.min_length >= 8, "passwords.min_length must be at least 8 (ASVS 6.2.1)")  # noqa: PLR2004
        _require(
            max(64, self.min_length) <= self.max_code_points <= 1024,  # noqa: PLR2004
            "passwords.max_code_points must be between 64 (ASVS 6.2.9) and 1024",
        )
        _require(
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
        _require(
            1 <= self.lanes <= 16 and 1 <= self.passes <= 10 and self.memory_kib >= 8 * self.lanes,  # noqa: PLR2004
            "hashing: lanes must be 1..16, passes 1..10, memory at least 8 KiB a lane",
        )
        _require(
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


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """How long a session lives.

    Attributes:
        idle: Inactivity after which a session ends; 30 minutes, the upper end of OWASP's 15 to 30.
        absolute: Age at which it ends whatever happens; 12 hours, a working day (NIST 2.1.3 allows 30 d).
        remembered_idle: The same for a session that the person chose to be remembered: 14 days.
        remembered_absolute: 30 days (NIST 2.1.3).
        fresh: How long after a verified password sensitive changes need no further one: 5 minutes.
        touch_every: A session in use is written at most this often: 1 minute.
        per_account: Sessions one account may have at once; the oldest is ended beyond it (ASVS 7.1.2).
    """

    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=12)
    remembered_idle: timedelta = timedelta(days=14)
    remembered_absolute: timedelta = timedelta(days=30)
    fresh: timedelta = timedelta(minutes=5)
    touch_every: timedelta = timedelta(minutes=1)
    per_account: int = 50

    AAL2: ClassVar[Self]
    """NIST's limits for authentication assurance level 2: 1 h idle, 24 h overall, nothing remembered."""

    def __post_init__(self) -> None:
        """Refuse spans that contradict one another or exceed the sources."""
        _require(
            self.touch_every < self.idle <= self.absolute <= timedelta(days=30),
            "sessions: touch_every < idle <= absolute <= 30 days",
        )
        _require(
            self.touch_every < self.remembered_idle <= self.remembered_absolute <= timedelta(days=30),
            "sessions: touch_every < remembered_idle <= remembered_absolute <= 30 days",
        )
        _require(timedelta(0) < self.fresh <= timedelta(hours=1), "sessions.fresh must be at most 1 hour")
        _require(self.per_account >= 1, "sessions.per_account must be at least 1")


SessionPolicy.AAL2 = SessionPolicy(
    idle=timedelta(hours=1),
    absolute=timedelta(hours=24),
    remembered_idle=timedelta(hours=1),
    remembered_absolute=timedelta(hours=24),
)


def _default_realms() -> Mapping[str, RealmPolicy]:
    return MappingProxyType(
        {
            "citizen": RealmPolicy(Stage.EMAIL_PREFERRED),
            "official": RealmPolicy(Stage.LEGACY_ONLY),
        }
    )


@dataclass(frozen=True, slots=True)
class Policy:
    """All tunables of one deployment.

    Attributes:
        login: The two-step sign-in.
        identifiers: Registration of identifiers.
        passwords: New passwords.
        hashing: Argon2id parameters of new hashes.
        ceilings: Limits above which a stored hash is not run.
        sessions: Session lifetimes.
        realms: Which identifier kinds sign in, per realm and date; the default exempts officials.
        deployment: Name of this deployment, part of every signature, so that a token of one
            service or environment is dead in another.
    """

    login: LoginPolicy = field(default_factory=LoginPolicy)
    identifiers: IdentifierPolicy = field(default_factory=IdentifierPolicy)
    passwords: PasswordPolicy = field(default_factory=PasswordPolicy)
    hashing: HashProfile = HashProfile.RFC_9106
    ceilings: HashCeilings = field(default_factory=HashCeilings)
    sessions: SessionPolicy = field(default_factory=SessionPolicy)
    realms: Mapping[str, RealmPolicy] = field(default_factory=_default_realms)
    deployment: str = "cityauth"
