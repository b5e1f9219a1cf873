"""Sessions: what a token is, when a session lives, and when it is worth a write."""

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.account import Account, AccountId, Status
from cityauth.core.client import ClientContext
from cityauth.core.session import (
    TOKEN_BYTES,
    TOKEN_LENGTH,
    Session,
    digest_of,
    is_due_for_touch,
    is_fresh,
    is_live,
    open_session,
    touched,
)
from cityauth.policy import SessionPolicy
from tests.support.fakes import NOON, occasion

ERKKI = Account(AccountId("erkki"), "citizen", "Erkki Esimerkki", epoch=3)
ENTROPY = bytes(range(TOKEN_BYTES))
POLICY = SessionPolicy()
SECOND = timedelta(seconds=1)
CLIENT = ClientContext("192.0.2.7", "Firefox")


def opened(*, remember: bool = False, entropy: bytes = ENTROPY) -> Session:
    """A session of Erkki's, opened at noon."""
    made = open_session(
        ERKKI, entropy, occasion(NOON, CLIENT), remember=remember, fresh=not remember, identifier_kind="email"
    )
    return made.session


def test_a_token_holds_all_the_randomness_it_was_given() -> None:
    """A token is 32 random bytes as 43 characters; only its SHA-256 is in what is stored (ASVS 7.2.3, B-60, B-97)."""
    made = open_session(ERKKI, ENTROPY, occasion(NOON), remember=False, fresh=True, identifier_kind="email")
    token = made.token.reveal()
    assert base64.urlsafe_b64decode(token + "=") == ENTROPY
    assert (len(token), TOKEN_BYTES, TOKEN_LENGTH) == (43, 32, 43)
    assert made.session.digest == hashlib.sha256(token.encode()).digest() == digest_of(token)
    assert token not in repr(made)


def test_a_handle_says_nothing_of_the_token() -> None:
    """The name by which a person closes a session is a hash of the stored digest, and no token (B-78, ASVS 7.5.2)."""
    session = opened()
    assert session.handle == hashlib.sha256(b"handle:" + session.digest).hexdigest()[:20]
    assert digest_of(session.handle) is None
    assert session.handle not in {session.digest.hex()[:20], ENTROPY.hex()[:20]}


@given(st.lists(st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES), unique=True, max_size=20))
def test_different_randomness_makes_different_sessions(draws: list[bytes]) -> None:
    """Two sign-ins share neither digest nor handle (ASVS 7.2.2, 7.2.3)."""
    sessions = [opened(entropy=draw) for draw in draws]
    assert len({one.digest for one in sessions}) == len({one.handle for one in sessions}) == len(draws)


@pytest.mark.parametrize(
    "token",
    [None, 0, True, b"x" * 43, ["x" * 43], {}, "", "0", " ", "null", "x" * 42, "x" * 44, "ä" * 43, "\ud800" * 43, "x" * 10**7],
    ids=lambda token: repr(token)[:16],
)
def test_what_can_be_no_token_has_no_digest(token: object) -> None:
    """Nothing empty, numeric, huge or non-ASCII reaches a query (B-31, B-32, B-54, C-47, ASVS 7.2.1)."""
    assert digest_of(token) is None


def test_a_session_knows_where_it_came_from() -> None:
    """It names the account, the epoch, the moment, the device and how the person authenticated (ASVS 7.1.2, B-13)."""
    session = opened()
    assert (session.account_id, session.epoch) == (ERKKI.id, ERKKI.epoch)
    assert session.opened_at == session.seen_at == session.verified_at == NOON
    assert (session.method, session.identifier_kind) == ("pwd", "email")
    assert (session.address, session.user_agent) == ("192.0.2.7", "Firefox")


@pytest.mark.parametrize(
    ("remember", "idle", "absolute"),
    [(False, timedelta(minutes=30), timedelta(hours=12)), (True, timedelta(days=14), timedelta(days=30))],
)
def test_both_lifetimes_end_at_their_second(remember: bool, idle: timedelta, absolute: timedelta) -> None:
    """A session lives one second before its idle and absolute limits and is dead at them (ASVS 7.3.1, 7.3.2, NIST 2.1.3, 5.2)."""
    session = opened(remember=remember)
    assert is_live(session, ERKKI, NOON + idle - SECOND, POLICY)
    assert not is_live(session, ERKKI, NOON + idle, POLICY)
    used = replace(session, seen_at=NOON + absolute - 2 * SECOND)
    assert is_live(used, ERKKI, NOON + absolute - SECOND, POLICY)
    assert not is_live(used, ERKKI, NOON + absolute, POLICY), "activity never prolongs the absolute lifetime"


@pytest.mark.parametrize(
    "account",
    [
        replace(ERKKI, status=Status.DISABLED),
        replace(ERKKI, epoch=ERKKI.epoch + 1),
        replace(ERKKI, epoch=ERKKI.epoch - 1),
        replace(ERKKI, id=AccountId("matti")),
    ],
    ids=["disabled", "later epoch", "earlier epoch", "another account"],
)
def test_a_session_acts_for_its_account_alone(account: Account) -> None:
    """A disabled account, another epoch or another account has no live session (ASVS 7.4.2, B-13, B-59, C-11)."""
    assert is_live(opened(), ERKKI, NOON, POLICY)
    assert not is_live(opened(), account, NOON, POLICY)


def test_freshness_ends_and_a_remembered_session_has_none() -> None:
    """A verified password counts for five minutes; being remembered is never fresh (B-61, ASVS 7.5.3, NIST 5.1)."""
    assert is_fresh(opened(), NOON + POLICY.fresh - SECOND, POLICY)
    assert not is_fresh(opened(), NOON + POLICY.fresh, POLICY)
    assert not is_fresh(opened(remember=True), NOON, POLICY)


def test_use_is_written_at_most_once_a_minute() -> None:
    """A use is written when the last written one is a minute old, and moves nothing but the last use (C-15)."""
    session = opened()
    assert not is_due_for_touch(session, NOON + POLICY.touch_every - SECOND, POLICY)
    assert is_due_for_touch(session, NOON + POLICY.touch_every, POLICY)
    later = NOON + timedelta(minutes=5)
    assert touched(session, later) == replace(session, seen_at=later)
