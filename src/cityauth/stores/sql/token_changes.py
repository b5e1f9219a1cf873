"""Changes to one-time tokens, the mailed links. Using one deletes it on conditions."""

from typing import Final

from sqlalchemy import bindparam, delete, exists, insert, literal, or_

from cityauth.core.accounts import Status
from cityauth.core.changes import Precondition, TokenIssued, TokensRevoked, TokenUsed
from cityauth.stores.sql.rows import micros, token_row
from cityauth.stores.sql.statements import Driver
from cityauth.stores.sql.tables import account, one_time_token

_STANDS = (
    exists(literal(1))
    .where(
        account.c.id == one_time_token.c.account_id,
        account.c.status == Status.ACTIVE.value,
        or_(one_time_token.c.epoch.is_(None), one_time_token.c.epoch == account.c.epoch),
    )
    .correlate(one_time_token)
)
_OF_PURPOSE = (one_time_token.c.account_id == bindparam("of")) & (one_time_token.c.purpose == bindparam("for"))
_ISSUE: Final = insert(one_time_token)
_USE: Final = delete(one_time_token).where(
    one_time_token.c.digest == bindparam("which"),
    one_time_token.c.purpose == bindparam("for"),
    one_time_token.c.expires_at > bindparam("at"),
    or_(one_time_token.c.account_id.is_(None), _STANDS),
)
_DROP_EARLIER: Final = delete(one_time_token).where(_OF_PURPOSE)
_DROP_SINCE: Final = delete(one_time_token).where(_OF_PURPOSE, one_time_token.c.issued_epoch >= bindparam("since"))
PURGE: Final = delete(one_time_token).where(one_time_token.c.expires_at < bindparam("before"))
"""Deletes the links that expired before a moment."""


def issue_token(driver: Driver, change: TokenIssued) -> None:
    """Insert the link; with `alone` it is then the account's only one of its purpose."""
    new = change.one_time_token
    if change.alone:
        driver.execute(_DROP_EARLIER, {"of": new.account_id, "for": new.purpose.value})
    driver.execute(_ISSUE, token_row(new))


def use_token(driver: Driver, change: TokenUsed) -> Precondition | None:
    """Delete the link if it may be used. Whoever deletes it has used it."""
    values = {"which": change.digest, "for": change.purpose.value, "at": micros(change.at)}
    return None if driver.execute(_USE, values).rowcount else Precondition.TOKEN_USED


def revoke_tokens(driver: Driver, change: TokensRevoked) -> None:
    """Delete the account's links of one purpose that were issued in an epoch or a later one."""
    values = {"of": change.account_id, "for": change.purpose.value, "since": change.since}
    driver.execute(_DROP_SINCE, values)
