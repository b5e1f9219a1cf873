"""Change of address: verified first, told to the old mailbox, undone from there; history stays."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from cityauth import Problem
from cityauth.core.accounts import Account, AccountId
from cityauth.core.answers import Done, MailAwaited, Refused
from cityauth.core.changes import Committed, IdentifierAdded, TokenIssued
from cityauth.core.client import ClientContext
from cityauth.core.identifiers import Identifier, register
from cityauth.core.links import LinkLive, LinkRefused, OneTimeToken, digest_of_id, id_of
from cityauth.core.login import PasswordRequired
from cityauth.core.resolution import IdentifierStatus, Outcome
from cityauth.core.sessions import LiveSession
from cityauth.core.signing import Purpose
from cityauth.messages.codes import Code
from cityauth.policy import ThrottlePolicy
from cityauth.policy.realms import Phase
from cityauth.policy.throttling import Limit
from cityauth.ports.stores import AccountStore
from cityauth.testing import race
from tests.support.deployments import deployment
from tests.support.recording import recording, stepping_in
from tests.support.service import PASSWORD, Service

OLD, NEW, THIRD = "erkki@example.com", "erkki.uusi@example.com", "erkki.kolmas@example.com"
RENEWED = "kolme vihreää omenaa pöydällä"
ID = AccountId("erkki")


@pytest.fixture
def erkki(service: Service) -> Service:
    """A service with Erkki in it."""
    service.add("Erkki", email=OLD, usernames=["erkki"])
    return service


def live(service: Service, identifier: str = OLD, password: str = PASSWORD) -> LiveSession:
    """A fresh session."""
    found = service.auth.sessions.check(service.token(identifier, password))
    assert found is not None
    return found


def changed(service: Service, to: str = NEW, identifier: str = OLD) -> str:
    """Change the address and return the undo link that the old mailbox got."""
    service.auth.accounts.change_email(live(service, identifier), to)
    assert isinstance(service.auth.accounts.confirm_email(service.link(to)), Done)
    return service.link(identifier)


def restored(service: Service, identifier: str, mailbox: str) -> Account:
    """Set a new password with the link that an undo mailed, and sign in with it."""
    assert isinstance(service.attempt(identifier), PasswordRequired)
    assert isinstance(service.auth.recovery.complete(service.link(mailbox), RENEWED), Done)
    return service.sign_in(identifier, RENEWED).account


def test_the_new_address_signs_in_after_its_link_and_the_old_does_not(erkki: Service) -> None:
    """Verified first; then the login name is the new address, under the same account id (B-41, NIST 4.2.1.2)."""
    erkki.auth.accounts.change_email(live(erkki), NEW)
    assert isinstance(erkki.attempt(NEW), PasswordRequired)
    assert erkki.sign_in(OLD).account.contact == OLD
    token = erkki.link(NEW)
    assert erkki.auth.accounts.inspect_email(token) == LinkLive(Purpose.EMAIL_CHANGE, NEW, NEW)
    assert erkki.auth.accounts.confirm_email(token) == Done(Problem(Code.EMAIL_CHANGE_DONE))
    account = erkki.sign_in(NEW).account
    assert (account.id, account.contact) == (ID, NEW)
    hint = erkki.attempt(OLD)
    assert isinstance(hint, PasswordRequired)
    assert hint.problem is not None
    assert hint.problem.code is Code.LOGIN_IDENTIFIER_RETIRED
    assert erkki.sign_in("erkki").account.id == ID


def test_every_session_ends_with_the_change(erkki: Service) -> None:
    """Old sessions die, remembered ones too (C-11, ASVS 7.4.3)."""
    tokens = [erkki.token(OLD), erkki.token("erkki", remember=True)]
    changed(erkki)
    assert not any(erkki.is_live(token) for token in tokens)


def test_the_old_mailbox_undoes_the_change(erkki: Service) -> None:
    """The undo link restores the old address, retires the new one, ends every session and tells both (ASVS 6.3.7)."""
    undo = changed(erkki)
    token = erkki.token(NEW)
    assert erkki.auth.accounts.inspect_undo(undo) == LinkLive(Purpose.EMAIL_UNDO, OLD, OLD)
    assert erkki.auth.accounts.undo_email(undo) == Done(Problem(Code.EMAIL_CHANGE_UNDONE))
    assert not erkki.is_live(token)
    assert restored(erkki, OLD, OLD).contact == OLD
    assert erkki.auth.identifiers.resolve(NEW).outcome is Outcome.RETIRED
    assert erkki.subjects(OLD)[-2] == erkki.subjects(NEW)[-1] == "sähköpostiosoite palautettu"
    assert isinstance(erkki.auth.accounts.undo_email(undo), LinkRefused)


def test_an_undo_outlives_what_an_intruder_does_next(erkki: Service) -> None:
    """A new password and a further change of address do not kill the first owner's undo; using it kills later ones."""
    first = changed(erkki)
    intruder = erkki.token(NEW)
    erkki.auth.accounts.change_password(erkki.live(intruder), PASSWORD, "tunkeilijan uusi salasana")
    erkki.wait(minutes=2)
    erkki.auth.accounts.change_email(live(erkki, NEW, "tunkeilijan uusi salasana"), THIRD)
    assert isinstance(erkki.auth.accounts.confirm_email(erkki.link(THIRD)), Done)
    second = erkki.link(NEW)
    assert isinstance(erkki.auth.accounts.undo_email(first), Done)
    assert isinstance(erkki.auth.accounts.undo_email(second), LinkRefused)
    assert erkki.auth.identifiers.resolve(OLD).outcome is Outcome.RESOLVED


def unlimited(service: Service) -> Service:
    """The same service without a limit on the mails of an account."""
    throttle = ThrottlePolicy(mail_per_account=(), mail_per_recipient=())
    return replace(service, policy=replace(service.policy, throttle=throttle))


@pytest.mark.parametrize("seconds", [60, -1, -59, -60, -61, -3600, -86400])
def test_an_undo_ends_later_ones_whatever_the_clocks_say(erkki: Service, seconds: int) -> None:
    """An intruder's undo link never survives the owner's, though it was issued by a host whose clock is behind (A2)."""
    erkki = unlimited(erkki)
    first = changed(erkki)
    erkki.wait(seconds=seconds)
    second = changed(erkki, THIRD, NEW)
    erkki.wait(seconds=-seconds)
    assert isinstance(erkki.auth.accounts.undo_email(first), Done)
    for behind in (0, seconds):
        erkki.wait(seconds=behind)
        assert isinstance(erkki.auth.accounts.undo_email(second), LinkRefused)
    assert erkki.auth.identifiers.resolve(OLD).outcome is Outcome.RESOLVED
    assert erkki.auth.identifiers.resolve(NEW).outcome is Outcome.RETIRED


def test_an_earlier_undo_outlives_a_later_one_whatever_the_clocks_say(erkki: Service) -> None:
    """The first owner's undo link works after a later one was used, though its clock was ahead (A2)."""
    erkki = unlimited(erkki)
    erkki.wait(minutes=10)
    first = changed(erkki)
    erkki.wait(minutes=-10)
    second = changed(erkki, THIRD, NEW)
    assert isinstance(erkki.auth.accounts.undo_email(second), Done)
    erkki.wait(minutes=10)
    assert isinstance(erkki.auth.accounts.undo_email(first), Done)
    assert erkki.auth.identifiers.resolve(OLD).outcome is Outcome.RESOLVED


def test_an_undo_restores_every_address(erkki: Service) -> None:
    """A second address that signed in before the change does so again after its undo (A12)."""
    second = register(THIRD, deployment().email)
    assert isinstance(second, Identifier)
    erkki.store.commit([IdentifierAdded(ID, second, erkki.now, ())])
    undo = changed(erkki)
    assert erkki.auth.identifiers.resolve(THIRD).outcome is Outcome.RETIRED
    assert erkki.auth.accounts.inspect_undo(undo) == LinkLive(Purpose.EMAIL_UNDO, OLD, OLD)
    assert isinstance(erkki.auth.accounts.undo_email(undo), Done)
    resolved = [erkki.auth.identifiers.resolve(one).outcome for one in (OLD, THIRD, NEW)]
    assert resolved == [Outcome.RESOLVED, Outcome.RESOLVED, Outcome.RETIRED]
    assert restored(erkki, THIRD, OLD).contact == OLD


@pytest.mark.parametrize("email", [None, OLD], ids=["no address before", "another address before"])
@pytest.mark.parametrize("spelling", [THIRD, "Erkki.Kolmas@Example.com"])
def test_an_undo_restores_a_username_that_equals_the_new_address(
    service: Service, email: str | None, spelling: str
) -> None:
    """A username that became the e-mail address is a username again after the undo, and signs in (A12)."""
    service.add("Maija", email=email, contact=OLD, usernames=[spelling])
    service.auth.accounts.change_email(live(service, spelling), THIRD)
    assert isinstance(service.auth.accounts.confirm_email(service.link(THIRD)), Done)
    assert service.auth.identifiers.resolve(THIRD).kind == "email"
    undo = service.link(OLD)
    assert service.auth.accounts.inspect_undo(undo) == LinkLive(
        Purpose.EMAIL_UNDO, email or spelling, email or spelling
    )
    assert isinstance(service.auth.accounts.undo_email(undo), Done)
    found = service.auth.identifiers.resolve(THIRD)
    assert (found.outcome, found.kind) == (Outcome.RESOLVED, "username")
    assert restored(service, spelling, OLD).contact == OLD


def test_only_the_restored_mailbox_can_set_a_password(erkki: Service) -> None:
    """An undo ends the intruder's password and mails its link to the owner alone (A4)."""
    undo = changed(erkki)
    assert isinstance(erkki.auth.accounts.undo_email(undo), Done)
    erkki.auth.outbox.flush()
    assert "token=" not in erkki.mailer.sent(NEW)[-1].content.body
    assert "token=" in erkki.mailer.sent(OLD)[-1].content.body
    assert isinstance(erkki.attempt(NEW), PasswordRequired)
    restored(erkki, OLD, OLD)


def test_the_owner_wins_against_an_intruder_within_one_mail(erkki: Service) -> None:
    """For 20 hours an intruder spends every request for a link; one undo and its mail give the account back (A4)."""
    undo = changed(erkki)
    intruder, taken = erkki.token(NEW), "tunkeilijan uusi salasana"
    erkki.auth.accounts.change_password(erkki.live(intruder), PASSWORD, taken)
    for _ in range(20 * 4):
        for identifier in (OLD, NEW, "erkki"):
            erkki.auth.recovery.request(identifier)
        erkki.auth.outbox.flush()
        erkki.wait(minutes=15)
    session = erkki.token(NEW, taken)
    assert isinstance(erkki.auth.accounts.undo_email(undo), Done)
    assert not erkki.is_live(session)
    for identifier in (OLD, NEW, "erkki"):
        erkki.auth.recovery.request(identifier)
        assert isinstance(erkki.attempt(identifier, taken), PasswordRequired)
    assert restored(erkki, OLD, OLD).contact == OLD


def test_an_undo_lives_seven_days(erkki: Service) -> None:
    """One second before the end it works, at the end it does not."""
    undo = changed(erkki)
    erkki.wait(days=6, hours=23, minutes=59, seconds=59)
    assert isinstance(erkki.auth.accounts.inspect_undo(undo), LinkLive)
    erkki.wait(seconds=1)
    assert erkki.auth.accounts.undo_email(undo) == LinkRefused(Problem(Code.LINK_EXPIRED))


def test_a_stale_session_must_confirm_the_password(erkki: Service) -> None:
    """After five minutes, and in a remembered session at once, the password is asked again (B-61, ASVS 7.5.1)."""
    remembered = erkki.auth.sessions.check(erkki.token(OLD, remember=True))
    stale = live(erkki)
    assert remembered is not None
    erkki.wait(minutes=5)
    for session in (remembered, stale):
        assert erkki.auth.accounts.change_email(session, NEW) == Refused(Problem(Code.REAUTH_REQUIRED))
    assert erkki.auth.outbox.status().waiting == 0


def test_an_address_of_somebody_else_looks_the_same(erkki: Service) -> None:
    """Equal questions, changes and answers for a free and a taken address; its owner is told (B-22)."""
    erkki.add("Matti", email="matti@example.com")
    traces, answers = [], []
    for address in (NEW, "matti@example.com"):
        session = live(erkki)
        with recording(erkki.auth) as asked:
            answers.append(erkki.auth.accounts.change_email(session, address))
        traces.append(list(asked))
        erkki.wait(minutes=2)
    assert traces[0] == traces[1]
    assert answers[0] == answers[1]
    assert isinstance(answers[0], MailAwaited)
    erkki.auth.outbox.flush()
    assert "token=" not in erkki.mailer.sent("matti@example.com")[0].content.body


def test_the_newest_request_wins(erkki: Service) -> None:
    """Each link confirms its own address alone, and an older request's link is dead (B-40, C-05)."""
    erkki.auth.accounts.change_email(live(erkki), NEW)
    older = erkki.link(NEW)
    erkki.wait(minutes=2)
    erkki.auth.accounts.change_email(live(erkki), THIRD)
    newer = erkki.link(THIRD)
    assert isinstance(erkki.auth.accounts.confirm_email(older), LinkRefused)
    assert isinstance(erkki.auth.accounts.confirm_email(newer), Done)
    assert erkki.sign_in(THIRD).account.id == ID


def test_of_many_requests_at_once_one_link_lives_and_confirms_its_own_address(service: Service) -> None:
    """Thirty-two requests at once, each for another address: one link lives, for the address that it was mailed to (B-40, C-05)."""
    wide = ThrottlePolicy(mail_per_account=(Limit(32, timedelta(minutes=1)),), link_per_network=())
    crowd = Service(store=service.store, policy=replace(service.policy, throttle=wide))
    crowd.add("Erkki", email=OLD)
    session, wanted = live(crowd), [f"erkki{number}@example.com" for number in range(32)]
    jobs = [
        lambda number=number: crowd.auth.accounts.change_email(
            session, wanted[number], client=ClientContext(f"192.0.2.{number}")
        )
        for number in range(32)
    ]
    assert all(isinstance(answer, MailAwaited) for answer in race(jobs))
    while crowd.auth.outbox.flush().sent:
        pass
    links = {address: crowd.link(address) for address in wanted}
    looked = {address: crowd.auth.accounts.inspect_email(token) for address, token in links.items()}
    (newest,) = (address for address, look in looked.items() if isinstance(look, LinkLive))
    assert looked[newest] == LinkLive(Purpose.EMAIL_CHANGE, newest, newest)
    for address, token in links.items():
        assert isinstance(crowd.auth.accounts.confirm_email(token), Done) is (address == newest)
    assert crowd.sign_in(newest).account.contact == newest


def outstanding(service: Service) -> tuple[str, str, str]:
    """A reset link, an invitation and a link to the third address, in an account whose address is the new one."""
    service.auth.recovery.request(NEW)
    reset = service.link(NEW)
    service.auth.accounts.invite(ID)
    invitation = service.link(NEW)
    service.auth.accounts.change_email(live(service, NEW), THIRD)
    return reset, invitation, service.link(THIRD)


def confirm_another(service: Service) -> object:
    """Ask for one more address and confirm it."""
    service.wait(minutes=2)
    service.auth.accounts.change_email(live(service, NEW), "erkki.neljas@example.com")
    return service.auth.accounts.confirm_email(service.link("erkki.neljas@example.com"))


MOVES: dict[str, Callable[[Service, str, str], object]] = {
    "this link": lambda service, change, undo: service.auth.accounts.confirm_email(change),
    "another link": lambda service, change, undo: confirm_another(service),
    "an undo": lambda service, change, undo: service.auth.accounts.undo_email(undo),
}


@pytest.mark.parametrize("how", MOVES)
def test_a_change_of_address_kills_every_earlier_link(erkki: Service, how: str) -> None:
    """After a confirmed address or an undo, the reset link, the invitation and the link to a new address are dead (B-29)."""
    undo = changed(erkki)
    erkki.wait(minutes=2)
    reset, invitation, change = outstanding(erkki)
    looks = [
        partial(erkki.auth.recovery.inspect, reset),
        partial(erkki.auth.recovery.inspect, invitation),
        partial(erkki.auth.accounts.inspect_email, change),
    ]
    assert all(isinstance(look(), LinkLive) for look in looks)
    assert isinstance(MOVES[how](erkki, change, undo), Done)
    assert all(isinstance(look(), LinkRefused) for look in looks)
    for token in (reset, invitation):
        assert isinstance(erkki.auth.recovery.complete(token, "aivan uusi pitkä salasana"), LinkRefused)
    assert isinstance(erkki.auth.accounts.confirm_email(change), LinkRefused)


def test_two_people_who_want_one_address(erkki: Service) -> None:
    """Both links are used at the same moment: one gets the address, the other a neutral answer (C-04)."""
    erkki.add("Matti", email="matti@example.com")
    tokens = []
    for owner in (OLD, "matti@example.com"):
        erkki.auth.accounts.change_email(live(erkki, owner), NEW)
        tokens.append(erkki.link(NEW))
    jobs = [lambda token=token: erkki.auth.accounts.confirm_email(token) for token in tokens]
    results = race(jobs)
    assert sum(isinstance(result, Done) for result in results) == 1
    assert LinkRefused(Problem(Code.EMAIL_CHANGE_FAILED)) in results


def test_one_link_confirms_once(erkki: Service) -> None:
    """Thirty-two parallel confirmations: one change, one undo mail (B-38, C-01)."""
    erkki.auth.accounts.change_email(live(erkki), NEW)
    token = erkki.link(NEW)
    jobs = [
        lambda number=number: erkki.auth.accounts.confirm_email(token, client=ClientContext(f"192.0.2.{number}"))
        for number in range(32)
    ]
    assert sum(isinstance(result, Done) for result in race(jobs)) == 1
    assert erkki.subjects(OLD) == ["sähköpostiosoitteesi on vaihdettu"]


def test_one_may_return_to_an_own_retired_address(erkki: Service) -> None:
    """An address that the account itself retired may be taken into use again; the history stays one account's."""
    changed(erkki)
    erkki.wait(minutes=2)
    changed(erkki, OLD, NEW)
    held = {
        one.identifier.shown: one.status
        for one in erkki.store.account_identifiers(ID)
        if one.identifier.kind == "email"
    }
    assert held == {OLD: IdentifierStatus.ACTIVE, NEW: IdentifierStatus.RETIRED}


def test_a_retired_address_passes_to_nobody_else(erkki: Service) -> None:
    """Nobody else may take an address that the tombstones holds for its first owner (B-11, B-12)."""
    changed(erkki)
    erkki.add("Matti", email="matti@example.com")
    erkki.auth.accounts.change_email(live(erkki, "matti@example.com"), OLD)
    erkki.auth.outbox.flush()
    assert "token=" not in erkki.mailer.sent(OLD)[-1].content.body


@pytest.mark.parametrize("typed", [OLD, f" {OLD} "])
def test_the_own_address_is_no_change(erkki: Service, typed: str) -> None:
    """Nobody is signed out everywhere for typing the address that is in use already; another spelling is a change."""
    session = live(erkki)
    assert erkki.auth.accounts.change_email(session, typed) == Refused(Problem(Code.EMAIL_CHANGE_SAME))
    assert erkki.auth.outbox.status().waiting == 0
    assert isinstance(erkki.auth.accounts.change_email(session, OLD.title()), MailAwaited)


def test_the_own_login_address_may_become_the_contact_again(service: Service) -> None:
    """Whose mail goes elsewhere can ask for it at the login address."""
    service.add("Erkki", email=OLD, contact="home@example.com")
    service.auth.accounts.change_email(live(service), OLD)
    assert isinstance(service.auth.accounts.confirm_email(service.link(OLD)), Done)
    assert service.sign_in(OLD).account.contact == OLD


@pytest.mark.parametrize("entered", ["", "erkki", None, ["a@b.fi"], "a@b.fi, c@d.fi", f"{NEW}\r\nBcc: x@y.fi"])
def test_what_is_no_address_is_declined(erkki: Service, entered: object) -> None:
    """Hostile input sends nothing and changes nothing (B-5, B-9)."""
    assert isinstance(erkki.auth.accounts.change_email(live(erkki), entered), Refused)
    assert erkki.auth.outbox.status().waiting == 0


def test_own_requests_are_capped_and_told(erkki: Service) -> None:
    """A second mail within the minute is declined openly: it is the person's own budget (C-54)."""
    assert isinstance(erkki.auth.accounts.change_email(live(erkki), NEW), MailAwaited)
    assert erkki.auth.accounts.change_email(live(erkki), NEW) == Refused(Problem(Code.THROTTLE_REQUEST))


def test_a_change_by_link_needs_an_active_account(erkki: Service) -> None:
    """A link of an account that was disabled meanwhile is dead, and stays dead after (B-30)."""
    erkki.auth.accounts.change_email(live(erkki), NEW)
    token = erkki.link(NEW)
    erkki.auth.accounts.disable(ID)
    assert isinstance(erkki.auth.accounts.confirm_email(token), LinkRefused)
    erkki.auth.accounts.enable(ID)
    assert isinstance(erkki.auth.accounts.confirm_email(token), LinkRefused)


def test_an_undo_restores_login_and_contact_where_they_differ(service: Service) -> None:
    """Both mailboxes get an undo link; either restores the login address and where mail went."""
    for number in range(2):
        login, contact = f"login{number}@example.com", f"home{number}@example.com"
        service.add(f"P{number}", email=login, contact=contact)
        service.auth.accounts.change_email(live(service, login), f"new{number}@example.com")
        assert isinstance(service.auth.accounts.confirm_email(service.link(f"new{number}@example.com")), Done)
        undo = service.link(login if number == 0 else contact)
        assert isinstance(service.auth.accounts.undo_email(undo), Done)
        assert restored(service, login, contact).contact == contact


def test_one_without_a_login_address_gets_the_contact_back(service: Service) -> None:
    """A username account that took an address into use falls back to its username and its contact."""
    service.add("Erkki", usernames=["erkki"], contact="home@example.com")
    service.auth.accounts.change_email(live(service, "erkki"), NEW)
    assert isinstance(service.auth.accounts.confirm_email(service.link(NEW)), Done)
    undo = service.link("home@example.com")
    assert service.auth.accounts.inspect_undo(undo) == LinkLive(
        Purpose.EMAIL_UNDO, "home@example.com", "home@example.com"
    )
    assert isinstance(service.auth.accounts.undo_email(undo), Done)
    assert service.auth.identifiers.resolve(NEW).outcome is Outcome.RETIRED
    assert restored(service, "erkki", "home@example.com").contact == "home@example.com"


@pytest.mark.parametrize(
    ("old", "mailbox", "new"),
    [
        ("Erkki@example.com", "Erkki@example.com", "erkki@example.com"),
        ("erkki@Sähkö.example", "erkki@xn--shk-qla6g.example", "erkki@xn--shk-qla6g.example"),
    ],
    ids=["another case", "another spelling of the domain"],
)
def test_a_change_of_spelling_alone_can_be_undone(service: Service, old: str, mailbox: str, new: str) -> None:
    """Both spellings are one identifier, and it never stops to sign in."""
    service.add("Erkki", email=old)
    service.auth.accounts.change_email(live(service, old), new)
    assert isinstance(service.auth.accounts.confirm_email(service.link(new)), Done)
    assert service.sign_in(old).account.contact == new
    assert isinstance(service.auth.accounts.undo_email(service.link(mailbox)), Done)
    resolution = service.auth.identifiers.resolve(new)
    assert resolution.identifier is not None
    assert (resolution.outcome, resolution.identifier.shown) == (Outcome.RESOLVED, old)
    assert restored(service, new, mailbox).contact == mailbox


def test_the_first_undo_holds_after_a_return_in_another_spelling(service: Service) -> None:
    """There and back again in small letters: the link of the first day still restores the address."""
    service.add("Erkki", email="Erkki@example.com", phase=Phase.EMAIL_ONLY)
    first = changed(service, NEW, "Erkki@example.com")
    service.wait(minutes=2)
    changed(service, OLD, NEW)
    assert isinstance(service.auth.accounts.undo_email(first), Done)
    assert restored(service, OLD, "Erkki@example.com").contact == "Erkki@example.com"
    assert service.auth.identifiers.resolve(NEW).outcome is Outcome.RETIRED


def test_an_undo_to_an_address_that_was_never_held_takes_nothing_away(erkki: Service) -> None:
    """A link that could restore nothing is dead, and the address that signs in goes on doing so."""
    name, now = id_of(bytes(16)), erkki.now
    one_time_token = OneTimeToken(
        digest_of_id(name) or b"", Purpose.EMAIL_UNDO, ID, None, THIRD, now, now + timedelta(days=7)
    )
    assert erkki.store.commit([TokenIssued(one_time_token)]) == Committed()
    token = deployment().signer.sign(Purpose.EMAIL_UNDO, {"token_id": name}, now)
    assert isinstance(erkki.auth.accounts.undo_email(token), LinkRefused)
    assert erkki.sign_in(OLD).account.id == ID


@pytest.mark.parametrize("when", ["before", "meanwhile"])
@pytest.mark.parametrize("end", ["sign-out", "all sessions"])
def test_an_ended_session_is_told_so_though_the_mailbox_is_full(erkki: Service, when: str, end: str) -> None:
    """Over the mailbox's limit as well, a session that has ended gets no promise of a mail and records nothing."""
    for number in range(3):
        erkki.auth.accounts.sign_up(f"erkki.uusi+{number}@example.com", client=ClientContext(f"192.0.2.{number}"))
    token = erkki.token(OLD)
    session = erkki.live(token)

    def ending() -> object:
        if end == "sign-out":
            return erkki.auth.sessions.sign_out(token)
        return erkki.auth.sessions.close_all_of_account(ID)

    def requests() -> int:
        return sum(event.what == "email_change.requested" for event in erkki.store.events(ID))

    assert isinstance(erkki.auth.accounts.change_email(session, NEW), MailAwaited)
    erkki.wait(minutes=1, seconds=-1)
    before = requests()
    if when == "before":
        ending()
        answered = erkki.auth.accounts.change_email(session, NEW)
    else:
        erkki.wait(seconds=1)
        for number in range(3):
            erkki.auth.accounts.sign_up(f"erkki.uusi+{number}@example.com", client=ClientContext(f"192.0.2.{number}"))
        with stepping_in(erkki.auth, AccountStore.find, lambda find: lambda keys: (ending(), find(keys))[1]):
            answered = erkki.auth.accounts.change_email(session, NEW)
    assert answered == Refused(Problem(Code.SESSION_ENDED))
    assert requests() == before
