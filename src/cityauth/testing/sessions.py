"""What a store promises of sessions."""

from dataclasses import replace
from datetime import timedelta, timezone

from cityauth.core.account import AccountId, Status
from cityauth.core.change import (
    EpochAdvanced,
    Precondition,
    SessionClosed,
    SessionOpened,
    SessionsClosed,
    StatusChanged,
)
from cityauth.ports.stores import Store
from cityauth.testing.samples import AINO, MINUTE, NOON, added, commit, digest, opened, refuse, session

MICROSECOND = timedelta(microseconds=1)


class SessionContract:
    """Sessions: found with their account, listed, touched, ended."""

    def test_a_session_comes_back_whole_with_its_account(self, store: Store) -> None:
        """Every field is as it was written, to the microsecond, and the account as it is now (C-37)."""
        full = session("a", remembered=True, opened_at=NOON, seen_at=NOON + MICROSECOND, verified_at=NOON - MICROSECOND)
        bare = session("b", verified_at=None, address=None, user_agent="")
        commit(store, added(), SessionOpened(full, 9), SessionOpened(bare, 9), EpochAdvanced(AINO))
        for one in (full, bare):
            live = store.find_session(one.digest)
            assert live is not None
            assert live.session == one
            assert live.account == replace(added().account, epoch=1)
        assert store.find_session(digest("c")) is None
        assert store.find_session(b"") is None

    def test_a_session_that_must_be_open_is_refused_when_it_is_gone(self, store: Store) -> None:
        """A session that is about to be replaced is closed once; the second of two finds nothing to replace (C-12)."""
        commit(store, added(), SessionOpened(session("a"), 9))
        commit(store, SessionClosed(digest("a"), must_be_open=True))
        refuse(store, SessionClosed(digest("a"), must_be_open=True), Precondition.SESSION_MISSING)
        commit(store, SessionClosed(digest("a")))

    def test_a_moment_is_the_same_in_every_time_zone(self, store: Store) -> None:
        """A moment given in another zone comes back as the same moment, and aware (C-37)."""
        zone = timezone(timedelta(hours=5, minutes=45))
        commit(store, added(), SessionOpened(session("a", at=NOON.astimezone(zone)), 9))
        live = store.find_session(digest("a"))
        assert live is not None
        assert live.session.opened_at == NOON
        assert live.session.opened_at.utcoffset() is not None

    def test_a_session_opens_only_in_an_active_account_of_its_epoch(self, store: Store) -> None:
        """A sign-in that was overtaken by a disabling or by the end of all sessions opens nothing (C-10, C-11)."""
        refuse(store, opened("a"), Precondition.ACCOUNT_MISSING)
        commit(store, added(), EpochAdvanced(AINO))
        refuse(store, opened("a", epoch=0), Precondition.EPOCH_CHANGED)
        refuse(store, opened("a", epoch=2), Precondition.EPOCH_CHANGED)
        commit(store, opened("a", epoch=1), StatusChanged(AINO, Status.ACTIVE, Status.DISABLED))
        refuse(store, opened("b", epoch=1), Precondition.STATUS_CHANGED)
        assert [one.digest for one in store.list_sessions(AINO)] == [digest("a")]

    def test_the_oldest_sessions_end_beyond_the_number_per_account(self, store: Store) -> None:
        """The session opened last stays, the oldest of the same account end, nobody else's (ASVS 7.1.2)."""
        commit(store, added(), added("b"), opened("other", AccountId("b"), at=NOON - MINUTE))
        for number in (2, 0, 1, 3):
            commit(store, opened(number, at=NOON + number * MINUTE, per_account=3))
        assert [one.digest for one in store.list_sessions(AINO)] == [digest(3), digest(2), digest(1)]
        assert store.find_session(digest("other")) is not None

    def test_the_session_that_is_opened_always_stays(self, store: Store) -> None:
        """A clock that jumped back, or a tie, does not end the very session that is being opened (C-36)."""
        commit(store, added(), opened("a", per_account=1), opened("b", per_account=1))
        assert [one.digest for one in store.list_sessions(AINO)] == [digest("b")]
        commit(store, opened("c", at=NOON - 60 * MINUTE, per_account=1))
        assert [one.digest for one in store.list_sessions(AINO)] == [digest("c")]

    def test_sessions_are_listed_last_used_first(self, store: Store) -> None:
        """The account's own sessions come, the last used first."""
        commit(store, added(), added("b"), opened("other", AccountId("b")))
        commit(store, *(opened(number, at=NOON + number * MINUTE) for number in range(3)))
        store.touch_session(digest(0), NOON + 9 * MINUTE)
        assert [one.digest for one in store.list_sessions(AINO)] == [digest(0), digest(2), digest(1)]
        assert list(store.list_sessions(AccountId("nobody"))) == []

    def test_a_touch_moves_the_last_use_forward_only(self, store: Store) -> None:
        """A late touch moves nothing back, and no touch moves the opening (C-15, C-36)."""
        commit(store, added(), opened("a"))
        for at, seen in ((NOON + MINUTE, NOON + MINUTE), (NOON, NOON + MINUTE), (NOON + 2 * MINUTE, NOON + 2 * MINUTE)):
            store.touch_session(digest("a"), at)
            live = store.find_session(digest("a"))
            assert live is not None
            assert live.session == session("a", seen_at=seen)

    def test_a_closed_session_stays_closed(self, store: Store) -> None:
        """A touch revives nothing, and closing twice is no mistake (C-15, ASVS 7.4.1)."""
        commit(store, added(), opened("a"), SessionClosed(digest("a")))
        store.touch_session(digest("a"), NOON + MINUTE)
        assert store.find_session(digest("a")) is None
        commit(store, SessionClosed(digest("a")), SessionClosed(digest("never")))

    def test_all_sessions_end_but_one(self, store: Store) -> None:
        """All of the account's sessions end, but for the kept one; the other accounts' stay (ASVS 7.4.3)."""
        commit(store, added(), added("b"), opened("other", AccountId("b")), opened(1), opened(2), opened(3))
        commit(store, SessionsClosed(AINO, keep=digest(2)))
        assert [one.digest for one in store.list_sessions(AINO)] == [digest(2)]
        commit(store, SessionsClosed(AINO), SessionsClosed(AccountId("nobody")))
        assert list(store.list_sessions(AINO)) == []
        assert store.find_session(digest("other")) is not None

    def test_old_sessions_are_purged(self, store: Store) -> None:
        """Sessions opened before a moment are deleted and counted; one opened at that moment stays (C-55)."""
        commit(store, added(), opened("old", at=NOON - MICROSECOND), opened("young", at=NOON))
        assert store.purge_sessions(NOON) == 1
        assert [one.digest for one in store.list_sessions(AINO)] == [digest("young")]
        assert store.purge_sessions(NOON) == 0
