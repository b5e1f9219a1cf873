"""Limits on signing in: counted before the password is verified, per account or identifier and per network."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth import ClientContext
from cityauth.core.login import Authenticated, LoginStep, PasswordRequired
from cityauth.errors import HasherBusyError
from cityauth.messages import Code
from cityauth.policy import Backoff
from cityauth.testing import race
from tests.support.recording import recording
from tests.support.service import OTHER_PASSWORD, PASSWORD, POLICY, Service

BURST = 200


@pytest.fixture
def erkki(make_store: Callable[[], object]) -> Service:
    """A service with one account, on each store."""
    service = Service(store=make_store())
    service.add("Erkki", email="erkki@example.com", usernames=["erkki"])
    return service


def client(number: int) -> ClientContext:
    """Each attempt from a network of its own."""
    return ClientContext(f"198.51.{number // 250}.{number % 250}")


def is_throttled(step: LoginStep) -> bool:
    """Whether the answer says to wait."""
    return isinstance(step, PasswordRequired) and step.problem is not None and step.problem.code == Code.THROTTLE_LOGIN


def fail(service: Service, identifier: str, times: int, *, start: int = 0) -> int:
    """Try a wrong password at once, each time from another network; return how many were verified."""
    answers = [service.attempt(identifier, OTHER_PASSWORD, client=client(start + number)) for number in range(times)]
    return sum(not is_throttled(one) for one in answers)


@pytest.mark.parametrize("identifier", ["erkki", "nobody", "nobody@example.com"])
@pytest.mark.parametrize("networks", [1, BURST], ids=["one network", "many networks"])
def test_a_burst_gets_no_more_verifications_than_the_limit(erkki: Service, identifier: str, networks: int) -> None:
    """Of 200 attempts at once five are verified, for an account and for nobody's identifier (B-42, B-43, C-14, ASVS 6.3.1)."""
    step = erkki.auth.login.identify(identifier)
    assert isinstance(step, PasswordRequired)
    verified = len(erkki.hasher.work)

    def attempt(number: int) -> LoginStep:
        return erkki.auth.login.submit_password(step.pending, OTHER_PASSWORD, client=client(number % networks))

    answers = race([lambda number=number: attempt(number) for number in range(BURST)])  # type: ignore[misc]
    assert len(erkki.hasher.work) - verified == 5
    assert sum(is_throttled(one) for one in answers) == BURST - 5


def test_every_spelling_has_one_budget(erkki: Service) -> None:
    """Letter case, outer space and the other identifier of the account count together (B-46)."""
    spellings = ["erkki", " ERKKI ", "Erkki@Example.com", "erkki@example.com", "eRkki"]
    assert [fail(erkki, one, 1, start=number) for number, one in enumerate(spellings)] == [1] * 5
    assert fail(erkki, "erkki", 1, start=9) == 0
    strangers = [
        "Äiti@example.com",
        "äiti@example.com",
        "a\u0308iti@example.com",
        " äiti@EXAMPLE.com",
        "ÄITI@example.com",
    ]
    assert [fail(erkki, one, 1, start=20 + number) for number, one in enumerate(strangers)] == [1] * 5
    assert fail(erkki, "äiti@example.com", 1, start=30) == 0


@pytest.mark.parametrize("identifier", ["erkki", "nobody"])
def test_the_waits_grow_and_never_end_the_protection(erkki: Service, identifier: str) -> None:
    """After five failures the wait doubles up to 15 minutes, and after each wait one attempt is free (B-45, ASVS 6.3.1)."""
    assert fail(erkki, identifier, 6) == 5
    for number, seconds in enumerate([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]):
        start = 10 + 5 * number
        erkki.wait(seconds=seconds - 0.5)
        assert fail(erkki, identifier, 2, start=start) == 0
        erkki.wait(seconds=0.5)
        assert fail(erkki, identifier, 2, start=start + 2) == 1


def test_a_success_is_no_failure(erkki: Service) -> None:
    """Whoever signs in again and again is never throttled, and a success forgets the account's failures (B-47)."""
    for number in range(20):
        assert fail(erkki, "erkki", 4, start=10 * number) == 4
        erkki.sign_in("erkki", client=client(10 * number + 5))


def test_the_count_is_forgotten_after_a_day(erkki: Service) -> None:
    """A day after the last wait the five are free again, and the purge leaves nothing of them."""
    assert fail(erkki, "erkki", 5) == 5
    erkki.wait(days=1, seconds=2)
    assert fail(erkki, "erkki", 6, start=10) == 5
    erkki.wait(days=2)
    assert erkki.auth.housekeeping.purge().counts >= 1
    assert erkki.auth.housekeeping.purge().counts == 0


@pytest.mark.parametrize(
    ("address", "other"),
    [
        ("192.0.2.7", "192.0.2.8"),
        ("2001:db8:1:2::1", "2001:db8:1:3::1"),
        ("[2001:db8:1:2::1]:443", "[2001:db8:1:3::1]:443"),
        ("not an address", "no address either"),
    ],
)
def test_a_network_has_a_budget_of_failures(erkki: Service, address: str, other: str) -> None:
    """Ten failures a minute on whatever identifiers are verified; another network is not touched (ASVS 6.3.1)."""
    answers = [erkki.attempt(f"name{number}", client=ClientContext(address)) for number in range(15)]
    assert [is_throttled(one) for one in answers] == [False] * 10 + [True] * 5
    assert isinstance(erkki.attempt("erkki", client=ClientContext(other)), Authenticated)
    erkki.wait(minutes=1)
    assert isinstance(erkki.attempt("erkki", client=ClientContext(address)), Authenticated)


def test_a_success_does_not_clear_the_network(erkki: Service) -> None:
    """Signing in between two guesses gives a network no more guesses, and takes none away (B-47)."""
    verified = 0
    for number in range(20):
        verified += not is_throttled(erkki.attempt(f"name{number}", client=client(0)))
        if verified < 10:
            erkki.sign_in("erkki", client=client(0))
    assert verified == 10


def test_a_network_has_a_budget_of_passwords(erkki: Service) -> None:
    """Thirty passwords a minute are taken from a network, right, wrong or empty."""
    given = [PASSWORD, "", PASSWORD] * 12
    answers = [erkki.attempt("erkki", password, client=client(0)) for password in given]
    assert [is_throttled(one) for one in answers] == [False] * 30 + [True] * 6


def test_an_exhausted_network_takes_nothing_from_an_account(erkki: Service) -> None:
    """What is refused counts nowhere: a stranger whose network is used up does not use up the owner's attempts."""
    for number in range(30):
        erkki.attempt(f"name{number}", client=client(0))
    for _ in range(30):
        assert is_throttled(erkki.attempt("erkki", OTHER_PASSWORD, client=client(0)))
    assert fail(erkki, "erkki", 5, start=1) == 5


@pytest.mark.parametrize("failures", range(0, 40, 3))
def test_accounts_and_strangers_are_asked_and_answered_alike(erkki: Service, failures: int) -> None:
    """After any number of failures the questions and the answer are those of an unknown identifier (B-21, ASVS 6.3.8)."""
    found = []
    for identifier in ("erkki", "nobody"):
        fail(erkki, identifier, failures)
        with recording(erkki.auth) as asked:
            step = erkki.attempt(identifier, OTHER_PASSWORD, client=client(99))
        assert isinstance(step, PasswordRequired)
        found.append((asked, step.problem, step.retry_after))
        erkki.wait(days=2)
    assert found[0] == found[1]


def test_a_flood_of_identifiers_frees_no_account(erkki: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many more identifiers than there are buckets neither evict an account's count nor grow the table (B-44, C-56)."""
    monkeypatch.setattr("cityauth.core.throttling.SLOTS", 64)
    assert fail(erkki, "erkki", 6) == 5
    step = erkki.auth.login.identify("erkki")
    assert isinstance(step, PasswordRequired)
    for number in range(700):
        erkki.auth.login.submit_password(step.pending, OTHER_PASSWORD, identifier=f"name{number}")
    assert fail(erkki, "erkki", 1, start=10) == 0
    assert fail(erkki, "a new name", 6, start=20) == 5, "strangers of one bucket do not share its count"
    erkki.wait(days=3)
    assert erkki.auth.housekeeping.purge().counts <= 64 + 1 + 3 * 20 + 300  # and the rows of `failures_recorded_in_all`


def test_a_busy_hasher_uses_up_nothing(service: Service) -> None:
    """An attempt that the hasher could not verify is taken back, and clears no earlier failure."""

    class Busy:
        """A hasher without memory."""

        def __getattr__(self, name: str) -> object:
            return getattr(service.hasher, name)

        def verify(self, *_: object) -> object:
            """Never verify."""
            raise HasherBusyError("busy")

    service.add("Erkki", usernames=["erkki"])
    busy = Service(store=service.store, hasher=Busy(), clock=service.clock)
    assert fail(service, "erkki", 4) == 4
    for number in range(12):
        with pytest.raises(HasherBusyError):
            busy.attempt("erkki", client=client(number % 2))
    assert fail(service, "erkki", 3, start=5) == 1


def test_another_policy_holds(service: Service) -> None:
    """The numbers are the policy's."""
    strict = Backoff(free=1, first=timedelta(minutes=1), longest=timedelta(hours=2), memory=timedelta(hours=2))
    other = Service(policy=replace(POLICY, throttle=replace(POLICY.throttle, sign_in_per_account=strict)))
    assert fail(other, "erkki", 3) == 1
    other.wait(seconds=59)
    assert fail(other, "erkki", 3, start=5) == 0
    other.wait(seconds=1)
    assert fail(other, "erkki", 3, start=9) == 1


@given(
    free=st.integers(1, 1000),
    first=st.timedeltas(timedelta(microseconds=1), timedelta(hours=1)),
    factor=st.integers(1, 24),
    failures=st.integers(0, 5000),
)
def test_the_curve(free: int, first: timedelta, factor: int, failures: int) -> None:
    """The wait is nothing while failures are free, then begins with the first, at most doubles, never shrinks, and ends at the longest."""
    rule = Backoff(free, first, first * factor, timedelta(days=30))
    wait, after = rule.wait_after(failures), rule.wait_after(failures + 1)
    assert (wait == timedelta()) == (failures < free)
    assert rule.wait_after(free) == first
    assert wait <= after <= max(2 * wait, first)
    assert after <= rule.longest
    assert rule.wait_after(free + 40) == rule.longest
