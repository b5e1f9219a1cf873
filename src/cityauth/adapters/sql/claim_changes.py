"""Changes to claims: outstanding links. Using one is a conditional delete that can lose (C-01)."""

from typing import Final

from sqlalchemy import Connection, bindparam, delete, exists, insert, literal, or_

from cityauth.adapters.sql.rows import claim_row, micros
from cityauth.adapters.sql.tables import account, claim
from cityauth.core.account import Status
from cityauth.core.change import ClaimIssued, ClaimsDropped, ClaimUsed, Precondition

_STANDS = (
    exists(literal(1))
    .where(
        account.c.id == claim.c.account_id,
        account.c.status == Status.ACTIVE.value,
        or_(claim.c.epoch.is_(None), claim.c.epoch == account.c.epoch),
    )
    .correlate(claim)
)
_OF_PURPOSE = (claim.c.account_id == bindparam("of")) & (claim.c.purpose == bindparam("for"))
_ISSUE: Final = insert(claim)
_USE: Final = delete(claim).where(
    claim.c.digest == bindparam("which"),
    claim.c.purpose == bindparam("for"),
    claim.c.expires_at > bindparam("at"),
    or_(claim.c.account_id.is_(None), _STANDS),
)
_DROP_EARLIER: Final = delete(claim).where(_OF_PURPOSE)
_DROP_SINCE: Final = delete(claim).where(_OF_PURPOSE, claim.c.issued_at >= bindparam("since"))
PURGE: Final = delete(claim).where(claim.c.expires_at < bindparam("before"))
"""Deletes the claims that expired before a moment."""


def issue_claim(connection: Connection, change: ClaimIssued) -> None:
    """Insert the claim; alone, it is the account's only one of its purpose."""
    new = change.claim
    if change.alone:
        connection.execute(_DROP_EARLIER, {"of": new.account_id, "for": new.purpose.value})
    connection.execute(_ISSUE, claim_row(new))


def use_claim(connection: Connection, change: ClaimUsed) -> Precondition | None:
    """Delete the claim if it may be used; who deletes it has used it."""
    values = {"which": change.digest, "for": change.purpose.value, "at": micros(change.at)}
    return None if connection.execute(_USE, values).rowcount else Precondition.CLAIM_SPENT


def drop_claims(connection: Connection, change: ClaimsDropped) -> None:
    """Delete the account's claims of one purpose from a moment on."""
    values = {"of": change.account_id, "for": change.purpose.value, "since": micros(change.since)}
    connection.execute(_DROP_SINCE, values)
