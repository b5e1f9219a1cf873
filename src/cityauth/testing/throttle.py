"""What a store promises of throttling."""

from datetime import timedelta

from cityauth.core.throttling import Exhausted, Reserved
from cityauth.policy.throttling import Limit
from cityauth.ports.stores import ThrottleStore
from cityauth.testing.racing import RACERS, race
from cityauth.testing.samples import MINUTE, NOON

MICROSECOND = timedelta(microseconds=1)
ONE_A_MINUTE = Limit(1, MINUTE)
FIVE_AN_HOUR = Limit(5, 60 * MINUTE)


class ThrottleContract:
    """Throttling: counted before it happens, atomically."""

    def test_uses_are_counted_up_to_the_limit(self, store: ThrottleStore) -> None:
        """The limit's number of uses is reserved, the next is not and tells when one may be again."""
        limit = Limit(2, MINUTE)
        assert store.reserve("a", [limit], NOON) == Reserved()
        assert store.reserve("a", [limit], NOON + MICROSECOND) == Reserved()
        assert store.reserve("a", [limit], NOON + 2 * MICROSECOND) == Exhausted(NOON + MINUTE)
        assert store.reserve("b", [limit], NOON) == Reserved()

    def test_the_window_slides(self, store: ThrottleStore) -> None:
        """A use counts for exactly one window, and no moment lets more than the limit through."""
        assert store.reserve("a", [ONE_A_MINUTE], NOON) == Reserved()
        assert store.reserve("a", [ONE_A_MINUTE], NOON + MINUTE - MICROSECOND) == Exhausted(NOON + MINUTE)
        assert store.reserve("a", [ONE_A_MINUTE], NOON + MINUTE) == Reserved()

    def test_every_limit_must_allow(self, store: ThrottleStore) -> None:
        """Two limits hold together; the later of their moments is told, and what is refused counts for neither."""
        limits = [ONE_A_MINUTE, FIVE_AN_HOUR]
        for number in range(5):
            assert store.reserve("a", limits, NOON + number * MINUTE) == Reserved()
            refused = store.reserve("a", limits, NOON + number * MINUTE + MICROSECOND)
            assert isinstance(refused, Exhausted)
        assert store.reserve("a", limits, NOON + 10 * MINUTE) == Exhausted(NOON + 60 * MINUTE)
        assert store.reserve("a", limits, NOON + 60 * MINUTE) == Reserved()

    def test_a_clock_that_jumps_back_frees_nothing(self, store: ThrottleStore) -> None:
        """Uses that lie ahead of a clock that was set back still count."""
        assert store.reserve("a", [ONE_A_MINUTE], NOON) == Reserved()
        assert store.reserve("a", [ONE_A_MINUTE], NOON - 60 * MINUTE) == Exhausted(NOON + MINUTE)

    def test_a_clock_that_was_far_ahead_locks_nobody_out(self, store: ThrottleStore) -> None:
        """Uses that a clock made while it was days ahead do not count once it is mended."""
        limits = [ONE_A_MINUTE, FIVE_AN_HOUR]
        for days in (30, 2, 1):
            for number in range(5):
                store.reserve("a", limits, NOON + timedelta(days=days) + number * MINUTE)
        assert store.reserve("a", limits, NOON) == Reserved()
        assert store.reserve("a", limits, NOON + MICROSECOND) == Exhausted(NOON + MINUTE)
        assert store.reserve("a", limits, NOON + MINUTE) == Reserved()

    def test_no_limit_allows_everything_and_a_limit_of_none_nothing(self, store: ThrottleStore) -> None:
        """A use without limits is counted all the same; at most zero times is never."""
        never = Limit(0, MINUTE)
        assert store.reserve("a", [never], NOON) == Exhausted(NOON + MINUTE)
        assert store.reserve("a", [], NOON) == Reserved()
        assert store.reserve("a", [ONE_A_MINUTE], NOON) == Exhausted(NOON + MINUTE)
        assert store.reserve("a", [never], NOON) == Exhausted(NOON + MINUTE)

    def test_buckets_are_counted_apart(self, store: ThrottleStore) -> None:
        """One bucket's uses are nothing to another, however alike their names are."""
        for bucket in ("b", "B", "b ", "", "ä", "a\u0308"):
            assert store.reserve(bucket, [ONE_A_MINUTE], NOON) == Reserved()

    def test_only_past_uses_are_forgotten(self, store: ThrottleStore) -> None:
        """A purge counts what it forgets and frees no bucket before its time."""
        for moment in (NOON - MICROSECOND, NOON):
            assert store.reserve("a", [FIVE_AN_HOUR], moment) == Reserved()
        assert store.purge_throttle(NOON) == 1
        assert store.purge_throttle(NOON) == 0
        assert store.reserve("a", [ONE_A_MINUTE], NOON + MICROSECOND) == Exhausted(NOON + MINUTE)

    def test_no_more_than_the_limit_pass_at_once(self, store: ThrottleStore) -> None:
        """Of many at the same moment exactly the limit's number are reserved."""
        limits = [Limit(5, MINUTE)]
        results = race([lambda: store.reserve("a", limits, NOON)] * RACERS)
        assert results.count(Reserved()) == 5
