"""Breached passwords: refused wherever a password is set, and a list that cannot be asked locks nobody out."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cityauth import (
    AsyncCityAuth,
    BreachCheckerUnavailableError,
    CityAuth,
    MemoryStore,
    Refused,
    SecretStr,
    WiringError,
)
from cityauth.core.audit import AuditEventType
from cityauth.core.passwords import Password
from cityauth.flows.passwords import hash_new
from cityauth.ports import BreachChecker, PasswordHasher
from tests.support.deployments import deployment
from tests.support.fakes import ListAudit, SpyHasher
from tests.support.service import KEY, PASSWORD, POLICY, Service
from tests.support.tracing import trace

LEAKED = "leaked passphrase of 2013"
NEW = "kolme vihreää omenaa pöydällä"
DOWN = [BreachCheckerUnavailableError("timeout"), ConnectionRefusedError(), TimeoutError(f"{LEAKED} {NEW}")]


class KnownBreaches:
    """Knows one password, and raises `failure` instead if there is one."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.asked: list[str] = []
        self.failure = failure

    def is_breached(self, password: Password) -> bool:
        """Look the password up."""
        self.asked.append(password.nfc)
        if self.failure:
            raise self.failure
        return password.nfc == LEAKED


def host(breaches: BreachChecker | None, service: Service) -> CityAuth:
    """The service with a list of breached passwords."""
    return CityAuth(
        service.store,
        service.secrets,
        policy=service.policy,
        hasher=service.hasher,
        clock=service.clock,
        entropy=service.entropy,
        audit=service.audit,
        mailer=service.mailer,
        breaches=breaches,
    )


def sign_up(service: Service, password: str) -> object:
    """Create an account with a mailed link."""
    service.auth.accounts.sign_up("uusi@example.com")
    return service.auth.accounts.confirm_sign_up(service.link("uusi@example.com"), "Uusi Asukas", password)


def reset(service: Service, password: str) -> object:
    """Set a new password with a mailed link."""
    service.auth.recovery.request("erkki@example.com")
    return service.auth.recovery.complete(service.link("erkki@example.com"), password)


def accept_invitation(service: Service, password: str) -> object:
    """Set the first password with an invitation."""
    account = service.add("Iiris", email="iiris@example.com", password=None)
    service.auth.accounts.invite(account.id)
    return service.auth.recovery.complete(service.link("iiris@example.com"), password)


def change(service: Service, password: str) -> object:
    """Change the password of a signed-in person."""
    live = service.live(service.token("erkki"))
    return service.auth.accounts.change_password(live, PASSWORD, password)


def hash_one(service: Service, password: str) -> object:
    """Make a hash for an account that the host adds itself."""
    return service.auth.passwords.hash(password)


WAYS: list[Callable[[Service, str], object]] = [sign_up, reset, accept_invitation, change, hash_one]


@pytest.fixture
def people(service: Service) -> Service:
    """A service with one person."""
    service.add("Erkki", email="erkki@example.com", usernames=["erkki"])
    return service


@pytest.mark.parametrize("way", WAYS)
def test_a_breached_password_is_refused_everywhere(people: Service, way: Callable[[Service, str], object]) -> None:
    """Wherever a password is set, a breached one is refused before it is hashed, with a text (ASVS 6.2.12)."""
    breaches = KnownBreaches()
    people.auth = host(breaches, people)
    refused = way(people, LEAKED)
    assert isinstance(refused, Refused)
    assert [problem.code for problem in refused.problems] == ["password.breached"]
    assert len({refused.problems[0].text(language) for language in ("fi", "sv", "en")}) == 3
    assert breaches.asked == [LEAKED]
    assert people.attempt("erkki").__class__.__name__ == "Authenticated"


@pytest.mark.parametrize("failure", DOWN, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("way", WAYS)
def test_a_list_that_is_down_locks_nobody_out(
    people: Service, way: Callable[[Service, str], object], failure: Exception
) -> None:
    """With the checker down every way accepts the password, and the audit trail records it once (C-32, ASVS 6.2.12)."""
    people.auth = host(KnownBreaches(failure), people)
    assert not isinstance(way(people, NEW), Refused)
    found = [event for event in people.audit.events if event.what is AuditEventType.BREACH_CHECK_FAILED]
    assert len(found) == 1
    assert found[0].reason in {"timeout", "unreachable"}
    assert NEW not in repr(found)


def test_a_reset_is_written_beside_the_failed_check(people: Service) -> None:
    """The event of a failed check does not take the place of the commit that sets the password (C-32)."""
    people.auth = host(KnownBreaches(TimeoutError()), people)
    reset(people, NEW)
    assert people.holder(people.token("erkki", NEW)) == "erkki"
    ids = [event.id for event in people.audit.events]
    assert len(ids) == len(set(ids))


def test_own_rules_come_first() -> None:
    """A password that the own rules refuse is shown to no checker."""
    found = trace(hash_new(deployment(breaches=KnownBreaches()), "short"), {})
    assert found.questions == ()


@pytest.mark.parametrize("answer", [True, False])
def test_each_password_asks_the_same_questions(answer: bool) -> None:
    """The checker is asked once, before the hash; the hash is only made of an accepted password (ASVS 6.2.12)."""
    asked = {BreachChecker.is_breached: answer, PasswordHasher.hash: "$hash$"}
    found = trace(hash_new(deployment(breaches=KnownBreaches()), NEW), asked)
    assert found.names == ["BreachChecker.is_breached", *([] if answer else ["PasswordHasher.hash"])]


def test_nothing_is_asked_by_default() -> None:
    """Without a checker no question is asked."""
    found = trace(hash_new(deployment(), NEW), {PasswordHasher.hash: "$hash$"})
    assert found.names == ["PasswordHasher.hash"]


def test_a_long_reason_is_cut(people: Service) -> None:
    """What a checker gives as its reason fills no audit trail."""
    people.auth = host(KnownBreaches(BreachCheckerUnavailableError("x" * 10_000)), people)
    people.auth.passwords.hash(NEW)
    assert people.audit.events[-1].reason == "x" * 64


class AwaitedBreaches:
    """The same list, for asyncio."""

    async def is_breached(self, password: Password) -> bool:
        """Look the password up."""
        return KnownBreaches().is_breached(password)


class DownBreaches:
    """A list for asyncio that cannot be asked."""

    async def is_breached(self, password: Password) -> bool:
        """Fail."""
        raise BreachCheckerUnavailableError("timeout")


def asynchronous(breaches: Any, audit: ListAudit) -> Callable[[str], Awaitable[object]]:
    """How an asynchronous service makes a hash."""
    auth = AsyncCityAuth(MemoryStore(), [KEY], policy=POLICY, hasher=SpyHasher(), audit=audit, breaches=breaches)
    return auth.passwords.hash


@pytest.mark.asyncio
@pytest.mark.parametrize("breaches", [KnownBreaches(), AwaitedBreaches()], ids=["called", "awaited"])
async def test_an_asynchronous_service_asks_too(breaches: object) -> None:
    """`AsyncCityAuth` takes a checker that is called or awaited (ASVS 6.2.12)."""
    new_hash = asynchronous(breaches, ListAudit())
    assert isinstance(await new_hash(LEAKED), Refused)
    assert isinstance(await new_hash(NEW), SecretStr)


@pytest.mark.asyncio
@pytest.mark.parametrize("breaches", [KnownBreaches(TimeoutError()), DownBreaches()], ids=["called", "awaited"])
async def test_an_asynchronous_list_that_is_down_locks_nobody_out(breaches: object) -> None:
    """`AsyncCityAuth` accepts and records as `CityAuth` does (C-32)."""
    audit = ListAudit()
    assert isinstance(await asynchronous(breaches, audit)(LEAKED), SecretStr)
    assert [event.what for event in audit.events] == [AuditEventType.BREACH_CHECK_FAILED]


def test_an_object_without_the_method_is_refused() -> None:
    """What is no checker is refused when the service starts."""
    with pytest.raises(WiringError, match="is_breached"):
        CityAuth(MemoryStore(), [KEY], breaches=object())  # type: ignore[arg-type]  # what is refused
