"""Send the queued mails. Each is sent at least once; while the mailer is down, it is tried again and again."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.client import UNKNOWN_CLIENT
from cityauth.core.mail import OutboxStatus, QueuedMail
from cityauth.errors import MailerUnavailableError, MailRefusedError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, begin, commit_with
from cityauth.policy import OutboxPolicy
from cityauth.ports.services import Clock, Mailer
from cityauth.ports.stores import OutboxStore


@dataclass(frozen=True, slots=True)
class Flushed:
    """What one call of `flush` sent.

    Attributes:
        sent: Mails handed over to the mail system.
        postponed: Mails that stay, to be tried again.
        abandoned: Mails that the server refused for ever, or that have expired.
        reason: Why the last of the postponed mails was not taken, in the mailer's words, such as
            ``SMTP 530 5.7.0``; empty when none was postponed.
    """

    sent: int = 0
    postponed: int = 0
    abandoned: int = 0
    reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class _Tried:
    """What became of one mail: its count, and for a postponed one why, and whether the others must wait."""

    result: Literal["sent", "postponed", "abandoned"]
    reason: str = ""
    is_down: bool = False


def flush(deployment: Deployment) -> Flow[Flushed]:
    """Send the mails that are due, a batch of them, oldest first.

    Each mail is leased by itself, just before it is sent: a slow server cannot use up the lease of a mail that
    waits behind. When the mailer cannot be reached, the rest of the batch is postponed without being tried. A
    mail that is put off by itself, such as one to a greylisting recipient, does not hold up the others.
    A mail is dropped only after the mail system has taken it; a crash in between sends it twice, under one
    Message-ID.
    """
    policy = deployment.policy.outbox
    counts = Counter[str]()
    reason = ""
    while (left := policy.batch - counts.total()) > 0:
        now = yield from ask(Clock.now)
        leased = yield from ask(OutboxStore.lease_mails, now, now + policy.lease, 1)
        if not leased:
            break
        tried = yield from _try(deployment, leased[0], now)
        counts[tried.result] += 1
        reason = tried.reason or reason
        if tried.is_down:
            counts["postponed"] += yield from _postpone_due(policy, left - 1)
            break
    return Flushed(**counts, reason=reason)


def _try(deployment: Deployment, mail: QueuedMail, now: datetime) -> Flow[_Tried]:
    """Send one leased mail, and drop or postpone it by what came of it."""
    tried = yield from _send(mail, now)
    if tried.result == "postponed":
        now = yield from ask(Clock.now)  # the attempt may have taken long
        yield from ask(OutboxStore.postpone_mail, mail.id, now + wait_after(mail.attempts, deployment.policy.outbox))
    else:
        yield from ask(OutboxStore.drop_mail, mail.id)
    if tried.result == "abandoned":
        context = yield from begin(UNKNOWN_CLIENT)
        yield from commit_with(audit_event(AuditEventType.MAIL_ABANDONED, context, reason=mail.id))
    return tried


def _send(mail: QueuedMail, now: datetime) -> Flow[_Tried]:
    """Hand one mail over and return what became of it."""
    if mail.expires_at <= now:
        return _Tried("abandoned")
    try:
        yield from ask(Mailer.send, mail)
    except MailRefusedError:
        return _Tried("abandoned")
    except MailerUnavailableError as error:
        is_down = not error.answered and not (yield from ask(Mailer.is_up))
        return _Tried("postponed", str(error), is_down)
    return _Tried("sent")


def _postpone_due(policy: OutboxPolicy, most: int) -> Flow[int]:
    """Postpone up to *most* mails that are due without trying them, and return how many."""
    if most == 0:
        return 0
    now = yield from ask(Clock.now)
    mails = yield from ask(OutboxStore.lease_mails, now, now + policy.lease, most)
    for mail in mails:
        yield from ask(OutboxStore.postpone_mail, mail.id, now + wait_after(mail.attempts, policy))
    return len(mails)


def wait_after(attempts: int, policy: OutboxPolicy) -> timedelta:
    """Return how long to wait after this many failed attempts: doubled each time, up to the longest."""
    doublings = min(max(attempts - 1, 0), 20)
    return min(policy.first_retry * (1 << doublings), policy.longest_retry)


def status() -> Flow[OutboxStatus]:
    """Return how many mails wait, and since when."""
    return (yield from ask(OutboxStore.outbox_status))
