"""A throttle apart from the store: it counts, and while it is down each process counts by itself, more strictly."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cityauth import AsyncCityAuth, CityAuth, ClientContext, ConfigurationError, LinkLive, MemoryStore
from cityauth.core.audit import AuditEventType
from cityauth.core.login import Authenticated, LoginStep, PasswordRequired
from cityauth.core.throttling import Claim, Exhausted, Reserved
from cityauth.errors import StoreUnavailableError
from cityauth.messages import Code
from cityauth.policy import Backoff, Limit
from cityauth.ports.stores import ThrottleStore
from cityauth.stores.memory import local
from tests.support.fakes import NOON
from tests.support.recording import recording, stepping_in
from tests.support.service import KEY, OTHER_PASSWORD, PASSWORD, Service

HOUR = timedelta(hours=1)


@dataclass
class Fragile:
    """A throttle that can be switched off."""

    down: bool = False
    counts: MemoryStore = field(default_factory=MemoryStore)
    asked: int = 0

    def _ask(self, name: str, *given: Any, **more: Any) -> Any:
        self.asked += 1
        if self.down:
            raise StoreUnavailableError("down")
        return getattr(self.counts, name)(*given, **more)

    def reserve(self, *given: Any) -> Any:
        """Count one use."""
        return self._ask("reserve", *given)

    def reserve_all(self, *given: Any) -> Any:
        """Count several."""
        return self._ask("reserve_all", *given)

    def refund(self, *given: Any, forget: bool) -> None:
        """Take back."""
        self._ask("refund", *given, forget=forget)

    def purge_throttle(self, *given: Any) -> Any:
        """Forget."""
        return self._ask("purge_throttle", *given)


@pytest.fixture
def throttle() -> Fragile:
    """A throttle apart."""
    return Fragile()


@pytest.fixture
def apart(make_store: Callable[[], Any], throttle: Fragile) -> Service:
    """A service whose throttle is apart from its store, on each store."""
    service = Service(store=make_store(), throttle=throttle)
    service.add("Erkki", email="erkki@example.com", usernames=["erkki"])
    return service


def verified(service: Service, identifier: str, times: int, *, network: str = "203.0.113.") -> int:
    """Try a wrong password at once, each time from another network; return how many were verified."""
    answers = [
        service.attempt(identifier, OTHER_PASSWORD, client=ClientContext(f"{network}{number}"))
        for number in range(times)
    ]
    return sum(not is_throttled(one) for one in answers)


def is_throttled(step: LoginStep) -> bool:
    """Whether the answer says to wait."""
    return isinstance(step, PasswordRequired) and step.problem is not None and step.problem.code == Code.THROTTLE_LOGIN


def degraded(service: Service) -> int:
    """How many audit events say that the throttle is down."""
    return sum(one.what is AuditEventType.THROTTLE_DEGRADED for one in service.audit.events)


def test_a_throttle_apart_counts_in_the_place_of_the_store(apart: Service, throttle: Fragile) -> None:
    """All counts go to the object that was given, and none to the store."""
    assert verified(apart, "erkki", 7) == 5
    assert throttle.asked > 0
    assert apart.store.purge_throttle(NOON + 400 * 24 * HOUR) == 0
    assert apart.auth.housekeeping.purge().counts == 0
    apart.wait(days=400)
    assert apart.auth.housekeeping.purge().counts > 0


@pytest.mark.parametrize("identifier", ["erkki", "nobody", "nobody@example.com"])
def test_without_the_throttle_the_limits_go_on_more_strictly(
    apart: Service, throttle: Fragile, identifier: str
) -> None:
    """While the throttle is down a burst gets fewer verifications, and never none at all (C-26)."""
    throttle.down = True
    assert verified(apart, identifier, 9) == 1
    apart.wait(seconds=1)
    assert verified(apart, identifier, 9) == 1
    apart.wait(hours=1)
    assert isinstance(apart.attempt("erkki"), Authenticated)


def test_the_failure_is_audited_once_a_minute(apart: Service, throttle: Fragile) -> None:
    """However many requests meet a throttle that is down, the trail has one event in a minute (C-26)."""
    throttle.down = True
    verified(apart, "erkki", 20)
    apart.auth.recovery.request("erkki")
    assert degraded(apart) == 1
    apart.wait(minutes=1)
    verified(apart, "erkki", 20)
    assert degraded(apart) == 2


def test_a_right_password_is_taken_back_locally(apart: Service, throttle: Fragile) -> None:
    """Somebody who signs in again and again does not use up the stricter budget."""
    throttle.down = True
    for number in range(5):
        assert isinstance(apart.attempt("erkki", client=ClientContext(f"198.51.100.{number}")), Authenticated)


def test_the_throttle_is_back_when_it_answers(apart: Service, throttle: Fragile) -> None:
    """After its return the throttle counts again, with its own limits."""
    throttle.down = True
    assert verified(apart, "erkki", 9) == 1
    throttle.down = False
    assert verified(apart, "erkki", 9, network="192.0.2.") == 5
    assert degraded(apart) == 1


def test_every_path_goes_on_without_the_throttle(apart: Service, throttle: Fragile) -> None:
    """Reset mails, links, changes of the own password and housekeeping work while the throttle is down (C-26)."""
    token = apart.token("erkki")
    live = apart.auth.sessions.check(token)
    assert live is not None
    throttle.down = True
    apart.auth.recovery.request("erkki")
    link = apart.link("erkki@example.com")
    assert isinstance(apart.auth.recovery.inspect(link), LinkLive)
    assert isinstance(apart.auth.sessions.confirm(live, PASSWORD), Authenticated)
    apart.attempt("erkki", "")
    assert apart.auth.housekeeping.purge().counts == 0


def test_known_and_unknown_ask_the_same_while_it_is_down(apart: Service, throttle: Fragile) -> None:
    """The questions of an attempt do not say whether the account exists, also without the throttle."""
    throttle.down = True
    verified(apart, "warm up", 1)
    traces = []
    for identifier in ("erkki", "nobody@example.com"):
        step = apart.auth.login.identify(identifier)
        assert isinstance(step, PasswordRequired)
        with recording(apart.auth) as asked:
            apart.auth.login.submit_password(step.pending, OTHER_PASSWORD, client=ClientContext("203.0.113.9"))
        traces.append(asked)
    assert traces[0] == traces[1]
    assert ("LocalThrottleStore.reserve_locally",) in traces[0]


@pytest.mark.parametrize("failing", ["reserve", "reserve_all", "refund", "purge_throttle"])
def test_a_throttle_in_the_store_fails_with_it(make_store: Callable[[], Any], failing: str) -> None:
    """If the store counts itself, its failure is raised: nothing else of the request would work either (C-24)."""
    store = make_store()
    service = Service(store=store, throttle=store)
    service.add("Erkki", email="erkki@example.com")

    def everything() -> None:
        service.attempt("erkki@example.com")
        service.auth.recovery.request("erkki@example.com")
        service.auth.housekeeping.purge()

    def fail(*given: Any, **more: Any) -> Any:
        raise StoreUnavailableError("down")

    with (
        stepping_in(service.auth, getattr(ThrottleStore, failing), lambda _: fail),
        pytest.raises(StoreUnavailableError),
    ):
        everything()
    assert degraded(service) == 0
    everything()


def test_asyncio_counts_locally_too(throttle: Fragile) -> None:
    """`AsyncCityAuth` takes a throttle of its own, and goes on without it."""
    throttle.down = True
    auth = AsyncCityAuth(MemoryStore(), [KEY], throttle=throttle)

    async def attempts() -> list[object]:
        return [await auth.recovery.request("nobody@example.com") for _ in range(3)]

    assert len(asyncio.run(attempts())) == 3


def test_an_outbox_apart_is_refused() -> None:
    """The outbox can only be the store, whose commits queue the mails."""
    store = MemoryStore()
    assert CityAuth(store, [KEY], outbox=store).outbox.status().waiting == 0
    with pytest.raises(ConfigurationError, match="outbox must be the same object as store"):
        CityAuth(store, [KEY], outbox=MemoryStore())


def test_local_counts_take_a_fixed_amount_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of buckets shares a few of them, and neither frees nor drops what was counted before."""
    monkeypatch.setattr(local, "MOST_BUCKETS", 10)
    monkeypatch.setattr(local, "SHARED_BUCKETS", 4)
    throttle = local.LocalThrottle()
    victim = Claim("victim", Backoff(1, HOUR, HOUR, HOUR))
    assert throttle.reserve_locally([victim], NOON) == Reserved()
    outcomes = [throttle.reserve_locally([Claim(f"flood {n}", (Limit(1, HOUR),))], NOON) for n in range(500)]
    assert outcomes.count(Reserved()) <= 10 + 4
    assert len(throttle._state.uses) + len(throttle._state.attempts) <= 10 + 4
    assert throttle.reserve_locally([victim], NOON) == Exhausted(NOON + HOUR)
    later = NOON + timedelta(days=2)
    assert throttle.reserve_locally([Claim("new", (Limit(1, HOUR),))], later) == Reserved()
    assert len(throttle._state.uses) == 1


@pytest.mark.parametrize(("count", "stricter"), [(0, 0), (1, 1), (3, 1), (4, 1), (8, 2), (1_000_000, 250_000)])
def test_a_stricter_limit_is_a_quarter_and_allows_something(count: int, stricter: int) -> None:
    """A quarter of what was allowed; one stays one, and nothing stays nothing."""
    assert Limit(count, HOUR).stricter == Limit(stricter, HOUR)
    assert Backoff(max(count // 1000, 1)).stricter.free == max(1, max(count // 1000, 1) // 4)


def test_only_one_file_of_flows_asks_the_throttle() -> None:
    """A flow that asked the throttle itself would fail while it is down."""
    flows = Path(__file__).resolve().parents[2] / "src" / "cityauth" / "flows"
    assert [one.name for one in flows.glob("*.py") if "ThrottleStore." in one.read_text()] == ["throttling.py"]
