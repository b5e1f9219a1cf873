"""Throttling: each use is a row, so that any span of time can be counted; failures in a row are one row a bucket."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from cityauth.core.throttling import (
    MOST_AHEAD,
    Allowance,
    Attempts,
    Claim,
    Exhausted,
    Reserved,
    count_attempt,
    refund_attempt,
)
from cityauth.policy.throttling import Backoff, Limit
from cityauth.stores.sql.programs import Program, Read, Write, lock_name
from cityauth.stores.sql.rows import Row
from cityauth.stores.sql.tables import attempts, micros, moment, throttle

# When a bucket was used for the n-th time, counted back from the latest use that counts.
_NTH_NEWEST: Final = (
    select(throttle.c.at)
    .where(throttle.c.bucket == bindparam("bucket"), throttle.c.at <= bindparam("latest"))
    .order_by(throttle.c.at.desc())
    .limit(1)
    .offset(bindparam("newer"))
)
_USE: Final = insert(throttle).inline().values(bucket=bindparam("bucket"), at=bindparam("at"))
_FORGET: Final = delete(throttle).where(
    throttle.c.bucket == bindparam("bucket"), throttle.c.at <= bindparam("forgotten")
)
_UNUSE: Final = delete(throttle).where(
    throttle.c.id
    == select(func.max(throttle.c.id))
    .where(throttle.c.bucket == bindparam("bucket"), throttle.c.at == bindparam("at"))
    .scalar_subquery()
)
_THE_BUCKET = attempts.c.bucket == bindparam("of")
_ATTEMPTS: Final = select(attempts.c.holder, attempts.c.failures, attempts.c.free_at).where(_THE_BUCKET)
_COUNTED: Final[dict[str, Any]] = {
    "holder": bindparam("by"),
    "failures": bindparam("count"),
    "free_at": bindparam("until"),
}
_FIRST: Final = insert(attempts).values(bucket=bindparam("of"), **_COUNTED)
_NEXT: Final = update(attempts).where(_THE_BUCKET).values(**_COUNTED)
_CLEAR: Final = delete(attempts).where(_THE_BUCKET, attempts.c.holder == bindparam("by"))
_PURGE: Final = delete(throttle).where(throttle.c.at < bindparam("before"))
_PURGE_ATTEMPTS: Final = delete(attempts).where(attempts.c.free_at < bindparam("before"))


def reserve(bucket: str, limits: Sequence[Limit], now: datetime) -> Program[Allowance]:
    """Count one more use, while no other transaction counts in the same bucket."""
    yield lock_name(f"throttle {bucket}")
    free_again = yield from _free_again(bucket, limits, now)
    if free_again:
        return Exhausted(max(free_again))
    yield Write(_USE, {"bucket": bucket, "at": micros(now)})
    return Reserved()


def reserve_all(claims: Sequence[Claim], now: datetime) -> Program[Allowance]:
    """Count one more use for each of *claims*, while no other transaction counts in one of their buckets."""
    yield from _lock(claims)
    refused: list[datetime] = []
    writes: list[Write] = []
    for claim in claims:
        if isinstance(claim.rule, Backoff):
            stored = yield from _stored(claim.bucket)
            outcome = count_attempt(stored, claim.rule, claim.holder, now)
            if isinstance(outcome, Exhausted):
                refused.append(outcome.retry_at)
            else:
                writes.append(_count(claim.bucket, outcome, again=stored is not None))
        else:
            refused += yield from _free_again(claim.bucket, claim.rule, now)
            writes += _use(claim.bucket, claim.rule, now)
    if refused:
        return Exhausted(max(refused))
    for write in writes:  # noqa: UP028 - a list cannot be sent the answers
        yield write
    return Reserved()


def refund(claims: Sequence[Claim], at: datetime, *, forget: bool) -> Program[None]:
    """Take back what was counted at *at*."""
    yield from _lock(claims)
    for claim in claims:
        if not isinstance(claim.rule, Backoff):
            yield Write(_UNUSE, {"bucket": claim.bucket, "at": micros(at)})
            continue
        stored = None if forget else (yield from _stored(claim.bucket))
        left = refund_attempt(stored, claim.holder, at)
        if left is None:
            yield Write(_CLEAR, {"of": claim.bucket, "by": claim.holder})
        else:
            yield _count(claim.bucket, left, again=True)


def purge_throttle(before: datetime) -> Program[int]:
    """Forget the uses, and the failures, before a moment."""
    uses: int = yield Write(_PURGE, {"before": micros(before)})
    failures: int = yield Write(_PURGE_ATTEMPTS, {"before": micros(before)})
    return uses + failures


def _lock(claims: Sequence[Claim]) -> Program[None]:
    """Lock the buckets, all in one order, so that no two transactions wait for each other."""
    for bucket in sorted(claim.bucket for claim in claims):
        yield lock_name(f"throttle {bucket}")


def _free_again(bucket: str, limits: Sequence[Limit], now: datetime) -> Program[list[datetime]]:
    """Return when each limit that is reached allows one more use; empty where all allow it now."""
    free_again = []
    for limit in limits:
        if limit.count < 1:
            free_again.append(now + limit.window)
            continue
        values = {"bucket": bucket, "latest": micros(now + MOST_AHEAD), "newer": limit.count - 1}
        nth: list[Row] = yield Read(_NTH_NEWEST, values)
        if nth and moment(nth[0][0]) > now - limit.window:
            free_again.append(moment(nth[0][0]) + limit.window)
    return free_again


def _use(bucket: str, limits: Sequence[Limit], now: datetime) -> list[Write]:
    """Return what enters one more use, and deletes the bucket's uses that no limit counts any more."""
    use = Write(_USE, {"bucket": bucket, "at": micros(now)})
    if not limits:
        return [use]
    forgotten = micros(now - max(limit.window for limit in limits))
    return [Write(_FORGET, {"bucket": bucket, "forgotten": forgotten}), use]


def _stored(bucket: str) -> Program[Attempts | None]:
    rows: list[Row] = yield Read(_ATTEMPTS, {"of": bucket})
    return Attempts(rows[0][0], rows[0][1], moment(rows[0][2])) if rows else None


def _count(bucket: str, counted: Attempts, *, again: bool) -> Write:
    """Return what stores the attempts of a bucket, which has a row if it is counted *again*."""
    values = {"of": bucket, "by": counted.holder, "count": counted.failures, "until": micros(counted.free_at)}
    return Write(_NEXT if again else _FIRST, values)
