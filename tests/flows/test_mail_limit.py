"""The budget of a mailbox: nobody fills it by way of many accounts, many tags or many operations."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cityauth import MailAwaited
from cityauth.core.client import ClientContext
from cityauth.core.mail import mailbox_of
from cityauth.core.sessions import LiveSession
from cityauth.testing import race
from tests.support.recording import recording
from tests.support.service import POLICY, Service

VICTIM = "victim@example.com"
ALLOWED = 3
"""What one mailbox gets within a minute."""


def client(number: int) -> ClientContext:
    """Each request from a network of its own."""
    return ClientContext(f"192.0.2.{number}")


def arrived(service: Service) -> int:
    """How many mails have reached the victim's mailbox."""
    while service.auth.outbox.flush().sent:
        pass
    return sum(mailbox_of(one.to) == VICTIM for one in service.mailer.sent())


def by_shared_accounts(service: Service) -> Callable[[int], object]:
    """Ask for the links of many accounts whose mail goes to one mailbox."""
    for number in range(12):
        service.add(
            f"P{number}", usernames=[f"p{number}"], contact=f"victim+{number}@example.com" if number else VICTIM
        )
    return lambda number: service.auth.recovery.request(f"p{number}", client=client(number))


def by_unknown_tags(service: Service) -> Callable[[int], object]:
    """Ask for links of addresses that nobody has, in various spellings."""
    return lambda number: service.auth.recovery.request(f"Victim+{number}@EXAMPLE.com", client=client(number))


def by_sign_ups(service: Service) -> Callable[[int], object]:
    """Ask for new accounts."""
    return lambda number: service.auth.accounts.sign_up(f"VICTIM+{number}@example.com", client=client(number))


def by_new_addresses(service: Service) -> Callable[[int], object]:
    """Ask, from many accounts, for a change to the victim's address."""
    sessions = []
    for number in range(12):
        service.add(f"P{number}", email=f"p{number}@example.com")
        live = service.auth.sessions.check(service.token(f"p{number}@example.com"))
        assert isinstance(live, LiveSession)
        sessions.append(live)
    return lambda number: service.auth.accounts.change_email(sessions[number], f"victim+{number}@example.com")


@pytest.mark.parametrize("how", [by_shared_accounts, by_unknown_tags, by_sign_ups, by_new_addresses])
def test_a_mailbox_has_one_budget(service: Service, how: Callable[[Service], Callable[[int], object]]) -> None:
    """Twelve requests by one way make three mails in a minute; all twelve are answered alike."""
    ask = how(service)
    answers = [ask(number) for number in range(12)]
    assert all(isinstance(one, MailAwaited) for one in answers)
    assert len(set(map(repr, answers))) == 1
    assert arrived(service) == ALLOWED


def test_the_ways_share_the_budget(service: Service) -> None:
    """A mailbox gets no more when somebody goes from one operation to the next."""
    for ask in (by_shared_accounts(service), by_unknown_tags(service), by_sign_ups(service)):
        for number in range(3):
            ask(number)
    assert arrived(service) == ALLOWED


def test_the_budget_of_a_day(service: Service) -> None:
    """However patiently it is asked, a mailbox gets twenty mails a day and no more, and mail again the day after."""
    ask = by_unknown_tags(service)
    for number in range(60):
        ask(number)
        service.wait(minutes=20)
    assert arrived(service) == 20
    service.wait(hours=25)
    ask(61)
    assert arrived(service) == 21


def test_the_budget_holds_in_a_race(service: Service) -> None:
    """Many requests at once get through no more than the budget allows (C-14)."""
    asks = by_shared_accounts(service)
    race([lambda number=number: asks(number) for number in range(12)])  # type: ignore[misc]
    assert arrived(service) == ALLOWED


@pytest.mark.parametrize("ahead", [{"days": 30}, {"days": 1}, {"days": 400}, {"hours": 3}])
def test_a_clock_that_was_ahead_and_is_mended_withholds_no_mail(service: Service, ahead: dict[str, float]) -> None:
    """What was asked for while the clock was ahead uses up no budget of today's, and waits no longer than today's."""
    service.add("Erkki", email="erkki@example.com")
    service.wait(**ahead)
    for _ in range(12):
        service.auth.recovery.request("erkki@example.com")
        service.wait(minutes=1)
    service.wait(minutes=-12, **{unit: -count for unit, count in ahead.items()})
    assert isinstance(service.auth.recovery.request("erkki@example.com"), MailAwaited)
    service.link("erkki@example.com")
    service.sign_in("erkki@example.com")


def test_another_mailbox_is_not_touched(service: Service) -> None:
    """A full mailbox holds up nobody else's mail, also in the same domain."""
    ask = by_unknown_tags(service)
    for number in range(12):
        ask(number)
    service.auth.recovery.request("victims@example.com", client=client(99))
    assert arrived(service) == ALLOWED
    assert len(service.mailer.sent("victims@example.com")) == 1


def test_a_full_mailbox_tells_nothing(service: Service) -> None:
    """Known and unknown ask the same questions, whether the mailbox has room or not (B-21)."""
    wide = Service(policy=replace(POLICY, throttle=replace(POLICY.throttle, mail_per_account=())))
    wide.add("Known", email="known@example.com")
    traces = []
    for address in ("known@example.com", "unknown@example.com"):
        for _ in range(5):
            with recording(wide.auth) as asked:
                wide.auth.recovery.request(address)
            traces.append(asked)
    assert traces[:5] == traces[5:]
    assert traces[0] != traces[4], "the last ones were over the budget"


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("Victim@example.com", "victim@example.com"),
        ("victim+a+b@example.com", "victim@example.com"),
        ("victim+@example.com", "victim@example.com"),
        ("+victim@example.com", "+victim@example.com"),
        ("vic.tim@example.com", "vic.tim@example.com"),
        ("a\u0308iti+x@example.com", "\u00e4iti@example.com"),
        ("Erkki", "erkki"),
    ],
)
def test_mailboxes(address: str, mailbox: str) -> None:
    """What counts as one mailbox: letter case and tags make no other one, dots do."""
    assert mailbox_of(address) == mailbox
