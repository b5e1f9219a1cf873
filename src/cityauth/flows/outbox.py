"""Send what the outbox holds: after the commit, at least once, again and again while the mailer is down."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.client import UNKNOWN_CLIENT
from cityauth.core.mail import OutboxStatus, QueuedMail
from cityauth.errors import MailerUnavailableError, MailRefusedError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.context import begin
from cityauth.flows.deployment import Deployment
from cityauth.flows.record import commit_with
from cityauth.policy import OutboxPolicy
from cityauth.ports.services import Clock, Mailer
from cityauth.ports.stores import OutboxStore


@dataclass(frozen=True, slots=True)
class Flushed:
    """What one round of sending came to.

    Attributes:
        sent: Mails handed over to the mail system.
        postponed: Mails that stay, to be tried again.
        abandoned: Mails that were refused for good, or whose time has passed.
    """

    sent: int = 0
    postponed: int = 0
    abandoned: int = 0


def flush(deployment: Deployment) -> Flow[Flushed]:
    """Send the mails that are due, a batch of them, oldest first.

    When the mailer turns out to be down, the rest of the batch is postponed without being tried; a mail that
    is put off by itself, such as one to a greylisting recipient, stands in nobody's way. A mail
    is dropped only after the mail system has taken it; a crash in between sends it twice, under one
    Message-ID.
    """
    policy = deployment.policy.outbox
    now = yield from ask(Clock.now)
    mails = yield from ask(OutboxStore.lease_mails, now, now + policy.lease, policy.batch)
    counts = {"sent": 0, "postponed": 0, "abandoned": 0}
    down = False
    for mail in mails:
        result = "postponed" if down else (yield from _send(mail, now))
        if result == "postponed":
            down = down or not (yield from ask(Mailer.is_up))
            yield from ask(OutboxStore.postpone_mail, mail.id, now + wait_after(mail.attempts, policy))
        else:
            yield from ask(OutboxStore.drop_mail, mail.id)
        if result == "abandoned":
            context = yield from begin(UNKNOWN_CLIENT)
            yield from commit_with(audit_event(AuditEventType.MAIL_ABANDONED, context, reason=mail.id))
        counts[result] += 1
    return Flushed(**counts)


def _send(mail: QueuedMail, now: datetime) -> Flow[str]:
    """Try one mail and say what became of it."""
    if mail.expires_at <= now:
        return "abandoned"
    try:
        yield from ask(Mailer.send, mail)
    except MailRefusedError:
        return "abandoned"
    except MailerUnavailableError:
        return "postponed"
    return "sent"


def wait_after(attempts: int, policy: OutboxPolicy) -> timedelta:
    """Return how long to wait after this many failed attempts: doubled each time, up to the longest."""
    doublings = min(max(attempts - 1, 0), 20)
    return min(policy.first_retry * (1 << doublings), policy.longest_retry)


def status() -> Flow[OutboxStatus]:
    """Return how the outbox stands."""
    return (yield from ask(OutboxStore.outbox_status))
