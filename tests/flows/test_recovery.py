"""Forgotten username or password: who gets which mail, what a link may do, and how little is told."""

import re
import string
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from cityauth import PolicyError, Problem
from cityauth.core.accounts import Account, AccountId
from cityauth.core.answers import Done, MailAwaited, MailerDown, Refused
from cityauth.core.changes import Committed, ContactVerified
from cityauth.core.client import ClientContext
from cityauth.core.identifiers import EMAIL, USERNAME, Identifier, look_up, register
from cityauth.core.links import LinkLive, LinkRefused
from cityauth.core.login import UNIFORM_REFUSAL, Authenticated, PasswordRequired
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.signing import Purpose, SignedPayload
from cityauth.flows.invitation import Invited
from cityauth.messages.codes import Code
from cityauth.policy import LinkPolicy, Policy
from cityauth.policy.realms import Phase
from cityauth.policy.throttling import Limit
from cityauth.ports.stores import AccountStore
from cityauth.testing import race
from tests.support.deployments import deployment
from tests.support.fakes import NOON
from tests.support.recording import meeting_at, recording
from tests.support.service import KEY, OTHER_KEY, PASSWORD, POLICY, Service
from tests.support.stores import MakeStore

NEW = "uusi pitkä salasana keväältä"
ERKKI = "erkki@example.com"
PADDING = ("=", "==", "===", "====", "!!!!", "\n\n\n\n")
"""What base64 may end in, or holds without counting it."""


def username(name: str) -> Identifier:
    """An old username as it is stored."""
    found = look_up(name, (USERNAME,))
    assert isinstance(found, tuple)
    return found[0]


def populate(service: Service) -> None:
    """Bring in one of every kind that a request may name."""
    service.add("Erkki", email=ERKKI, usernames=["erkki"], retired_usernames=["erkki.vanha"])
    service.add("Disabled", email="disabled@example.com")
    service.auth.accounts.disable(AccountId("disabled"))
    service.add("Virve", realm="official", usernames=["virve.v"])
    service.add("Veikko", realm="official", usernames=["veikko"], contact="veikko@example.com")
    for name in ("Maija", "Matti"):
        service.add(name, realm="official", usernames=[name], contact="toimisto@example.com")
    contested = AccountIdentifier(username("sama"), IdentifierStatus.CONTESTED)
    service.plant(Account(AccountId("c"), "citizen", "C", contact="c@example.com"), contested)


NAMED = {
    "known address": ERKKI,
    "known username": "erkki",
    "known contact": "veikko@example.com",
    "shared contact": "toimisto@example.com",
    "retired username": "erkki.vanha",
    "unknown address": "nobody@example.com",
    "unknown username": "nobody",
    "address without a mailbox": "nobody@example.invalid",
    "disabled": "disabled@example.com",
    "official without an address": "virve.v",
    "contested": "sama",
}


def test_every_identifier_asks_and_writes_the_same(service: Service) -> None:
    """Known, unknown, disabled, official, contested: equal questions, equal kinds of changes (B-21, B-24, ASVS 6.3.8)."""
    populate(service)
    traces = {}
    for which, entered in NAMED.items():
        with recording(service.auth) as asked:
            service.auth.recovery.request(entered)
        traces[which] = list(asked)
        service.wait(hours=2)
    expected = traces["known address"]
    assert ("AccountStore.commit", "TokenIssued", "MailQueued", "EventRecorded") in expected
    assert traces == dict.fromkeys(NAMED, expected)


def test_every_identifier_is_answered_the_same(service: Service) -> None:
    """The answer is one and the same value, whatever is stored (B-24, ASVS 6.3.8)."""
    populate(service)
    answers = {repr(service.auth.recovery.request(entered)) for entered in NAMED.values()}
    assert len(answers) == 1


def test_who_gets_which_mail(service: Service) -> None:
    """A link goes to the stored address alone, a stranger's address is told that it has no account (B-1)."""
    populate(service)
    for entered in NAMED.values():
        service.auth.recovery.request(entered)
        service.auth.outbox.flush()
        service.wait(hours=2)
    got = [(mail.to, "token=" in mail.content.body) for mail in service.mailer.sent()]
    assert got == [
        (ERKKI, True),
        (ERKKI, True),
        ("veikko@example.com", True),
        ("toimisto@example.com", False),
        (ERKKI, True),
        ("nobody@example.com", False),
    ]


def test_a_stranger_is_written_to_as_typed(service: Service) -> None:
    """The local part is its owner's to spell; only the domain is put as the DNS has it (B-1)."""
    service.auth.recovery.request("Ville.Vieras@SÄHKÖ.example")
    service.auth.outbox.flush()
    assert [mail.to for mail in service.mailer.sent()] == ["Ville.Vieras@xn--shk-qla6g.example"]


def test_whom_nothing_signs_in_gets_a_mail_that_says_so(service: Service) -> None:
    """Where the login name would stand is a dash, and customer service is named."""
    service.add("Erkki", usernames=["erkki"], contact="home@example.com", phase=Phase.EMAIL_ONLY)
    service.auth.recovery.request("erkki")
    service.auth.outbox.flush()
    (mail,) = service.mailer.sent("home@example.com")
    assert "\n\n\u2013\n\n" in mail.content.body


def test_the_mail_tells_the_login_name_and_what_to_do(service: Service) -> None:
    """The mail names the login name, in the account's language, and how long the link lives."""
    service.add("Åsa", email="asa@example.com", language="sv")
    service.auth.recovery.request("asa@example.com", client=ClientContext(language="en"))
    service.auth.outbox.flush()
    (mail,) = service.mailer.sent()
    assert mail.language == "sv"
    assert "asa@example.com" in mail.content.body
    assert re.search(r"1 timme", mail.content.body)


@pytest.mark.parametrize("entered", ["erkkı@example.com", "ERKKI@EXAMPLE.COM", "  erkki@example.com "])
def test_mail_never_goes_to_what_was_typed(service: Service, entered: str) -> None:
    """A look-alike of a stored address finds nothing; a variant of it finds the stored one (B-1, B-2)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(entered)
    service.auth.outbox.flush()
    links = [mail.to for mail in service.mailer.sent() if "token=" in mail.content.body]
    assert links == ([] if "ı" in entered else [ERKKI])


@pytest.mark.parametrize(
    "entered",
    [
        [ERKKI, "attacker@example.com"],
        (ERKKI,),
        {"email": ERKKI},
        None,
        0,
        b"erkki@example.com",
        "erkki@example.com\r\nBcc: attacker@example.com",
        "erkki@example.com\x00attacker@example.com",
        "",
        "a" * 2000,
        "\ud800",
    ],
)
def test_what_is_no_identifier_sends_nothing(service: Service, entered: object) -> None:
    """Lists, line breaks and other hostile input are declined, and no mail is queued (B-5, B-6, B-9, ASVS 15.3.5)."""
    service.add("Erkki", email=ERKKI)
    assert isinstance(service.auth.recovery.request(entered), Refused)
    assert service.auth.outbox.status().waiting == 0


@pytest.mark.parametrize(
    "joined", [f"{ERKKI},attacker@example.com", f"{ERKKI};attacker@example.com", f"{ERKKI} a@b.fi"]
)
def test_a_list_of_addresses_reaches_nobody(service: Service, joined: str) -> None:
    """Two addresses in one field are no address, and mail goes to neither (B-5, B-7, B-8)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(joined)
    service.auth.outbox.flush()
    assert service.mailer.sent() == []


def test_the_link_leads_where_the_configuration_says(service: Service) -> None:
    """The link's host comes from the configuration; the flow is given no header at all (B-82)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    service.auth.outbox.flush()
    (link,) = re.findall(r"https?://\S+", service.mailer.sent()[0].content.body)
    assert link.startswith("http://localhost/new-password?token=")


def test_looking_uses_nothing_up(service: Service) -> None:
    """Twenty HEADs and twenty GETs of a mail scanner, then the person looks and uses it: it works (C-57)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    for _ in range(2 * 20):
        assert service.auth.recovery.inspect(token) == LinkLive(Purpose.RESET, ERKKI)
    assert isinstance(service.auth.recovery.complete(token, NEW), Done)


def test_a_reset_ends_everything_and_signs_nobody_in(service: Service) -> None:
    """Sessions end, remembered ones too, every address is told, no session is made (B-58, ASVS 6.3.6, 6.3.7, NIST 4.6)."""
    service.add("Erkki", email=ERKKI, usernames=["erkki"], contact="toinen@example.com")
    tokens = [service.token("erkki"), service.token(ERKKI, remember=True)]
    service.auth.recovery.request("erkki")
    token = service.link("toinen@example.com")
    assert isinstance(service.auth.recovery.complete(token, NEW), Done)
    assert [service.is_live(one) for one in tokens] == [False, False]
    assert service.auth.sessions.list_of_account(AccountId("erkki")) == ()
    service.auth.outbox.flush()
    assert {mail.to for mail in service.mailer.sent()[1:]} == {ERKKI, "toinen@example.com"}
    assert service.is_live(service.token("erkki", NEW))
    assert not hasattr(service.attempt("erkki", PASSWORD), "session")


def test_a_refused_password_uses_nothing_up(service: Service) -> None:
    """A weak password, then a good one, with the same link (C-03, ASVS 6.2.1, 6.2.11)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    for weak in ["lyhyt", "", "x" * 5000, None, ["a"], ERKKI, "\ud800" * 20]:
        assert isinstance(service.auth.recovery.complete(token, weak), Refused)
    assert isinstance(service.auth.recovery.complete(token, NEW), Done)
    assert service.auth.recovery.complete(token, NEW) == LinkRefused(_problem(Code.LINK_INVALID))


def _problem(code: Code) -> Problem:
    return Problem(code)


def _copies(token: str) -> list[str]:
    """The token, and every other text that differs in unused bits, padding or ignored characters and still opens."""
    body, _, signature = token.rpartition(".")
    others = [f"{body[:-1]}{last}.{signature}" for last in string.printable]
    others += [f"{body}.{signature[:-1]}{last}" for last in string.printable]
    others += [f"{body}{more}.{signature}" for more in PADDING] + [token + more for more in PADDING]
    opens = deployment().signer.open
    found = [one for one in others if isinstance(opens(Purpose.RESET, one, NOON, timedelta(hours=1)), SignedPayload)]
    return list(dict.fromkeys([token, *found]))


def test_one_link_used_by_many_at_once_works_once(service: Service) -> None:
    """Thirty-two parallel uses, of every malleated copy that opens: one succeeds, one password, one audit line (F4, B-38, B-39, C-01, C-02, ASVS 6.5.1)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    copies = _copies(token)
    assert (
        len(copies) >= 6
    )  # four by the signature's unused bits, two by its padding; the payload's text is signed as it is
    jobs = [
        lambda number=number: service.auth.recovery.complete(
            copies[number % len(copies)], f"{NEW} {number}", client=ClientContext(f"192.0.2.{number}")
        )
        for number in range(32)
    ]
    with meeting_at(service.auth, AccountStore.commit, len(jobs)):
        results = race(jobs)
    winners = [number for number, result in enumerate(results) if isinstance(result, Done)]
    assert len(winners) == 1
    assert results.count(LinkRefused(_problem(Code.LINK_INVALID))) == 31
    assert service.is_live(service.token(ERKKI, f"{NEW} {winners[0]}"))
    events = [event for event in service.audit.events if event.what == "password.reset"]
    assert len(events) == 1


def _asked_at_once(service: Service) -> list[str]:
    """Ask for a link thirty-two times at once, from as many networks, and return the links that Erkki has by now."""
    jobs = [
        lambda number=number: service.auth.recovery.request(ERKKI, client=ClientContext(f"192.0.2.{number}"))
        for number in range(32)
    ]
    assert all(isinstance(answer, MailAwaited) for answer in race(jobs))
    service.auth.outbox.flush()
    bodies = [mail.content.body for mail in service.mailer.sent(ERKKI)]
    return [token for body in bodies for token in re.findall(r"token=(\S+)", body)]


def test_requests_at_once_mail_no_more_than_the_cap_and_every_link_of_them_works(service: Service) -> None:
    """Thirty-two requests at once mail one link a minute; all that were mailed live until one is used (C-14, C-54)."""
    service.add("Erkki", email=ERKKI)
    assert len(_asked_at_once(service)) == 1
    service.wait(minutes=1)
    older, newer = _asked_at_once(service)
    for token in (older, newer):
        assert service.auth.recovery.inspect(token) == LinkLive(Purpose.RESET, ERKKI)
    assert isinstance(service.auth.recovery.complete(older, NEW), Done)
    assert service.auth.recovery.complete(newer, f"{NEW} 2") == LinkRefused(_problem(Code.LINK_INVALID))
    assert service.is_live(service.token(ERKKI, NEW))


def test_a_pending_login_carries_no_authority(service: Service) -> None:
    """The password page of before a reset remembers what was typed, and only the new password signs in with it (B-52)."""
    service.add("Erkki", email=ERKKI)
    page = service.auth.login.identify(ERKKI)
    assert isinstance(page, PasswordRequired)
    service.auth.recovery.request(ERKKI)
    assert isinstance(service.auth.recovery.complete(service.link(ERKKI), NEW), Done)
    refused = service.auth.login.submit_password(page.pending, PASSWORD)
    assert refused == PasswordRequired(page.pending, ERKKI, UNIFORM_REFUSAL)
    assert isinstance(service.auth.login.submit_password(page.pending, NEW), Authenticated)


def _another(service: Service) -> str:
    service.wait(minutes=2)
    service.auth.recovery.request(ERKKI)
    return service.link(ERKKI)


def _change_email(service: Service) -> None:
    live = service.auth.sessions.check(service.token(ERKKI))
    assert live is not None
    service.auth.accounts.change_email(live, "erkki.uusi@example.com")
    assert isinstance(service.auth.accounts.confirm_email(service.link("erkki.uusi@example.com")), Done)


def _delete(service: Service) -> None:
    live = service.auth.sessions.check(service.token(ERKKI))
    assert live is not None
    service.auth.accounts.delete(live)


OVERTAKE: dict[str, Callable[[Service], object]] = {
    "password reset by another link": lambda s: s.auth.recovery.complete(_another(s), NEW),
    "password changed": lambda s: s.auth.accounts.change_password(s.live(s.token(ERKKI)), PASSWORD, NEW),
    "disabled": lambda s: s.auth.accounts.disable(AccountId("erkki")),
    "disabled and enabled": lambda s: (
        s.auth.accounts.disable(AccountId("erkki")),
        s.auth.accounts.enable(AccountId("erkki")),
    ),
    "all sessions ended": lambda s: s.auth.sessions.close_all_of_account(AccountId("erkki")),
    "e-mail changed": _change_email,
    "account deleted": _delete,
}


@pytest.mark.parametrize("how", OVERTAKE)
def test_a_link_dies_with_any_change(service: Service, how: str) -> None:
    """Any change of password, e-mail or status kills the outstanding link (B-29, B-30, C-10b)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    OVERTAKE[how](service)
    assert isinstance(service.auth.recovery.inspect(token), LinkRefused)
    assert isinstance(service.auth.recovery.complete(token, f"{NEW} 2"), LinkRefused)


def test_a_link_lives_sixty_minutes(service: Service) -> None:
    """One second before its end it works, at its end it is too old, whenever the mail arrived (B-27, C-31, NIST 4.2.1.2)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    service.wait(minutes=59, seconds=59)
    assert isinstance(service.auth.recovery.inspect(token), LinkLive)
    service.wait(seconds=1)
    assert service.auth.recovery.inspect(token) == LinkRefused(_problem(Code.LINK_EXPIRED))
    assert isinstance(service.auth.recovery.complete(token, NEW), LinkRefused)


def test_a_used_link_stays_used_when_the_clock_jumps_back(service: Service) -> None:
    """A clock that falls back an hour revives no used link (C-36)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    service.wait(minutes=50)
    assert isinstance(service.auth.recovery.complete(token, NEW), Done)
    service.wait(hours=-1)
    assert isinstance(service.auth.recovery.complete(token, f"{NEW} 2"), LinkRefused)


def test_a_node_two_seconds_ahead_is_forgiven(service: Service) -> None:
    """A link of a node whose clock is ahead opens within the leeway (C-35)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    service.wait(seconds=-2)
    assert isinstance(service.auth.recovery.inspect(token), LinkLive)


def test_keys_rotate_with_links_outstanding(service: Service) -> None:
    """A link of the old key works while that key is in the ring, and is dead like any other after (B-37, C-38)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    rotated = Service(store=service.store, clock=service.clock, secrets=(KEY, OTHER_KEY))
    assert isinstance(rotated.auth.recovery.inspect(token), LinkLive)
    retired = Service(store=service.store, clock=service.clock, secrets=(OTHER_KEY,))
    assert retired.auth.recovery.inspect(token) == LinkRefused(_problem(Code.LINK_INVALID))


@pytest.mark.parametrize(
    "token", ["", " ", "0", None, 0, False, [], b"x", "a" * 5000, "a.b", "\ud800"], ids=lambda token: repr(token)[:20]
)
def test_what_is_no_token_is_a_dead_link(service: Service, token: object) -> None:
    """Empty, numeric, huge or foreign tokens match nothing and raise nothing (B-28, B-31, B-32, C-51)."""
    service.add("Erkki", email=ERKKI)
    assert isinstance(service.auth.recovery.inspect(token), LinkRefused)
    assert isinstance(service.auth.recovery.complete(token, NEW), LinkRefused)


def test_mail_is_capped_for_the_account_whatever_was_typed(service: Service) -> None:
    """One mail a minute, five an hour, ten a day for an account, by all its identifiers together; answered alike (C-54, ASVS 2.4.1).

    The guaranteed mail of an hour is off here; `test_recovery_contest` shows what it adds.
    """
    none_guaranteed = replace(POLICY.throttle, mail_guaranteed=(Limit(0, timedelta(hours=1)),))
    service = Service(store=service.store, policy=replace(POLICY, throttle=none_guaranteed))
    service.add("Erkki", email=ERKKI, usernames=["erkki"])
    answers = set()
    for second in range(60):
        network = ClientContext(f"192.0.2.{second}")  # above the limit of one network the answer is another
        answers.add(repr(service.auth.recovery.request("erkki" if second % 2 else ERKKI, client=network)))
        service.wait(seconds=1)
    assert len(service.subjects(ERKKI)) == 1
    for _ in range(58):
        answers.add(repr(service.auth.recovery.request(ERKKI)))
        service.wait(minutes=1)
    assert len(service.subjects(ERKKI)) == 5
    for _ in range(23):
        service.wait(minutes=55)
        answers.add(repr(service.auth.recovery.request(ERKKI)))
        service.auth.outbox.flush()
    assert len(service.subjects(ERKKI)) == 10
    assert len(answers) == 1


def test_mail_is_capped_for_a_network(service: Service) -> None:
    """A network gets twenty mails a minute out of the service, for whomever; an IPv6 /64 counts as one (C-54).

    The person is told, because the limit of the network knows nothing of accounts.
    """
    for number in range(40):
        client = ClientContext(f"2001:db8::{number:x}")
        answer = service.auth.recovery.request(f"person{number}@example.com", client=client)
        assert isinstance(answer, MailAwaited if number < 20 else Refused)
    for _ in range(3):
        service.auth.outbox.flush()
    assert len(service.mailer.sent()) == 20


def test_a_mailer_that_is_down_is_told_to_everyone_alike(service: Service) -> None:
    """The page depends on the mailer's health alone, and the mail leaves when it is up again (B-18, C-31)."""
    populate(service)
    service.mailer.up = False
    answers = {repr(service.auth.recovery.request(entered)) for entered in NAMED.values()}
    assert len(answers) == 1
    assert isinstance(service.auth.recovery.request("anybody"), MailerDown)
    assert service.auth.outbox.flush().sent == 0
    service.mailer.up = True
    service.wait(seconds=10)
    assert isinstance(service.auth.recovery.complete(service.link(ERKKI), NEW), Done)


def test_the_mailers_health_is_asked_before_anybody_is_looked_up(service: Service) -> None:
    """No look-up can influence what is said of the mailer (B-18)."""
    with recording(service.auth) as asked:
        service.auth.recovery.request(ERKKI)
    methods = [question[0] for question in asked]
    assert methods.index("Mailer.is_up") < methods.index("AccountStore.find")


def test_a_restored_backup_revives_no_link(service: Service) -> None:
    """A new generation kills every link that a restored database would revive (C-41)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    restored = Service(
        store=service.store, clock=service.clock, policy=replace(service.policy, generation="after the restore")
    )
    assert isinstance(restored.auth.recovery.complete(token, NEW), LinkRefused)
    assert isinstance(service.auth.recovery.complete(token, NEW), Done)


def test_the_use_of_links_is_capped_for_a_network(service: Service) -> None:
    """After sixty uses in a minute a network is told to wait, and the link is as good as before (ASVS 6.6.3)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    for _ in range(60):
        assert isinstance(service.auth.recovery.complete(token, "short"), Refused)
    waits = service.auth.recovery.complete(token, NEW)
    assert waits == LinkRefused(Problem(Code.THROTTLE_REQUEST))
    service.wait(minutes=1)
    assert isinstance(service.auth.recovery.complete(token, NEW), Done)


def test_looking_at_links_is_capped_for_a_network(service: Service) -> None:
    """After sixty looks in a minute a network is told to wait; links can be used all the same (ASVS 6.6.3, C-57)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    answers = [service.auth.recovery.inspect(token) for _ in range(61)]
    assert [isinstance(answer, LinkLive) for answer in answers] == [True] * 60 + [False]
    assert isinstance(service.auth.recovery.complete(token, NEW), Done)


def test_a_registered_address_with_a_foreign_domain_is_mailed_as_the_dns_knows_it(service: Service) -> None:
    """The envelope's domain is the A-label, its local part as its owner wrote it (B-7)."""
    identifier = register("Väinö".replace("ä", "a").replace("ö", "o") + "@bücher.example", EMAIL)
    assert not isinstance(identifier, str)
    service.add("Vaino", email="Vaino@bücher.fi")
    service.auth.recovery.request("vaino@bücher.fi")
    service.auth.outbox.flush()
    assert [mail.to for mail in service.mailer.sent()] == ["Vaino@xn--bcher-kva.fi"]


def test_links_live_no_longer_than_a_day() -> None:
    """A reset link that lives longer than 24 hours is refused at construction (B-27, NIST 4.2.1.2)."""
    with pytest.raises(PolicyError, match="24 hours"):
        LinkPolicy(reset=timedelta(hours=24, seconds=1))


def test_a_network_over_its_cap_cannot_use_up_another_persons_mails(service: Service) -> None:
    """Whoever floods from one network spends nothing of a victim's own budget (C-53, C-54)."""
    service.add("Erkki", email=ERKKI)
    flood = ClientContext("192.0.2.66")
    for number in range(25):
        service.auth.recovery.request(f"nobody{number}@example.com", client=flood)
    service.auth.recovery.request(ERKKI, client=flood)
    service.auth.recovery.request(ERKKI, client=ClientContext("198.51.100.7"))
    for _ in range(3):
        service.auth.outbox.flush()
    assert len(service.mailer.sent(ERKKI)) == 1


@pytest.mark.parametrize("typed", ["virve@example.com", "VIRVE@example.com", " virve@EXAMPLE.com"])
def test_a_contact_gets_the_link_of_its_account(service: Service, typed: str) -> None:
    """An official who is known by the contact address alone is mailed the link and the username, not 'no account'."""
    service.add("Virve", realm="official", usernames=["virve.v"], contact="virve@example.com")
    service.auth.recovery.request(typed)
    token = service.link("virve@example.com")
    (mail,) = service.mailer.sent("virve@example.com")
    assert "virve.v" in mail.content.body
    assert isinstance(service.auth.recovery.complete(token, NEW), Done)
    assert service.sign_in("virve.v", NEW).account.id == "virve"


def test_a_contact_of_several_is_told_so(service: Service) -> None:
    """A mailbox that is the contact of several officials gets a mail that says so, without a link for any of them."""
    for name in ("Virve", "Veikko"):
        service.add(name, realm="official", usernames=[name], contact="toimisto@example.com")
    service.auth.recovery.request("toimisto@example.com")
    assert service.subjects("toimisto@example.com") == ["käyttäjätunnuksesi"]
    (mail,) = service.mailer.sent("toimisto@example.com")
    assert "token=" not in mail.content.body
    assert "Toimisto@example.com" not in mail.content.body
    service.auth.accounts.disable(AccountId("veikko"))
    service.wait(minutes=2)
    service.auth.recovery.request("toimisto@example.com")
    assert isinstance(service.auth.recovery.inspect(service.link("toimisto@example.com")), LinkLive)


def test_the_contact_of_a_disabled_account_is_told_nothing_false(service: Service) -> None:
    """No mail says that an address without an active account has none where it is the contact of a disabled one."""
    service.add("Virve", realm="official", usernames=["virve.v"], contact="virve@example.com")
    service.auth.accounts.disable(AccountId("virve"))
    service.auth.recovery.request("virve@example.com")
    assert service.subjects() == []


def test_an_identifier_goes_before_a_contact(service: Service) -> None:
    """The owner of an address gets the link, and not another account that has the address for its contact."""
    service.add("Erkki", email=ERKKI)
    service.add("Virve", realm="official", usernames=["virve.v"], contact=ERKKI)
    service.auth.recovery.request(ERKKI)
    assert isinstance(service.auth.recovery.complete(service.link(ERKKI), NEW), Done)
    assert service.sign_in(ERKKI, NEW).account.id == "erkki"


def test_a_flood_of_requests_over_the_limit_does_not_fill_the_trail(service: Service) -> None:
    """Requests for mail over their limit are recorded ten times a minute per network, and answered all the same (C-53)."""
    service.add("Erkki", email="erkki@example.com", usernames=["erkki"])
    for ask in (service.auth.recovery.request, service.auth.accounts.sign_up):
        service.wait(minutes=2)
        before = len(service.audit.events)
        answers = [ask("erkki@example.com", client=ClientContext("192.0.2.7")) for _ in range(60)]
        assert set(map(repr, answers[:20])) == {repr(answers[0])}
        assert set(answers[20:]) == {Refused(Problem(Code.THROTTLE_REQUEST))}, "the network's limit is told"
        assert len(service.audit.events) - before == 11, "one that was allowed, and ten that were not"


# --- An address on file that nobody has verified -----------------------------------------------------------


def imported(service: Service, name: str, contact: str | None = None, *, verified: bool = False) -> Account:
    """An account as an import brings it: a username, and an address that signs nobody in."""
    account = Account(AccountId(name), "citizen", name, contact=contact, contact_verified=verified)
    return service.plant(account, AccountIdentifier(username(name)))


NO_RESET = replace(POLICY, links=LinkPolicy(reset_to_unverified=False))


@pytest.mark.parametrize("typed", ["maija", "maija@example.com"])
def test_a_link_may_go_to_an_unverified_address_and_verifies_it(service: Service, typed: str) -> None:
    """By default a forgotten password's link goes to the address on file, and its use marks the address as verified."""
    imported(service, "maija", "maija@example.com")
    service.auth.recovery.request(typed)
    token = service.link("maija@example.com")
    assert not service.store.load(AccountId("maija")).contact_verified
    assert isinstance(service.auth.recovery.complete(token, NEW), Done)
    assert service.store.load(AccountId("maija")).contact_verified


@pytest.mark.parametrize("typed", ["maija", "maija@example.com"])
def test_the_policy_may_send_no_link_to_an_unverified_address(make_store: MakeStore, typed: str) -> None:
    """With reset_to_unverified off nothing is mailed there until somebody has verified the address."""
    service = Service(store=make_store(), policy=NO_RESET)
    account = imported(service, "maija", "maija@example.com")
    service.auth.recovery.request(typed)
    assert service.subjects() == []
    assert service.store.commit([ContactVerified(account.id, "maija@example.com")]) == Committed()
    service.wait(hours=2)
    service.auth.recovery.request(typed)
    assert isinstance(service.auth.recovery.inspect(service.link("maija@example.com")), LinkLive)


@pytest.mark.parametrize("policy", [POLICY, NO_RESET], ids=["mailed", "not mailed"])
def test_an_unverified_address_shows_in_no_answer_and_no_work(make_store: MakeStore, policy: Policy) -> None:
    """Verified, unverified, without an address or unknown: equal answers, equal questions, equal kinds of changes."""
    service = Service(store=make_store(), policy=policy)
    imported(service, "unverified", "unverified@example.com")
    imported(service, "verified", "verified@example.com", verified=True)
    imported(service, "addressless")
    named = ["verified", "unverified", "addressless", "nobody", "verified@example.com", "unverified@example.com"]
    traces, answers = [], set()
    for entered in named:
        with recording(service.auth) as asked:
            answers.add(repr(service.auth.recovery.request(entered)))
        traces.append(list(asked))
        service.wait(hours=2)
    assert len(answers) == 1
    assert traces == [traces[0]] * len(named)


def test_an_invitation_by_mail_verifies_and_one_handed_over_does_not(service: Service) -> None:
    """Only a link that went to the mailbox shows that somebody reads it."""
    imported(service, "mailed", "mailed@example.com")
    imported(service, "handed", "handed@example.com")
    service.auth.accounts.invite(AccountId("mailed"))
    invited = service.auth.accounts.invite(AccountId("handed"), by_mail=False)
    assert isinstance(invited, Invited)
    assert invited.link is not None
    by_hand = parse_qs(urlsplit(invited.link.get_secret_value()).query)["token"][0]
    assert isinstance(service.auth.recovery.complete(by_hand, NEW), Done)
    assert isinstance(service.auth.recovery.complete(service.link("mailed@example.com"), NEW), Done)
    verified = [service.store.load(AccountId(name)).contact_verified for name in ("mailed", "handed")]
    assert verified == [True, False]


def test_a_refused_password_verifies_nothing(service: Service) -> None:
    """The address is marked with the new password, in one commit, and not before."""
    imported(service, "maija", "maija@example.com")
    service.auth.recovery.request("maija")
    assert isinstance(service.auth.recovery.complete(service.link("maija@example.com"), "lyhyt"), Refused)
    assert not service.store.load(AccountId("maija")).contact_verified
