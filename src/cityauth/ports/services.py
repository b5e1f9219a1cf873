"""The ports that act: password hasher, breach checker, mailer, clock, randomness, audit sink."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cityauth.core.audit import AuditEvent
from cityauth.core.hash_kinds import HashKind, HashOrigin
from cityauth.core.hashing import HashDefect, StoredHash
from cityauth.core.mail import QueuedMail
from cityauth.core.passwords import Password


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one verification.

    Attributes:
        matched: Whether the password is the one that was hashed.
        outdated: Whether the hash should be replaced by a new one now; true only if *matched* is true.
        defect: What is wrong with the stored hash, or ``None``. If the password matched, it can only be
            `HashDefect.TRUNCATED`. Only the audit trail has it: the person gets the same answer as after a wrong
            password.
    """

    matched: bool
    outdated: bool = False
    defect: HashDefect | None = None


class PasswordHasher(Protocol):
    """Verifies passwords against stored hashes, and makes new ones."""

    def verify(self, password: Password, stored: str) -> Verdict:
        """Verify *password* against *stored*, which may be any text.

        Every answer costs one verification. If `find_defect` names a defect, the password does not match, and the
        answer costs as much as the verification of a new hash. No text in *stored* raises an error, and no hash above
        the limits is verified.

        A password has one candidate; it has two if its NFC differs from the text as received. Every candidate is
        verified, so the cost depends only on what was typed.

        Args:
            password: What was typed.
            stored: The account's stored hash. For an unknown identifier, or an account without a password, it is a
                dummy hash.

        Raises:
            HasherBusyError: the password cannot be verified now, for example for lack of memory.
        """
        ...

    def hash(self, password: Password) -> str:
        """Make a stored hash of the password's NFC, with a fresh salt and the current parameters.

        Raises:
            HasherBusyError: the password cannot be hashed now, for example for lack of memory.
        """
        ...

    def find_defect(self, stored: str) -> HashDefect | None:
        """Return why *stored* cannot be verified, or ``None`` if it can. Nothing is hashed.

        The library and the command import a hash only if the answer is ``None``, and `verify` verifies only such a
        hash. A host's own hasher must return ``None`` for its own hashes.
        """
        ...


class HashMemory(Protocol):
    """A hasher that says how much memory a hash takes, so that all hashes at once keep `HashQueuePolicy.memory_budget`.

    `cityauth.hashing.Argon2Hasher` is one. For a hasher that is none, each hash counts as much as one at
    `Policy.hashing`.
    """

    def memory_of(self, stored: str | None) -> int:
        """Return how many KiB `PasswordHasher.verify` takes for *stored*, any text; for ``None``, a new hash.

        It is asked before each hash, also on an event loop. So it must not block or raise, and computes no hash.
        """
        ...


class HashImporter(Protocol):
    """A hasher that takes hashes of older systems over. `cityauth.hashing.Argon2Hasher` is one.

    No text makes any of these methods raise, but `wrap` as it says.
    """

    def identify(self, stored: str) -> str | None:
        """Return the name of the format of *stored*, such as ``ldap_ssha``; ``None`` if it has a defect.

        A wrapped hash has "wrapped" before the name of its old format.
        """
        ...

    def adopt(self, exported: str, origin: HashOrigin) -> str | HashDefect:
        """Return what to store for a hash as another system exported it, or why it cannot be verified here.

        The stored text begins with a mark where *origin* declares an encoding or how passwords were cut. Where
        the text does not say what it is, *origin* must name its format. Adopting what was adopted changes nothing.
        Nothing is hashed.

        Args:
            exported: The text of the export.
            origin: What is declared about the system that made it. A format that contradicts the text is
                `HashDefect.CORRUPT`; one that is not known is `HashDefect.UNKNOWN_SCHEME`.
        """
        ...

    def is_fast(self, stored: str) -> bool:
        """Say whether *stored* should be wrapped: it has no salt, or fewer than 5,000 rounds of a fast digest."""
        ...

    def wrap(self, stored: str) -> str:
        """Return *stored*, which is fast, inside a new Argon2id hash; its password still verifies.

        Raises:
            UsageError: `is_fast` says no.
            HasherBusyError: there is not enough memory now.
        """
        ...

    def wrap_all(self, stored: Sequence[str]) -> Sequence[str | None]:
        """Return what `wrap` makes of each of *stored*, in their order; ``None`` where `is_fast` says no.

        It may use every core of the machine, within `cityauth.policy.hashing.WRAPPING_MEMORY`.

        Raises:
            HasherBusyError: there is not enough memory now.
        """
        ...

    def describe(self, stored: str) -> HashKind | None:
        """Return which work *stored* is, for counting; ``None`` if it has a defect. It holds nothing secret."""
        ...

    def models(self, samples: Sequence[str]) -> Sequence[StoredHash]:
        """Return what `PasswordHasher.verify` runs for each of *samples*: the hash itself.

        For a hash with a defect it is a hash at the profile of new hashes.
        """
        ...


class BreachChecker(Protocol):
    """Says whether a new password is known from a leak of some service.

    It is asked wherever a password is set, before the password is hashed. `cityauth.breaches` has two.
    """

    def is_breached(self, password: Password) -> bool:
        """Return whether *password* is in a list of breached passwords.

        It must end within a bounded time, such as a second, and must not send the password or its whole digest to
        another machine.

        Raises:
            BreachCheckerUnavailableError: the list cannot be asked now. Then the password is accepted, and the audit
                trail records it. An `OSError` has the same effect.
        """
        ...


class Mailer(Protocol):
    """Sends one mail at a time.

    A mailer may have more than these two methods:

    - the attribute ``is_local``: true if its mail stays on this machine. If it is false, `MailPolicy.base_url` must not
      lead to this machine;
    - the method ``limit_time(seconds)``: `CityAuth` calls it with the longest time that `send` may take.
    """

    def is_up(self) -> bool:
        """Return whether mail leaves now, as far as the mailer knows. It never raises an error.

        Pages wait for it, so it must answer at once and must not connect to a mail server. It is called before any
        account is looked up, so the answer is the same for everybody.
        """
        ...

    def send(self, mail: QueuedMail) -> None:
        """Send *mail*, in less time than `OutboxPolicy.lease`.

        Raises:
            MailerUnavailableError: the mail cannot be sent now; it stays in the outbox. With ``answered=True`` the
                reply was about this mail only, and the outbox tries the next mail as well.
            MailRefusedError: this mail can never be sent; it is abandoned.
        """
        ...


class DomainState(StrEnum):
    """What the DNS says of a domain's mail."""

    ALIVE = "alive"
    """A mail server or an address is registered for it."""
    DEAD = "dead"
    """The DNS answered that there is none, or that the domain takes no mail."""
    UNKNOWN = "unknown"
    """Nobody answered in time."""


class DomainCheck(Protocol):
    """Says which domains take mail."""

    def check(self, domains: Sequence[str]) -> Mapping[str, DomainState]:
        """Return the state of each of *domains*, which are lower-case A-labels.

        It must end within a bounded time, and must not raise. A domain about which nothing was learnt is ``UNKNOWN``,
        or is missing from the answer; only the DNS itself makes a domain ``DEAD``.
        """
        ...


class Clock(Protocol):
    """Tells the time. Never blocks."""

    def now(self) -> datetime:
        """Return the present time as an aware datetime in UTC."""
        ...


class Sleeper(Protocol):
    """Waits, so that long work leaves time to others."""

    def sleep(self, seconds: float) -> None:
        """Return after *seconds*."""
        ...


class Entropy(Protocol):
    """Gives randomness. Never blocks."""

    def draw(self, count: int) -> bytes:
        """Return *count* random bytes from a cryptographically secure generator."""
        ...


class AuditSink(Protocol):
    """Gets every audit event after it was committed, such as a log or a monitor."""

    def emit(self, event: AuditEvent) -> None:
        """Pass *event* on. It must not block for long and must not raise an error: the change is already stored."""
        ...
