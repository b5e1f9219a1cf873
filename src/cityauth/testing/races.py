"""What a store promises when many act at the same moment: how many of them succeed, and what the others are answered.

`race` starts many threads at the same moment.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final, TypeVar

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.changes import (
    Change,
    CommitOutcome,
    Committed,
    ContactChanged,
    EpochAdvanced,
    PasswordReplaced,
    PasswordSet,
    Precondition,
    ProfileChanged,
    Rejected,
    SessionClosed,
    SessionRequired,
    StatusChanged,
    TokenIssued,
    TokenUsed,
)
from cityauth.core.secret import SecretStr
from cityauth.core.signing import Purpose
from cityauth.ports.stores import Store
from cityauth.testing.samples import (
    AINO,
    MINUTE,
    NOON,
    OLD_HASH,
    added,
    commit,
    digest,
    family,
    identifier_added,
    one_time_token,
    opened,
    queued,
    recorded,
    summed,
)

T = TypeVar("T")

RACERS: Final = 32
"""How many threads a race has."""

_PATIENCE = 60
"""Seconds after which a race that does not end has failed."""


def race(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run *jobs*, each in a thread of its own, all started at the same moment. Return their results in order."""
    barrier = Barrier(len(jobs), timeout=_PATIENCE)

    def run(job: Callable[[], T]) -> T:
        barrier.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [done.result(timeout=_PATIENCE) for done in [pool.submit(run, job) for job in jobs]]


def commits(store: Store, *changes: Change) -> Callable[[], CommitOutcome]:
    """Return a job that commits *changes*."""
    return lambda: store.commit(changes)


def wins(outcomes: list[CommitOutcome]) -> int:
    """Return how many were committed."""
    return outcomes.count(Committed())


def losses(outcomes: list[CommitOutcome]) -> set[Precondition]:
    """Return why the others were rejected."""
    return {outcome.why for outcome in outcomes if isinstance(outcome, Rejected)}


class RaceContract:
    """Races: the write itself checks its precondition, so exactly one of those that exclude each other succeeds."""

    def test_one_of_many_new_accounts_gets_an_identifier(self, store: Store) -> None:
        """Of many accounts with the same identifier one is added, and nothing of the others is written."""
        outcomes = race([commits(store, added(f"a{n}", f"own{n}", "one")) for n in range(RACERS)])
        assert wins(outcomes) == 1
        assert losses(outcomes) == {Precondition.IDENTIFIER_TAKEN}
        (match,) = store.find(["1:one"])
        assert sum(store.load(AccountId(f"a{n}")) is not None for n in range(RACERS)) == 1
        assert store.load(match.account.id) is not None

    def test_one_of_many_accounts_is_given_an_identifier(self, store: Store) -> None:
        """Of many accounts that confirm the same address one gets it. The others are answered that it is taken."""
        commit(store, *(added(f"a{n}") for n in range(RACERS)))
        outcomes = race([commits(store, identifier_added("one", AccountId(f"a{n}"))) for n in range(RACERS)])
        assert wins(outcomes) == 1
        assert losses(outcomes) == {Precondition.IDENTIFIER_TAKEN}

    def test_one_account_of_an_id_is_added(self, store: Store) -> None:
        """Of many accounts with the same id one is added."""
        outcomes = race([commits(store, added(AINO, f"own{n}")) for n in range(RACERS)])
        assert wins(outcomes) == 1
        assert losses(outcomes) == {Precondition.ACCOUNT_EXISTS}
        assert len(store.account_identifiers(AINO)) == 1

    def test_one_of_many_replaces_a_password(self, store: Store) -> None:
        """Of many changes that replace the same hash one succeeds."""
        commit(store, added())
        hashes = [SecretStr(f"hash{n}") for n in range(RACERS)]
        outcomes = race([commits(store, PasswordReplaced(AINO, OLD_HASH, now)) for now in hashes])
        assert wins(outcomes) == 1
        assert losses(outcomes) == {Precondition.PASSWORD_CHANGED}
        assert store.password_hash(AINO) == hashes[outcomes.index(Committed())]

    def test_one_of_many_uses_a_token(self, store: Store) -> None:
        """Of many uses of one link one succeeds, with everything that its commit writes."""
        commit(store, added(), TokenIssued(one_time_token("link", epoch=None)))
        use = TokenUsed(digest("link"), Purpose.RESET, NOON + MINUTE)
        outcomes = race([commits(store, use, EpochAdvanced(AINO), recorded(f"event{n}")) for n in range(RACERS)])
        assert wins(outcomes) == 1
        assert losses(outcomes) == {Precondition.TOKEN_USED}
        account = store.load(AINO)
        assert account is not None
        assert account.epoch == len(store.events(AINO)) == 1

    def test_one_of_many_links_of_an_epoch_works(self, store: Store) -> None:
        """Of many links of one account, each used in a commit that ends its epoch, one works."""
        tokens = [TokenIssued(one_time_token(f"link{n}", epoch=0), alone=False) for n in range(RACERS)]
        commit(store, added(), *tokens)
        uses = [TokenUsed(digest(f"link{n}"), Purpose.RESET, NOON + MINUTE) for n in range(RACERS)]
        outcomes = race([commits(store, use, EpochAdvanced(AINO), queued(f"mail{n}")) for n, use in enumerate(uses)])
        assert wins(outcomes) == 1
        assert losses(outcomes) == {Precondition.TOKEN_USED}
        account = store.load(AINO)
        assert account is not None
        assert account.epoch == store.outbox_status().waiting == 1

    def test_no_change_is_made_from_a_session_that_a_reset_ended(self, store: Store) -> None:
        """Changes of a signed-in person against the end of the epoch: none of them comes after it."""
        commit(store, added(), opened("a"))
        session = SessionRequired(digest("a"), AINO, NOON - MINUTE, NOON - MINUTE, NOON + MINUTE)
        reset = commits(store, PasswordSet(AINO, SecretStr("reset")), EpochAdvanced(AINO))
        changes = [commits(store, session, PasswordSet(AINO, SecretStr(f"own{n}"))) for n in range(RACERS - 1)]
        outcomes = race([*changes, reset])
        assert outcomes[-1] == Committed()
        assert losses(outcomes) <= {Precondition.SESSION_MISSING}
        assert store.password_hash(AINO) == SecretStr("reset")

    def test_every_advance_of_an_epoch_counts(self, store: Store) -> None:
        """If many advance the epoch at once, every advance counts."""
        commit(store, added())
        assert wins(race([commits(store, EpochAdvanced(AINO))] * RACERS)) == RACERS
        account = store.load(AINO)
        assert account is not None
        assert account.epoch == RACERS

    def test_a_repeated_commit_is_applied_once_under_any_concurrency(self, store: Store) -> None:
        """If one commit is repeated many times at once, all are answered `Committed`, and it is applied once."""
        commit(store, added())
        outcomes = race([commits(store, EpochAdvanced(AINO), queued("mail"), recorded("event"))] * RACERS)
        assert wins(outcomes) == RACERS
        account = store.load(AINO)
        assert account is not None
        assert account.epoch == store.outbox_status().waiting == 1

    def test_no_event_is_left_out_of_a_sum(self, store: Store) -> None:
        """Of many events that are summed up at once each is counted, in one line."""
        assert wins(race([commits(store, summed("sum", AINO))] * RACERS)) == RACERS
        assert [event.detail for event in store.events(AINO)] == [{"count": str(RACERS)}]

    def test_no_session_opens_in_an_account_that_was_disabled(self, store: Store) -> None:
        """Sign-ins meet the end of all sessions: those that come later are refused, and no session is left."""
        commit(store, added())
        ending = commits(store, StatusChanged(AINO, Status.ACTIVE, Status.DISABLED), EpochAdvanced(AINO))
        outcomes = race([*(commits(store, opened(n)) for n in range(RACERS - 1)), ending])
        assert outcomes[-1] == Committed()
        account = store.load(AINO)
        assert account is not None
        stored = store.list_sessions(AINO)
        assert [one for one in stored if one.epoch == account.epoch] == []
        assert len(stored) == wins(outcomes[:-1])
        assert losses(outcomes) <= {Precondition.STATUS_CHANGED, Precondition.EPOCH_CHANGED}

    def test_the_number_of_sessions_holds_under_any_concurrency(self, store: Store) -> None:
        """Many sign-ins of one account at once leave no more sessions than it may have."""
        commit(store, added())
        outcomes = race([commits(store, opened(n, per_account=5)) for n in range(RACERS)])
        assert wins(outcomes) == RACERS
        assert len(store.list_sessions(AINO)) == 5

    def test_no_touch_revives_a_closed_session(self, store: Store) -> None:
        """Touches meet a sign-out: the session stays ended."""
        commit(store, added(), opened("a"))
        touches = [lambda n=n: store.touch_session(digest("a"), NOON + n * MINUTE) for n in range(RACERS - 1)]
        race([*touches, lambda: commit(store, SessionClosed(family("a")))])
        assert store.find_session(digest("a")) is None

    def test_no_mail_is_leased_twice(self, store: Store) -> None:
        """Two workers never hold the same mail at once."""
        commit(store, *(queued(f"mail{n:02}") for n in range(RACERS)))
        leased = race([lambda: store.lease_mails(NOON, NOON + MINUTE, 3)] * RACERS)
        ids = [one.id for batch in leased for one in batch]
        assert sorted(ids) == [f"mail{n:02}" for n in range(RACERS)]

    def test_readers_see_whole_commits_only(self, store: Store) -> None:
        """A reader during commits sees the account as it was before a commit or after it, never in between."""
        commit(store, added(AINO, "a@example.com", display_name="0", contact="0"))
        jobs: list[Callable[[], object]] = [lambda: store.load(AINO)] * (RACERS // 2)
        jobs += [
            commits(store, ProfileChanged(AINO, str(n), "fi"), ContactChanged(AINO, str(n))) for n in range(RACERS // 2)
        ]
        seen = [one for one in race(jobs) if isinstance(one, Account)]
        assert len(seen) == RACERS // 2
        assert all(one.display_name == one.contact for one in seen)
