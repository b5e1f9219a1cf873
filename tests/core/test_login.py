"""The login machine: the table, every pair of state and event, and the one way to be signed in."""

import typing
from dataclasses import FrozenInstanceError, fields, replace
from datetime import timedelta
from itertools import product
from typing import get_args

import pytest

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.identifiers import Identifier
from cityauth.core.login import (
    PENDING,
    TRANSITIONS,
    UNIFORM_REFUSAL,
    Admitted,
    Anonymous,
    Authenticated,
    Event,
    Identified,
    IdentifierGiven,
    LoggedOut,
    PasswordAccepted,
    PasswordConfirmed,
    PasswordRefused,
    RefusalReason,
    RetiredIdentifierProven,
    SignedOut,
    State,
    advance,
    decide,
    payload_of,
    state_of,
)
from cityauth.core.resolution import AccountIdentifier, Match, Outcome, Reason, Resolution
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import open_session
from cityauth.core.signing import SignedPayload
from cityauth.errors import IllegalTransitionError
from tests.support.fakes import NOON, context

ERKKI = Account(AccountId("erkki"), "citizen", "Erkki Esimerkki")
STRANGER = Account(AccountId("stranger"), "citizen", "Joku Muu")
DISABLED = replace(ERKKI, status=Status.DISABLED)
EMAIL = Identifier("email", "erkki@example.com", "1:erkki@example.com")
FOUND = Match(ERKKI, AccountIdentifier(EMAIL), SecretStr("hash of erkki"))
RESOLVED = Resolution("erkki@example.com", Outcome.RESOLVED, holder=FOUND, looked_up=EMAIL)
SESSION = open_session(ERKKI, bytes(range(32)), context(NOON), remember=False, fresh=True, identifier_kind="email")
HASH = SecretStr("hash of erkki")
THEIRS = open_session(STRANGER, bytes(32), context(NOON), remember=False, fresh=True, identifier_kind="email")
LATER = open_session(ERKKI, bytes(range(1, 33)), context(NOON), remember=False, fresh=True, identifier_kind="email")

STATES: dict[type[State], State] = {
    Anonymous: Anonymous(),
    Identified: Identified("erkki@example.com", NOON),
    Authenticated: Authenticated(ERKKI, SESSION),
    SignedOut: SignedOut(),
}
EVENTS: dict[type[Event], Event] = {
    IdentifierGiven: IdentifierGiven("matti", NOON + timedelta(minutes=1)),
    PasswordRefused: PasswordRefused(RefusalReason.WRONG_PASSWORD),
    RetiredIdentifierProven: RetiredIdentifierProven(ERKKI),
    PasswordAccepted: PasswordAccepted(RESOLVED, HASH, SESSION),
    LoggedOut: LoggedOut(),
    PasswordConfirmed: PasswordConfirmed(ERKKI, LATER),
}
#: What the table must say, written a second time by hand: every pair that is not here is illegal.
LEGAL: dict[tuple[type[State], type[Event]], State] = {
    (Anonymous, IdentifierGiven): Identified("matti", NOON + timedelta(minutes=1)),
    (Identified, IdentifierGiven): Identified("matti", NOON + timedelta(minutes=1)),
    (Identified, PasswordRefused): STATES[Identified],
    (Identified, RetiredIdentifierProven): STATES[Identified],
    (Identified, PasswordAccepted): Authenticated(ERKKI, SESSION),
    (Authenticated, PasswordConfirmed): Authenticated(ERKKI, LATER),
    (Authenticated, LoggedOut): SignedOut(),
}


def test_the_table_knows_every_state_and_no_other() -> None:
    """Every state has a row, every event a column, and terminal states stand in the table with no way out (ASVS 2.3.1)."""
    assert set(TRANSITIONS) == set(get_args(State)) == set(STATES)
    assert {event for row in TRANSITIONS.values() for event in row} == set(get_args(Event)) == set(EVENTS)
    assert [state for state, row in TRANSITIONS.items() if not row] == [SignedOut]


@pytest.mark.parametrize(("state", "event"), list(product(STATES, EVENTS)))
def test_every_pair_leads_where_the_table_says_or_nowhere(state: type[State], event: type[Event]) -> None:
    """A legal pair leads to its one next state; every other pair raises and names itself (ASVS 2.3.1)."""
    expected = LEGAL.get((state, event))
    if expected is not None:
        assert advance(STATES[state], EVENTS[event]) == expected
        assert TRANSITIONS[state][event].to is type(expected)
    else:
        with pytest.raises(IllegalTransitionError, match=f"^{event.__name__} is illegal in {state.__name__}$"):
            advance(STATES[state], EVENTS[event])


def test_the_signatures_say_what_the_table_says() -> None:
    """Each narrow overload of `advance` is true of the table, so what a type checker infers holds (ASVS 2.3.1)."""
    covered: set[tuple[type, type]] = set()
    for overload in typing.get_overloads(advance):
        hints = typing.get_type_hints(overload)
        states, events, result = (_members(hints[name]) for name in ("state", "event", "return"))
        if result != set(get_args(State)):
            covered |= set(product(states, events))
            assert {TRANSITIONS[state][event].to for state, event in product(states, events)} == result
    assert covered <= set(LEGAL)
    assert covered == set(LEGAL)


def _members(hint: typing.Any) -> set[type]:
    """The classes of a union, or the class itself."""
    return set(get_args(hint)) or {hint}


def roads_to(state: type[State]) -> set[tuple[type[State], type[Event]]]:
    """Every pair of the table that leads to a state from another one."""
    return {(s, e) for s, row in TRANSITIONS.items() for e, there in row.items() if there.to is state is not s}


def test_only_an_accepted_password_signs_in() -> None:
    """`PasswordAccepted` in `Identified` is the only way to `Authenticated` (ASVS 2.3.1, B-85)."""
    assert roads_to(Authenticated) == {(Identified, PasswordAccepted)}


@pytest.mark.parametrize("account", [ERKKI, STRANGER], ids=["their session", "their password and session"])
def test_a_confirmed_password_is_of_whoever_is_signed_in(account: Account) -> None:
    """Freshness comes from the credential of the same account, never of another one (B-86, B-53)."""
    with pytest.raises(IllegalTransitionError, match="not of the account that is signed in"):
        advance(STATES[Authenticated], PasswordConfirmed(account, THEIRS))


@pytest.mark.parametrize(
    "event",
    [
        PasswordAccepted(RESOLVED, SecretStr("hash of another row"), SESSION),
        PasswordAccepted(replace(RESOLVED, holder=replace(FOUND, account=STRANGER)), HASH, SESSION),
        PasswordAccepted(replace(RESOLVED, holder=replace(FOUND, password_hash=None)), HASH, SESSION),
        PasswordAccepted(replace(RESOLVED, holder=replace(FOUND, account=DISABLED)), HASH, SESSION),
        PasswordAccepted(replace(RESOLVED, holder=replace(FOUND, account=replace(ERKKI, epoch=1))), HASH, SESSION),
        PasswordAccepted(replace(RESOLVED, holder=None), HASH, SESSION),
        PasswordAccepted(replace(RESOLVED, outcome=Outcome.RETIRED), HASH, SESSION),
        PasswordAccepted(replace(RESOLVED, outcome=Outcome.AMBIGUOUS), HASH, SESSION),
        PasswordAccepted(replace(RESOLVED, entered="matti"), HASH, SESSION),
        PasswordAccepted(RESOLVED, HASH, THEIRS),
    ],
    ids=[
        "hash of another row",
        "account of another row",
        "no hash",
        "disabled",
        "another epoch",
        "nobody",
        "retired",
        "ambiguous",
        "another text",
        "session of another",
    ],
)
def test_an_accepted_password_of_anybody_else_is_illegal(event: PasswordAccepted) -> None:
    """Identifier, resolution, account and session must all be of one account, or nobody is signed in (B-86, B-53)."""
    with pytest.raises(IllegalTransitionError, match="not of the account that was resolved"):
        advance(STATES[Identified], event)


def test_a_pending_login_cannot_know_an_account() -> None:
    """`Identified` has no field that could say whether the account exists, or hold a password (B-76, ASVS 6.3.8)."""
    assert [field.name for field in fields(Identified)] == ["entered", "at"]


def test_a_pending_login_carries_its_states_name_and_fields() -> None:
    """What is signed names the state, and comes back as the same state (ASVS 2.3.1)."""
    state = Identified("erkki@example.com", NOON)
    assert payload_of(state) == {"state": "Identified", "entered": "erkki@example.com"}
    assert state_of(SignedPayload(payload_of(state), NOON)) == state
    assert set(PENDING.values()) < set(get_args(State))


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"entered": "erkki"},
        {"state": "Authenticated", "entered": "erkki"},
        {"state": "SecondFactorDue", "entered": "erkki"},
        {"state": "Identified"},
        {"state": "Identified", "entered": 7},
        {"state": "Identified", "entered": "erkki", "account_id": "erkki"},
        {"state": 0, "entered": "erkki"},
    ],
)
def test_no_other_state_can_be_signed_in_its_place(payload: dict[str, str | int]) -> None:
    """A genuine pending login of an unknown state, or with other fields, is no state of this machine (ASVS 2.3.1)."""
    assert state_of(SignedPayload(payload, NOON)) is None


def test_states_cannot_be_changed() -> None:
    """A state is a value: nothing turns `Identified` into something else in place (ASVS 2.3.1)."""
    with pytest.raises(FrozenInstanceError):
        STATES[Identified].entered = "other"  # type: ignore[union-attr, misc]


def _resolution(outcome: Outcome, status: Status = Status.ACTIVE) -> Resolution:
    return Resolution("erkki", outcome, Reason.NONE, replace(FOUND, account=replace(ERKKI, status=status)), EMAIL)


@pytest.mark.parametrize(
    ("resolution", "matched", "has_password", "expected"),
    [
        (_resolution(Outcome.RESOLVED), True, True, Admitted(FOUND, HASH)),
        (_resolution(Outcome.RESOLVED), False, True, PasswordRefused(RefusalReason.WRONG_PASSWORD)),
        (_resolution(Outcome.RESOLVED), False, False, PasswordRefused(RefusalReason.NO_PASSWORD)),
        (_resolution(Outcome.RESOLVED), True, False, PasswordRefused(RefusalReason.NO_PASSWORD)),
        (_resolution(Outcome.RESOLVED, Status.DISABLED), True, True, PasswordRefused(RefusalReason.DISABLED)),
        (
            _resolution(Outcome.RESOLVED, Status.DISABLED),
            False,
            True,
            PasswordRefused(RefusalReason.WRONG_PASSWORD),
        ),
        (_resolution(Outcome.RETIRED), True, True, RetiredIdentifierProven(ERKKI)),
        (_resolution(Outcome.RETIRED), True, False, PasswordRefused(RefusalReason.RETIRED)),
        (_resolution(Outcome.RETIRED), False, True, PasswordRefused(RefusalReason.RETIRED)),
        (_resolution(Outcome.RETIRED, Status.DISABLED), True, True, PasswordRefused(RefusalReason.DISABLED)),
        (_resolution(Outcome.UNKNOWN), True, True, PasswordRefused(RefusalReason.UNKNOWN)),
        (_resolution(Outcome.AMBIGUOUS), True, True, PasswordRefused(RefusalReason.AMBIGUOUS)),
        (_resolution(Outcome.MALFORMED), True, True, PasswordRefused(RefusalReason.UNKNOWN)),
    ],
)
def test_decide(resolution: Resolution, matched: bool, has_password: bool, expected: object) -> None:
    """Only the right password of an active account under an identifier that signs in is admitted (B-19, B-20, B-88)."""
    assert decide(resolution, HASH if has_password else None, matched=matched) == expected


def test_the_uniform_refusal_tells_nothing() -> None:
    """What every refused attempt says has a code and no detail (B-20, ASVS 6.3.8)."""
    assert UNIFORM_REFUSAL.code == "login.refused"
    assert not UNIFORM_REFUSAL.params
