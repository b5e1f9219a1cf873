"""What a question about a mailbox costs: counted, and the same whoever the identifier belongs to."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from cityauth.core import email
from cityauth.core.accounts import AccountId
from cityauth.core.sessions import LiveSession
from cityauth.core.signing import TokenSigner
from cityauth.flows import links, mail, recovery
from tests.support.service import Service

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
