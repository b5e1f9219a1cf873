"""More sign-ins at once than the machine can hash: bounded, fair, and no hindrance to people who are signed in."""

import asyncio
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from cityauth import (
    AsyncCityAuth,
    Authenticated,
    ClientContext,
    HasherBusyError,
    PasswordRequired,
    StoreUnavailableError,
)
from cityauth.api import threads
from cityauth.core.audit import AuditEventType
from cityauth.core.passwords import Password
from cityauth.core.sessions import LiveSession
from cityauth.flows.passwords import network_in
from cityauth.policy import HashProfile, HashQueuePolicy, Policy
from cityauth.ports.services import Verdict
from tests.api.test_hash_queue import SOON, until
from tests.support.fakes import SpyHasher
from tests.support.service import KEY, PASSWORD, Service, patient

pytestmark = pytest.mark.timeout(120)

ERKKI = "erkki@example.com"


@dataclass
class HeldHasher:
    """A host's own hasher, which answers only when it is let go."""

    inner: Any = field(default_factory=SpyHasher)
    open: threading.Event = field(default_factory=threading.Event)
    running: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def _hold(self, work: Callable[[], Any]) -> Any:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            assert self.open.wait(SOON)
            return work()
        finally:
            with self.lock:
                self.running -= 1

    def verify(self, password: Password, stored: str) -> Verdict:
        """Verify when let go."""
        verdict: Verdict = self._hold(lambda: self.inner.verify(password, stored))
        return verdict

    def hash(self, password: Password) -> str:
        """Hash when let go."""
        hashed: str = self._hold(lambda: self.inner.hash(password))
        return hashed


def service_of(hasher: Any, **settings: Any) -> Service:
    """A service with a hasher of the host's own and one account."""
    service = Service(policy=Policy(hashing=HashProfile.SMALL, hash_queue=HashQueuePolicy(**settings)))
    service.add("Erkki", email=ERKKI)
    service.hasher = hasher
    service.__post_init__()
    return service


@pytest.mark.parametrize("slots", [1, 3])
def test_the_hosts_own_hasher_is_bounded_too(slots: int) -> None:
    """Sign-ins, new passwords and refusals of strangers share the slots, whoever wrote the hasher (C-44)."""
    hasher = HeldHasher()
    service = service_of(hasher, slots=slots)
    works: list[Callable[[], object]] = [
        lambda: service.attempt(ERKKI),
        lambda: service.attempt("nobody@example.com"),
        lambda: service.auth.passwords.hash("aivan uusi pitkä salasana"),
    ]
    with ThreadPoolExecutor(12) as threads:
        coming = [threads.submit(works[n % 3]) for n in range(12)]
        until(lambda: hasher.running == slots)
        hasher.open.set()
        answers = [one.result(SOON) for one in coming]
    assert hasher.most == slots
    assert sum(isinstance(one, Authenticated) for one in answers) == 4
    assert sum(isinstance(one, PasswordRequired) for one in answers) == 4


def test_busy_is_neither_yes_nor_no_and_is_recorded_within_limits() -> None:
    """Past the bound: an error with the seconds, for a stranger as for an account, and few audit events (C-44)."""
    hasher = HeldHasher()
    service = service_of(hasher, slots=1, length=1, max_wait=timedelta(milliseconds=20))
    client = ClientContext("192.0.2.7")
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(service.attempt, ERKKI)
        until(lambda: hasher.running == 1)
        for n in range(30):
            with pytest.raises(HasherBusyError) as busy:
                service.attempt(ERKKI if n % 2 else "nobody@example.com", client=client)
            assert 1 <= busy.value.retry_after <= 60
        hasher.open.set()
        assert isinstance(first.result(SOON), Authenticated)
    busy_events = [one for one in service.audit.events if one.what is AuditEventType.HASHER_BUSY]
    assert len(busy_events) == 10, "ThrottlePolicy.refusals_recorded"
    assert {one.account_id for one in busy_events} == {None, "erkki"}


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::/64"), ("2001:db8::2", "2001:db8::/64"), (None, "")],
)
def test_attempts_are_queued_under_their_network(address: str | None, network: str) -> None:
    """The network is the one that limits are counted for; calls without a request have none (C-44)."""
    service = service_of(SpyHasher())
    asked: list[str] = []
    answers = service.auth.login._answers

    def listening(answer: Any) -> Any:
        def call(*args: Any, network: str = "") -> Any:
            asked.append(network)
            return answer(*args, network=network)

        return call

    service.auth.login._answers = {
        method: listening(answer) if method.__qualname__ == "PasswordHasher.verify" else answer
        for method, answer in answers.items()
    }
    service.attempt(ERKKI, client=ClientContext(address))
    service.attempt("nobody@example.com", client=ClientContext(address))
    assert asked == [network, network]
    assert network_in(None) == ""


def test_a_session_check_never_waits_behind_a_hash() -> None:
    """Under asyncio a check is answered while every slot is taken and a hundred sign-ins wait (C-44)."""
    hasher = HeldHasher()
    service = service_of(SpyHasher())
    token = service.token(ERKKI)

    async def scenario() -> None:
        auth = AsyncCityAuth(service.store, [KEY], policy=patient(100), hasher=hasher, clock=service.clock)
        step = await auth.login.identify(ERKKI)
        assert isinstance(step, PasswordRequired)
        storm = [asyncio.create_task(auth.login.submit_password(step.pending, PASSWORD)) for _ in range(100)]
        await asyncio.to_thread(until, lambda: hasher.running > 0)
        for _ in range(20):
            assert isinstance(await auth.sessions.check(token), LiveSession)
        assert not any(task.done() for task in storm)
        hasher.open.set()
        assert all(isinstance(step, Authenticated) for step in await asyncio.gather(*storm))

    asyncio.run(asyncio.wait_for(scenario(), 60))


STORM = """
import asyncio, resource, sys, threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from cityauth import AsyncCityAuth, Authenticated, CityAuth, HasherBusyError, MemoryStore, NewAccount, Policy
from cityauth.policy import Backoff, HashQueuePolicy, ThrottlePolicy

how, many = sys.argv[1], int(sys.argv[2])
throttle = ThrottlePolicy(sign_in_per_account=Backoff(free=1000))  # all of the storm is for one account
policy = Policy(hash_queue=HashQueuePolicy(max_wait=timedelta(seconds=1)), throttle=throttle)
store, key = MemoryStore(), bytes(range(32))
auth = CityAuth(store, [key], policy=policy)
hashed = auth.passwords.hash("vihre\\u00e4 lohi ui joessa").get_secret_value()
auth.accounts.add(NewAccount("Erkki", email="erkki@example.com", password_hash=hashed))
pending = auth.login.identify("erkki@example.com").pending
threading.stack_size(256 * 1024)
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))

def attempt(n):
    try:
        return auth.login.submit_password(pending, "vihre\\u00e4 lohi ui joessa" if n % 2 else "v\\u00e4\\u00e4r\\u00e4")
    except HasherBusyError as error:
        return error

async def storm():
    later = AsyncCityAuth(store, [key], policy=policy)
    tasks = (later.login.submit_password(pending, "vihre\\u00e4 lohi ui joessa") for n in range(many))
    return await asyncio.gather(*tasks, return_exceptions=True)

if how == "sync":
    with ThreadPoolExecutor(many) as threads:
        answers = list(threads.map(attempt, range(many)))
else:
    answers = asyncio.run(storm())
kinds = {type(answer).__name__ for answer in answers}
print(sorted(kinds), sum(isinstance(answer, Authenticated) for answer in answers) > 0)
assert kinds <= {"Authenticated", "PasswordRequired", "HasherBusyError"}, kinds
assert isinstance(attempt(1), Authenticated)
with open("/proc/self/status") as status:  # ru_maxrss would begin with the size of the process that started this one
    print(next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) // 1024)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_AS"), reason="the limit is Linux's")
@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_storm_stays_within_a_gibibyte(how: str) -> None:
    """500 sign-ins at once, 64 MiB each, under RLIMIT_AS of 1 GiB: each is answered or sent away (C-44)."""
    done = subprocess.run(
        [sys.executable, "-c", STORM, how, "500"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "MALLOC_ARENA_MAX": "2"},  # each arena reserves addresses, which the limit counts
    )
    assert done.returncode == 0, done.stderr[-2000:]
    kinds, peak = done.stdout.strip().splitlines()
    assert "HasherBusyError" in kinds
    assert kinds.endswith("True")
    assert int(peak) < 128 + 64 * (os.cpu_count() or 1) + 64


FORK = """
import os, threading
from concurrent.futures import ThreadPoolExecutor
from cityauth import CityAuth, MemoryStore
from cityauth.policy import HashProfile, Policy

profile = HashProfile(memory_cost=2048, time_cost=1, parallelism=1)
auth = CityAuth(MemoryStore(), [bytes(range(32))], policy=Policy(hashing=profile))
with ThreadPoolExecutor(8) as threads:
    busy = [threads.submit(auth.passwords.hash, "vihre\\u00e4 lohi ui joessa") for _ in range(40)]
    child = os.fork()
    if not child:
        for _ in range(3):
            auth.passwords.hash("vihre\\u00e4 lohi ui joessa")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert all(one.result() for one in busy)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_forked_worker_hashes() -> None:
    """A process forked while others hash, as by gunicorn with preloading, has a queue of its own that is empty."""
    subprocess.run([sys.executable, "-c", FORK], capture_output=True, timeout=60, check=True)


def test_two_forms_of_a_password_cost_one_slot() -> None:
    """A password whose NFC differs is verified twice in one slot, one after the other (C-44)."""
    hasher = HeldHasher()
    service = service_of(hasher, slots=4)
    hasher.open.set()
    service.attempt(ERKKI, "a\u0308iti ja isa\u0308 ovat kotona")
    assert hasher.most == 1


def test_a_rehash_does_not_hold_two_slots() -> None:
    """With one slot, sign-ins that renew their hashes all end: each hashes after it has verified (C-44)."""
    old = SpyHasher(HashProfile(memory_cost=64, time_cost=1, parallelism=1))
    service = Service(policy=Policy(hashing=HashProfile.SMALL, hash_queue=HashQueuePolicy(slots=1)), hasher=old)
    names = [f"person{n}" for n in range(8)]
    for name in names:
        service.add(name, email=f"{name}@example.com")
    old.profile = HashProfile.SMALL
    with ThreadPoolExecutor(8) as threads:
        steps = list(threads.map(lambda name: service.attempt(f"{name}@example.com"), names))
    assert all(isinstance(step, Authenticated) for step in steps)
    rehashed = [event for event in service.audit.events if event.detail.get("rehashed") == "yes"]
    assert len(rehashed) == 8


def test_queries_that_wait_for_a_hung_store_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under asyncio a store that hangs collects no requests without end, and answers again afterwards (C-44)."""
    monkeypatch.setattr(threads, "MOST_QUERIES", 20)
    let_go = threading.Event()

    async def scenario() -> None:
        queries = threads.StoreThreads()
        waiting = [asyncio.create_task(queries.call(lambda: let_go.wait(SOON))) for _ in range(20)]
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailableError, match="too many queries") as refused:
            await queries.call(lambda: True)
        assert refused.value.nothing_written
        waiting[-1].cancel()
        let_go.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert answers[:-1] == [True] * 19
        assert await queries.call(lambda: "again") == "again"

    asyncio.run(asyncio.wait_for(scenario(), 60))
