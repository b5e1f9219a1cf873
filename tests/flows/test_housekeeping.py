"""Housekeeping deletes what has expired, and nothing that could still be used."""

from dataclasses import replace
from datetime import timedelta

from cityauth import LinkLive, Purged
from cityauth.core.sessions import digest_of
from cityauth.core.signing import LEEWAY
from cityauth.policy import SessionPolicy, ThrottlePolicy
from cityauth.policy.throttling import Backoff, Limit
from tests.support.recording import recording
from tests.support.service import Service

ERKKI = "erkki@example.com"
BEFORE = timedelta(seconds=1)


def test_a_fresh_store_has_nothing_to_purge(service: Service) -> None:
    """Asked before anything happened, the job deletes nothing and says so."""
    assert service.auth.housekeeping.purge() == Purged(sessions=0, links=0, counts=0)


def test_old_sessions_are_purged(service: Service) -> None:
    """A nightly job deletes what is past every lifetime and nothing that could still be alive (C-55, B-26)."""
    account = service.add("Erkki", email=ERKKI)
    service.token(ERKKI)
    remembered = service.token(ERKKI, remember=True)
    service.clock.advance(timedelta(days=14) - BEFORE)
    assert service.is_live(remembered)
    service.clock.advance(timedelta(days=16) + LEEWAY)
    late = service.token(ERKKI)
    assert service.auth.housekeeping.purge().sessions == 0
    service.clock.advance(timedelta(seconds=3))
    assert service.auth.housekeeping.purge().sessions == 2
    assert [one.digest for one in service.store.list_sessions(account.id)] == [digest_of(late)]
    assert service.auth.housekeeping.purge().sessions == 0


def test_a_link_is_purged_only_once_every_node_calls_it_dead(service: Service) -> None:
    """While a node whose clock is slow would still take the link, its row stays (B-26, C-35)."""
    service.add("Erkki", email=ERKKI)
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    service.clock.advance(timedelta(minutes=60) - BEFORE)
    assert service.auth.housekeeping.purge().links == 0
    assert isinstance(service.auth.recovery.inspect(token), LinkLive)
    service.clock.advance(LEEWAY)
    assert service.auth.housekeeping.purge().links == 0
    service.clock.advance(2 * BEFORE)
    assert service.auth.housekeeping.purge().links == 1


def test_a_count_is_kept_while_a_limit_looks_back_to_it(service: Service) -> None:
    """A purge gives nobody a mail more than the policy does: the hourly cap holds across it (C-54)."""
    service.add("Erkki", email=ERKKI)
    for _ in range(5):
        service.auth.recovery.request(ERKKI)
        service.clock.advance(timedelta(minutes=2))
        service.auth.housekeeping.purge()
    service.auth.recovery.request(ERKKI)
    assert len(service.subjects(ERKKI)) == 5
    service.clock.advance(timedelta(days=1) + LEEWAY)
    assert service.auth.housekeeping.purge().counts >= 5


def test_a_purge_asks_the_clock_and_three_stores(service: Service) -> None:
    """No account, mail or line of the audit trail is touched, and no write is a commit."""
    with recording(service.auth) as asked:
        service.auth.housekeeping.purge()
    assert [question[0] for question in asked] == [
        "Clock.now",
        "SessionStore.purge_sessions",
        "OneTimeTokenStore.purge_tokens",
        "ThrottleStore.purge_throttle",
    ]


def test_the_longest_spans_follow_the_policy() -> None:
    """The longest of all limits counts, wherever it stands; without any limit nothing is looked back to."""
    week = (Limit(3, timedelta(days=7)),)
    assert ThrottlePolicy().longest == timedelta(days=1)
    for name in (
        "mail_per_account",
        "mail_per_network",
        "link_per_network",
        "verify_per_account",
        "refusals_recorded",
        "refusals_recorded_in_all",
        "failures_recorded_in_all",
        "mail_per_recipient",
        "mail_guaranteed",
        "sign_in_per_network",
        "sign_in_failures_per_network",
    ):
        assert replace(ThrottlePolicy(), **{name: week}).longest == timedelta(days=7)  # type: ignore[arg-type]  # by name
    none = ThrottlePolicy((), (), (), (), (), (), (), (), Backoff(), (), (), failures_recorded_in_all=())
    assert none.longest == Backoff().memory
    assert replace(none, sign_in_per_account=Backoff(memory=timedelta(days=9))).longest == timedelta(days=9)
    assert SessionPolicy().longest == timedelta(days=30)
    long = timedelta(days=30)
    assert SessionPolicy(absolute=long, remembered_absolute=timedelta(days=15)).longest == long
