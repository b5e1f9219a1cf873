"""What `MemoryStore` keeps of counted uses stays bounded, and no stranger frees a count that still holds."""

from datetime import timedelta

from cityauth.core.throttling import Claim, Exhausted, Reserved
from cityauth.policy import Backoff, Limit
from cityauth.stores.memory import MemoryStore
from cityauth.testing.samples import NOON

MINUTE = timedelta(minutes=1)
TEN = (Limit(10, MINUTE),)


def held(store: MemoryStore) -> int:
    """How many moments and failures in a row are kept."""
    state = store._state  # the size is not visible from outside
    return sum(map(len, state.uses.values())) + len(state.attempts) + len(state.remembered)


def test_a_flood_of_networks_and_identifiers_leaves_little() -> None:
    """Of 100,000 networks and identifiers over a day only those that still count are kept (B-44, C-56)."""
    store = MemoryStore()
    most = 0
    for number in range(100_000):
        now = NOON + number * timedelta(seconds=1)
        claims = [Claim(f"network {number}", TEN), Claim(f"account {number}", Backoff(memory=timedelta(hours=1)))]
        assert store.reserve_all(claims, now) == Reserved()
        store.reserve(f"mail {number}", TEN, now)
        if number % 1000 == 0:
            most = max(most, held(store))
    assert most < 4 * (3600 + 60 + 60) + 4096


def test_one_bucket_that_is_used_for_long_stays_short() -> None:
    """A bucket that everybody uses keeps only the uses that its limits count."""
    store = MemoryStore()
    for number in range(5000):
        store.reserve("all", TEN, NOON + number * timedelta(seconds=6))
    assert held(store) < 1100


def test_a_flood_frees_nobody() -> None:
    """Counts that still hold are kept, however many strangers come after them."""
    store = MemoryStore()
    rule = Backoff(free=1, first=timedelta(minutes=15))
    victim = [Claim("victim", rule)]
    day = (Limit(1, timedelta(days=1)),)
    assert store.reserve_all(victim, NOON) == Reserved()
    assert store.reserve("mails of a day", day, NOON) == Reserved()
    for number in range(10_000):
        store.reserve_all([Claim(f"network {number}", TEN), Claim(f"account {number}", Backoff())], NOON + MINUTE)
    assert isinstance(store.reserve_all(victim, NOON + 2 * MINUTE), Exhausted)
    assert isinstance(store.reserve("mails of a day", day, NOON + 2 * MINUTE), Exhausted)
