"""The look-ups, each built once: building a statement costs more than running it."""

from typing import Final

from sqlalchemy import bindparam, select

from cityauth.stores.sql.rows import ACCOUNT, ACCOUNT_IDENTIFIER, EVENT, LIVE_SESSION, MATCH, SESSION, TOKEN
from cityauth.stores.sql.tables import account, event, identifier, one_time_token, session

_HELD = select(*MATCH).join_from(identifier, account)

FIND_ONE: Final = _HELD.where(identifier.c.key == bindparam("key"))
"""What is held under one key."""

FIND: Final = _HELD.where(identifier.c.key.in_(bindparam("keys", expanding=True)))
"""What is held under several keys."""

LOAD: Final = select(*ACCOUNT).where(account.c.id == bindparam("account_id"))
"""An account by its id."""

FIND_BY_CONTACT: Final = select(*ACCOUNT).where(account.c.contact_key == bindparam("key"))
"""The accounts of a contact."""

ACCOUNT_IDENTIFIERS: Final = (
    select(*ACCOUNT_IDENTIFIER)
    .where(identifier.c.account_id == bindparam("account_id"))
    .order_by(identifier.c.position)
)
"""An account's identifiers, oldest first."""

FIND_SESSION: Final = select(*LIVE_SESSION).join_from(session, account).where(session.c.digest == bindparam("digest"))
"""A session with its account."""

FIND_FAMILY: Final = select(*LIVE_SESSION).join_from(session, account).where(session.c.family == bindparam("family"))
"""The session of a family with its account."""

LIST_SESSIONS: Final = (
    select(*SESSION)
    .where(session.c.account_id == bindparam("account_id"))
    .order_by(session.c.seen_at.desc(), session.c.digest)
)
"""An account's sessions, the last used first."""

PASSWORD_HASH: Final = select(account.c.password_hash).where(account.c.id == bindparam("account_id"))
"""An account's stored hash."""

FIND_TOKEN: Final = select(*TOKEN).where(one_time_token.c.digest == bindparam("digest"))
"""A one-time token by its digest."""

EVENTS: Final = select(*EVENT).where(event.c.account_id == bindparam("account_id")).order_by(event.c.number)
"""One account's audit trail, oldest first."""

TRAIL: Final = select(*EVENT).order_by(event.c.number)
"""The whole audit trail, oldest first."""

TRAIL_END: Final = select(*EVENT).order_by(event.c.number.desc()).limit(bindparam("limit"))
"""The end of the audit trail, newest first."""
