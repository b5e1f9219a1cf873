"""What a store promises of the outbox."""

from datetime import timedelta

from cityauth.core.changes import EpochAdvanced, Precondition, Rejected
from cityauth.core.mail import OutboxStatus
from cityauth.ports.stores import Store
from cityauth.testing.samples import AINO, HOSTILE, MINUTE, NOON, commit, queued


class OutboxContract:
    """The outbox: mails are leased, sent, dropped."""

    def test_a_mail_comes_back_whole(self, store: Store) -> None:
        """Every field is as it was queued, and taking it counts as an attempt."""
        mails = [queued(f"mail{number}", to or "a@example.com").mail for number, to in enumerate(HOSTILE)]
        commit(store, *(queued(f"mail{number}", to or "a@example.com") for number, to in enumerate(HOSTILE)))
        leased = list(store.lease_mails(NOON, NOON + MINUTE, 100))
        assert [(one.id, one.to, one.content, one.language) for one in leased] == [
            (one.id, one.to, one.content, one.language) for one in mails
        ]
        assert {(one.queued_at, one.expires_at, one.attempts) for one in leased} == {(NOON, NOON + 60 * MINUTE, 1)}

    def test_nothing_is_leased_from_an_empty_outbox(self, store: Store) -> None:
        """An idle worker gets nothing, and the status says so."""
        assert list(store.lease_mails(NOON, NOON + MINUTE, 10)) == []
        assert store.outbox_status() == OutboxStatus(0, 0, None)

    def test_mails_are_leased_oldest_first(self, store: Store) -> None:
        """The oldest come first, no more than asked for, none that was queued for later."""
        commit(store, *(queued(f"m{number}", at=NOON + number * MINUTE) for number in (2, 0, 9, 1)))
        assert [one.id for one in store.lease_mails(NOON + 2 * MINUTE, NOON + 5 * MINUTE, 2)] == ["m0", "m1"]
        assert [one.id for one in store.lease_mails(NOON + 2 * MINUTE, NOON + 5 * MINUTE, 2)] == ["m2"]
        assert list(store.lease_mails(NOON + 2 * MINUTE, NOON + 5 * MINUTE, 2)) == []

    def test_a_lease_ends(self, store: Store) -> None:
        """A worker that died gives its mails back when the lease ends."""
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
        """A postponed mail is due again at its moment, a dropped one never; unknown ones are no mistake."""
        commit(store, queued("later"), queued("sent"))
        store.lease_mails(NOON, NOON + MINUTE, 9)
        store.postpone_mail("later", NOON + 5 * MINUTE)
        store.drop_mail("sent")
        store.drop_mail("sent")
        store.postpone_mail("unknown", NOON)
        assert list(store.lease_mails(NOON + 4 * MINUTE, NOON + 9 * MINUTE, 9)) == []
        assert [one.id for one in store.lease_mails(NOON + 5 * MINUTE, NOON + 9 * MINUTE, 9)] == ["later"]

    def test_a_dummy_is_dropped_and_never_counted(self, store: Store) -> None:
        """The mail that nobody gets is neither handed to a worker nor shown, and takes nobody's place."""
        commit(store, queued("dummy", "", at=NOON - MINUTE), queued("mail"))
        assert store.outbox_status() == OutboxStatus(1, 0, NOON)
        assert [one.id for one in store.lease_mails(NOON, NOON, 1)] == ["mail"]
        store.drop_mail("mail")
        assert list(store.lease_mails(NOON + 60 * MINUTE, NOON, 9)) == []
        assert store.outbox_status() == OutboxStatus(0, 0, None)

    def test_the_status_counts(self, store: Store) -> None:
        """Waiting mails, those tried before, and the oldest moment."""
        commit(store, queued("a", at=NOON + MINUTE), queued("b", at=NOON), queued("c", at=NOON + 2 * MINUTE))
        store.lease_mails(NOON + MINUTE, NOON + 9 * MINUTE, 1)
        assert store.outbox_status() == OutboxStatus(3, 1, NOON)

    def test_no_mail_leaves_without_its_commit(self, store: Store) -> None:
        """A refused commit queues nothing."""
        last = EpochAdvanced(AINO)
        assert store.commit([queued("mail"), last]) == Rejected(last, Precondition.ACCOUNT_MISSING)
        assert list(store.lease_mails(NOON + MINUTE, NOON + 2 * MINUTE, 9)) == []
