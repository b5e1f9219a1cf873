"""The tombstones: what is kept of the identifiers of erased accounts, so that none passes to another person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, exists, insert, literal, select

from cityauth.core.changes import Precondition, TombstonesReleased
from cityauth.stores.sql.rows import micros
from cityauth.stores.sql.statements import Driver
from cityauth.stores.sql.tables import tombstones

ANY: Final = select(tombstones.c.digest).where(tombstones.c.digest.in_(bindparam("digests", expanding=True))).limit(1)
_RELEASE: Final = delete(tombstones).where(tombstones.c.digest == bindparam("which"))
_ENTER: Final = insert(tombstones).from_select(
    ["digest", "since"],
    select(
        bindparam("digest", type_=tombstones.c.digest.type), bindparam("since", type_=tombstones.c.since.type)
    ).where(~exists(literal(1)).where(tombstones.c.digest == bindparam("digest", type_=tombstones.c.digest.type))),
)


def holds_any(driver: Driver, digests: Sequence[bytes]) -> bool:
    """Whether an erased account held one of the identifiers.

    Asked after the identifier was written, so that an erasure that committed meanwhile is seen.
    """
    return bool(digests) and driver.execute_with_list(ANY, "digests", digests).first() is not None


def enter(driver: Driver, digests: Sequence[bytes], at: datetime) -> None:
    """Enter the identifiers, those that are there already left as they are."""
    for digest in digests:
        driver.execute(_ENTER, {"digest": digest, "since": micros(at)})


def release(driver: Driver, change: TombstonesReleased) -> Precondition | None:
    """Delete the tombstones, one of which must be there."""
    released = sum(driver.execute(_RELEASE, {"which": digest}).rowcount for digest in change.tombstones)
    return None if released else Precondition.IDENTIFIER_CHANGED
