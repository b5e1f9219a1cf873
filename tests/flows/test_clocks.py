"""What a wrong clock does to links and half-done sign-ins: how long an old one may work again, and how a person gets on."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cityauth.core.links import LinkLive, LinkRefused
from cityauth.core.login import Authenticated
from cityauth.core.signing import LEEWAY, Purpose
from cityauth.policy import LinkPolicy, LoginPolicy
from tests.flows.test_links import LOOKS, MAKERS, USES
from tests.support.service import PASSWORD, POLICY, Service

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LINKS = [made for made, (_, purpose) in MAKERS.items() if purpose is not Purpose.PENDING_LOGIN]
LIFETIMES = {made: getattr(LinkPolicy(), made) for made in LINKS} | {"pending_login": LoginPolicy().pending_max_age}


def works(service: Service, made: str, token: str) -> bool:
    """Whether a link opens its page, or a half-done sign-in goes on with the right password."""
    purpose = MAKERS[made][1]
    if purpose is Purpose.PENDING_LOGIN:
        return isinstance(service.auth.login.submit_password(token, PASSWORD), Authenticated)
    return isinstance(LOOKS[purpose](service, token), LinkLive)


def make(service: Service, made: str) -> str:
    """Get a link or a half-done sign-in for Erkki, or for a new address."""
    return MAKERS[made][0](service)


@pytest.fixture
def erkki(service: Service) -> Service:
    """A service with one account."""
    service.add("Erkki", email="erkki@example.com")
    return service


def moments(service: Service, span: timedelta) -> Iterator[datetime]:
    """Let *span* go by in steps of ten minutes, and tell each moment of the service's clock."""
    for _ in range(span // (10 * MINUTE)):
        service.clock.advance(10 * MINUTE)
        yield service.now


@pytest.mark.parametrize("back", [HOUR, 3 * HOUR])
@pytest.mark.parametrize("made", MAKERS)
def test_an_expired_one_works_again_no_longer_than_the_clock_went_back(
    erkki: Service, made: str, back: timedelta
) -> None:
    """Set back after the end, it works until its time is reached once more, and never again after that (A9, C-36)."""
    token, issued = make(erkki, made), erkki.now
    erkki.clock.at = issued + LIFETIMES[made] + 10 * MINUTE
    assert not works(erkki, made, token)
    erkki.clock.advance(-back)
    again = [at for at in moments(erkki, 2 * back) if works(erkki, made, token)]
    assert all(at < issued + LIFETIMES[made] for at in again)


@pytest.mark.parametrize("back", [HOUR, timedelta(days=30)])
@pytest.mark.parametrize("made", LINKS)
def test_a_used_link_stays_used(erkki: Service, made: str, back: timedelta) -> None:
    """However far the clock is set back, a link that was used does not work again (A9, C-36)."""
    token, purpose = make(erkki, made), MAKERS[made][1]
    assert not isinstance(USES[purpose](erkki, token), LinkRefused)
    erkki.clock.advance(-back)
    for _ in moments(erkki, min(back + HOUR, 3 * HOUR)):
        assert isinstance(USES[purpose](erkki, token), LinkRefused)
    erkki.clock.advance(back)
    assert isinstance(USES[purpose](erkki, token), LinkRefused)


@pytest.mark.parametrize("made", LINKS)
def test_a_purged_link_stays_dead(erkki: Service, made: str) -> None:
    """Once housekeeping has taken an expired link away, no clock brings it back (A9)."""
    token = make(erkki, made)
    erkki.clock.advance(LIFETIMES[made] + LEEWAY + MINUTE)
    erkki.auth.housekeeping.purge()
    erkki.clock.advance(-HOUR)
    assert not works(erkki, made, token)


@pytest.mark.parametrize("made", LINKS)
def test_a_new_generation_ends_every_link_at_once(erkki: Service, made: str) -> None:
    """After a clock was set back by much, the operator need not wait until old links have expired again (A9)."""
    token = make(erkki, made)
    erkki.clock.advance(LIFETIMES[made] + HOUR)
    erkki.clock.advance(-HOUR - MINUTE)
    assert works(erkki, made, token)
    assert not works(replace(erkki, policy=replace(POLICY, generation="after the clock")), made, token)


@pytest.mark.parametrize("ahead", [timedelta(hours=2, seconds=1), timedelta(days=1), timedelta(days=30)])
@pytest.mark.parametrize("made", [made for made in MAKERS if made != "email_undo"])
def test_what_was_made_far_ahead_is_replaced_at_once(erkki: Service, made: str, ahead: timedelta) -> None:
    """A clock that was ahead is corrected: what it made does not work yet, and a new one works right away (A9)."""
    erkki.clock.advance(ahead)
    early = make(erkki, made)
    erkki.clock.advance(-ahead)
    assert not works(erkki, made, early)
    fresh = make(erkki, made)
    assert works(erkki, made, fresh)
    assert not isinstance(USES[MAKERS[made][1]](erkki, fresh), LinkRefused)


@pytest.mark.parametrize("ahead", [10 * MINUTE, HOUR, 2 * HOUR, timedelta(days=30)])
@pytest.mark.parametrize("made", MAKERS)
def test_what_was_made_ahead_works_once_its_time_has_come(erkki: Service, made: str, ahead: timedelta) -> None:
    """It waits exactly as long as the clock was ahead, and then lives as long as any other (A9)."""
    erkki.clock.advance(ahead)
    early, issued = make(erkki, made), erkki.now
    erkki.clock.advance(-ahead)
    assert not works(erkki, made, early)
    erkki.clock.at = issued
    assert works(erkki, made, early)
    erkki.clock.at = issued + LIFETIMES[made]
    assert not works(erkki, made, early)


@pytest.mark.parametrize("made", MAKERS)
def test_a_clock_within_the_leeway_is_no_failure(erkki: Service, made: str) -> None:
    """What another host made whose clock is a minute ahead works at once, and not a second more (A9, C-35)."""
    erkki.clock.advance(LEEWAY)
    token = make(erkki, made)
    erkki.clock.advance(-LEEWAY)
    assert works(erkki, made, token)
    erkki.clock.advance(timedelta(seconds=-1))
    assert not works(erkki, made, token)
