"""`LocalThrottle`: counts in this process, within a fixed amount of memory, while the throttle's own server is down."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from cityauth.core.throttling import Allowance, Claim
from cityauth.stores.memory import throttling
from cityauth.stores.memory.state import State

MOST_BUCKETS: Final = 100_000
"""Buckets of their own. When there are as many, further ones share `SHARED_BUCKETS`: nobody's count is dropped."""

SHARED_BUCKETS: Final = 4096

_LONGEST: Final = timedelta(days=1)
"""What is older does not count here."""

_PURGE_EVERY: Final = timedelta(minutes=1)


class LocalThrottle:
    """See `cityauth.ports.stores.LocalThrottleStore`. Safe between threads; it never blocks for long."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self._state = State()
        self._lock = Lock()
        self._purged_at: datetime | None = None

    def reserve_locally(self, claims: Sequence[Claim], now: datetime) -> Allowance:
        """See `LocalThrottleStore.reserve_locally`."""
        with self._lock:
            self._purge(now)
            return throttling.reserve_all(self._state, self._placed(claims), now)

    def refund_locally(self, claims: Sequence[Claim], at: datetime, *, forget: bool) -> None:
        """See `LocalThrottleStore.refund_locally`."""
        with self._lock:
            throttling.refund(self._state, self._placed(claims), at, forget=forget)

    def _purge(self, now: datetime) -> None:
        """Forget what is old, at most once a minute."""
        if self._purged_at is None or not self._purged_at <= now < self._purged_at + _PURGE_EVERY:
            self._purged_at = now
            throttling.purge(self._state, now - _LONGEST)

    def _placed(self, claims: Sequence[Claim]) -> list[Claim]:
        """Return the claims, each in its own bucket or, where there is no more room, in a shared one."""
        known, failures = self._state.uses, self._state.attempts
        if len(known) + len(failures) < MOST_BUCKETS:
            return list(claims)
        return [
            claim if claim.bucket in known or claim.bucket in failures else replace(claim, bucket=_shared(claim))
            for claim in claims
        ]


def _shared(claim: Claim) -> str:
    digest = hashlib.sha256(claim.bucket.encode()).digest()
    return f"shared {int.from_bytes(digest[:4]) % SHARED_BUCKETS}"
