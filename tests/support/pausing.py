"""Let something happen at a chosen moment of a sign-in: between the verification and the commit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cityauth.core.hashing import HashDefect
from cityauth.core.passwords import Password
from cityauth.ports.services import PasswordHasher, Verdict
from tests.support.fakes import SpyHasher


@dataclass
class InterruptedHasher:
    """A hasher during whose next verification, after its verdict, something else happens, once.

    Attributes:
        inner: The hasher that does the work.
        meanwhile: What happens; it may ask this very hasher.
    """

    inner: PasswordHasher = field(default_factory=SpyHasher)
    meanwhile: Callable[[], Any] | None = None

    def verify(self, password: Password, stored: str) -> Verdict:
        """Verify, then let the other thing happen before the answer is used."""
        verdict = self.inner.verify(password, stored)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return verdict

    def hash(self, password: Password) -> str:
        """Make a hash."""
        return self.inner.hash(password)

    def find_defect(self, stored: str) -> HashDefect | None:
        """Judge a stored hash."""
        return self.inner.find_defect(stored)
