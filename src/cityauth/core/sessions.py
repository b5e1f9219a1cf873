"""Sessions: a sign-in opens one; time, the person, or a change of the account ends it."""

import base64
import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.client import RequestContext
from cityauth.core.secret import SecretStr
from cityauth.core.signing import LEEWAY
from cityauth.errors import UsageError
from cityauth.policy import SessionPolicy

TOKEN_BYTES = 32
"""Random bytes of a token: the first half names the session's family, the second half is new in each token."""

FAMILY_BYTES = 16
"""Bytes of a token that name its family. The other 16 are the 128 random bits that nobody can guess."""

TOKEN_LENGTH = 43
"""Characters of a token: 32 bytes in unpadded base64url."""

_LEAST_AGE = -LEEWAY
"""How old a moment must be at least: one of another host may lie ahead by `LEEWAY`."""

_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class Session:
    """One session as stored. The token itself is stored nowhere.

    Attributes:
        digest: SHA-256 of the token, 32 bytes; the store's key.
        family: Names the sign-in, 16 bytes. It stays the same when a confirmed or changed password gives the
            session a new token, so that a sign-out with any of these tokens ends the session.
        handle: A public name for lists and for closing; says nothing of the token.
        account_id: The immutable account.
        epoch: The account's epoch when it was opened; another epoch ends it.
        opened_at: When it was opened; the absolute lifetime counts from here.
        seen_at: When it was last used, to within ``touch_every``.
        verified_at: When a password was last verified in it, for sensitive changes; ``None`` in a
            remembered session, which is never fresh.
        remembered: Whether the person chose to be remembered.
        method: How the person authenticated, as an RFC 8176 value (``pwd``).
        identifier_kind: The kind of identifier the person signed in with.
        address: The client's address at the sign-in.
        user_agent: The client's user agent at the sign-in, cut to 256 characters.
    """

    digest: bytes
    family: bytes
    handle: str
    account_id: AccountId
    epoch: int
    opened_at: datetime
    seen_at: datetime
    verified_at: datetime | None
    remembered: bool
    method: str
    identifier_kind: str
    address: str | None
    user_agent: str


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session that has just been opened; the only place where its token exists.

    Attributes:
        token: What goes into the cookie; 43 characters, shown once.
        session: The session as stored.
    """

    token: SecretStr
    session: Session


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that was found alive, with its account.

    Attributes:
        session: The session.
        account: The account it belongs to, as it is now.
    """

    session: Session
    account: Account


def digest_of(token: object) -> bytes | None:
    """Return the digest under which *token* is stored, or ``None`` when it cannot be a token.

    Anything but 43 characters of ASCII text is no token, so nothing empty, numeric or huge ever
    reaches a query (CVE-2019-16109, CVE-2013-0233).
    """
    if not isinstance(token, str) or len(token) != TOKEN_LENGTH or not token.isascii():
        return None
    return hashlib.sha256(token.encode()).digest()


def family_of(token: object) -> bytes | None:
    """Return the family that *token* names, or ``None`` when it cannot be a token."""
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return None
    return base64.urlsafe_b64decode(f"{token}=")[:FAMILY_BYTES]


def open_session(
    account: Account,
    entropy: bytes,
    context: RequestContext,
    *,
    remember: bool,
    fresh: bool,
    identifier_kind: str,
    method: str = "pwd",
    family: bytes | None = None,
) -> OpenedSession:
    """Make a session of *entropy* (32 random bytes) for *account*.

    A remembered session is not *fresh* at the sign-in; any session is after its password was confirmed.
    With *family*, the session continues the one of that family under a new token.
    """
    family = family or entropy[:FAMILY_BYTES]
    token = base64.urlsafe_b64encode(family + entropy[FAMILY_BYTES:]).rstrip(b"=").decode()
    session = Session(
        digest=hashlib.sha256(token.encode()).digest(),
        family=family,
        handle=hashlib.sha256(b"handle:" + family).hexdigest()[:20],
        account_id=account.id,
        epoch=account.epoch,
        opened_at=context.at,
        seen_at=context.at,
        verified_at=context.at if fresh else None,
        remembered=remember,
        method=method,
        identifier_kind=identifier_kind,
        address=context.client.address,
        user_agent=context.client.user_agent,
    )
    return OpenedSession(SecretStr(token), session)


def is_live(session: Session, account: Account, now: datetime, policy: SessionPolicy) -> bool:
    """Whether *session* may act for *account* at *now*: active, of this epoch, and neither limit passed.

    One whose last use lies further ahead than `LEEWAY` has ended: a clock was set back, and nobody knows how long
    the session has been idle.
    """
    idle = policy.remembered_idle if session.remembered else policy.idle
    absolute = policy.remembered_absolute if session.remembered else policy.absolute
    return (
        account.status is Status.ACTIVE
        and session.account_id == account.id
        and session.epoch == account.epoch
        and _LEAST_AGE <= now - session.seen_at < idle
        and _LEAST_AGE <= now - session.opened_at < absolute
    )


def require_live(live: object) -> LiveSession:
    """Return *live* if it is a live session, as ``auth.sessions.check(token)`` returns it.

    Raises:
        UsageError: it is something else, such as the token or the result of a sign-in.
    """
    if isinstance(live, LiveSession):
        return live
    raise UsageError(
        f"a LiveSession is needed, as auth.sessions.check(token) returns it, and this is of type {type(live).__name__}"
    )


def is_fresh(session: Session, now: datetime, policy: SessionPolicy) -> bool:
    """Whether a password was verified in *session* recently enough for a sensitive change.

    A moment further ahead than `LEEWAY` does not count: a clock was set back.
    """
    return session.verified_at is not None and _LEAST_AGE <= now - session.verified_at < policy.fresh


def is_due_for_touch(session: Session, now: datetime, policy: SessionPolicy) -> bool:
    """Whether *session*'s last use is old enough to be worth a write."""
    return now - session.seen_at >= policy.touch_every


def touched(session: Session, now: datetime) -> Session:
    """Return *session* as last used at *now*."""
    return replace(session, seen_at=now)
