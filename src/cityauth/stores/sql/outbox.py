"""The outbox: mails are queued by a commit, leased by a worker, dropped when they were sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, case, delete, func, insert, literal, or_, select, union_all, update

from cityauth.core.changes import MailQueued
from cityauth.core.mail import QueuedMail
from cityauth.policy.mail import LONGEST_HOLD
from cityauth.stores.sql.rows import MAIL, mail_of, mail_row, micros, read_all
from cityauth.stores.sql.statements import Driver
from cityauth.stores.sql.tables import mail

_IS_DUMMY = mail.c.recipient == ""
_DUE_NOW, _HELD_TOO_LONG = mail.c.due_at <= bindparam("now"), mail.c.due_at > bindparam("farthest")
_DUE = or_(_DUE_NOW, _HELD_TOO_LONG)
ANY_DUE: Final = select(literal(1)).where(_DUE).limit(1)
"""Whether there is anything to lease: asked first, so that an idle worker takes no write lock."""
_QUEUE: Final = insert(mail)
_DROP_DUMMIES: Final = delete(mail).where(
    mail.c.id.in_(  # two searches, for SQLite reads the whole table for one with "or"
        union_all(
            select(mail.c.id).where(_DUE_NOW, _IS_DUMMY),
            select(mail.c.id).where(_HELD_TOO_LONG, _IS_DUMMY),
        )
    )
)
_LEASE: Final = (
    update(mail)
    .where(
        mail.c.id.in_(
            select(mail.c.id)
            .where(_DUE)
            .order_by(mail.c.queued_at, mail.c.id)
            .limit(bindparam("most"))
            .with_for_update(skip_locked=True)
        )
    )
    .values(due_at=bindparam("until"), attempts=mail.c.attempts + 1)
    .returning(*MAIL)
)
POSTPONE: Final = update(mail).where(mail.c.id == bindparam("which")).values(due_at=bindparam("until"))
"""Moves a mail's next attempt."""
DROP: Final = delete(mail).where(mail.c.id == bindparam("which"))
"""Deletes a mail with all its text."""
STATUS: Final = select(func.count(), func.count(case((mail.c.attempts > 0, 1))), func.min(mail.c.queued_at)).where(
    ~_IS_DUMMY
)
"""How many wait, how many of them were tried before, and since when the oldest waits."""


def moments(now: datetime) -> dict[str, int]:
    """Return what decides whether a mail is due: it is now, or it is held longer than any mail may be."""
    return {"now": micros(now), "farthest": micros(now + LONGEST_HOLD)}


def queue_mail(driver: Driver, change: MailQueued) -> None:
    """Insert the mail, due at once."""
    driver.execute(_QUEUE, mail_row(change.mail))


def lease(driver: Driver, now: datetime, until: datetime, most: int) -> Sequence[QueuedMail]:
    """Drop the dummies that are due, and hide the oldest mails that are due until *until*."""
    driver.execute(_DROP_DUMMIES, moments(now))
    values = {**moments(now), "until": micros(until), "most": most}
    leased = read_all(mail_of, driver.execute(_LEASE, values).all())
    return sorted(leased, key=lambda one: (one.queued_at, one.id))
