"""What a check of a running deployment looks at and what it finds. The rules are in `cityauth.core.check_rules`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from cityauth.core.mail import OutboxStatus
from cityauth.core.migration import Migration
from cityauth.policy import Policy


class Level(StrEnum):
    """How serious a finding is."""

    INFO = "info"
    """Worth knowing; nothing is wrong yet."""
    WARNING = "warning"
    """Something will go wrong, or protects less than it should."""
    ERROR = "error"
    """People cannot use the service as intended, or an attacker can misuse it now."""

    def reaches(self, least: "Level") -> bool:
        """Whether this level is *least* or above it."""
        order = list(Level)
        return order.index(self) >= order.index(least)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A finding that the operator knows and accepts for a time.

    Attributes:
        code: Its number, such as ``CA011``.
        reason: Why it is accepted.
        until: The last day on which it is accepted, in UTC.
    """

    code: str
    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        code: Its number, such as ``CA011``; it never changes its meaning.
        level: How serious it is.
        problem: What is wrong, in one sentence. It holds no secret and names no person.
        remedy: What to do, in one sentence.
        accepted: Why the operator accepts it; empty if nobody accepts it.
    """

    code: str
    level: Level
    problem: str
    remedy: str
    accepted: str = ""

    @property
    def page(self) -> str:
        """The part of the documentation that explains it."""
        return f"check.md#{self.code.lower()}"


@dataclass(frozen=True, slots=True)
class Setup:
    """What the host put together.

    Attributes:
        ring_size: How many signing secrets there are.
        has_tombstone_secret: Whether the key of tombstones was given, and does not come from a signing secret.
        has_mailer: Whether a mailer was given.
        keeps_in_memory: Whether the store is a `MemoryStore`.
        counts_in_memory: Whether attempts are counted in this process alone, while the store is a real one.
        audit_is_heard: Whether anybody gets the audit events besides the store.
        kinds: The names of the kinds of identifier.
        counts_hashes: Whether the store counts kinds of hashes and the hasher knows them.
        keeps_population: Whether the store is a `PopulationStore`.
        is_inspected: Whether the store is an `InspectedStore`.
    """

    ring_size: int = 1
    has_tombstone_secret: bool = True
    has_mailer: bool = True
    keeps_in_memory: bool = False
    counts_in_memory: bool = False
    audit_is_heard: bool = True
    kinds: frozenset[str] = frozenset({"email", "username"})
    counts_hashes: bool = False
    keeps_population: bool = False
    is_inspected: bool = False


@dataclass(frozen=True, slots=True)
class StoreState:
    """What a store says of itself.

    Attributes:
        database_time: The time by the database's own clock; ``None`` if it has none but this machine's.
        newest_event: The time of the audit event that was stored last; ``None`` if there is none.
        oldest_session: When the oldest stored session was opened; ``None`` if there is none.
        realms: How many accounts each realm has.
        unknown_hashes: How many accounts have a password hash of no known kind.
        open_files: The names of its files that others than their owner may read or write.
        network_file_system: The type of the network file system that the database file lies on; empty if on none.
    """

    database_time: datetime | None = None
    newest_event: datetime | None = None
    oldest_session: datetime | None = None
    realms: Mapping[str, int] = field(default_factory=dict)
    unknown_hashes: int = 0
    open_files: Sequence[str] = ()
    network_file_system: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the rules look at.

    Attributes:
        policy: The settings.
        setup: What the host put together.
        now: The time by the service's clock.
        mail_leaves: Whether the mailer says that mail leaves now.
        schema_error: Why the tables cannot be used; empty if they can.
        store_error: Why the store does not answer; empty if it does.
        outbox: How the outbox stands; ``None`` if the store did not say it.
        migrations: The migrations, the newest first.
        defective_hashes: How many accounts have a hash of a kind that the hasher does not verify.
        weak_hashes: How many accounts have a hash that should be wrapped.
        store: What the store says of itself; empty if it says nothing.
    """

    policy: Policy
    setup: Setup
    now: datetime
    mail_leaves: bool = True
    schema_error: str = ""
    store_error: str = ""
    outbox: OutboxStatus | None = None
    migrations: Sequence[Migration] = ()
    defective_hashes: int = 0
    weak_hashes: int = 0
    store: StoreState = field(default_factory=StoreState)
