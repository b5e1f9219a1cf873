"""Time and randomness, which come in from the edge so that tests can replace them."""

from datetime import datetime
from typing import Protocol


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
