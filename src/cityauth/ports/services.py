"""What acts: password hasher, mailer, clock, randomness, audit sink."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cityauth.core.audit import AuditEvent
from cityauth.core.hashing import HashDefect
from cityauth.core.mail import QueuedMail
from cityauth.core.password import Password


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one verification found.

    Attributes:
        matched: Whether the password is the one that was hashed.
        outdated: Whether to replace the hash with a new one now; only ever true where *matched* is.
        defect: Why the stored hash was not run; ``None`` where it was. For the audit trail alone: the
            person is told what a wrong password is told.
    """

    matched: bool
    outdated: bool = False
    defect: HashDefect | None = None


class PasswordHasher(Protocol):
    """Verifies passwords against stored hashes, and makes new ones."""

    def verify(self, password: Password, stored: str) -> Verdict:
        """Verify *password* against *stored*, which may be any text at all.

        One verification's work is done whatever comes out: a hash that is missing, unusable, corrupt, of an
        unknown scheme or over the limits costs what a hash of the current parameters costs, and does not
        match. No text in *stored* makes it raise, and none that is over the limits is run.

        Both candidates of the password are always run where it has two: NFC, and the text as received.
        How many there are depends on what was typed alone.

        Args:
            password: What was typed.
            stored: The account's stored hash, a dummy's for an unknown identifier, empty for an account
                without a password.
        """
        ...

    def hash(self, password: Password) -> str:
        """Make a stored hash of the password's NFC, with a fresh salt and the current parameters."""
        ...


class Mailer(Protocol):
    """Sends one mail at a time."""

    def is_up(self) -> bool:
        """Whether mail leaves just now, as far as is known; never raises, answers within seconds.

        The answer is the same for everyone: it is asked before anybody is looked up.
        """
        ...

    def send(self, mail: QueuedMail) -> None:
        """Hand *mail* over to the mail system.

        Raises:
            MailerUnavailableError: the mail system cannot be reached or will not take mail now; the
                mail stays in the outbox.
            MailRefusedError: it will never take this mail.
        """
        ...


class Clock(Protocol):
    """Tells the time. Never blocks."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class Entropy(Protocol):
    """Gives randomness. Never blocks."""

    def draw(self, count: int) -> bytes:
        """Return *count* bytes from a cryptographically secure generator."""
        ...


class AuditSink(Protocol):
    """Hears of every audit event after it was committed: a log, a monitor."""

    def emit(self, event: AuditEvent) -> None:
        """Pass *event* on. Must not block for long, and must not raise: the commit has happened."""
        ...
