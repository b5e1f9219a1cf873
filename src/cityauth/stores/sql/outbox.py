"""The outbox: mails are queued by a commit, leased by a worker, dropped when they were sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, case, delete, func, insert, literal, or_, select, union_all, update

from cityauth.core.changes import MailQueued
from cityauth.core.mail import OutboxStatus, QueuedMail
from cityauth.messages.mails import MailContent
from cityauth.policy.mail import LONGEST_HOLD
from cityauth.stores.sql.programs import Program, Read, Write, look_up, write
from cityauth.stores.sql.rows import Row, read_one
from cityauth.stores.sql.tables import mail, micros, moment

_MAIL = tuple(column for column in mail.c if column is not mail.c.due_at)
_IS_DUMMY = mail.c.recipient == ""
_DUE_NOW, _HELD_TOO_LONG = mail.c.due_at <= bindparam("now"), mail.c.due_at > bindparam("farthest")
_DUE = or_(_DUE_NOW, _HELD_TOO_LONG)
_ANY_DUE: Final = select(literal(1)).where(_DUE).limit(1)
_QUEUE: Final = insert(mail)
_DROP_DUMMIES: Final = delete(mail).where(
    mail.c.id.in_(  # two searches, for SQLite reads the whole table for one with "or"
        union_all(
            select(mail.c.id).where(_DUE_NOW, _IS_DUMMY),
            select(mail.c.id).where(_HELD_TOO_LONG, _IS_DUMMY),
        )
    )
)
_OLDEST_DUE = (
    select(mail.c.id)
    .where(_DUE)
    .order_by(mail.c.queued_at, mail.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    .cte("oldest_due")
    .prefix_with("MATERIALIZED")  # else PostgreSQL may run it once a row, and lock other mails each time
)
_LEASE: Final = (
    update(mail)
    .where(mail.c.id.in_(select(_OLDEST_DUE.c.id)))
    .values(due_at=bindparam("until"), attempts=mail.c.attempts + 1)
    .returning(*_MAIL)
)
_POSTPONE: Final = update(mail).where(mail.c.id == bindparam("which")).values(due_at=bindparam("until"))
_DROP: Final = delete(mail).where(mail.c.id == bindparam("which"))
_STATUS: Final = select(func.count(), func.count(case((mail.c.attempts > 0, 1))), func.min(mail.c.queued_at)).where(
    ~_IS_DUMMY
)


def _mail_of(row: Row) -> QueuedMail:
    """Read a row of `_MAIL`."""
    mail_id, recipient, subject, body, language, queued, expires, attempts = row
    content = MailContent(subject, body)
    return QueuedMail(mail_id, recipient, content, language, moment(queued), moment(expires), attempts)


def _row_of(queued: QueuedMail) -> dict[str, object]:
    """Return *queued* as stored, by column; it is due at once."""
    return {
        "id": queued.id,
        "recipient": queued.to,
        "subject": queued.content.subject,
        "body": queued.content.body,
        "language": queued.language,
        "queued_at": micros(queued.queued_at),
        "expires_at": micros(queued.expires_at),
        "attempts": queued.attempts,
        "due_at": micros(queued.queued_at),
    }


def _status_of(row: Row) -> OutboxStatus:
    """Read the one row that counts the outbox."""
    waiting, retrying, oldest = row
    return OutboxStatus(waiting, retrying, None if oldest is None else moment(oldest))


def _due(now: datetime) -> dict[str, object]:
    """Return the values of `_DUE`: a mail is due if its time has come, or is further off than any mail may be held."""
    return {"now": micros(now), "farthest": micros(now + LONGEST_HOLD)}


def any_due(now: datetime) -> Program[bool]:
    """Whether there is anything to lease. It is asked first, so that an idle worker takes no write lock."""
    return bool((yield Read(_ANY_DUE, _due(now))))


def queue_mail(change: MailQueued) -> Program[None]:
    """Insert the mail, due at once."""
    yield Write(_QUEUE, _row_of(change.mail))


def lease_mails(now: datetime, until: datetime, most: int) -> Program[Sequence[QueuedMail]]:
    """Delete the dummies that are due, and lease the oldest other mails that are due: hide them until *until*."""
    yield Write(_DROP_DUMMIES, _due(now))
    leased = yield from look_up(_mail_of, _LEASE, {**_due(now), "until": micros(until), "most": most})
    return sorted(leased, key=lambda one: (one.queued_at, one.id))


def postpone_mail(mail_id: str, until: datetime) -> Program[int]:
    """Set the time of a mail's next attempt."""
    return write(_POSTPONE, {"which": mail_id, "until": micros(until)})


def drop_mail(mail_id: str) -> Program[int]:
    """Delete a mail with all its text."""
    return write(_DROP, {"which": mail_id})


def outbox_status() -> Program[OutboxStatus]:
    """Return how many mails wait, how many of them were tried before, and since when the oldest waits."""
    rows: list[Row] = yield Read(_STATUS, {})
    return read_one(_status_of, rows[0])
