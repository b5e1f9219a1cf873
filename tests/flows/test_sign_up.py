"""Sign up: the account exists only after the link, and a taken address looks the same as a free one."""

from dataclasses import replace

import pytest

from cityauth import AccountRefused, Problem, Released
from cityauth.core.accounts import AccountId
from cityauth.core.answers import Done, Refused
from cityauth.core.audit import AuditEventType
from cityauth.core.changes import Precondition
from cityauth.core.client import ClientContext
from cityauth.core.links import LinkLive, LinkRefused
from cityauth.core.login import PasswordRequired
from cityauth.core.signing import Purpose
from cityauth.messages.codes import Code
from cityauth.testing import race
from tests.support.recording import recording
from tests.support.service import POLICY, Service

NEW = "aivan uusi pitkä salasana"
FREE, TAKEN = "uusi@example.com", "erkki@example.com"


def begun(service: Service, address: str = FREE) -> str:
    """Ask for an account and take the link."""
    service.auth.accounts.sign_up(address)
    return service.link(address)


def test_a_taken_address_looks_the_same_as_a_free_one(service: Service) -> None:
    """Equal questions, equal kinds of changes, equal answers; the owner is told by mail (B-22, ASVS 6.3.8)."""
    service.add("Erkki", email=TAKEN, language="sv")
    traces, answers = [], []
    for address in (FREE, TAKEN):
        with recording(service.auth) as asked:
            answers.append(service.auth.accounts.sign_up(address))
        traces.append(list(asked))
    assert traces[0] == traces[1]
    assert answers[0] == answers[1]
    service.auth.outbox.flush()
    free, taken = service.mailer.sent(FREE)[0], service.mailer.sent(TAKEN)[0]
    assert "token=" in free.content.body
    assert "token=" not in taken.content.body
    assert (free.language, taken.language) == ("fi", "sv")


def test_the_account_exists_only_after_the_link(service: Service) -> None:
    """Before the link nobody signs in; after it the person does, in the language of the page (B-41)."""
    token = begun(service)
    assert isinstance(service.attempt(FREE, NEW), PasswordRequired)
    assert service.auth.identifiers.resolve(FREE).account is None
    assert service.auth.accounts.inspect_sign_up(token) == LinkLive(Purpose.SIGN_UP, FREE, FREE)
    done = service.auth.accounts.confirm_sign_up(token, "  Uusi Asukas ", NEW, client=ClientContext(language="sv"))
    assert done == Done(Problem(Code.SIGNUP_DONE))
    account = service.sign_in(FREE, NEW).account
    assert (account.display_name, account.language, account.realm) == ("Uusi Asukas", "sv", "citizen")


def test_a_refused_name_or_password_uses_nothing_up(service: Service) -> None:
    """The link survives every refusal, and each says why (C-03, ASVS 6.2.1)."""
    token = begun(service)
    confirm = service.auth.accounts.confirm_sign_up
    for name in ["", "   ", None, ["x"], "a" * 151, "x\u202ey", "x\r\nBcc: y", "a" * 10**6]:
        assert isinstance(confirm(token, name, NEW), Refused)
    for password in ["lyhyt", FREE, "uusi asukas", "", None]:
        assert isinstance(confirm(token, "Uusi Asukas", password), Refused)
    assert isinstance(confirm(token, "Uusi Asukas", NEW), Done)
    assert isinstance(confirm(token, "Uusi Asukas", NEW), LinkRefused)


def test_a_link_used_by_many_at_once_makes_one_account(service: Service) -> None:
    """Thirty-two parallel confirmations: one account, and the others are told that the link is dead (C-01)."""
    token = begun(service)
    jobs = [
        lambda number=number: service.auth.accounts.confirm_sign_up(
            token, f"Asukas {number}", NEW, client=ClientContext(f"192.0.2.{number}")
        )
        for number in range(32)
    ]
    results = race(jobs)
    assert sum(isinstance(result, Done) for result in results) == 1


VARIANTS = [
    "vaino@bücher.fi",
    " VAINO@BÜCHER.FI ",
    "vaino@bu\u0308cher.fi",
    "vaino@xn--bcher-kva.fi",
    "vaino@\uff42ücher.fi",
]


def test_variants_of_one_address_make_one_account(service: Service) -> None:
    """Case, NFC, NFD, width, IDN and spaces make no second account, not even when all links are used at once (C-06)."""
    tokens = []
    for variant in VARIANTS:
        service.auth.accounts.sign_up(variant)
        tokens.append(service.link(variant.strip().rpartition("@")[0] + "@xn--bcher-kva.fi"))
        service.wait(minutes=2)
    jobs = [lambda token=token: service.auth.accounts.confirm_sign_up(token, "Väinö", NEW) for token in tokens]
    assert sum(isinstance(result, Done) for result in race(jobs)) == 1


def test_the_owner_of_a_taken_address_is_written_to_as_stored(service: Service) -> None:
    """However the address was typed, the mail goes to the spelling that was verified (B-1, B-7)."""
    service.add("Erkki", email="erkki@example.com", language="sv")
    service.auth.accounts.sign_up("ERKKI@EXAMPLE.COM")
    service.auth.outbox.flush()
    (mail,) = service.mailer.sent()
    assert (mail.to, mail.language) == ("erkki@example.com", "sv")


def test_an_address_that_is_somebodys_username_is_taken(service: Service) -> None:
    """An old username that looks like the address holds it, at the request and at the confirmation (B-11, C-07)."""
    service.add("Haltija", usernames=["varattu@example.com"])
    service.auth.accounts.sign_up("varattu@example.com")
    service.auth.outbox.flush()
    assert "token=" not in service.mailer.sent("varattu@example.com")[0].content.body
    token = begun(service)
    service.add("Nopea", usernames=[FREE])
    refused = service.auth.accounts.confirm_sign_up(token, "Hidas", NEW)
    assert refused == LinkRefused(Problem(Code.IDENTIFIER_UNAVAILABLE))


@pytest.mark.parametrize(
    ("entered", "code"),
    [
        ("", Code.IDENTIFIER_EMPTY),
        (None, Code.IDENTIFIER_NOT_TEXT),
        ("erkki", Code.IDENTIFIER_NOT_EMAIL),
        ("a@b.fi,c@d.fi", Code.IDENTIFIER_NOT_EMAIL),
        ('"e@attacker.com"@victim.com', Code.IDENTIFIER_NOT_EMAIL),
        ("alice@a.fi)bob@b.fi", Code.IDENTIFIER_NOT_EMAIL),
        ("a@b.fi\r\nBcc: c@d.fi", Code.IDENTIFIER_FORBIDDEN_CHARACTER),
        ("a" * 3000, Code.IDENTIFIER_TOO_LONG),
        ("usеr@example.com", Code.IDENTIFIER_CONFUSABLE),
        ("päivi@example.com", Code.IDENTIFIER_NON_ASCII),
        ("åsa.ÖHMAN@sähkö.example", Code.IDENTIFIER_NON_ASCII),
        ("иван@example.com", Code.IDENTIFIER_NON_ASCII),
    ],
)
def test_what_is_no_address_is_told_so(service: Service, entered: object, code: Code) -> None:
    """Text that is no address is declined with its reason, and no mail is queued (B-5, B-7, B-8, B-9)."""
    declined = service.auth.accounts.sign_up(entered)
    assert isinstance(declined, Refused)
    assert declined.problem.code == code
    assert declined.problem.text("fi")
    assert service.auth.outbox.status().waiting == 0


def erase(service: Service) -> None:
    """Let Erkki make an account and delete it."""
    service.add("Erkki", email=TAKEN)
    service.auth.accounts.delete(service.live(service.token(TAKEN)))
    service.auth.outbox.flush()


def test_an_erased_address_passes_to_nobody_unless_the_policy_says_so(service: Service) -> None:
    """The tombstones keeps the identifiers of an erased account, by a keyed digest."""
    erase(service)
    token = begun(service, TAKEN)
    unavailable = LinkRefused(Problem(Code.IDENTIFIER_UNAVAILABLE))
    assert service.auth.accounts.inspect_sign_up(token) == unavailable
    assert service.auth.accounts.confirm_sign_up(token, "Toinen", NEW) == unavailable
    assert service.auth.accounts.confirm_sign_up(token, "", "short") == unavailable  # before anything else is judged


@pytest.mark.parametrize("typed", [TAKEN, "ERKKI@example.com"])
def test_customer_service_releases_an_erased_address(service: Service, typed: str) -> None:
    """Who deleted the account can return with the same address once it was released, and the release is in the trail."""
    erase(service)
    token = begun(service, TAKEN)
    released = service.auth.accounts.release_identifier(typed)
    assert isinstance(released, Released)
    assert (released.identifier.key, released.account_id) == ("1:erkki@example.com", None)
    last = service.audit.events[-1]
    assert (last.what, last.reason) == (AuditEventType.IDENTIFIER_RELEASED, "erased")
    assert last.identifier_hash
    assert isinstance(service.auth.accounts.inspect_sign_up(token), LinkLive)
    assert isinstance(service.auth.accounts.confirm_sign_up(token, "Erkki", NEW), Done)
    again = service.auth.accounts.release_identifier(typed)
    assert again == AccountRefused(Precondition.IDENTIFIER_TAKEN, typed, service.sign_in(TAKEN, NEW).account.id)


def test_customer_service_releases_a_mistyped_address(service: Service) -> None:
    """The owner of an address that another account had and gave up is told at the link's page, and let in by a release."""
    service.add("Virpi", email="virpi@example.com", retired_usernames=[FREE])
    token = begun(service)
    assert service.auth.accounts.inspect_sign_up(token) == LinkRefused(Problem(Code.IDENTIFIER_UNAVAILABLE))
    refused = service.auth.accounts.release_identifier(FREE)
    assert refused == AccountRefused(Precondition.IDENTIFIER_TAKEN, FREE, AccountId("virpi"))
    for entered in ("virpi@example.com", "nobody@example.com"):
        refused = service.auth.accounts.release_identifier(entered, AccountId("virpi"))
        assert refused == AccountRefused(Precondition.IDENTIFIER_CHANGED, entered)
    assert isinstance(service.auth.accounts.release_identifier(FREE, AccountId("virpi")), Released)
    told = [event for event in service.store.events(AccountId("virpi")) if event.what == "identifier.released"]
    assert [event.reason for event in told] == ["retired"]
    assert isinstance(service.auth.accounts.confirm_sign_up(token, "Uusi", NEW), Done)
    assert service.sign_in("virpi@example.com").account.id == "virpi"


@pytest.mark.parametrize("entered", ["", None, "a\0b", "nobody", "virpi@example.com"])
def test_only_what_is_retired_is_released(service: Service, entered: object) -> None:
    """What is no identifier, nobody's or in use is refused, and nothing is written."""
    service.add("Virpi", email="virpi@example.com")
    told = len(service.audit.events)
    assert isinstance(service.auth.accounts.release_identifier(entered), AccountRefused)
    assert isinstance(service.auth.accounts.release_identifier(entered, AccountId("virpi")), AccountRefused)
    assert isinstance(service.auth.accounts.release_identifier(entered, AccountId("nobody")), AccountRefused)
    assert len(service.audit.events) == told
    assert service.sign_in("virpi@example.com").account.id == "virpi"


@pytest.mark.parametrize("typed", ["virve@example.com", "Virve@Example.COM"])
def test_a_contact_makes_no_second_account(service: Service, typed: str) -> None:
    """An address that mail to an official goes to is told to be in use, and gets no link that creates an account."""
    service.add("Virve", realm="official", usernames=["virve.v"], contact="virve@example.com")
    service.auth.accounts.sign_up(typed)
    service.auth.outbox.flush()
    (mail,) = service.mailer.sent(typed.partition("@")[0] + "@example.com")
    assert "token=" not in mail.content.body


def test_a_policy_may_let_erased_addresses_go(service: Service) -> None:
    """Without the tombstones an erased address may be registered anew."""
    lenient = Service(store=service.store, policy=replace(service.policy, keep_tombstones=False))
    lenient.add("Erkki", email=TAKEN)
    live = lenient.auth.sessions.check(lenient.token(TAKEN))
    assert live is not None
    lenient.auth.accounts.delete(live)
    lenient.auth.outbox.flush()
    assert isinstance(lenient.auth.accounts.confirm_sign_up(begun(lenient, TAKEN), "Uusi", NEW), Done)
    assert lenient.auth.accounts.show(AccountId("erkki")) is None


def test_a_link_whose_address_is_refused_by_now_is_dead(service: Service) -> None:
    """The rules for addresses changed after the link was mailed: looking and using say that it is not valid."""
    wide = replace(POLICY, identifiers=replace(POLICY.identifiers, mailer_supports_smtputf8=True))
    strict = service
    service = Service(store=service.store, clock=service.clock, policy=wide)
    token = begun(service, "aiti.äiti@example.com")
    invalid = LinkRefused(Problem(Code.LINK_INVALID))
    assert strict.auth.accounts.inspect_sign_up(token) == invalid
    assert strict.auth.accounts.confirm_sign_up(token, "Äiti", NEW) == invalid
    assert isinstance(service.auth.accounts.inspect_sign_up(token), LinkLive)
