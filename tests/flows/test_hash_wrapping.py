"""Weak hashes are wrapped: all of them, whoever else works on the accounts, and however often it is stopped."""

import asyncio
import base64
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cityauth import (
    Account,
    AccountId,
    AsyncCityAuth,
    Authenticated,
    HasherBusyError,
    MemoryStore,
    NewAccount,
    PasswordRequired,
    WiringError,
)
from cityauth.core.audit import AuditEventType
from cityauth.core.changes import AccountErased, PasswordReplaced
from cityauth.core.hash_kinds import WrapReport
from cityauth.core.secret import SecretStr
from cityauth.flows import hash_kinds
from cityauth.hashing import Argon2Hasher
from cityauth.policy import HashProfile
from cityauth.testing import race
from cityauth.testing.samples import commit
from tests.support.fakes import SeededEntropy
from tests.support.service import KEY, PASSWORD, Service
from tests.support.stores import MakeStore

CHEAP = HashProfile(memory_cost=64, time_cost=1, parallelism=1)
NEW_PASSWORD = "aivan uusi pitkä salasana"


def sha(password: str = PASSWORD) -> str:
    """An unsalted hash of an LDAP server."""
    return "{SHA}" + base64.b64encode(hashlib.sha1(password.encode(), usedforsecurity=False).digest()).decode()


def ssha(salt: bytes, password: str = PASSWORD) -> str:
    """A salted hash of an LDAP server."""
    return (
        "{SSHA}"
        + base64.b64encode(hashlib.sha1(password.encode() + salt, usedforsecurity=False).digest() + salt).decode()
    )


@pytest.fixture
def service(make_store: MakeStore) -> Service:
    """A service with a cheap real hasher."""
    return Service(make_store(), hasher=Argon2Hasher(CHEAP))


def fill(service: Service, count: int) -> list[AccountId]:
    """Add accounts, each with a weak hash of one of three kinds."""
    makers: Sequence[Callable[[int], str]] = (
        lambda _: sha(),
        lambda number: ssha(b"%08d" % number),
        lambda number: ssha(b"%04d" % number),
    )
    ids = []
    for number in range(count):
        new = NewAccount(f"Asukas {number}", usernames=[f"as.{number}"], password_hash=makers[number % 3](number))
        account = service.auth.accounts.add(new)
        assert isinstance(account, Account)
        ids.append(account.id)
    return ids


def weak(service: Service) -> int:
    """How many weak hashes are stored, by the count and by looking at each."""
    counted = sum(one.accounts for one in service.auth.population.hash_kinds() if one.is_weak)
    rows = service.store.read_population("", 10_000)
    stored = [service.store.password_hash(row.account.id) for row in rows]
    assert counted == sum(service.hasher.is_fast(one.get_secret_value()) for one in stored if one)
    return counted


def test_no_weak_hash_is_left(service: Service) -> None:
    """Every weak hash is wrapped, every strong one stays, and each person signs in as before (C-50)."""
    ids = fill(service, 10)
    service.add("Vahva", usernames=["vahva"])
    strong = service.store.password_hash(AccountId("vahva"))
    reports: list[WrapReport] = []
    report = service.auth.population.wrap_weak_hashes(on_progress=reports.append)
    assert report == WrapReport(found=10, wrapped=10)
    assert reports[-1] == report
    assert weak(service) == 0
    assert service.store.password_hash(AccountId("vahva")) == strong
    for number, account_id in enumerate(ids):
        wrapped = service.store.password_hash(account_id).get_secret_value()
        assert service.hasher.identify(wrapped).startswith("wrapped ldap_")
        service.sign_in(f"as.{number}")
        assert service.hasher.identify(service.store.password_hash(account_id).get_secret_value()) == "argon2"
    kinds = service.auth.population.hash_kinds()
    assert [(one.format, one.accounts, one.is_weak) for one in kinds] == [("argon2", 11, False)]
    assert sum(one.what is AuditEventType.HASHES_WRAPPED for one in service.audit.events) >= 1


def test_it_wraps_nothing_twice(service: Service) -> None:
    """A second run finds nothing, and leaves every hash as it is."""
    ids = fill(service, 4)
    service.auth.population.wrap_weak_hashes()
    before = [service.store.password_hash(one) for one in ids]
    assert service.auth.population.wrap_weak_hashes() == WrapReport()
    assert [service.store.password_hash(one) for one in ids] == before


@pytest.mark.parametrize("page", [1, 2, 3, 7, 100])
def test_it_goes_on_where_it_was_stopped(service: Service, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """However large the pages are, a run that is stopped after each page ends at last with nothing weak (C-50)."""
    monkeypatch.setattr(hash_kinds, "_PAGE", page)
    fill(service, 7)

    def stop(report: WrapReport) -> None:
        if report.wrapped:
            raise KeyboardInterrupt

    runs, left = 0, 7
    while left:
        with pytest.raises(KeyboardInterrupt):
            service.auth.population.wrap_weak_hashes(on_progress=stop)
        runs += 1
        assert weak(service) < left
        left = weak(service)
    assert runs <= 7
    for number in range(7):
        service.sign_in(f"as.{number}")


class Meanwhile:
    """A hasher in whose wrapping something else happens."""

    def __init__(self, happens: Callable[[Sequence[str]], object]) -> None:
        self.inner = Argon2Hasher(CHEAP)
        self.happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def wrap_all(self, stored: Sequence[str]) -> Sequence[str | None]:
        """Wrap, and let it happen before the wrapped hashes are written."""
        wrapped = self.inner.wrap_all(stored)
        self.happens(stored)
        return wrapped


@pytest.mark.parametrize("what", ["sign-in", "change", "reset", "erasure", "wrap", "copy"])
def test_whoever_else_is_first_wins(make_store: MakeStore, what: str) -> None:
    """A sign-in, a new password, an erasure or another run meanwhile is never undone by the wrapping (C-50)."""
    store = make_store()
    other = Service(store, hasher=Argon2Hasher(CHEAP))
    own = ssha(b"erkki123")
    account = other.auth.accounts.add(NewAccount("Erkki", email="erkki@example.com", id="erkki", password_hash=own))
    assert isinstance(account, Account)
    fill(other, 5)
    done: list[SecretStr | None] = []

    def happen(stored: Sequence[str]) -> None:
        if own not in stored or done:
            return
        if what == "sign-in":
            other.sign_in("erkki@example.com")
        elif what == "change":
            live = other.live(other.token("erkki@example.com"))
            assert isinstance(other.auth.accounts.change_password(live, PASSWORD, NEW_PASSWORD), Authenticated)
        elif what == "reset":
            other.auth.recovery.request("erkki@example.com")
            other.auth.recovery.complete(other.link("erkki@example.com"), NEW_PASSWORD)
        elif what == "erasure":
            commit(store, AccountErased(account.id, 0, (), other.now))
        elif what == "wrap":
            other.auth.population.wrap_weak_hashes()
        else:
            commit(store, PasswordReplaced(account.id, store.password_hash(account.id), SecretStr(ssha(b"x" * 8)), ""))
        done.append(store.password_hash(account.id))

    service = Service(store, hasher=Meanwhile(happen))
    report = service.auth.population.wrap_weak_hashes()
    assert report.found == report.wrapped + report.overtaken == 6 or what == "wrap"
    assert report.overtaken >= 1 if what == "wrap" else report.overtaken == 1
    assert store.password_hash(account.id) == done[0]
    if what not in {"erasure", "copy"}:
        assert weak(service) == 0
        other.sign_in("erkki@example.com", NEW_PASSWORD if what in {"change", "reset"} else PASSWORD)


def test_a_sign_in_is_not_hurt_by_a_wrapping(make_store: MakeStore) -> None:
    """When the hash is wrapped between a sign-in's verification and its commit, the person is signed in (C-50)."""
    store = make_store()
    worker = Service(store, hasher=Argon2Hasher(CHEAP))
    fill(worker, 1)

    class Slow(Argon2Hasher):
        """A hasher whose new hash takes so long that another worker wraps the old one."""

        __slots__ = ()

        def hash(self, password: Any) -> str:
            """Wrap first."""
            worker.auth.population.wrap_weak_hashes()
            return super().hash(password)

    assert isinstance(Service(store, hasher=Slow(CHEAP)).attempt("as.0"), Authenticated)
    assert [one.format for one in worker.auth.population.hash_kinds()] == ["wrapped ldap_sha"]
    worker.sign_in("as.0")
    assert [one.format for one in worker.auth.population.hash_kinds()] == ["argon2"]


def test_a_lack_of_memory_leaves_what_was_done(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error reaches the caller; the pages before are written, and the next run does the rest."""
    monkeypatch.setattr(hash_kinds, "_PAGE", 1)
    calls: list[int] = []

    def fail(_: Sequence[str]) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise HasherBusyError("no memory")

    service = Service(make_store(), hasher=Meanwhile(fail))
    fill(service, 5)
    with pytest.raises(HasherBusyError):
        service.auth.population.wrap_weak_hashes()
    assert weak(service) == 3
    assert service.auth.population.wrap_weak_hashes() == WrapReport(found=3, wrapped=3)


def test_a_hash_that_is_not_what_its_kind_says_is_left(service: Service) -> None:
    """A row that says a wrong kind is counted as left, and the run comes to its end."""
    (account_id,) = fill(service, 1)
    kind = service.hasher.describe(sha()).sample
    commit(service.store, PasswordReplaced(account_id, service.store.password_hash(account_id), SecretStr("?"), kind))
    assert service.auth.population.wrap_weak_hashes() == WrapReport(found=1, left=1)


def test_the_asynchronous_library_wraps_alike() -> None:
    """`AsyncCityAuth` wraps in a worker thread."""
    store, hasher = MemoryStore(), Argon2Hasher(CHEAP)
    fill(Service(store, hasher=hasher), 3)

    async def wrap() -> WrapReport:
        return await AsyncCityAuth(store, [KEY], hasher=hasher).population.wrap_weak_hashes()

    assert asyncio.run(wrap()) == WrapReport(found=3, wrapped=3)


def test_a_hasher_that_takes_nothing_over_cannot_wrap() -> None:
    """With a host's own plain hasher the call says what is missing."""
    service = Service()
    with pytest.raises(WiringError, match="the hasher is no HashImporter"):
        service.auth.population.wrap_weak_hashes()
    assert isinstance(service.auth.login.identify("x"), PasswordRequired)


def test_workers_at_once_wrap_each_hash_once(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers at the same time end with every hash wrapped, and none within two shells (C-50)."""
    monkeypatch.setattr(hash_kinds, "_PAGE", 2)
    store = make_store()
    workers = [Service(store, hasher=Argon2Hasher(CHEAP), entropy=SeededEntropy(name)) for name in (b"one", b"two")]
    ids = fill(workers[0], 12)
    reports = race([worker.auth.population.wrap_weak_hashes for worker in workers])
    assert sum(one.wrapped for one in reports) == 12
    assert weak(workers[0]) == 0
    for number, account_id in enumerate(ids):
        assert store.password_hash(account_id).get_secret_value().count("$argon2id$") == 1
        workers[0].sign_in(f"as.{number}")
