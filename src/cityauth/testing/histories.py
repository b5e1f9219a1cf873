"""Random changes, drawn from few accounts, few keys and few moments, so that they often concern the same ones."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from cityauth.core.accounts import AccountId, Status
from cityauth.core.changes import (
    AccountErased,
    Change,
    ContactChanged,
    EpochAdvanced,
    EventRecorded,
    IdentifierReleased,
    IdentifierRetired,
    PasswordReplaced,
    PasswordSet,
    ProfileChanged,
    SessionClosed,
    SessionOpened,
    SessionsClosed,
    StatusChanged,
    TokenIssued,
    TokensRevoked,
    TokenUsed,
    TombstonesReleased,
)
from cityauth.core.resolution import IdentifierStatus
from cityauth.core.secret import SecretStr
from cityauth.core.signing import Purpose
from cityauth.policy.throttling import Limit
from cityauth.testing.samples import (
    MINUTE,
    NOON,
    added,
    digest,
    family,
    identifier,
    identifier_added,
    one_time_token,
    queued,
    recorded,
    required,
    session,
    summed,
)

ACCOUNTS = ("anna", "bert", "Anna")
VALUES = ("anna", "Anna", "anna@example.com", "bert")
NAMES = tuple(f"name {number}" for number in range(10))

names: st.SearchStrategy[str] = st.sampled_from(NAMES)
spans: st.SearchStrategy[timedelta] = st.builds(
    lambda minutes, spare: minutes * MINUTE + timedelta(microseconds=spare), *[st.integers(-3, 3)] * 2
)
moments: st.SearchStrategy[datetime] = spans.map(lambda span: NOON + span)
limits: st.SearchStrategy[Limit] = st.builds(
    Limit, st.integers(0, 3), st.integers(1, 4).map(lambda minutes: minutes * MINUTE)
)

CONTACTS = ("anna@example.com", "Anna@example.com", "bo@example.com")

account_ids: st.SearchStrategy[AccountId] = st.sampled_from(ACCOUNTS).map(AccountId)
_values = st.sampled_from(VALUES)
_keys = _values.map(lambda value: identifier(value).key)
_digests = names.map(digest)
_families = names.map(family)
_tombstones = _values.map(lambda value: identifier_added(value).tombstones[0])
_hashes = st.sampled_from(("hash", "new", "Hash")).map(SecretStr)
_purposes = st.sampled_from((Purpose.RESET, Purpose.EMAIL_UNDO))
_statuses = st.sampled_from(Status)
_epochs = st.integers(0, 1)
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


def _added() -> st.SearchStrategy[Change]:
    return st.builds(
        lambda account_id, values, tombstones, status: added(
            account_id, *values, tombstones=tuple(tombstones), identifier_status=status
        ),
        account_ids,
        st.lists(_values, max_size=2),
        st.lists(_tombstones, max_size=1),
        st.sampled_from(IdentifierStatus),
    )


def _issued() -> st.SearchStrategy[Change]:
    def make(name: str, account_id: AccountId | None, alone: bool, **fields: Any) -> Change:  # noqa: FBT001 - drawn
        return TokenIssued(one_time_token(name, account_id, **fields), alone)

    return st.builds(
        make,
        names,
        st.none() | account_ids,
        st.booleans(),
        purpose=_purposes,
        epoch=st.none() | _epochs,
        issued_at=moments,
        expires_at=moments,
        issued_epoch=st.none() | _epochs,
    )


def _opened() -> st.SearchStrategy[Change]:
    def make(name: str, account_id: AccountId, most: int, **fields: Any) -> Change:
        return SessionOpened(session(name, account_id, **fields), most)

    return st.builds(
        make,
        names,
        account_ids,
        st.integers(1, 3),
        epoch=_epochs,
        opened_at=moments,
        seen_at=moments,
        user_agent=_texts,
    )


def _erased() -> st.SearchStrategy[Change]:
    tombstones = st.lists(_tombstones, max_size=2).map(tuple)
    return st.builds(AccountErased, account_ids, st.integers(0, 2), tombstones, moments)


def _queued() -> st.SearchStrategy[Change]:
    return st.builds(
        lambda name, to, at: queued(name, to, at=at),
        names,
        st.sampled_from(("", "anna@example.com")),
        moments,
    )


def events() -> st.SearchStrategy[EventRecorded]:
    """Return audit lines, some of which repeat an earlier one of the same account."""
    return st.builds(
        lambda name, account_id, reason: recorded(f"{name} of {account_id}", account_id, reason=reason),
        names,
        st.none() | account_ids,
        _texts,
    )


def changes() -> st.SearchStrategy[Change]:
    """Return changes of most types, but never `EventRecorded`; most of them add accounts."""
    return st.one_of(
        _added(),
        _added(),
        _opened(),
        _issued(),
        _queued(),
        st.builds(identifier_added, _values, account_ids),
        st.builds(IdentifierRetired, account_ids, _keys, moments),
        st.builds(IdentifierReleased, account_ids, _keys),
        st.builds(TombstonesReleased, st.lists(_tombstones, max_size=2).map(tuple)),
        st.builds(PasswordReplaced, account_ids, st.none() | _hashes, _hashes),
        st.builds(PasswordSet, account_ids, st.none() | _hashes),
        st.builds(StatusChanged, account_ids, _statuses, _statuses),
        st.builds(EpochAdvanced, account_ids),
        st.builds(ContactChanged, account_ids, st.none() | st.sampled_from(CONTACTS) | _texts),
        st.builds(ProfileChanged, account_ids, _texts, st.sampled_from(("fi", "sv"))),
        _erased(),
        st.builds(required, names, account_ids, at=moments),
        st.builds(SessionClosed, _families, st.booleans()),
        st.builds(SessionsClosed, account_ids, st.none() | _families),
        st.builds(TokenUsed, _digests, _purposes, moments),
        st.builds(TokensRevoked, account_ids, _purposes, _epochs),
        st.builds(lambda name, account_id: summed(f"sum {name}", account_id), names, st.none() | account_ids),
    )
