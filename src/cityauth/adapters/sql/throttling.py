"""Throttling: a row for each use, inserted by one statement if all limits allow it (C-14)."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Final

from sqlalchemy import Insert, bindparam, delete, func, insert, select

from cityauth.adapters.sql.rows import micros
from cityauth.adapters.sql.tables import throttle
from cityauth.core.throttle import Limit

_BUCKET = throttle.c.bucket == bindparam("bucket", type_=throttle.c.bucket.type)
NTH_NEWEST: Final = (
    select(throttle.c.at).where(_BUCKET).order_by(throttle.c.at.desc()).limit(1).offset(bindparam("skipped"))
)
"""When a bucket was used, a number of uses ago."""
PURGE: Final = delete(throttle).where(throttle.c.at < bindparam("before"))
"""Deletes the uses before a moment."""


@cache
def reserving(limits: int) -> Insert:
    """Return the statement that counts a use under so many limits; each number of them is built once."""
    below = [
        select(func.count()).where(_BUCKET, throttle.c.at > bindparam(f"since_{n}")).scalar_subquery()
        < bindparam(f"count_{n}")
        for n in range(limits)
    ]
    return insert(throttle).from_select(
        ["bucket", "at"],
        select(
            bindparam("bucket", type_=throttle.c.bucket.type), bindparam("at", type_=throttle.c.at.type)
        ).where(*below),
    )


def values_of(bucket: str, limits: Sequence[Limit], now: datetime) -> dict[str, object]:
    """Return the values of a `reserving` statement."""
    values: dict[str, object] = {"bucket": bucket, "at": micros(now)}
    for n, limit in enumerate(limits):
        values |= {f"since_{n}": micros(now - limit.window), f"count_{n}": limit.count}
    return values
