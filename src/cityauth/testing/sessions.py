"""What a store promises of sessions."""

from dataclasses import replace
from datetime import timedelta, timezone

from cityauth.core.accounts import AccountId, Status
from cityauth.core.changes import (
    EpochAdvanced,
    Precondition,
    ProfileChanged,
    Rejected,
    SessionClosed,
    SessionOpened,
    SessionRequired,
    SessionsClosed,
    StatusChanged,
)
from cityauth.ports.stores import Store
from cityauth.testing.samples import (
    AINO,
    MINUTE,
    NOON,
    added,
    commit,
    digest,
    family,
    opened,
    refuse,
    required,
    session,
)

MICROSECOND = timedelta(microseconds=1)


class SessionContract:
    """Sessions: found with their account, listed, touched and ended."""

    def test_a_session_comes_back_whole_with_its_account(self, store: Store) -> None:
        """Every field is as it was written, to the microsecond, and the account as it is now."""
        full = session("a", remembered=True, opened_at=NOON, seen_at=NOON + MICROSECOND, verified_at=NOON - MICROSECOND)
        bare = session("b", verified_at=None, address=None, user_agent="")
        commit(store, added(), SessionOpened(full, 9), SessionOpened(bare, 9), EpochAdvanced(AINO))
        for one in (full, bare):
            live = store.find_session(one.digest)
            assert live is not None
            assert live.session == one
            assert live.account == replace(added().account, epoch=1)
            assert store.find_family(one.family) == live
        assert store.find_session(digest("c")) is None
        assert store.find_session(b"") is None
        assert store.find_family(family("c")) is None
        assert store.find_family(b"") is None

    def test_a_session_that_must_be_open_is_refused_when_it_is_gone(self, store: Store) -> None:
        """A session that must be open is closed once; the second of two finds nothing to close."""
        commit(store, added(), SessionOpened(session("a"), 9))
        commit(store, SessionClosed(family("a"), must_be_open=True))
        refuse(store, SessionClosed(family("a"), must_be_open=True), Precondition.SESSION_MISSING)
        commit(store, SessionClosed(family("a")))

    def test_a_family_outlives_its_token(self, store: Store) -> None:
        """A session that got a new token is still found and closed by its family."""
        renewed = session("b", family=family("a"))
        commit(store, added(), opened("a"), opened("other"))
        commit(store, SessionClosed(family("a")), SessionOpened(renewed, 9))
        live = store.find_family(family("a"))
        assert live is not None
        assert live.session == renewed
        commit(store, SessionClosed(family("a"), must_be_open=True))
        assert store.find_session(digest("b")) is None
        assert store.find_session(digest("other")) is not None

    def test_a_required_session_must_be_stored_and_the_accounts_own(self, store: Store) -> None:
        """A signed-in person's commit is refused after the session has ended, and with somebody else's session."""
        commit(store, added(), added("b"), opened("a"), opened("other", AccountId("b")))
        commit(store, required("a"), ProfileChanged(AINO, display_name="Aino"))
        refuse(store, required("never"), Precondition.SESSION_MISSING)
        refuse(store, required("other"), Precondition.SESSION_MISSING)
        commit(store, SessionClosed(family("a")))
        changed = ProfileChanged(AINO, display_name="Nobody")
        assert store.commit([required("a"), changed]) == Rejected(required("a"), Precondition.SESSION_MISSING)
        assert store.commit([changed, required("a")]) == Rejected(required("a"), Precondition.SESSION_MISSING)
        account = store.load(AINO)
        assert account is not None
        assert account.display_name == "Aino"

    def test_a_required_session_must_be_within_its_limits(self, store: Store) -> None:
        """A session is refused at its idle limit and at its absolute limit, and accepted one microsecond earlier."""
        commit(store, added(), opened("a"))
        store.touch_session(digest("a"), NOON + MINUTE)
        just = SessionRequired(digest("a"), AINO, NOON + MINUTE - MICROSECOND, NOON - MICROSECOND, NOON + MINUTE)
        commit(store, just)
        for limit in (
            replace(just, used_after=NOON + MINUTE),
            replace(just, opened_after=NOON),
            replace(just, until=NOON + MINUTE - MICROSECOND),
            replace(just, until=NOON - MICROSECOND),
        ):
            refuse(store, limit, Precondition.SESSION_MISSING)

    def test_a_required_session_needs_an_active_account_of_its_epoch(self, store: Store) -> None:
        """With the session of a disabled account, or one of an earlier epoch, nothing is written."""
        commit(store, added(), opened("a"), required("a"), StatusChanged(AINO, Status.ACTIVE, Status.DISABLED))
        refuse(store, required("a"), Precondition.SESSION_MISSING)
        commit(store, StatusChanged(AINO, Status.DISABLED, Status.ACTIVE), required("a"), EpochAdvanced(AINO))
        refuse(store, required("a"), Precondition.SESSION_MISSING)

    def test_a_moment_is_the_same_in_every_time_zone(self, store: Store) -> None:
        """A time in another time zone comes back as the same moment, and aware."""
        zone = timezone(timedelta(hours=5, minutes=45))
        commit(store, added(), SessionOpened(session("a", at=NOON.astimezone(zone)), 9))
        live = store.find_session(digest("a"))
        assert live is not None
        assert live.session.opened_at == NOON
        assert live.session.opened_at.utcoffset() is not None

    def test_a_session_opens_only_in_an_active_account_of_its_epoch(self, store: Store) -> None:
        """A sign-in opens no session if the account was disabled, or all its sessions were ended, meanwhile."""
        refuse(store, opened("a"), Precondition.ACCOUNT_MISSING)
        commit(store, added(), EpochAdvanced(AINO))
        refuse(store, opened("a", epoch=0), Precondition.EPOCH_CHANGED)
        refuse(store, opened("a", epoch=2), Precondition.EPOCH_CHANGED)
        commit(store, opened("a", epoch=1), StatusChanged(AINO, Status.ACTIVE, Status.DISABLED))
        refuse(store, opened("b", epoch=1), Precondition.STATUS_CHANGED)
        assert [one.digest for one in store.list_sessions(AINO)] == [digest("a")]

    def test_the_oldest_sessions_end_beyond_the_number_per_account(self, store: Store) -> None:
        """If an account has too many sessions, those stored first end, whatever the hosts' clocks say."""
        commit(store, added(), added("b"), opened("other", AccountId("b"), at=NOON - MINUTE))
        for number in (2, 0, 1, 3):
            commit(store, opened(number, at=NOON + number * MINUTE, per_account=3))
        assert [one.digest for one in store.list_sessions(AINO)] == [digest(3), digest(1), digest(0)]
        assert store.find_session(digest("other")) is not None

    def test_a_host_whose_clock_is_ahead_keeps_no_session_alive(self, store: Store) -> None:
        """The session that was stored first is the oldest, even if a fast clock dated it later than the others."""
        commit(store, added(), opened("fast", at=NOON + 60 * MINUTE, per_account=3), opened("closed", per_account=3))
        commit(store, SessionClosed(family("closed")), opened("a", per_account=3), opened("b", at=NOON, per_account=3))
        nobody = EpochAdvanced(AccountId("nobody"))
        assert store.commit([opened("undone", per_account=3), nobody]) == Rejected(nobody, Precondition.ACCOUNT_MISSING)
        assert {one.digest for one in store.list_sessions(AINO)} == {digest("fast"), digest("a"), digest("b")}
        commit(store, opened("slow", at=NOON - 60 * MINUTE, per_account=3))
        assert {one.digest for one in store.list_sessions(AINO)} == {digest("slow"), digest("a"), digest("b")}

    def test_the_session_that_is_opened_always_stays(self, store: Store) -> None:
        """The session that is being opened stays, even if the clock jumped back or two times are equal."""
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
        """A late touch does not set the last use back, and no touch changes the time of opening."""
        commit(store, added(), opened("a"))
        for at, seen in ((NOON + MINUTE, NOON + MINUTE), (NOON, NOON + MINUTE), (NOON + 2 * MINUTE, NOON + 2 * MINUTE)):
            store.touch_session(digest("a"), at)
            live = store.find_session(digest("a"))
            assert live is not None
            assert live.session == session("a", seen_at=seen)

    def test_a_closed_session_stays_closed(self, store: Store) -> None:
        """A touch does not reopen a closed session, and closing it twice raises nothing."""
        commit(store, added(), opened("a"), SessionClosed(family("a")))
        store.touch_session(digest("a"), NOON + MINUTE)
        assert store.find_session(digest("a")) is None
        commit(store, SessionClosed(family("a")), SessionClosed(family("never")))

    def test_all_sessions_end_but_one(self, store: Store) -> None:
        """All sessions of the account end but the kept one. The sessions of other accounts stay."""
        commit(store, added(), added("b"), opened("other", AccountId("b")), opened(1), opened(2), opened(3))
        commit(store, SessionsClosed(AINO, keep=family(2)))
        assert [one.digest for one in store.list_sessions(AINO)] == [digest(2)]
        commit(store, SessionsClosed(AINO), SessionsClosed(AccountId("nobody")))
        assert list(store.list_sessions(AINO)) == []
        assert store.find_session(digest("other")) is not None

    def test_old_sessions_are_purged(self, store: Store) -> None:
        """Sessions that were opened before the given time are deleted and counted; one that was opened at it stays."""
        commit(store, added(), opened("old", at=NOON - MICROSECOND), opened("young", at=NOON))
        assert store.purge_sessions(NOON) == 1
        assert [one.digest for one in store.list_sessions(AINO)] == [digest("young")]
        assert store.purge_sessions(NOON) == 0
