"""The outbox: mail leaves after the commit, at least once, and is never lost while the mailer is down."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cityauth.core.mail import QueuedMail
from cityauth.errors import MailerUnavailableError, MailRefusedError, PolicyError
from cityauth.flows.outbox import Flushed, wait_after
from cityauth.policy import MailPolicy, OutboxPolicy
from cityauth.ports.services import Mailer
from cityauth.testing import race
from tests.support.recording import recording, stepping_in
from tests.support.service import POLICY, Service

ERKKI = "erkki@example.com"


@pytest.fixture
def waiting(service: Service) -> Service:
    """A service with one mail in its outbox."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    return service


def test_a_mail_leaves_once(waiting: Service) -> None:
    """Sent, and forgotten with its link (C-20)."""
    assert waiting.auth.outbox.status().waiting == 1
    assert waiting.auth.outbox.flush() == Flushed(sent=1)
    assert waiting.auth.outbox.flush() == Flushed()
    assert waiting.auth.outbox.status().oldest is None


def test_a_mail_waits_while_the_mailer_is_down(waiting: Service) -> None:
    """Postponed with growing waits, the first within ten seconds, and sent when the mailer is up (C-31)."""
    waiting.mailer.up = False
    assert waiting.auth.outbox.flush() == Flushed(postponed=1)
    assert waiting.auth.outbox.status().retrying == 1
    assert waiting.auth.outbox.flush() == Flushed()
    waiting.wait(seconds=10)
    assert waiting.auth.outbox.flush() == Flushed(postponed=1)
    waiting.mailer.up = True
    waiting.wait(seconds=10)
    assert waiting.auth.outbox.flush() == Flushed(sent=1)


def test_a_mailer_that_is_down_is_tried_once_a_round(service: Service) -> None:
    """The rest of a batch is postponed untried, so a dead server costs one time-out."""
    for number in range(5):
        service.add(f"P{number}", email=f"p{number}@example.com")
        service.auth.recovery.request(f"p{number}@example.com")
    service.mailer.up = False
    with recording(service.auth) as asked:
        assert service.auth.outbox.flush() == Flushed(postponed=5)
    assert asked.count(("Mailer.send",)) == 1


def test_a_batch_of_one_touches_one_mail() -> None:
    """A call sends no more mails than the batch, and postpones no more when the mailer is down."""
    service = Service(policy=replace(POLICY, outbox=OutboxPolicy(batch=1)))
    for number in range(2):
        service.add(f"P{number}", email=f"p{number}@example.com")
        service.auth.recovery.request(f"p{number}@example.com")
    service.mailer.up = False
    assert service.auth.outbox.flush() == Flushed(postponed=1)
    assert service.auth.outbox.status().retrying == 1
    service.mailer.up = True
    service.wait(seconds=10)
    assert [service.auth.outbox.flush() for _ in range(3)] == [Flushed(sent=1), Flushed(sent=1), Flushed()]


def test_a_mail_that_is_refused_for_good_is_abandoned_and_audited(waiting: Service) -> None:
    """A refusal that is final does not stand in the way of other mail, and is told (ASVS 16.3.1)."""

    def refuse(_mail: QueuedMail) -> None:
        raise MailRefusedError

    with stepping_in(waiting.auth, Mailer.send, lambda _: refuse):
        assert waiting.auth.outbox.flush() == Flushed(abandoned=1)
    assert waiting.audit.events[-1].what == "mail.abandoned"
    assert waiting.auth.outbox.status().waiting == 0


def test_a_mail_whose_link_is_dead_is_not_sent(waiting: Service) -> None:
    """After its link's hour a mail would only confuse."""
    waiting.wait(hours=1)
    assert waiting.auth.outbox.flush() == Flushed(abandoned=1)
    assert waiting.mailer.sent() == []


def test_two_workers_send_a_mail_once(waiting: Service) -> None:
    """A lease keeps a mail from other workers (C-20)."""
    results = race([waiting.auth.outbox.flush] * 8)
    assert sum(result.sent for result in results) == 1
    assert len(waiting.mailer.sent()) == 1


def test_a_worker_that_dies_gives_its_mails_back(waiting: Service) -> None:
    """When the lease ends, another worker sends the mail under the same id (C-20)."""

    class Died(BaseException):
        """The process is killed while it sends."""

    def die(_mail: QueuedMail) -> None:
        raise Died

    with stepping_in(waiting.auth, Mailer.send, lambda _: die), pytest.raises(Died):
        waiting.auth.outbox.flush()
    assert waiting.auth.outbox.flush() == Flushed()
    waiting.wait(minutes=2)
    assert waiting.auth.outbox.flush() == Flushed(sent=1)


def test_no_mail_without_its_commit(service: Service) -> None:
    """A commit that is rejected queues nothing (C-21)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    before = len(service.mailer.sent())
    service.auth.sessions.close_all_of_account(service.sign_in(ERKKI).account.id)
    service.auth.recovery.complete(token, "aivan uusi pitkä salasana")
    service.auth.outbox.flush()
    assert len(service.mailer.sent()) == before


def test_waits_double_up_to_the_longest() -> None:
    """Five seconds, ten, twenty, and never more than a quarter of an hour."""
    policy = OutboxPolicy()
    waits = [wait_after(attempts, policy).total_seconds() for attempts in (0, 1, 2, 3, 8, 10**6)]
    assert waits == [5, 5, 10, 20, 640, 900]


def test_a_mail_that_is_put_off_stands_in_nobodys_way(service: Service) -> None:
    """One recipient that greylists does not keep the rest of the batch waiting while the mailer is up."""
    for name in ("grey", "erkki"):
        service.add(name, email=f"{name}@example.com")
        service.auth.recovery.request(f"{name}@example.com")

    def greylisting(send: Callable[[QueuedMail], None]) -> Callable[[QueuedMail], None]:
        def put_off(mail: QueuedMail) -> None:
            if mail.to.startswith("grey"):
                raise MailerUnavailableError
            send(mail)

        return put_off

    with stepping_in(service.auth, Mailer.send, greylisting):
        assert service.auth.outbox.flush() == Flushed(sent=1, postponed=1)
    assert [mail.to for mail in service.mailer.sent()] == ["erkki@example.com"]


def test_a_slow_server_is_handed_no_mail_twice(service: Service) -> None:
    """Each mail has a lease of its own: 20 slow mails outlast it together, and another worker finds none of them."""
    names = [f"p{number}@example.com" for number in range(20)]
    for name in names:
        service.add(name.partition("@")[0], email=name)
        service.wait(seconds=4)
        service.auth.recovery.request(name)
    handed: list[str] = []
    inside = [False]

    def slowly(send: Callable[[QueuedMail], None]) -> Callable[[QueuedMail], None]:
        def take(mail: QueuedMail) -> None:
            handed.append(mail.to)
            if not inside[0]:
                service.wait(seconds=100)
                inside[0] = True
                if len(handed) > 15:
                    service.auth.outbox.flush()
                inside[0] = False
            send(mail)

        return take

    with stepping_in(service.auth, Mailer.send, slowly):
        while service.auth.outbox.status().waiting:
            service.auth.outbox.flush()
    assert len(handed) == len(set(handed))
    assert set(handed) <= set(names)


def test_a_relay_that_refuses_us_loses_no_mail(service: Service) -> None:
    """Each mail is tried and kept, the reason is told, and all leave once the relay takes them."""
    for number in range(3):
        service.add(f"P{number}", email=f"p{number}@example.com")
        service.auth.recovery.request(f"p{number}@example.com")

    def refuse(_mail: QueuedMail) -> None:
        raise MailerUnavailableError("SMTP 530 5.7.0", answered=True)

    service.mailer.up = False
    with stepping_in(service.auth, Mailer.send, lambda _: refuse), recording(service.auth) as asked:
        flushed = service.auth.outbox.flush()
    assert (flushed.postponed, flushed.abandoned, flushed.reason) == (3, 0, "SMTP 530 5.7.0")
    assert asked.count(("Mailer.send",)) == 3, "the mail after one that is refused is worth a try"
    service.mailer.up = True
    service.wait(seconds=10)
    assert service.auth.outbox.flush() == Flushed(sent=3)


@pytest.mark.parametrize(
    "given",
    [
        {"batch": 0},
        {"batch": -1},
        {"lease": timedelta(0)},
        {"lease": timedelta(hours=2)},
        {"first_retry": timedelta(0)},
        {"first_retry": timedelta(minutes=20)},
        {"longest_retry": timedelta(days=1)},
        {"notice_lifetime": timedelta(seconds=-1)},
    ],
)
def test_an_outbox_that_would_send_nothing_is_refused(given: dict[str, Any]) -> None:
    """A batch of none, a lease of nothing and waits that contradict one another are mistakes of the set-up."""
    with pytest.raises(PolicyError, match="outbox"):
        OutboxPolicy(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"service": "a\nb"},
        {"service": "a\r\nBcc: c@d.fi"},
        {"service": "\ud800"},
        {"contact": "a\0"},
        {"contact": "\ud800"},
        {"base_url": "https://service.example/\n"},
        {"base_url": "https://service.example/a b"},
        {"reset_path": "/a\nb"},
    ],
)
def test_what_no_mail_can_hold_is_refused(given: dict[str, Any]) -> None:
    """A name of two lines or a stray surrogate would lose every mail, and is refused at construction."""
    with pytest.raises(PolicyError, match="mail"):
        MailPolicy(**given)
