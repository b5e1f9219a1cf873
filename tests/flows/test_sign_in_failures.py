"""Failed sign-ins in a row: counted with the account, told by mail, and at last the password is disabled."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cityauth import AccountId, ClientContext
from cityauth.core.audit import AuditEventType
from cityauth.core.changes import Change, CommitOutcome, Precondition, Rejected
from cityauth.core.login import Authenticated, PasswordRequired
from cityauth.core.throttling import FailureCounted
from cityauth.policy import Backoff
from cityauth.ports.stores import AccountStore
from cityauth.testing import race
from tests.support.recording import recording, stepping_in
from tests.support.service import OTHER_PASSWORD, PASSWORD, POLICY, Service, patient

ERKKI = AccountId("erkki")
ADDRESS = "erkki@example.com"
DISABLED = "salasanasi on poistettu käytöstä"
AFTER_FAILURES = "kirjautuminen epäonnistuneiden yritysten jälkeen"
NEW = "aamukaste kimaltelee laiturilla"


@pytest.fixture
def erkki(make_store: Callable[[], object]) -> Service:
    """A service without waits, so that only the count of the account matters."""
    service = Service(store=make_store(), policy=patient(1000))
    service.add("Erkki", email=ADDRESS, usernames=["erkki"])
    return service


def fail(service: Service, times: int, identifier: str = "erkki") -> None:
    """Try a wrong password."""
    for _ in range(times):
        assert isinstance(service.attempt(identifier, OTHER_PASSWORD), PasswordRequired)


def test_a_hundred_failures_disable_the_password(erkki: Service) -> None:
    """The right password signs in after 99 failures in a row and not after 100; one mail says so (NIST 3.2.2, C-53)."""
    fail(erkki, 99)
    erkki.sign_in("erkki")
    fail(erkki, 99)
    fail(erkki, 1, ADDRESS)
    refused = [erkki.attempt("erkki"), erkki.attempt(ADDRESS), erkki.attempt("nobody")]
    assert len({str(one.problem) for one in refused if isinstance(one, PasswordRequired)}) == 1
    assert [event.reason for event in erkki.audit.events[-3:]] == ["password_disabled", "password_disabled", "unknown"]
    fail(erkki, 30)
    assert erkki.subjects(ADDRESS).count(DISABLED) == 1
    (mail,) = [mail for mail in erkki.mailer.sent(ADDRESS) if DISABLED in mail.content.subject]
    assert "100 kertaa" in mail.content.body
    marked = [event for event in erkki.audit.events if event.detail.get("password") == "disabled"]
    assert [(event.what, event.account_id) for event in marked] == [(AuditEventType.LOGIN_REFUSED, ERKKI)]


def test_customer_service_sees_a_disabled_password(erkki: Service) -> None:
    """The record of an account says how many sign-ins failed in a row, and whether the password is disabled."""
    for count in (7, 93):
        fail(erkki, count)
        record = erkki.auth.accounts.show(ERKKI)
        assert record is not None
        assert (record.failures, record.password_disabled) == ((7, False) if count == 7 else (100, True))


def test_a_reset_enables_the_account_again(erkki: Service) -> None:
    """The way of the mailed link stays open, and a new password clears the count (NIST 3.2.2, C-53)."""
    fail(erkki, 120)
    erkki.auth.recovery.request("erkki")
    erkki.auth.recovery.complete(erkki.link(ADDRESS), NEW)
    erkki.sign_in("erkki", NEW)
    record = erkki.auth.accounts.show(ERKKI)
    assert record is not None
    assert (record.failures, record.password_disabled) == (0, False)


def test_a_changed_password_clears_the_count(erkki: Service) -> None:
    """Whoever is signed in already may set a new password, which signs in."""
    live = erkki.live(erkki.token("erkki"))
    fail(erkki, 100)
    assert isinstance(erkki.auth.accounts.change_password(live, PASSWORD, NEW), Authenticated)
    erkki.sign_in("erkki", NEW)


def test_failures_at_once_are_all_counted_and_told_once(erkki: Service) -> None:
    """However many attempts fail at the moment at which the limit is reached, none is lost, and one mail leaves (B-42, C-14)."""
    fail(erkki, 95)
    race([lambda: fail(erkki, 1)] * 12)
    record = erkki.auth.accounts.show(ERKKI)
    assert record is not None
    assert (record.failures, record.password_disabled) == (107, True)
    assert erkki.subjects(ADDRESS).count(DISABLED) == 1


def test_a_failure_that_others_overtake_again_and_again_is_recorded(erkki: Service) -> None:
    """If other failures are counted at the same moment each time, the attempt is refused and recorded all the same."""

    def overtaken(answer: Callable[..., Any]) -> Callable[..., Any]:
        def commit(changes: list[Change]) -> CommitOutcome:
            counted = next((change for change in changes if isinstance(change, FailureCounted)), None)
            return Rejected(counted, Precondition.FAILURES_CHANGED) if counted else answer(changes)

        return commit

    with stepping_in(erkki.auth, AccountStore.commit, overtaken):
        fail(erkki, 1)
    assert erkki.store.events(ERKKI)[-1].what is AuditEventType.LOGIN_REFUSED


def test_the_count_outlives_the_throttle(make_store: Callable[[], object]) -> None:
    """Slow guessing is counted too: neither time nor a purge forgets a failure."""
    store = make_store()
    service = Service(store=store, policy=POLICY)
    service.add("Erkki", email=ADDRESS, usernames=["erkki"])
    for _ in range(100):
        fail(service, 1)
        service.wait(days=2)
        service.auth.housekeeping.purge()
    assert isinstance(service.attempt("erkki"), PasswordRequired)


@pytest.mark.parametrize(("failures", "mails"), [(0, 0), (1, 0), (9, 0), (10, 1), (42, 1)])
def test_a_sign_in_after_many_failures_is_told(erkki: Service, failures: int, mails: int) -> None:
    """From ten failures in a row the sign-in is told with their number and its time, once (ASVS 6.3.5)."""
    fail(erkki, failures)
    erkki.wait(hours=1, minutes=5)
    erkki.sign_in("erkki")
    erkki.sign_in("erkki")
    assert erkki.subjects(ADDRESS).count(AFTER_FAILURES) == mails
    if mails:
        body = erkki.mailer.sent(ADDRESS)[-1].content.body
        assert f"{failures} kertaa" in body
        assert "02.03.2026 13:05 UTC" in body


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_mails_are_in_the_persons_language(erkki: Service, language: str) -> None:
    """Both mails are written in the language of the account."""
    erkki.auth.accounts.set_language(erkki.live(erkki.token("erkki")), language)
    fail(erkki, 50)
    erkki.sign_in("erkki")
    fail(erkki, 100)
    erkki.auth.outbox.flush()
    assert [mail.language for mail in erkki.mailer.sent(ADDRESS)[-2:]] == [language] * 2


def test_an_account_without_a_contact_is_counted_alike(erkki: Service) -> None:
    """Where no mail can go the password is disabled all the same, and the sign-in works."""
    erkki.add("Virve", realm="official", usernames=["virve.v"])
    fail(erkki, 20, "virve.v")
    erkki.sign_in("virve.v")
    fail(erkki, 100, "virve.v")
    assert isinstance(erkki.attempt("virve.v"), PasswordRequired)
    assert erkki.subjects() == []


@pytest.mark.parametrize("failures", [0, 1, 50, 100, 130])
def test_a_disabled_password_is_asked_about_like_any_other(erkki: Service, failures: int) -> None:
    """The right and a wrong password of a disabled one, and an unknown identifier, ask and answer alike (B-20, ASVS 6.3.8)."""
    fail(erkki, failures)
    found = []
    for identifier in ("erkki", "nobody"):
        with recording(erkki.auth) as asked:
            step = erkki.attempt(identifier, PASSWORD if failures >= 100 else OTHER_PASSWORD)
        assert isinstance(step, PasswordRequired)
        found.append((asked, step.problem))
    assert found[0] == found[1]


def test_an_erased_account_leaves_no_count(erkki: Service) -> None:
    """An account that is erased while it is attacked takes its count with it."""
    live = erkki.live(erkki.token("erkki"))
    fail(erkki, 60)
    erkki.auth.accounts.delete(live)
    fail(erkki, 3)
    assert erkki.auth.accounts.show(ERKKI) is None


def test_the_owner_signs_in_between_the_attempts_of_a_stranger() -> None:
    """For two days a stranger guesses whenever it is allowed; the owner still gets in by the mailed link (C-53)."""
    service = Service(policy=replace(POLICY, throttle=replace(POLICY.throttle, sign_in_per_account=Backoff())))
    service.add("Erkki", email=ADDRESS, usernames=["erkki"])
    for number in range(200):
        service.attempt("erkki", OTHER_PASSWORD, client=ClientContext(f"198.51.100.{number}"))
        service.clock.advance(timedelta(minutes=15))
    assert isinstance(service.attempt("erkki"), PasswordRequired)
    service.auth.recovery.request("erkki", client=ClientContext("192.0.2.1"))
    service.auth.recovery.complete(service.link(ADDRESS), NEW)
    service.wait(minutes=15)
    service.sign_in("erkki", NEW)
