"""What acts: password hasher, mailer, clock, randomness, audit sink."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cityauth.core.audit import AuditEvent
from cityauth.core.hashing import HashDefect
from cityauth.core.mail import QueuedMail
from cityauth.core.passwords import Password


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one verification found.

    Attributes:
        matched: Whether the password is the one that was hashed.
        outdated: Whether to replace the hash with a new one now; only ever true where *matched* is.
        defect: What is wrong with the stored hash, or ``None``. Where the password matched it can only be
            `HashDefect.TRUNCATED`. It is for the audit trail alone: the person reads the same as after a
            wrong password.
    """

    matched: bool
    outdated: bool = False
    defect: HashDefect | None = None


class PasswordHasher(Protocol):
    """Verifies passwords against stored hashes, and makes new ones."""

    def verify(self, password: Password, stored: str) -> Verdict:
        """Verify *password* against *stored*, which may be any text at all.

        Every answer costs one verification. A hash for which `find_defect` names a defect does not match, and
        costs as much as a hash of the current parameters. No text in *stored* makes this raise, and no hash
        over the limits is run.

        A password has one candidate, or two where its NFC differs from the text as received. Every candidate is
        run. How many there are depends only on what was typed.

        Args:
            password: What was typed.
            stored: The account's stored hash. It is a dummy hash for an unknown identifier or for an account
                without a password.

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
        """Say why *stored* cannot be verified here, or ``None`` when it can. Nothing is hashed.

        This one answer decides whether a hash is imported, by the library and by the command, and whether
        `verify` runs it. A host's own hasher says ``None`` for its own hashes.
        """
        ...


class Mailer(Protocol):
    """Sends one mail at a time.

    A mailer may have more. The attribute ``is_local`` says whether its mail stays on this machine, so that links to
    this machine make sense. ``limit_time(seconds)`` sets the longest time that `send` may take, so that it ends before
    the lease of a mail does.
    """

    def is_up(self) -> bool:
        """Return whether mail leaves just now, as far as is known. It never raises.

        A page asks it: it must answer at once with what was last seen, and not speak to a mail server. The answer
        is the same for everyone, since it is asked before anybody is looked up.
        """
        ...

    def send(self, mail: QueuedMail) -> None:
        """Hand *mail* over to the mail system, within less than `OutboxPolicy.lease`.

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
