"""Stand-ins for the ports at the edge: they tell what they were asked, and they cost nothing."""

import hashlib
import itertools
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cityauth.core.audit import AuditEvent
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext, RequestContext
from cityauth.core.hashing import HashDefect, HashParameters
from cityauth.core.passwords import Password
from cityauth.hashing.argon2 import ARGON2, costs_of
from cityauth.hashing.registry import HashFormats, built_in_formats
from cityauth.policy import HashLimits, HashProfile
from cityauth.ports.services import Verdict


def context(at: datetime, client: ClientContext = UNKNOWN_CLIENT) -> RequestContext:
    """Something that happens in a test."""
    return RequestContext("context", at, client)


def typed(text: str) -> Password:
    """A password as typed, past the caps."""
    return Password(text, unicodedata.normalize("NFC", text))


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""When most tests begin."""


@dataclass
class FixedClock:
    """A clock that moves only when told."""

    at: datetime = NOON

    def now(self) -> datetime:
        """The present moment of the test."""
        return self.at

    def advance(self, span: timedelta) -> None:
        """Let time pass, or with a negative span jump back."""
        self.at += span


@dataclass
class SeededEntropy:
    """Reproducible bytes, different at each draw, in a race too."""

    seed: bytes = b"seed"
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def draw(self, count: int) -> bytes:
        """The next bytes of a stream that the seed fixes."""
        return hashlib.shake_256(self.seed + next(self.numbers).to_bytes(8)).digest(count)


@dataclass
class ListAudit:
    """An audit sink that keeps what it hears."""

    events: list[AuditEvent] = field(default_factory=list)

    def emit(self, event: AuditEvent) -> None:
        """Keep the event."""
        self.events.append(event)


FORMATS = HashFormats(built_in_formats(), HashLimits())


@dataclass
class SpyHasher:
    """A hasher that writes down what each verification would have cost, and runs SHA-256 instead.

    Its hashes look like Argon2id of its profile, so the hash of a dummy has the same shape.

    Attributes:
        profile: Parameters of new hashes.
        work: One entry a verification: the scheme, its costs and the lengths of salt and digest.
        made: How many hashes were made.
    """

    profile: HashProfile = HashProfile.SMALL
    work: list[tuple[object, ...]] = field(default_factory=list)
    made: int = 0

    def verify(self, password: Password, stored: str) -> Verdict:
        """Compare, once for each candidate of the password."""
        found = FORMATS.examine(stored)
        if isinstance(found, HashDefect):
            self.work.append((self.profile,))
            return Verdict(matched=False, defect=found)
        matched, parts = False, found.parameters
        for candidate in password.candidates:
            self.work.append((found.format.name, parts.costs, len(parts.salt), len(parts.digest)))
            matched |= _digest(parts.salt, candidate, len(parts.digest)) == parts.digest
        return Verdict(matched=matched, outdated=matched and found.format.needs_rehash(parts, self.profile))

    def hash(self, password: Password) -> str:
        """Make a hash of the profile's shape, with a salt of its own."""
        self.made += 1
        salt = self.made.to_bytes(self.profile.salt_bytes)
        digest = _digest(salt, password.nfc.encode(), self.profile.hash_bytes)
        return ARGON2.render(HashParameters(costs_of(self.profile), salt, digest))

    def find_defect(self, stored: str) -> HashDefect | None:
        """Judge as the ready-made hasher does."""
        found = FORMATS.examine(stored)
        return found if isinstance(found, HashDefect) else None


def _digest(salt: bytes, password: bytes, size: int) -> bytes:
    return hashlib.shake_256(salt + password).digest(size)
