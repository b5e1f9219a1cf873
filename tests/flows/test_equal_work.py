"""What a question about a mailbox costs: counted, and the same whoever the identifier belongs to."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import cityauth
from cityauth import PasswordRequired, Policy
from cityauth.core import email
from cityauth.core.accounts import AccountId
from cityauth.core.sessions import LiveSession
from cityauth.core.signing import TokenSigner
from cityauth.flows import links, mail, recovery
from cityauth.policy import HashProfile, Limit, ThrottlePolicy
from tests.support.fakes import SpyHasher
from tests.support.service import Service
from tests.support.stores import MakeStore

#: Identifiers by what can be seen of them anyway; within a group none may cost more than another.
GROUPS = {
    "plain addresses": ["known@example.com", "unknown@example.com", "disabled@example.com", "retired@example.com"],
    "addresses beyond ASCII": ["tuttu@sähkö.example", "vieras@sähkö.example"],
    "usernames": ["known", "unknown", "disabled", "official"],
}


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each costly step was taken."""
    counted: Counter[str] = Counter()

    def count(place: Any, name: str, step: str) -> None:
        does = getattr(place, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            counted[step] += 1
            return does(*args, **kwargs)

        monkeypatch.setattr(place, name, counting)

    count(email, "_validate", "addresses validated in full")
    count(mail, "write", "mails written")
    count(TokenSigner, "sign", "tokens signed")
    count(recovery, "login_name", "login names looked for")
    count(links, "digest_of_id", "digests")
    return counted


@pytest.fixture
def people(service: Service) -> Service:
    """One of each sort."""
    service.add("Known", email="known@example.com", usernames=["known"])
    service.add("Tuttu", email="tuttu@sähkö.example")
    service.add("Disabled", email="disabled@example.com", usernames=["disabled"])
    service.auth.accounts.disable(AccountId("disabled"))
    service.add("Retired", email="new@example.com", usernames=["retired"])
    service.add("Official", usernames=["official"], realm="official", contact="official@example.com")
    service.add("Former", retired_usernames=["retired@example.com"], email="former@example.com")
    return service


def costs(people: Service, work: Counter[str], ask: Any, group: str) -> Iterator[dict[str, int]]:
    """What each identifier of a group costs."""
    for identifier in GROUPS[group]:
        people.wait(hours=2)
        work.clear()
        ask(identifier)
        yield dict(work)


@pytest.mark.parametrize("group", GROUPS)
def test_a_link_costs_the_same_for_everyone(people: Service, work: Counter[str], group: str) -> None:
    """Known, unknown, disabled, retired, official: equal work, both mails written for each (B-21, B-24, ASVS 6.3.8)."""
    first, *others = costs(people, work, people.auth.recovery.request, group)
    assert first["mails written"] == 2
    assert first["tokens signed"] == 1
    assert others == [first] * len(others)


@pytest.mark.parametrize("group", [group for group in GROUPS if group != "usernames"])
def test_a_sign_up_costs_the_same_for_everyone(people: Service, work: Counter[str], group: str) -> None:
    """A free address and a taken one: equal work (B-22, ASVS 6.3.8)."""
    first, *others = costs(people, work, people.auth.accounts.sign_up, group)
    assert first["mails written"] == 2
    assert others == [first] * len(others)


@pytest.mark.parametrize("group", [group for group in GROUPS if group != "usernames"])
def test_a_new_address_costs_the_same_for_everyone(people: Service, work: Counter[str], group: str) -> None:
    """An address that is free and one that is somebody else's: equal work (B-22)."""
    people.add("Asker", email="asker@example.com")

    def ask(address: str) -> None:
        live = people.auth.sessions.check(people.token("asker@example.com"))
        assert isinstance(live, LiveSession)
        work.clear()
        people.auth.accounts.change_email(live, address)

    first, *others = costs(people, work, ask, group)
    assert first["mails written"] == 2
    assert others == [first] * len(others)


# --- every function that is called ------------------------------------------------------------------------------------

OLD = HashProfile(memory_cost=64, time_cost=1, parallelism=1)
"""What an older system made: the wrong password of such a hash costs what its dummies cost."""


@pytest.fixture
def city(make_store: MakeStore) -> Service:
    """Accounts of every sort, each with one address."""
    hasher = SpyHasher()
    service = Service(store=make_store(), hasher=hasher, policy=UNLIMITED)
    service.add("Wrong", email="wrong@example.com")
    service.add("Empty", email="empty@example.com", password=None)
    service.add("Barred", email="barred@example.com")
    service.auth.accounts.disable(AccountId("barred"))
    service.add("Former", email="other@example.com", retired_usernames=["former@example.com"])
    service.add("Clerk", usernames=["clerk@example.com"], realm="official")
    hasher.profile = OLD
    service.add("Older", email="older@example.com")
    hasher.profile = HashProfile.SMALL
    return service


UNLIMITED = Policy(
    hashing=HashProfile.SMALL, throttle=ThrottlePolicy(mail_per_network=(Limit(10_000, timedelta(minutes=1)),))
)
NAMES = ("wrong", "empty", "barred", "former", "clerk", "older", "nobody", "stranger")


def calls_of(work: Callable[[], object]) -> Counter[str]:
    """How often each function of the library is called by *work*; comprehensions and the like are no functions."""
    counted: Counter[str] = Counter()
    ours = str(Path(cityauth.__file__).parent)

    def count(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and ours in code.co_filename and not code.co_name.startswith("<"):
            counted[code.co_qualname] += 1

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def difference(one: Counter[str], other: Counter[str]) -> dict[str, int]:
    """By how many calls each function differs."""
    return {name: one[name] - other[name] for name in one | other if one[name] != other[name]}


def test_each_refused_sign_in_calls_the_same_functions(city: Service) -> None:
    """Unknown, wrong, without a password, disabled, retired, not yet, old hash: call for call the same (B-20, ASVS 6.3.8)."""
    found: dict[str, Counter[str]] = {}
    for _ in range(3):  # the first rounds count the hashes and compile statements
        city.wait(minutes=5)
        for name in NAMES:
            step = city.auth.login.identify(f"{name}@example.com")
            assert isinstance(step, PasswordRequired)
            found[name] = calls_of(lambda: city.auth.login.submit_password(step.pending, "wrong"))  # noqa: B023 - at once
    assert sum(found["wrong"].values()) > 100
    differing = {name: difference(found[name], found["wrong"]) for name in NAMES}
    assert {name: one for name, one in differing.items() if one} == {}


@pytest.mark.parametrize("ask", ["reset", "sign-up"])
def test_each_request_of_a_link_calls_almost_the_same_functions(city: Service, ask: str) -> None:
    """A known address and an unknown one differ by at most 4 of a thousand calls (B-21, B-22, ASVS 6.3.8)."""
    request = city.auth.recovery.request if ask == "reset" else city.auth.accounts.sign_up
    found: dict[str, Counter[str]] = {}
    for _ in range(2):
        for name in NAMES:
            city.wait(hours=25)
            found[name] = calls_of(lambda: request(f"{name}@example.com"))  # noqa: B023 - at once
    for name in NAMES:
        differing = difference(found[name], found["wrong"])
        assert sum(map(abs, differing.values())) <= 4, (name, differing)
