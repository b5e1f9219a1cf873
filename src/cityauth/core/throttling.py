"""Throttling: how often something may happen, counted before it happens."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeAlias

from cityauth.core.accounts import AccountId
from cityauth.core.client import plain_address
from cityauth.policy.throttling import Backoff, Limit

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


@dataclass(frozen=True, slots=True)
class Claim:
    """A use to be counted in one bucket.

    Attributes:
        bucket: See `bucket_of`.
        rule: What the bucket allows: limits, or a wait that grows with each failure.
        holder: Whose failures the bucket counts. A bucket that many share (`slot_of`) forgets its last holder
            when another comes.
    """

    bucket: str
    rule: tuple[Limit, ...] | Backoff
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Attempts:
    """What is stored in a bucket with a `Backoff`.

    Attributes:
        holder: Whose failures they are.
        failures: How many attempts were counted in a row.
        free_at: When the next one may be made.
    """

    holder: str
    failures: int
    free_at: datetime


def count_attempt(stored: Attempts | None, rule: Backoff, holder: str, now: datetime) -> Attempts | Exhausted:
    """Return what to store for one more attempt of *holder* at *now*, or when it may be made."""
    past = stored if stored is not None and _counts(stored, rule, holder, now) else None
    failures = 0 if past is None else past.failures
    if past is not None and past.failures >= rule.free and past.free_at > now:
        return Exhausted(past.free_at)
    return Attempts(holder, failures + 1, now + rule.wait_after(failures + 1))


def _counts(stored: Attempts, rule: Backoff, holder: str, now: datetime) -> bool:
    """Whether earlier attempts count: those of *holder* that are neither forgotten nor of a clock that was ahead."""
    return stored.holder == holder and -rule.memory <= stored.free_at - now <= rule.longest + MOST_AHEAD


def refund_attempt(stored: Attempts | None, holder: str, at: datetime) -> Attempts | None:
    """Return what to store when one attempt of *holder* that was made at *at* shall not count; ``None`` for nothing."""
    if stored is None or stored.holder != holder:
        return stored
    if stored.failures <= 1:
        return None
    return Attempts(holder, stored.failures - 1, at)


@dataclass(frozen=True, slots=True)
class FailureCounted:
    """One more failed sign-in in a row. Refused unless *reaches* says rightly whether the count becomes *limit*.

    If no account has the id, nothing is written, and the change is not refused.

    Attributes:
        account_id: The account; an empty text for an identifier that no account has.
        limit: At this count the password no longer signs in.
        reaches: Whether this failure is expected to be the one that makes the count equal to *limit*.
    """

    account_id: AccountId
    limit: int
    reaches: bool = False


@dataclass(frozen=True, slots=True)
class FailuresCleared:
    """The failed sign-ins in a row are counted from nothing again. Never refused. `PasswordSet` does the same."""

    account_id: AccountId


SLOTS = 65536
"""How many buckets all identifiers that no account has share, so that a flood of them fills no table."""


def slot_of(operation: str, subject: str, secret: bytes) -> tuple[str, str]:
    """Return the shared bucket under which *subject* is counted, and its holder there: both keyed.

    Two subjects of one bucket do not share its count: the later one begins at nothing. So a flood of subjects makes
    nobody else wait, and takes no more room than `SLOTS` buckets.
    """
    digest = hmac.digest(secret, f"{operation}\0{subject}".encode(), hashlib.sha256)
    slot = int.from_bytes(digest[16:24]) % SLOTS
    return bucket_of(operation, f"slot\0{slot}", secret), digest[:8].hex()


def bucket_of(operation: str, subject: str, secret: bytes) -> str:
    """Return the name under which *operation* on *subject* is counted: 32 hex digits.

    Keyed and of fixed length, so that no identifier can collide with another or be read from the
    store, and named after the operation, never after a URL.
    """
    return hmac.digest(secret, f"{operation}\0{subject}".encode(), hashlib.sha256)[:16].hex()


@lru_cache(maxsize=1024)
def network_of(address: str | None) -> str:
    """Return the network that requests of *address* are counted under: itself, or the /64 of IPv6.

    All requests without an address are one network. Text that is no address is a network of its own. The last
    answers are kept: most networks send many requests, and reading an address takes a while.
    """
    import ipaddress

    if not address:
        return "unknown"
    try:
        parsed = ipaddress.ip_address(plain_address(address))
    except ValueError:
        return f"text {address}"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
