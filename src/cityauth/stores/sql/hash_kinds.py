"""Kinds of stored hashes: a sample of each stands once, and an account's row names its kind by a number."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from sqlalchemy import bindparam, func, select

from cityauth.core.accounts import AccountId
from cityauth.core.secret import SecretStr
from cityauth.stores.sql.programs import Program, Read, WriteMany, insert_missing, look_up
from cityauth.stores.sql.rows import Row
from cityauth.stores.sql.tables import account, hash_kind

_NUMBER_BYTES: Final = 8

_ENTER: Final = insert_missing(hash_kind)
_COUNTED = (
    select(account.c.hash_kind, func.count().label("accounts"))
    .where(account.c.hash_kind.is_not(None))
    .group_by(account.c.hash_kind)
    .order_by(func.count().desc())
    .limit(bindparam("most"))
    .subquery()
)
_COUNT: Final = (
    select(hash_kind.c.sample, _COUNTED.c.accounts)
    .join_from(_COUNTED, hash_kind, hash_kind.c.id == _COUNTED.c.hash_kind)
    .order_by(_COUNTED.c.accounts.desc())
)
_PAGE: Final = (
    select(account.c.id, account.c.password_hash)
    .where(account.c.hash_kind == bindparam("number"), account.c.id > bindparam("after"))
    .order_by(account.c.id)
    .limit(bindparam("most"))
)


@lru_cache(maxsize=1000)
def number_of(sample: str) -> int | None:
    """Return the number of the kind with this sample, the same in every database; ``None`` for no known kind."""
    if not sample:
        return None
    return int.from_bytes(hashlib.sha256(sample.encode()).digest()[:_NUMBER_BYTES], signed=True)


def enter_kinds(samples: Iterable[str]) -> Program[None]:
    """Store the samples that are not there yet."""
    rows = [{"id": number_of(one), "sample": one} for one in sorted(set(samples)) if one]
    if rows:
        yield WriteMany(_ENTER, rows)


def count_hash_kinds(most: int) -> Program[dict[str, int]]:
    """Return how many accounts have a hash of each kind."""
    rows: list[tuple[str, int]] = yield Read(_COUNT, {"most": most})
    return dict(rows)


def read_hashes(sample: str, after: str, most: int) -> Program[list[tuple[AccountId, SecretStr]]]:
    """Return a page of the accounts with a hash of one kind."""
    return look_up(_hash_of, _PAGE, {"number": number_of(sample), "after": after, "most": most})


def _hash_of(row: Row) -> tuple[AccountId, SecretStr]:
    account_id, stored = row
    return AccountId(account_id), SecretStr(stored)
