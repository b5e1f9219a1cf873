"""Throttling: each use is a row, so that any span of time can be counted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, insert, select

from cityauth.core.throttling import MOST_AHEAD, Allowance, Exhausted, Reserved
from cityauth.policy.throttling import Limit
from cityauth.stores.sql.programs import Program, Read, Write, lock_name, write
from cityauth.stores.sql.rows import Row
from cityauth.stores.sql.tables import micros, moment, throttle

# When a bucket was used for the n-th time, counted back from the latest use that counts.
_NTH_NEWEST: Final = (
    select(throttle.c.at)
    .where(throttle.c.bucket == bindparam("bucket"), throttle.c.at <= bindparam("latest"))
    .order_by(throttle.c.at.desc())
    .limit(1)
    .offset(bindparam("newer"))
)
_USE: Final = insert(throttle).inline().values(bucket=bindparam("bucket"), at=bindparam("at"))
_PURGE: Final = delete(throttle).where(throttle.c.at < bindparam("before"))


def reserve(bucket: str, limits: Sequence[Limit], now: datetime) -> Program[Allowance]:
    """Count one more use, while no other transaction counts in the same bucket."""
    yield lock_name(f"throttle {bucket}")
    free_again = []
    for limit in limits:
        if limit.count < 1:
            free_again.append(now + limit.window)
            continue
        values = {"bucket": bucket, "latest": micros(now + MOST_AHEAD), "newer": limit.count - 1}
        nth: list[Row] = yield Read(_NTH_NEWEST, values)
        if nth and moment(nth[0][0]) > now - limit.window:
            free_again.append(moment(nth[0][0]) + limit.window)
    if free_again:
        return Exhausted(max(free_again))
    yield Write(_USE, {"bucket": bucket, "at": micros(now)})
    return Reserved()


def purge_throttle(before: datetime) -> Program[int]:
    """Forget the uses before a moment."""
    return write(_PURGE, {"before": micros(before)})
