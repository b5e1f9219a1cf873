"""A check gathers what the store, the mailer and the host say, and writes nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cityauth import Acceptance, Account, AccountId, AsyncCityAuth, CityAuth, Finding, MailPolicy, NewAccount, Policy
from cityauth.core.changes import AccountAdded, Committed
from cityauth.core.secret import SecretStr
from cityauth.errors import SchemaError, StoreError, StoreUnavailableError
from cityauth.hashing import Argon2Hasher
from cityauth.mailers.memory import MemoryMailer
from cityauth.policy import HashLimits, HashProfile
from cityauth.stores.memory import MemoryStore
from tests.support.fakes import FixedClock, ListAudit, typed
from tests.support.service import KEY, OTHER_KEY, PASSWORD
from tests.support.stores import MakeStore

BASE_URL = "https://asiointi.example"
PROPER = Policy(hashing=HashProfile.SMALL, deployment="asiointi", mail=MailPolicy(base_url=BASE_URL))
UNSALTED_SHA1 = "{SHA}qZk+NkcGgWq6PiVxeFDCbJzQ2J0="


def proper(store: Any, api: Callable[..., Any] = CityAuth, **given: Any) -> Any:
    """A deployment in which nothing is wrong but that its store may be in memory."""
    settled = {"policy": PROPER, "mailer": MemoryMailer(), "audit": ListAudit(), "tombstone_secret": KEY}
    return api(store, [KEY, OTHER_KEY], **(settled | given))


def codes(findings: list[Finding]) -> list[str]:
    """The numbers of findings, without the one of a store in memory."""
    return [one.code for one in findings if one.code != "CA023"]


def plant(store: Any, name: str, stored: str, *, realm: str = "citizen") -> None:
    """Add an account whose hash is *stored*, past the library's checks."""
    kind = Argon2Hasher(HashProfile.SMALL).describe(stored)
    account = Account(AccountId(name), realm, name)
    change = AccountAdded(account, (), SecretStr(stored), datetime.now(UTC), hash_kind=kind.sample if kind else "")
    assert store.commit([change]) == Committed()


def test_a_proper_deployment_has_no_finding(make_store: MakeStore) -> None:
    """People, a session and a mail of today give no finding, and the check records nothing."""
    store = make_store()
    auth = proper(store)
    plant(store, "erkki", Argon2Hasher(HashProfile.SMALL).hash(typed(PASSWORD)))
    before = list(store.trail())
    assert codes(auth.check()) == []
    assert list(store.trail()) == before


def test_a_memory_store_is_found() -> None:
    """Only a store in memory is an error of its own."""
    assert [one.code for one in proper(MemoryStore()).check()] == ["CA023"]


def test_a_throttle_in_memory_is_found(make_store: MakeStore) -> None:
    """Counts of attempts that each process keeps for itself are found, whatever the store is."""
    assert "CA029" in codes(proper(make_store(), throttle=MemoryStore()).check())


def test_what_the_host_left_out_is_found(make_store: MakeStore) -> None:
    """One secret, no tombstones' key, no mailer and the default names are found, and a reason accepts one of them."""
    auth = CityAuth(make_store(), [KEY], audit=ListAudit())
    found = auth.check([Acceptance("CA011", "a new service", datetime.now(UTC).date())])
    assert codes(found) == ["CA001", "CA002", "CA011", "CA012", "CA013"]
    assert [one.code for one in found if one.accepted] == ["CA011"]


def test_a_mail_server_that_is_down_is_found(make_store: MakeStore) -> None:
    """The check asks the mailer whether mail leaves."""
    mailer = MemoryMailer()
    mailer.up = False
    assert codes(proper(make_store(), mailer=mailer).check()) == ["CA003"]


def test_hashes_that_nothing_verifies_are_found(make_store: MakeStore) -> None:
    """Hashes of unknown formats and hashes above the limits of today are counted, and so are fast ones."""
    store = make_store()
    plant(store, "one", "$unknown$something")
    plant(store, "two", UNSALTED_SHA1)
    plant(store, "three", Argon2Hasher(HashProfile.SMALL).hash(typed(PASSWORD)))
    found = {one.code: one.problem for one in proper(store).check()}
    assert found["CA032"].startswith("1 accounts")
    assert found["CA033"].startswith("1 accounts")
    strict = replace(PROPER, hash_limits=HashLimits(argon2_time_cost=1))
    profile = replace(strict, hashing=HashProfile(47104, 1, 1))
    found = {one.code: one.problem for one in proper(store, policy=profile).check()}
    assert found["CA032"].startswith("2 accounts")


def test_a_realm_without_phases_is_found(make_store: MakeStore) -> None:
    """Accounts of a realm that was taken out of the configuration are counted."""
    store = make_store()
    plant(store, "one", Argon2Hasher(HashProfile.SMALL).hash(typed(PASSWORD)), realm="club")
    (found,) = (one for one in proper(store).check() if one.code == "CA041")
    assert "club" in found.problem


def test_late_jobs_and_wrong_clocks_are_found(make_store: MakeStore) -> None:
    """An old session, an old mail and an event of tomorrow are found by the times that are stored."""
    store, now = make_store(), datetime.now(UTC)
    clock = FixedClock(now - timedelta(days=400))
    past = proper(store, clock=clock, policy=PROPER)
    hashed = past.passwords.hash(PASSWORD).get_secret_value()
    past.accounts.add(NewAccount("Erkki", email="erkki@example.com", password_hash=hashed))
    step = past.login.identify("erkki@example.com")
    past.login.submit_password(step.pending, PASSWORD)
    past.recovery.request("erkki@example.com")
    assert codes(proper(store).check()) == ["CA004", "CA028"]
    clock.at = now + timedelta(days=1)
    past.login.submit_password(past.login.identify("erkki@example.com").pending, PASSWORD)
    assert codes(proper(store).check()) == ["CA004", "CA027", "CA028"]


class Failing(MemoryStore):  # type: ignore[misc]  # final for hosts; here it stands for any store
    """A store whose outbox raises an error."""

    error: StoreError = StoreUnavailableError("it is locked")

    def outbox_status(self) -> Any:
        """Raise the error."""
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailableError("it is locked"), "CA021"),
        (StoreError("a value cannot be read"), "CA021"),
        (SchemaError("the database is at 1, not at 2"), "CA022"),
    ],
)
def test_a_store_that_fails_is_a_finding(error: StoreError, code: str) -> None:
    """A store that does not answer raises nothing out of a check, and its sentence is in the finding."""
    store = Failing()
    store.error = error
    (found,) = (one for one in proper(store).check() if one.code in {"CA021", "CA022"})
    assert (found.code, str(error) in found.problem) == (code, True)


def test_a_host_store_without_further_methods_is_checked() -> None:
    """A store that keeps no population, counts no hashes and says nothing of itself gives no error."""

    class Small:
        def __init__(self) -> None:
            self._inner = MemoryStore()

        def __getattr__(self, name: str) -> Any:
            if name in {"inspect", "count_hash_kinds", "list_migrations"}:
                raise AttributeError(name)
            return getattr(self._inner, name)

    assert proper(Small()).check() == []


def test_the_asynchronous_check_finds_the_same(make_store: MakeStore) -> None:
    """`AsyncCityAuth.check`, awaited, returns the same findings (ASVS 6.3.4)."""
    store = make_store()
    plant(store, "one", "$unknown$something", realm="club")
    found = asyncio.run(proper(store, AsyncCityAuth).check())
    assert found == proper(store).check()
    assert codes(found) == ["CA032", "CA041"]
