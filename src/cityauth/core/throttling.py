"""Throttling: how often something may happen, counted before it happens."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

MOST_AHEAD = timedelta(hours=2)
"""A use that lies further ahead than this does not count: it was made by a clock that was ahead, and is right again.

Nearer ones count, so that nobody gains uses when a clock is set back.
"""


@dataclass(frozen=True, slots=True)
class Reserved:
    """It may happen, and was counted."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """It may not happen, and nothing was counted.

    Attributes:
        retry_at: When it may, at the earliest.
    """

    retry_at: datetime


Allowance: TypeAlias = Reserved | Exhausted


def bucket_of(operation: str, subject: str, secret: bytes) -> str:
    """Return the name under which *operation* on *subject* is counted: 32 hex digits.

    Keyed and of fixed length, so that no identifier can collide with another or be read from the
    store, and named after the operation, never after a URL.
    """
    return hmac.digest(secret, f"{operation}\0{subject}".encode(), hashlib.sha256)[:16].hex()


def network_of(address: str | None) -> str:
    """Return the network that requests of *address* are counted under: itself, or the /64 of IPv6.

    Text that is no address counts as one network together with all such text.
    """
    import ipaddress

    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
