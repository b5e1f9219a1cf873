"""Sessions: their tokens, their limits, and what ends them."""

import base64
import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.client import ClientContext
from cityauth.core.sessions import (
    TOKEN_BYTES,
    TOKEN_LENGTH,
    Session,
    digest_of,
    family_of,
    is_due_for_touch,
    is_fresh,
    is_live,
    open_session,
    touched,
)
from cityauth.core.signing import LEEWAY
from cityauth.policy import SessionPolicy
from tests.support.fakes import NOON, context

ERKKI = Account(AccountId("erkki"), "citizen", "Erkki Esimerkki", epoch=3)
CLIENT = ClientContext("192.0.2.7", "Firefox", "fi")
ENTROPY = bytes(range(TOKEN_BYTES))
POLICY = SessionPolicy()
MOMENT = timedelta(microseconds=1)


def opened(*, remember: bool = False) -> Session:
    """A session of Erkki's, opened at noon."""
    made = open_session(
        ERKKI, ENTROPY, context(NOON, CLIENT), remember=remember, fresh=not remember, identifier_kind="email"
    )
    return made.session


def alive(session: Session, now: datetime, account: Account = ERKKI) -> bool:
    """Whether the session may act."""
    return is_live(session, account, now, POLICY)


def test_a_token_is_all_of_the_entropy() -> None:
    """The token is 256 bits in base64url, and only its SHA-256 is in the session (ASVS 7.2.3, 11.5.1, NIST 5.1, B-60)."""
    made = open_session(ERKKI, ENTROPY, context(NOON), remember=False, fresh=True, identifier_kind="email")
    token = made.token.get_secret_value()
    assert base64.urlsafe_b64decode(token + "=") == ENTROPY
    assert len(token) == TOKEN_LENGTH
    assert TOKEN_BYTES * 8 >= 128
    assert made.session.digest == hashlib.sha256(token.encode()).digest() == digest_of(token)
    assert token not in repr(made)


@given(st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES))
def test_a_handle_says_nothing_of_its_token(entropy: bytes) -> None:
    """What lists show is derived from the digest one way, and is neither token nor digest (B-78, ASVS 7.5.2)."""
    made = open_session(ERKKI, entropy, context(NOON), remember=False, fresh=True, identifier_kind="email")
    handle = made.session.handle
    assert digest_of(handle) is None
    assert handle not in made.token.get_secret_value()
    assert handle not in made.session.digest.hex()


def test_a_session_records_how_it_came_to_be() -> None:
    """It names the immutable account, its epoch, the method, the kind of identifier and the device (B-13, ASVS 16.2.1)."""
    assert opened() == Session(
        digest=opened().digest,
        family=opened().family,
        handle=opened().handle,
        account_id=ERKKI.id,
        epoch=3,
        opened_at=NOON,
        seen_at=NOON,
        verified_at=NOON,
        remembered=False,
        method="pwd",
        identifier_kind="email",
        address="192.0.2.7",
        user_agent="Firefox",
    )


@pytest.mark.parametrize(
    "hostile",
    [None, 0, False, 1.5, "", " ", "null", "0" * 42, "0" * 44, " " + "0" * 43, "ä" * 43, "\ud800" * 43, b"0" * 43, ["0" * 43], {"t": 1}, "x" * 10_000_000],
    ids=lambda value: repr(value)[:12].encode("ascii", "replace").decode() + str(len(repr(value))),
)  # fmt: skip
def test_what_is_no_token_has_no_digest(hostile: object) -> None:
    """Nothing empty, numeric, huge or of another type ever reaches a query (B-31, B-32, B-54, ASVS 7.2.1)."""
    assert digest_of(hostile) is None
    assert family_of(hostile) is None


@pytest.mark.parametrize(
    "alien", ["A" * 42 + "!", "A" * 41 + "!!", "=" * 43, "\n" * 43, "+" * 43, "/" * 43, " " * 43], ids=ascii
)
def test_what_no_session_was_given_names_no_family(alien: str) -> None:
    """Text of the right length that is not base64url names no family, and raises nothing (B-31, ASVS 7.2.1)."""
    assert family_of(alien) is None


def test_a_renewed_session_keeps_its_family() -> None:
    """A new token of the same session names the same family, in other respects it is new (ASVS 7.2.4)."""
    first = open_session(ERKKI, b"a" * TOKEN_BYTES, context(NOON), remember=False, fresh=True, identifier_kind="email")
    again = open_session(
        ERKKI,
        b"b" * TOKEN_BYTES,
        context(NOON),
        remember=False,
        fresh=True,
        identifier_kind="email",
        family=first.session.family,
    )
    tokens = [one.token.get_secret_value() for one in (first, again)]
    assert {family_of(token) for token in tokens} == {first.session.family} == {again.session.family}
    assert first.session.digest != again.session.digest
    assert first.session.handle == again.session.handle


LIMITS: list[Any] = [
    (False, "idle", timedelta(minutes=30)),
    (True, "remembered_idle", timedelta(days=14)),
]


@pytest.mark.parametrize(("remember", "name", "idle"), LIMITS)
def test_an_idle_session_ends(remember: bool, name: str, idle: timedelta) -> None:
    """It lives until the limit of inactivity and not a moment longer (ASVS 7.3.1)."""
    session = opened(remember=remember)
    assert getattr(POLICY, name) == idle
    assert alive(session, NOON + idle - MOMENT)
    assert not alive(session, NOON + idle)
    assert not alive(session, NOON + idle + MOMENT)


@pytest.mark.parametrize(
    ("remember", "absolute"), [(False, timedelta(hours=12)), (True, timedelta(days=30))]
)  # fmt: skip
def test_no_activity_outlives_the_absolute_limit(remember: bool, absolute: timedelta) -> None:
    """However lately it was used, a session ends at its absolute age (ASVS 7.3.2, NIST 2.1.3)."""
    used = touched(opened(remember=remember), NOON + absolute - MOMENT)
    assert alive(used, NOON + absolute - MOMENT)
    assert not alive(touched(used, NOON + absolute), NOON + absolute)


def test_use_extends_the_idle_limit_only() -> None:
    """A use moves the end of inactivity, and nothing else of the session (ASVS 7.3.1, 7.3.2)."""
    session = opened()
    used = touched(session, NOON + timedelta(minutes=29))
    assert used == replace(session, seen_at=NOON + timedelta(minutes=29))
    assert alive(used, NOON + timedelta(minutes=58))
    assert not alive(session, NOON + timedelta(minutes=58))


@pytest.mark.parametrize(
    "account",
    [
        replace(ERKKI, status=Status.DISABLED),
        replace(ERKKI, epoch=4),
        replace(ERKKI, epoch=2),
        replace(ERKKI, id=AccountId("matti")),
    ],
    ids=["disabled", "later epoch", "earlier epoch", "another account"],
)
def test_a_session_dies_with_what_it_was_opened_for(account: Account) -> None:
    """Another account, another epoch or a disabled account ends it at once (B-13, B-88, C-11, ASVS 7.4.2)."""
    assert alive(opened(), NOON)
    assert not alive(opened(), NOON, account)


def test_a_remembered_session_is_never_fresh() -> None:
    """Being remembered is no proof of the password; a sign-in is one, for five minutes (B-61, ASVS 7.5.1, 7.5.3)."""
    assert not is_fresh(opened(remember=True), NOON, POLICY)
    assert is_fresh(opened(), NOON + timedelta(minutes=5) - MOMENT, POLICY)
    assert not is_fresh(opened(), NOON + timedelta(minutes=5), POLICY)


def test_a_touch_is_due_once_a_minute() -> None:
    """A session in use is written at most once a minute (C-15)."""
    session = opened()
    assert not is_due_for_touch(session, NOON + timedelta(minutes=1) - MOMENT, POLICY)
    assert is_due_for_touch(session, NOON + timedelta(minutes=1), POLICY)


def test_the_preset_of_assurance_level_2_keeps_to_its_limits() -> None:
    """The preset ends sessions after an hour idle and 24 hours in all, remembered ones too (ASVS 7.3.1, 7.3.2, NIST 2.2.3)."""
    for remember in (False, True):
        session = opened(remember=remember)
        assert not is_live(session, ERKKI, NOON + timedelta(hours=1), SessionPolicy.AAL2)
        used = touched(session, NOON + timedelta(hours=24))
        assert not is_live(used, ERKKI, NOON + timedelta(hours=24), SessionPolicy.AAL2)


@pytest.mark.parametrize("remember", [False, True])
@pytest.mark.parametrize("back", [timedelta(minutes=10), timedelta(hours=1), timedelta(days=400)])
def test_a_clock_that_was_set_back_revives_no_idle_session(back: timedelta, *, remember: bool) -> None:
    """A session whose last use lies ahead by more than the allowed difference is dead, however idle it was (A9)."""
    session = opened(remember=remember)
    assert alive(session, NOON - LEEWAY)
    assert not alive(session, NOON - LEEWAY - MOMENT)
    assert not alive(session, NOON - back)
    long_ago = replace(session, opened_at=NOON - back - timedelta(minutes=1))
    assert not alive(long_ago, NOON - back)


def test_a_clock_that_was_set_back_makes_no_session_fresh() -> None:
    """A password that was verified further ahead than the allowed difference counts as not verified (A9)."""
    session = opened()
    assert is_fresh(session, NOON - LEEWAY, POLICY)
    assert not is_fresh(session, NOON - LEEWAY - MOMENT, POLICY)
    assert not is_fresh(session, NOON - timedelta(hours=1), POLICY)
