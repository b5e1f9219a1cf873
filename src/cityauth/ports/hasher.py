"""The port that runs a password hash function."""

from dataclasses import dataclass
from typing import Protocol

from cityauth.core.hashing import HashDefect
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
        unknown scheme or over the ceilings costs what a hash of the current parameters costs, and does not
        match. No text in *stored* makes it raise, and none that is over the ceilings is run.

        Both candidates of the password are always run where it has two: NFC, and the text as received.
        How many there are depends on what was typed alone.

        Args:
            password: What was typed.
            stored: The account's stored hash, a ghost's for an unknown identifier, empty for an account
                without a password.
        """
        ...

    def hash(self, password: Password) -> str:
        """Make a stored hash of the password's NFC, with a fresh salt and the current parameters."""
        ...
