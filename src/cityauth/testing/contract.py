"""`StoreContract`: all promises of a `Store` together. Those of the outbox and of throttling are written here.

`PopulationContract` (`cityauth.testing.migrations`) and `HashCountContract` (`cityauth.testing.imports`) test the two
ports that a store may have besides, and are not part of it.
"""

from datetime import timedelta

from cityauth.core.changes import EpochAdvanced, Precondition, Rejected
from cityauth.core.mail import OutboxStatus
from cityauth.core.throttling import Claim, Exhausted, Reserved
from cityauth.policy.throttling import Backoff, Limit
from cityauth.ports.stores import Store, ThrottleStore
from cityauth.testing.accounts import AccountContract
from cityauth.testing.identifiers import IdentifierContract
from cityauth.testing.one_time_tokens import OneTimeTokenContract
from cityauth.testing.races import RACERS, RaceContract, race
from cityauth.testing.samples import AINO, HOSTILE, MINUTE, NOON, commit, queued
from cityauth.testing.sessions import SessionContract

MICROSECOND = timedelta(microseconds=1)
ONE_A_MINUTE = Limit(1, MINUTE)
FIVE_AN_HOUR = Limit(5, 60 * MINUTE)
BACKOFF = Backoff(2, MINUTE, 5 * MINUTE, 60 * MINUTE)


class OutboxContract:
    """The outbox: a job leases mails, sends them and drops them."""

    def test_a_mail_comes_back_whole(self, store: Store) -> None:
        """A leased mail has every field as it was queued, and the lease counts as an attempt."""
        mails = [queued(f"mail{number}", to or "a@example.com").mail for number, to in enumerate(HOSTILE)]
        commit(store, *(queued(f"mail{number}", to or "a@example.com") for number, to in enumerate(HOSTILE)))
        leased = list(store.lease_mails(NOON, NOON + MINUTE, 100))
        assert [(one.id, one.to, one.content, one.language) for one in leased] == [
            (one.id, one.to, one.content, one.language) for one in mails
        ]
        assert {(one.queued_at, one.expires_at, one.attempts) for one in leased} == {(NOON, NOON + 60 * MINUTE, 1)}

    def test_nothing_is_leased_from_an_empty_outbox(self, store: Store) -> None:
        """A job gets nothing from an empty outbox, and the status counts nothing."""
        assert list(store.lease_mails(NOON, NOON + MINUTE, 10)) == []
        assert store.outbox_status() == OutboxStatus(0, 0, None)

    def test_mails_are_leased_oldest_first(self, store: Store) -> None:
        """The oldest mails come first, no more than were asked for, and none that is due later."""
        commit(store, *(queued(f"m{number}", at=NOON + number * MINUTE) for number in (2, 0, 9, 1)))
        assert [one.id for one in store.lease_mails(NOON + 2 * MINUTE, NOON + 5 * MINUTE, 2)] == ["m0", "m1"]
        assert [one.id for one in store.lease_mails(NOON + 2 * MINUTE, NOON + 5 * MINUTE, 2)] == ["m2"]
        assert list(store.lease_mails(NOON + 2 * MINUTE, NOON + 5 * MINUTE, 2)) == []

    def test_a_lease_ends(self, store: Store) -> None:
        """The mails of a job that died are due again when the lease ends."""
        commit(store, queued("mail"))
        assert [one.attempts for one in store.lease_mails(NOON, NOON + MINUTE, 9)] == [1]
        assert list(store.lease_mails(NOON + MINUTE / 2, NOON + 2 * MINUTE, 9)) == []
        assert [one.attempts for one in store.lease_mails(NOON + MINUTE, NOON + 2 * MINUTE, 9)] == [2]

    def test_a_clock_that_was_far_ahead_holds_no_mail_back(self, store: Store) -> None:
        """A mail that was queued or postponed by a clock 30 days ahead is due once the clock is mended."""
        ahead = NOON + timedelta(days=30)
        commit(store, queued("queued", at=ahead), queued("postponed", at=NOON))
        store.lease_mails(NOON, NOON + MINUTE, 9)
        store.postpone_mail("postponed", ahead)
        leased = store.lease_mails(NOON + MINUTE, NOON + 3 * MINUTE, 9)
        assert [one.id for one in leased] == ["postponed", "queued"]
        assert list(store.lease_mails(NOON + 2 * MINUTE, NOON + 5 * MINUTE, 9)) == []

    def test_a_mail_is_postponed_or_dropped(self, store: Store) -> None:
        """A postponed mail is due again at the given time, and a dropped one never. An unknown mail raises nothing."""
        commit(store, queued("later"), queued("sent"))
        store.lease_mails(NOON, NOON + MINUTE, 9)
        store.postpone_mail("later", NOON + 5 * MINUTE)
        store.drop_mail("sent")
        store.drop_mail("sent")
        store.postpone_mail("unknown", NOON)
        assert list(store.lease_mails(NOON + 4 * MINUTE, NOON + 9 * MINUTE, 9)) == []
        assert [one.id for one in store.lease_mails(NOON + 5 * MINUTE, NOON + 9 * MINUTE, 9)] == ["later"]

    def test_a_dummy_is_dropped_and_never_counted(self, store: Store) -> None:
        """A dummy mail has no recipient: it is never leased or counted, and takes no other mail's place in a batch."""
        commit(store, queued("dummy", "", at=NOON - MINUTE), queued("mail"))
        assert store.outbox_status() == OutboxStatus(1, 0, NOON)
        assert [one.id for one in store.lease_mails(NOON, NOON, 1)] == ["mail"]
        store.drop_mail("mail")
        assert list(store.lease_mails(NOON + 60 * MINUTE, NOON, 9)) == []
        assert store.outbox_status() == OutboxStatus(0, 0, None)

    def test_the_status_counts(self, store: Store) -> None:
        """The status has the number of waiting mails, of those that were tried before, and the time of the oldest."""
        commit(store, queued("a", at=NOON + MINUTE), queued("b", at=NOON), queued("c", at=NOON + 2 * MINUTE))
        store.lease_mails(NOON + MINUTE, NOON + 9 * MINUTE, 1)
        assert store.outbox_status() == OutboxStatus(3, 1, NOON)

    def test_no_mail_leaves_without_its_commit(self, store: Store) -> None:
        """A refused commit queues nothing."""
        last = EpochAdvanced(AINO)
        assert store.commit([queued("mail"), last]) == Rejected(last, Precondition.ACCOUNT_MISSING)
        assert list(store.lease_mails(NOON + MINUTE, NOON + 2 * MINUTE, 9)) == []


class ThrottleContract:
    """Throttling: a use is counted before it happens, atomically."""

    def test_uses_are_counted_up_to_the_limit(self, store: ThrottleStore) -> None:
        """The limit's number of uses is reserved. The next one is refused, and the answer says when one is free."""
        limit = Limit(2, MINUTE)
        assert store.reserve("a", [limit], NOON) == Reserved()
        assert store.reserve("a", [limit], NOON + MICROSECOND) == Reserved()
        assert store.reserve("a", [limit], NOON + 2 * MICROSECOND) == Exhausted(NOON + MINUTE)
        assert store.reserve("b", [limit], NOON) == Reserved()

    def test_the_window_slides(self, store: ThrottleStore) -> None:
        """A use counts for exactly one window, so no period of that length has more uses than the limit."""
        assert store.reserve("a", [ONE_A_MINUTE], NOON) == Reserved()
        assert store.reserve("a", [ONE_A_MINUTE], NOON + MINUTE - MICROSECOND) == Exhausted(NOON + MINUTE)
        assert store.reserve("a", [ONE_A_MINUTE], NOON + MINUTE) == Reserved()

    def test_every_limit_must_allow(self, store: ThrottleStore) -> None:
        """Every limit must allow a use. A refusal names the latest of their times, and counts for no limit."""
        limits = [ONE_A_MINUTE, FIVE_AN_HOUR]
        for number in range(5):
            assert store.reserve("a", limits, NOON + number * MINUTE) == Reserved()
            refused = store.reserve("a", limits, NOON + number * MINUTE + MICROSECOND)
            assert isinstance(refused, Exhausted)
        assert store.reserve("a", limits, NOON + 10 * MINUTE) == Exhausted(NOON + 60 * MINUTE)
        assert store.reserve("a", limits, NOON + 60 * MINUTE) == Reserved()

    def test_a_clock_that_jumps_back_frees_nothing(self, store: ThrottleStore) -> None:
        """After a clock was set back, uses that lie in its future still count."""
        assert store.reserve("a", [ONE_A_MINUTE], NOON) == Reserved()
        assert store.reserve("a", [ONE_A_MINUTE], NOON - 60 * MINUTE) == Exhausted(NOON + MINUTE)

    def test_a_clock_that_was_far_ahead_locks_nobody_out(self, store: ThrottleStore) -> None:
        """Uses that were counted while a clock was days ahead do not count after it is corrected."""
        limits = [ONE_A_MINUTE, FIVE_AN_HOUR]
        for days in (30, 2, 1):
            for number in range(5):
                store.reserve("a", limits, NOON + timedelta(days=days) + number * MINUTE)
        assert store.reserve("a", limits, NOON) == Reserved()
        assert store.reserve("a", limits, NOON + MICROSECOND) == Exhausted(NOON + MINUTE)
        assert store.reserve("a", limits, NOON + MINUTE) == Reserved()

    def test_no_limit_allows_everything_and_a_limit_of_none_nothing(self, store: ThrottleStore) -> None:
        """A use without limits is counted as well. A limit of zero allows nothing."""
        never = Limit(0, MINUTE)
        assert store.reserve("a", [never], NOON) == Exhausted(NOON + MINUTE)
        assert store.reserve("a", [], NOON) == Reserved()
        assert store.reserve("a", [ONE_A_MINUTE], NOON) == Exhausted(NOON + MINUTE)
        assert store.reserve("a", [never], NOON) == Exhausted(NOON + MINUTE)

    def test_buckets_are_counted_apart(self, store: ThrottleStore) -> None:
        """The uses of one bucket do not count for another, however similar their names are."""
        for bucket in ("b", "B", "b ", "", "ä", "a\u0308"):
            assert store.reserve(bucket, [ONE_A_MINUTE], NOON) == Reserved()

    def test_only_past_uses_are_forgotten(self, store: ThrottleStore) -> None:
        """A purge returns how many uses it deleted, and deletes none that still counts."""
        for moment in (NOON - MICROSECOND, NOON):
            assert store.reserve("a", [FIVE_AN_HOUR], moment) == Reserved()
        assert store.purge_throttle(NOON) == 1
        assert store.purge_throttle(NOON) == 0
        assert store.reserve("a", [ONE_A_MINUTE], NOON + MICROSECOND) == Exhausted(NOON + MINUTE)

    def test_no_more_than_the_limit_pass_at_once(self, store: ThrottleStore) -> None:
        """Of many uses at the same moment, exactly as many are reserved as the limit allows."""
        limits = [Limit(5, MINUTE)]
        results = race([lambda: store.reserve("a", limits, NOON)] * RACERS)
        assert results.count(Reserved()) == 5

    def test_claims_are_counted_together_or_not_at_all(self, store: ThrottleStore) -> None:
        """If one of several claims is exhausted, nothing is counted for the others; the latest moment is told."""
        minute, hour = Claim("a", (ONE_A_MINUTE,)), Claim("b", (Limit(2, 60 * MINUTE),))
        assert store.reserve_all([minute, hour], NOON) == Reserved()
        for _ in range(3):
            assert store.reserve_all([minute, hour], NOON) == Exhausted(NOON + MINUTE)
        assert store.reserve_all([hour, minute], NOON + MINUTE) == Reserved()
        assert store.reserve_all([minute, hour], NOON + MINUTE) == Exhausted(NOON + 60 * MINUTE)

    def test_the_waits_grow_with_each_failure(self, store: ThrottleStore) -> None:
        """Free failures make nobody wait; then each wait is twice the one before, up to the longest."""
        claim, at = Claim("a", BACKOFF), NOON
        assert [store.reserve_all([claim], at) for _ in range(2)] == [Reserved()] * 2
        for wait in (MINUTE, 2 * MINUTE, 4 * MINUTE, 5 * MINUTE, 5 * MINUTE):
            assert store.reserve_all([claim], at) == Exhausted(at + wait)
            assert store.reserve_all([claim], at + wait - MICROSECOND) == Exhausted(at + wait)
            at += wait
            assert store.reserve_all([claim], at) == Reserved()

    def test_a_use_is_taken_back(self, store: ThrottleStore) -> None:
        """A refund frees one use, or one failure with its wait; with *forget* all failures in a row."""
        claims = [Claim("a", (Limit(2, 60 * MINUTE),)), Claim("b", BACKOFF)]
        for _ in range(2):
            assert store.reserve_all(claims, NOON) == Reserved()
        store.refund(claims, NOON, forget=False)
        assert store.reserve_all(claims, NOON) == Reserved()
        assert isinstance(store.reserve_all(claims[1:], NOON), Exhausted)
        store.refund(claims[1:], NOON, forget=True)
        assert [store.reserve_all(claims[1:], NOON) for _ in range(2)] == [Reserved()] * 2
        assert isinstance(store.reserve_all(claims[:1], NOON), Exhausted)

    def test_a_refund_of_nothing_frees_nothing(self, store: ThrottleStore) -> None:
        """What was purged, or is of another moment or another holder, cannot be taken back."""
        limit, own, other = Claim("a", (ONE_A_MINUTE,)), Claim("b", BACKOFF, "own"), Claim("b", BACKOFF, "other")
        store.refund([limit, own], NOON, forget=True)
        store.refund([limit, own], NOON, forget=False)
        assert [store.reserve_all([own], NOON) for _ in range(2)] == [Reserved()] * 2
        assert store.reserve_all([limit], NOON) == Reserved()
        store.refund([limit, other], NOON - MICROSECOND, forget=True)
        store.refund([limit, other], NOON + MICROSECOND, forget=False)
        assert isinstance(store.reserve_all([limit], NOON), Exhausted)
        assert isinstance(store.reserve_all([own], NOON), Exhausted)

    def test_a_shared_bucket_counts_its_last_holder(self, store: ThrottleStore) -> None:
        """Another holder begins at nothing and takes the place of the earlier one."""
        own, other = Claim("b", BACKOFF, "own"), Claim("b", BACKOFF, "other")
        assert [store.reserve_all([own], NOON) for _ in range(2)] == [Reserved()] * 2
        assert [store.reserve_all([other], NOON) for _ in range(2)] == [Reserved()] * 2
        assert isinstance(store.reserve_all([other], NOON), Exhausted)
        assert store.reserve_all([own], NOON) == Reserved()

    def test_failures_are_forgotten_in_time(self, store: ThrottleStore) -> None:
        """Failures count for as long as the memory lasts, and a purge deletes only those that are older."""
        claim = Claim("a", BACKOFF)
        assert [store.reserve_all([claim], NOON) for _ in range(2)] == [Reserved()] * 2
        late = NOON + MINUTE + BACKOFF.memory
        assert store.purge_throttle(NOON + MINUTE) == 0
        assert store.reserve_all([claim], late) == Reserved()
        assert isinstance(store.reserve_all([claim], late), Exhausted)
        assert [store.reserve_all([claim], late + 9 * BACKOFF.memory) for _ in range(2)] == [Reserved()] * 2
        assert store.purge_throttle(late + 99 * BACKOFF.memory) == 1

    def test_failures_of_a_clock_that_was_far_ahead_lock_nobody_out(self, store: ThrottleStore) -> None:
        """Failures that a clock made while it was days ahead do not count once it is mended; nearer ones do."""
        claim = Claim("a", BACKOFF)
        for _ in range(2):
            store.reserve_all([claim], NOON + timedelta(days=3))
        assert [store.reserve_all([claim], NOON) for _ in range(2)] == [Reserved()] * 2
        assert store.reserve_all([claim], NOON - 60 * MINUTE) == Exhausted(NOON + MINUTE)

    def test_no_more_claims_than_allowed_pass_at_once(self, store: ThrottleStore) -> None:
        """Of many at the same moment exactly the allowed number are reserved, whichever rule allows the fewest."""
        wide = Claim("network", (Limit(4, MINUTE),))
        for claims, allowed in (([Claim("a", BACKOFF)], 2), ([wide, Claim("b", Backoff(9, MINUTE, MINUTE))], 4)):
            results = race([lambda claims=claims: store.reserve_all(claims, NOON)] * RACERS)  # type: ignore[misc]
            assert results.count(Reserved()) == allowed


class StoreContract(
    AccountContract,
    IdentifierContract,
    SessionContract,
    OneTimeTokenContract,
    OutboxContract,
    ThrottleContract,
    RaceContract,
):
    """Every promise of a `Store`. Each test takes a new, empty store from the fixture ``store``.

    A store that implements one port only uses the contract of that port, such as `ThrottleContract`.
    A store whose data outlives the process overrides `reopen`.
    """
