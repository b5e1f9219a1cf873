"""The mix of stored hashes: counted where a hash is written, and read where a dummy is drawn."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from cityauth import Account, AsyncCityAuth, Authenticated, CityAuth, Done, MemoryStore, NewAccount
from cityauth.core.changes import PasswordReplaced
from cityauth.core.hashing import HashMix
from cityauth.core.login import PasswordRequired
from cityauth.core.passwords import Password
from cityauth.core.secret import SecretStr
from cityauth.errors import StoreError
from cityauth.hashing import Argon2Hasher
from cityauth.policy import HashProfile, Policy
from cityauth.policy.hashing import MIX_MAX_AGE
from cityauth.ports.services import Verdict
from cityauth.testing.samples import commit
from tests.support.fakes import FixedClock, typed
from tests.support.service import KEY, PASSWORD, Service
from tests.support.stores import MakeStore

bcrypt = pytest.importorskip("bcrypt", reason="the old hashes of these tests are of bcrypt")

CHEAP = HashProfile(memory_cost=64, time_cost=1, parallelism=1)
NEW_PASSWORD = "aivan uusi pitkä salasana"


class Recording(Argon2Hasher):
    """A hasher that writes down which kind of hash each verification would run, and runs none."""

    __slots__ = ("ran",)

    def __init__(self) -> None:
        super().__init__(CHEAP)
        self.ran: list[str] = []

    def verify(self, password: Password, stored: str) -> Verdict:
        """Write the kind down."""
        kind = self.describe(stored)
        self.ran.append(f"{kind.format} {kind.cost}" if kind else "defect")
        return Verdict(matched=False)


@dataclass
class Counting:
    """A store that says how often its hashes were counted, and can fail to count."""

    inner: Any = field(default_factory=MemoryStore)
    counts: int = 0
    fails: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def count_hash_kinds(self, most: int) -> Mapping[str, int]:
        """Count the calls."""
        self.counts += 1
        if self.fails:
            raise StoreError("the count took too long")
        counted: Mapping[str, int] = self.inner.count_hash_kinds(most)
        return counted


def old_hash(number: int, rounds: int = 5) -> str:
    """A stored hash of an older system; each has another salt."""
    salt = b"$2b$%02d$" % rounds + f"{number:021d}".encode() + b"e"
    return str(bcrypt.hashpw(PASSWORD.encode(), salt).decode())


def fill(service: Service, old: int, new: int) -> None:
    """Add accounts with *old* and *new* hashes."""
    for number in range(old):
        stored = old_hash(number)
        service.auth.accounts.add(NewAccount(f"Old {number}", usernames=[f"old.{number}"], password_hash=stored))
    for number in range(new):
        stored = service.hasher.hash(typed(PASSWORD))
        service.auth.accounts.add(NewAccount(f"New {number}", usernames=[f"new.{number}"], password_hash=stored))


def dummies(service: Service, count: int) -> Counter[str]:
    """Which formats the dummies of unknown identifiers have."""
    service.hasher.ran.clear()
    for number in range(count):
        service.attempt(f"kuka.{number}")
    assert len(service.hasher.ran) == count
    return Counter(one.partition(" ")[0] for one in service.hasher.ran)


@pytest.mark.parametrize(("old", "new"), [(6, 0), (6, 2), (0, 3), (2, 6)])
def test_dummies_are_in_proportion_to_what_is_stored(make_store: MakeStore, old: int, new: int) -> None:
    """A host that declares nothing draws dummies of the formats and costs of its own population (B-15, B-20)."""
    service = Service(make_store(), hasher=Recording())
    fill(service, old, new)
    share = dummies(service, 300)["bcrypt"] / 300
    assert abs(share - old / (old + new)) < 0.15
    costs = {one for one in service.hasher.ran if one.startswith("bcrypt")}
    service.attempt("old.1" if old else "new.1")
    assert costs == ({service.hasher.ran[-1]} if old else set())


def test_nothing_stored_costs_what_a_new_hash_costs(make_store: MakeStore) -> None:
    """In an empty deployment every dummy has the policy's profile, and no account without a password counts."""
    service = Service(make_store(), hasher=Recording(), policy=Policy(hashing=CHEAP))
    assert set(dummies(service, 5)) == {"argon2"}
    service.auth.accounts.add(NewAccount("None", usernames=["none"]))
    service.wait(minutes=6)
    assert set(dummies(service, 5)) == {"argon2"}


def test_the_mix_is_counted_again_after_five_minutes() -> None:
    """An import is known to dummies after five minutes, not before, and the store is asked no more often (B-15)."""
    store = Counting()
    service = Service(store, hasher=Recording())
    fill(service, 0, 1)
    assert set(dummies(service, 5)) == {"argon2"}
    service.auth.accounts.add(NewAccount("Old", usernames=["old"], password_hash=old_hash(1)))
    service.wait(seconds=MIX_MAX_AGE.total_seconds() - 1)
    assert (set(dummies(service, 20)), store.counts) == ({"argon2"}, 1)
    service.wait(seconds=1)
    assert (set(dummies(service, 40)), store.counts) == ({"argon2", "bcrypt"}, 2)
    service.clock.advance(timedelta(days=-1))
    dummies(service, 5)
    assert store.counts == 3, "a clock that was set back must not stop the counting for a day"


def test_known_and_unknown_identifiers_ask_for_the_mix_alike() -> None:
    """Whoever comes first after five minutes pays for the count, known or unknown (B-15, B-20)."""
    store = Counting()
    service = Service(store, hasher=Recording())
    fill(service, 1, 1)
    for number, identifier in enumerate(["old.0", "kuka", "new.0", "kuka"], start=1):
        service.attempt(identifier)
        service.attempt(identifier)
        assert store.counts == number
        service.wait(minutes=6)


def test_a_store_that_cannot_count_now_stops_no_sign_in() -> None:
    """Without a new count the former mix is used, and at first the policy's profile."""
    store = Counting(fails=True)
    service = Service(store, hasher=Recording(), policy=Policy(hashing=CHEAP))
    fill(service, 3, 0)
    assert set(dummies(service, 3)) == {"argon2"}
    store.fails = False
    assert set(dummies(service, 3)) == {"bcrypt"}
    store.fails = True
    service.wait(minutes=6)
    assert set(dummies(service, 3)) == {"bcrypt"}


def test_a_mix_that_the_host_declares_wins() -> None:
    """With ``hash_mix`` the store is not asked."""
    store, hasher = Counting(), Recording()
    mix: HashMix = hasher.mix({old_hash(1, 4): 1})
    auth = CityAuth(store, [KEY], hasher=hasher, hash_mix=mix, policy=Policy(hashing=CHEAP))
    auth.accounts.add(NewAccount("New", usernames=["new"], password_hash=hasher.hash(typed(PASSWORD))))
    step = auth.login.identify("kuka")
    assert isinstance(step, PasswordRequired)
    auth.login.submit_password(step.pending, PASSWORD)
    assert [one.partition(" ")[0] for one in hasher.ran] == ["bcrypt"]
    assert store.counts == 0


def test_a_store_that_does_not_count_serves_sign_in() -> None:
    """A host's own store without the two methods keeps the policy's profile."""

    class Plain:
        """A store that is no `HashCountStore`."""

        def __init__(self) -> None:
            self.inner = MemoryStore()

        def __getattr__(self, name: str) -> Any:
            if name in {"count_hash_kinds", "read_hashes"}:
                raise AttributeError(name)
            return getattr(self.inner, name)

    service = Service(Plain(), hasher=Recording(), policy=Policy(hashing=CHEAP))
    fill(service, 2, 0)
    assert set(dummies(service, 5)) == {"argon2"}


def test_a_hash_that_cannot_be_verified_any_more_costs_what_it_costs_its_account() -> None:
    """A kind whose format was removed is drawn at the policy's profile: its accounts cost that, too."""
    store = MemoryStore()
    service = Service(store, hasher=Recording(), policy=Policy(hashing=CHEAP))
    account = service.auth.accounts.add(NewAccount("Old", usernames=["old"], password_hash=old_hash(1)))
    assert isinstance(account, Account)
    stored = store.password_hash(account.id)
    commit(store, PasswordReplaced(account.id, stored, SecretStr("$gone$x"), "$gone$sample"))
    assert set(dummies(service, 5)) == {"argon2"}


def kinds(service: Service) -> dict[str, int]:
    """How many hashes of each format are stored."""
    counted: Counter[str] = Counter()
    for sample, count in service.store.count_hash_kinds(99).items():
        kind = service.hasher.describe(sample)
        counted[f"{kind.format} {kind.cost}"] += count
    return dict(counted)


def test_every_way_to_a_new_hash_says_its_kind(make_store: MakeStore) -> None:
    """Adding, signing up, the rehash of a sign-in, a change and a reset keep the count true (B-15)."""
    service = Service(make_store(), hasher=Argon2Hasher(CHEAP))
    current = service.hasher.describe(service.hash(PASSWORD))
    current_kind = f"{current.format} {current.cost}"
    service.auth.accounts.add(NewAccount("Old", email="old@example.com", password_hash=old_hash(1, 4)))
    old_kind = f"bcrypt {service.hasher.describe(old_hash(2, 4)).cost}"
    assert kinds(service) == {old_kind: 1}
    token = service.token("old@example.com")
    assert kinds(service) == {current_kind: 1}, "the sign-in hashed the password anew"
    service.hasher = None
    live = service.live(token)
    assert isinstance(service.auth.accounts.change_password(live, PASSWORD, NEW_PASSWORD), Authenticated)
    service.auth.accounts.sign_up("uusi@example.com")
    done = service.auth.accounts.confirm_sign_up(service.link("uusi@example.com"), "Uusi", NEW_PASSWORD)
    assert isinstance(done, Done)
    service.auth.recovery.request("old@example.com")
    assert isinstance(service.auth.recovery.complete(service.link("old@example.com"), PASSWORD + " 2"), Done)
    service.hasher = Argon2Hasher(CHEAP)
    assert kinds(service) == {current_kind: 2}


def test_the_asynchronous_library_counts_alike() -> None:
    """`AsyncCityAuth` draws its dummies from the same count."""
    store, hasher = Counting(), Recording()
    CityAuth(store, [KEY], hasher=hasher).accounts.add(NewAccount("Old", usernames=["old"], password_hash=old_hash(1)))

    async def attempt() -> None:
        auth = AsyncCityAuth(store, [KEY], hasher=hasher, clock=FixedClock())
        for _ in range(2):
            step = await auth.login.identify("kuka")
            assert isinstance(step, PasswordRequired)
            await auth.login.submit_password(step.pending, PASSWORD)

    asyncio.run(attempt())
    assert {one.partition(" ")[0] for one in hasher.ran} == {"bcrypt"}
    assert store.counts == 1
