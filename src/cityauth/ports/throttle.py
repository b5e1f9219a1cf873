"""`ThrottleStore`: counts what may happen only so often."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cityauth.core.throttle import Allowance, Limit


class ThrottleStore(Protocol):
    """What a store must do for throttling."""

    def reserve(self, bucket: str, limits: Sequence[Limit], now: datetime) -> Allowance:
        """Count one more use of *bucket* at *now* if every one of *limits* allows it, atomically.

        Returns `Reserved`, or `Exhausted` and nothing counted. Of any number of callers at once, no
        more than the limits allow are reserved (C-14).
        """
        ...

    def purge_throttle(self, before: datetime) -> int:
        """Forget uses before that moment and return how many; never a bucket by another's choice."""
        ...
