"""`ClaimStore`: outstanding links. They are issued and used by `AccountStore.commit`."""

from datetime import datetime
from typing import Protocol

from cityauth.core.claim import Claim


class ClaimStore(Protocol):
    """What a store must do for claims besides the commit."""

    def find_claim(self, digest: bytes) -> Claim | None:
        """Return the outstanding claim stored under *digest*, expired ones included, or ``None``."""
        ...

    def purge_claims(self, expired_before: datetime) -> int:
        """Delete claims that expired before that moment, never a live one (B-26); return how many."""
        ...
