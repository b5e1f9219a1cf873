"""One-time tokens, which are the mailed links. To use a token is to delete it, if the conditions hold."""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, exists, insert, literal, or_, select

from cityauth.core.accounts import AccountId, Status
from cityauth.core.changes import Precondition, TokenIssued, TokensRevoked, TokenUsed
from cityauth.core.links import OneTimeToken
from cityauth.core.signing import Purpose
from cityauth.stores.sql.programs import Program, Write, look_up_one, write
from cityauth.stores.sql.rows import Row
from cityauth.stores.sql.tables import account, micros, moment, one_time_token

_PURPOSE = {one.value: one for one in Purpose}
_TOKEN = tuple(one_time_token.c)
_FIND: Final = select(*_TOKEN).where(one_time_token.c.digest == bindparam("digest"))
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
_PURGE: Final = delete(one_time_token).where(one_time_token.c.expires_at < bindparam("before"))


def _token_of(row: Row) -> OneTimeToken:
    """Read a row of `_TOKEN`."""
    digest, purpose, account_id, epoch, address, issued, expires, contact, issued_epoch = row
    return OneTimeToken(
        digest,
        _PURPOSE[purpose],
        None if account_id is None else AccountId(account_id),
        epoch,
        address,
        moment(issued),
        moment(expires),
        contact,
        issued_epoch,
    )


def _row_of(issued: OneTimeToken) -> dict[str, object]:
    """Return *issued* as stored, by column."""
    return {
        "digest": issued.digest,
        "purpose": issued.purpose.value,
        "account_id": issued.account_id,
        "epoch": issued.epoch,
        "address": issued.address,
        "issued_at": micros(issued.issued_at),
        "expires_at": micros(issued.expires_at),
        "contact": issued.contact,
        "issued_epoch": issued.issued_epoch,
    }


def find_token(digest: bytes) -> Program[OneTimeToken | None]:
    """Return a one-time token by its digest."""
    return look_up_one(_token_of, _FIND, {"digest": digest})


def purge_tokens(expired_before: datetime) -> Program[int]:
    """Delete the links that expired before a moment."""
    return write(_PURGE, {"before": micros(expired_before)})


def issue_token(change: TokenIssued) -> Program[None]:
    """Insert the link; with `alone` it is then the account's only one of its purpose."""
    new = change.one_time_token
    if change.alone:
        yield Write(_DROP_EARLIER, {"of": new.account_id, "for": new.purpose.value})
    yield Write(_ISSUE, _row_of(new))


def use_token(change: TokenUsed) -> Program[None]:
    """Delete the link if it may be used. Whoever deletes it has used it."""
    values = {"which": change.digest, "for": change.purpose.value, "at": micros(change.at)}
    yield Write(_USE, values, otherwise=Precondition.TOKEN_USED)


def revoke_tokens(change: TokensRevoked) -> Program[None]:
    """Delete the account's links of one purpose that were issued in an epoch or a later one."""
    yield Write(_DROP_SINCE, {"of": change.account_id, "for": change.purpose.value, "since": change.since})
