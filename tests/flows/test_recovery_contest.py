"""Owner against stranger and intruder: who asks as often as he likes keeps nobody from the own account (A4)."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

import pytest

from cityauth import Problem
from cityauth.core.accounts import AccountId
from cityauth.core.answers import Done
from cityauth.core.client import ClientContext
from cityauth.core.links import LinkLive, LinkRefused
from cityauth.core.login import PasswordRequired
from cityauth.core.mail import mailbox_of
from cityauth.core.sessions import LiveSession
from cityauth.messages.codes import Code
from cityauth.testing import race
from tests.support.recording import recording
from tests.support.service import PASSWORD, Service

ERKKI, ID = "erkki@example.com", AccountId("erkki")
NAMES = (ERKKI, "ERKKI@example.com", "erkki", "erkki.vanha")
RENEWED = "kolme vihreää omenaa pöydällä"
HOURS = 20


@pytest.fixture
def erkki(service: Service) -> Service:
    """A service with Erkki in it, whose account has several names."""
    service.add("Erkki", email=ERKKI, usernames=["erkki"], retired_usernames=["erkki.vanha"])
    return service


def networks() -> Iterator[ClientContext]:
    """Networks without end, so that no network's budget holds anybody up."""
    return (ClientContext(f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1") for number in count())


def spend(service: Service, asker: Iterator[ClientContext], *, hours: float) -> None:
    """Let a stranger ask by every name, every five minutes, while the outbox is sent."""
    for _ in range(round(hours * 12)):
        service.wait(minutes=5)
        for name in NAMES:
            service.auth.recovery.request(name, client=next(asker))
        service.auth.outbox.flush()


def newest_link(service: Service, asker: Iterator[ClientContext]) -> str:
    """The owner's move: read the own mailbox, and where its newest link is dead, ask once."""
    token = service.link(ERKKI)
    if isinstance(service.auth.recovery.inspect(token), LinkLive):
        return token
    service.auth.recovery.request(ERKKI, client=next(asker))
    return service.link(ERKKI)


def mails(service: Service, mailbox: str = ERKKI) -> int:
    """How many mails have arrived."""
    while service.auth.outbox.flush().sent:
        pass
    return sum(mailbox_of(one.to) == mailbox for one in service.mailer.sent())


def test_the_owner_wins_without_an_undo_link(erkki: Service) -> None:
    """While a stranger asks on and on for 20 hours, the newest mail of the mailbox always has a link that works."""
    asker = networks()
    for _ in range(HOURS * 4):
        spend(erkki, asker, hours=1 / 4)
        assert isinstance(erkki.auth.recovery.inspect(erkki.link(ERKKI)), LinkLive)
    intruder = erkki.token(ERKKI)
    assert isinstance(erkki.auth.recovery.complete(erkki.link(ERKKI), RENEWED), Done)
    assert not erkki.is_live(intruder)
    assert isinstance(erkki.attempt(ERKKI, PASSWORD), PasswordRequired)
    erkki.sign_in(ERKKI, RENEWED)


@pytest.mark.parametrize("quiet", [1, 7, 30, 59, 61])
def test_a_stranger_who_stops_leaves_no_gap(erkki: Service, quiet: int) -> None:
    """A stranger who spends the day's mails and then stops leaves a link, or one request away, whenever it is tried."""
    asker = networks()
    spend(erkki, asker, hours=3)
    erkki.wait(minutes=quiet)
    assert isinstance(erkki.auth.recovery.complete(newest_link(erkki, asker), RENEWED), Done)


def end_every_link(service: Service) -> None:
    """The intruder knows the password, and ends every session and every mailed link by it."""
    service.auth.sessions.close_all(service.live(service.token(ERKKI)))


def by_a_dead_link(service: Service) -> str:
    """The token of a link that the intruder has ended already."""
    return service.link(ERKKI)


def by_an_expired_link(service: Service) -> str:
    """The token of a link that has expired."""
    token = service.link(ERKKI)
    service.wait(hours=2)
    assert service.auth.recovery.inspect(token) == LinkRefused(Problem(Code.LINK_EXPIRED))
    return token


def by_a_session(service: Service) -> LiveSession:
    """The owner's session."""
    return service.live(service.token(ERKKI))


@pytest.mark.parametrize("proof", [by_a_dead_link, by_an_expired_link])
def test_the_owner_wins_by_a_proof_against_an_intruder_who_ends_every_link(proof: Callable[[Service], str]) -> None:
    """For 20 hours an intruder takes each mail that is due and ends its link; with a proof the owner gets one at once."""
    erkki, asker = Service(), networks()
    erkki.add("Erkki", email=ERKKI, usernames=["erkki"], retired_usernames=["erkki.vanha"])
    for _ in range(HOURS * 4):
        spend(erkki, asker, hours=1 / 4)
        end_every_link(erkki)
    shown = proof(erkki)
    spend(erkki, asker, hours=1)
    end_every_link(erkki)
    before = mails(erkki)
    erkki.auth.recovery.request("erkki", proof=shown, client=next(asker))
    assert mails(erkki) == before + 1
    assert isinstance(erkki.auth.recovery.complete(erkki.link(ERKKI), RENEWED), Done)
    assert isinstance(erkki.attempt(ERKKI, PASSWORD), PasswordRequired)


def test_a_used_link_is_a_proof_for_thirty_days(erkki: Service) -> None:
    """Whoever has used a link of the mailbox gets another one past the strangers, until the link is 30 days old."""
    asker = networks()
    erkki.auth.recovery.request(ERKKI, client=next(asker))
    used = erkki.link(ERKKI)
    assert isinstance(erkki.auth.recovery.complete(used, RENEWED), Done)
    for days, more in ((29, 1), (2, 0)):
        erkki.wait(days=days)
        spend(erkki, asker, hours=3)
        before = mails(erkki)
        erkki.auth.recovery.request(ERKKI, proof=used, client=next(asker))
        assert mails(erkki) == before + more


def an_intruders_mailbox(service: Service) -> str:
    """A link that was mailed to another mailbox."""
    service.add("Matti", email="matti@example.com")
    service.auth.recovery.request("matti@example.com", client=ClientContext("192.0.2.99"))
    return service.link("matti@example.com")


def an_intruders_session(service: Service) -> LiveSession:
    """A live session of another account."""
    service.add("Matti", email="matti@example.com")
    return service.live(service.token("matti@example.com"))


def an_ended_session(service: Service) -> LiveSession:
    """A session of the account that has ended."""
    token = service.token(ERKKI)
    live = service.live(token)
    service.auth.sessions.sign_out(token)
    return live


def a_pending_login(service: Service) -> str:
    """A signed text that everybody gets."""
    step = service.auth.login.identify(ERKKI)
    assert isinstance(step, PasswordRequired)
    return step.pending


def a_handed_over_link(service: Service) -> str:
    """A link that customer service handed over, and that no mailbox got."""
    invited = service.auth.accounts.invite(ID, by_mail=False)
    return invited.link.get_secret_value().partition("token=")[2]  # type: ignore[union-attr]


NO_PROOFS: dict[str, Callable[[Service], object]] = {
    "another mailbox": an_intruders_mailbox,
    "another account": an_intruders_session,
    "an ended session": an_ended_session,
    "a pending login": a_pending_login,
    "a link that was handed over": a_handed_over_link,
    "a session's token": lambda service: service.token(ERKKI),
    "a forged token": lambda service: an_intruders_mailbox(service)[:-2] + "xx",
    "nothing": lambda _: "",
    "no text": lambda _: ["x"],
    "a long text": lambda _: "x." * 50_000,
}


@pytest.mark.parametrize("which", NO_PROOFS)
def test_what_proves_nothing_spends_the_strangers_budget(erkki: Service, which: str) -> None:
    """A proof of somebody else, or of nobody, is answered as none is, and gets nothing that a stranger does not."""
    asker = networks()
    spend(erkki, asker, hours=3)
    shown = NO_PROOFS[which](erkki)
    before = mails(erkki)
    answers = {
        repr(erkki.auth.recovery.request(ERKKI, client=next(asker), proof=proof))  # type: ignore[arg-type]  # hostile
        for proof in (None, shown)
    }
    assert len(answers) == 1
    assert mails(erkki) == before


def test_a_proof_spends_nothing_of_the_others(erkki: Service) -> None:
    """The budgets of strangers, of sessions and of mailed links are apart: an intruder's session leaves the others."""
    asker = networks()
    spend(erkki, asker, hours=3)
    session, mailed = by_a_session(erkki), erkki.link(ERKKI)
    for _ in range(3 * 60):
        erkki.auth.recovery.request(ERKKI, proof=session, client=next(asker))
        erkki.auth.outbox.flush()
        erkki.wait(minutes=1)
        session = by_a_session(erkki)
    before = mails(erkki)
    erkki.auth.recovery.request(ERKKI, proof=mailed, client=next(asker))
    assert mails(erkki) == before + 1


@pytest.mark.parametrize("how", ["session", "mailbox"])
def test_a_proof_has_a_budget_too(erkki: Service, how: str) -> None:
    """With a proof a mailbox gets ten mails more a day, not as many as somebody likes."""
    asker = networks()
    erkki.auth.recovery.request(ERKKI, client=next(asker))
    token = erkki.link(ERKKI)
    before = mails(erkki)
    for _ in range(24 * 6):
        shown = token if how == "mailbox" else by_a_session(erkki)
        erkki.auth.recovery.request(ERKKI, proof=shown, client=next(asker))
        erkki.auth.outbox.flush()
        erkki.wait(minutes=10)
    strangers, guaranteed = 10, 24
    assert before + 10 + strangers <= mails(erkki) <= before + 10 + strangers + guaranteed


def test_accounts_of_one_mailbox_share_its_guaranteed_mail(service: Service) -> None:
    """Twelve accounts whose mail goes to one mailbox get twenty mails a day and one an hour, not one each (A8)."""
    for number in range(12):
        service.add(f"P{number}", usernames=[f"p{number}"], contact=f"victim+{number}@example.com")
    asker = networks()
    for turn in range(24 * 20):
        service.auth.recovery.request(f"p{turn % 12}", client=next(asker))
        service.auth.outbox.flush()
        service.wait(minutes=3)
    assert 20 < mails(service, "victim@example.com") <= 20 + 24


def test_nobody_gets_a_guaranteed_mail_for_an_address_without_an_account(service: Service) -> None:
    """An address that nobody has gets no more than the strangers' budget, and spends no account's guaranteed mail."""
    service.add("Erkki", usernames=["erkki"], contact=ERKKI)
    asker = networks()
    for turn in range(24 * 20 - 1):
        service.auth.recovery.request(f"erkki+{turn}@example.com", client=next(asker))
        service.auth.outbox.flush()
        service.wait(minutes=3)
    assert mails(service) == 20
    service.auth.recovery.request("erkki", client=next(asker))
    assert isinstance(service.auth.recovery.inspect(service.link(ERKKI)), LinkLive)


def test_the_guaranteed_mail_of_an_hour_is_one_in_a_race(erkki: Service) -> None:
    """Many requests at once get one guaranteed mail (C-14)."""
    asker = networks()
    spend(erkki, asker, hours=3)
    erkki.wait(hours=1)
    before = mails(erkki)
    clients = [next(asker) for _ in range(16)]
    race([partial(erkki.auth.recovery.request, ERKKI, client=client) for client in clients])
    assert mails(erkki) == before + 1


def test_the_last_budget_asks_the_same_of_everybody(service: Service) -> None:
    """Known and unknown ask the same questions and commit the same changes, through every budget (B-21, B-24)."""
    service.add("Known", email="known@example.com", usernames=["known"])
    service.add("Asker", email="asker@example.com")
    traces: dict[str, list[list[tuple[str, ...]]]] = {}
    for name in ("known@example.com", "unknown@example.com", "known", "unknown"):
        asker = networks()
        shown: list[LiveSession | str | None] = [None, "forged.token", service.live(service.token("asker@example.com"))]
        for turn in range(3 * 20):
            with recording(service.auth) as asked:
                service.auth.recovery.request(name, client=next(asker), proof=shown[turn % 2])
            traces.setdefault(name, []).append(list(asked))
            service.wait(minutes=3)
        service.wait(days=2)
        shown[2] = service.live(service.token("asker@example.com"))
        with recording(service.auth) as asked:
            service.auth.recovery.request(name, client=next(asker), proof=shown[2])
        traces[name].append(list(asked))
        service.wait(days=2)
    assert traces["known"] == traces["unknown"]
    assert traces["known@example.com"] == traces["unknown@example.com"]
