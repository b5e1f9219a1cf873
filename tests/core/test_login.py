"""The login machine: the table, every pair of state and event, and the one way to be signed in."""

import typing
from dataclasses import FrozenInstanceError, fields, replace
from datetime import timedelta
from itertools import product
from typing import get_args

import pytest

from cityauth.core.account import Account, AccountId, Status
from cityauth.core.event import (
    Event,
    IdentifierGiven,
    LinkAsked,
    LinkPresented,
    LoggedOut,
    LoginExpired,
    NewPasswordAccepted,
    NewPasswordRefused,
    PasswordAccepted,
    PasswordConfirmed,
    PasswordRefused,
    Refusal,
    RetiredIdentifierProven,
)
from cityauth.core.identifier import Identifier
from cityauth.core.login import TRANSITIONS, Admitted, advance, judge
from cityauth.core.one_time_token import OneTimeToken
from cityauth.core.resolution import AccountIdentifier, Match, Outcome, Reason, Resolution
from cityauth.core.secret import SecretStr
from cityauth.core.session import open_session
from cityauth.core.signing import Purpose
from cityauth.core.state import (
    Anonymous,
    Authenticated,
    CredentialSet,
    Identified,
    LinkAwaited,
    LinkProven,
    SignedOut,
    State,
)
from cityauth.core.step import UNIFORM_REFUSAL
from cityauth.errors import IllegalTransitionError
from tests.support.fakes import NOON, context

ERKKI = Account(AccountId("erkki"), "citizen", "Erkki Esimerkki")
STRANGER = Account(AccountId("stranger"), "citizen", "Joku Muu")
EMAIL = Identifier("email", "erkki@example.com", "1:erkki@example.com")
FOUND = Match(ERKKI, AccountIdentifier(EMAIL), SecretStr("hash of erkki"))
RESOLVED = Resolution("erkki@example.com", Outcome.RESOLVED, holder=FOUND, looked_up=EMAIL)
SESSION = open_session(ERKKI, bytes(range(32)), context(NOON), remember=False, fresh=True, identifier_kind="email")

TOKEN = OneTimeToken(bytes(32), Purpose.RESET, ERKKI.id, 0, None, NOON, NOON + timedelta(hours=1))
THEIRS = open_session(STRANGER, bytes(32), context(NOON), remember=False, fresh=True, identifier_kind="email")
LATER = open_session(ERKKI, bytes(range(1, 33)), context(NOON), remember=False, fresh=True, identifier_kind="email")

STATES: dict[type[State], State] = {
    Anonymous: Anonymous(),
    Identified: Identified("erkki@example.com", NOON),
    Authenticated: Authenticated(ERKKI, SESSION),
    SignedOut: SignedOut(),
    LinkAwaited: LinkAwaited(),
    LinkProven: LinkProven(TOKEN),
    CredentialSet: CredentialSet(),
}
EVENTS: dict[type[Event], Event] = {
    IdentifierGiven: IdentifierGiven("matti", NOON + timedelta(minutes=1)),
    PasswordRefused: PasswordRefused(Refusal.WRONG_PASSWORD),
    RetiredIdentifierProven: RetiredIdentifierProven(ERKKI),
    PasswordAccepted: PasswordAccepted(RESOLVED, ERKKI, SESSION),
    LoginExpired: LoginExpired(),
    LoggedOut: LoggedOut(),
    PasswordConfirmed: PasswordConfirmed(ERKKI, LATER),
    LinkAsked: LinkAsked(),
    LinkPresented: LinkPresented(TOKEN),
    NewPasswordRefused: NewPasswordRefused(),
    NewPasswordAccepted: NewPasswordAccepted(TOKEN),
}
#: What the table must say, written a second time by hand: every pair that is not here is illegal.
LEGAL: dict[tuple[type[State], type[Event]], State] = {
    (Anonymous, IdentifierGiven): Identified("matti", NOON + timedelta(minutes=1)),
    (Identified, IdentifierGiven): Identified("matti", NOON + timedelta(minutes=1)),
    (Identified, PasswordRefused): STATES[Identified],
    (Identified, RetiredIdentifierProven): STATES[Identified],
    (Identified, PasswordAccepted): Authenticated(ERKKI, SESSION),
    (Identified, LoginExpired): Anonymous(),
    (Identified, LoggedOut): SignedOut(),
    (Identified, LinkAsked): LinkAwaited(),
    (Authenticated, PasswordConfirmed): Authenticated(ERKKI, LATER),
    (Authenticated, LoggedOut): SignedOut(),
    (Anonymous, LinkAsked): LinkAwaited(),
    (Anonymous, LinkPresented): LinkProven(TOKEN),
    (LinkAwaited, IdentifierGiven): Identified("matti", NOON + timedelta(minutes=1)),
    (LinkAwaited, LinkAsked): LinkAwaited(),
    (LinkAwaited, LinkPresented): LinkProven(TOKEN),
    (LinkProven, NewPasswordRefused): LinkProven(TOKEN),
    (LinkProven, NewPasswordAccepted): CredentialSet(),
}


def test_the_table_knows_every_state_and_no_other() -> None:
    """Every state has a row, every event a column, and terminal states stand in the table with no way out (ASVS 2.3.1)."""
    assert set(TRANSITIONS) == set(get_args(State)) == set(STATES)
    assert {event for row in TRANSITIONS.values() for event in row} == set(get_args(Event)) == set(EVENTS)
    assert [state for state, row in TRANSITIONS.items() if not row] == [SignedOut, CredentialSet]


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
    assert {event for _, event in set(LEGAL) - covered} == {LoginExpired, LoggedOut}


def _members(hint: typing.Any) -> set[type]:
    """The classes of a union, or the class itself."""
    return set(get_args(hint)) or {hint}


def roads_to(state: type[State]) -> set[tuple[type[State], type[Event]]]:
    """Every pair of the table that leads to a state from another one."""
    return {(s, e) for s, row in TRANSITIONS.items() for e, there in row.items() if there.to is state is not s}


def test_only_an_accepted_password_signs_in() -> None:
    """`PasswordAccepted` in `Identified` is the one road to `Authenticated` (ASVS 2.3.1, B-85)."""
    assert roads_to(Authenticated) == {(Identified, PasswordAccepted)}


def test_only_a_presented_link_sets_a_credential() -> None:
    """`CredentialSet` is reached from `LinkProven` alone, and that by a presented link alone (B-84)."""
    assert roads_to(CredentialSet) == {(LinkProven, NewPasswordAccepted)}
    assert {event for _, event in roads_to(LinkProven)} == {LinkPresented}


def test_no_password_is_set_without_a_link() -> None:
    """No sequence of events reaches `CredentialSet` unless it holds `LinkPresented`, searched to depth 8 (B-84, ASVS 2.3.1)."""
    reached: set[type[State]] = {Anonymous}
    for _ in range(8):
        reached |= {
            way.to for state in reached for event, way in TRANSITIONS[state].items() if event is not LinkPresented
        }
    assert reached == set(STATES) - {LinkProven, CredentialSet}


def test_a_link_signs_nobody_in() -> None:
    """From a mailed link no road leads to `Authenticated`: a mailbox is no factor (ASVS 6.3.6, B-96)."""
    reached: set[type[State]] = {LinkProven}
    for _ in STATES:
        reached |= {way.to for state in reached for way in TRANSITIONS[state].values()}
    assert reached == {LinkProven, CredentialSet}


def test_another_link_sets_nothing() -> None:
    """A password that was set with another claim than the presented one is illegal (B-84, B-25)."""
    other = replace(TOKEN, digest=bytes(range(32)))
    with pytest.raises(IllegalTransitionError, match="another link"):
        advance(STATES[LinkProven], NewPasswordAccepted(other))


@pytest.mark.parametrize("account", [ERKKI, STRANGER], ids=["their session", "their password and session"])
def test_a_confirmed_password_is_of_whoever_is_signed_in(account: Account) -> None:
    """Freshness comes from the credential of the same account, never of another one (B-86, B-53)."""
    with pytest.raises(IllegalTransitionError, match="not of the account that is signed in"):
        advance(STATES[Authenticated], PasswordConfirmed(account, THEIRS))


@pytest.mark.parametrize(
    "event",
    [
        PasswordAccepted(RESOLVED, STRANGER, SESSION),
        PasswordAccepted(replace(RESOLVED, holder=replace(FOUND, account=STRANGER)), ERKKI, SESSION),
        PasswordAccepted(replace(RESOLVED, holder=None), ERKKI, SESSION),
        PasswordAccepted(replace(RESOLVED, outcome=Outcome.RETIRED), ERKKI, SESSION),
        PasswordAccepted(replace(RESOLVED, outcome=Outcome.AMBIGUOUS), ERKKI, SESSION),
        PasswordAccepted(replace(RESOLVED, entered="matti"), ERKKI, SESSION),
        PasswordAccepted(replace(RESOLVED, holder=replace(FOUND, account=STRANGER)), STRANGER, SESSION),
        PasswordAccepted(RESOLVED, ERKKI, THEIRS),
    ],
    ids=[
        "other account",
        "other resolution",
        "nobody",
        "retired",
        "ambiguous",
        "other text",
        "session of the first",
        "session of another",
    ],
)
def test_an_accepted_password_of_anybody_else_is_illegal(event: PasswordAccepted) -> None:
    """Identifier, resolution, account and session must all be of one account, or nobody is signed in (B-86, B-53)."""
    with pytest.raises(IllegalTransitionError, match="not of the account that was resolved"):
        advance(STATES[Identified], event)


def test_a_pending_login_cannot_know_an_account() -> None:
    """`Identified` and `LinkAwaited` have no field that could say whether the account exists, or hold a password (B-76, ASVS 6.3.8)."""
    assert [field.name for field in fields(Identified)] == ["entered", "at"]
    assert not fields(LinkAwaited)


def test_states_cannot_be_changed() -> None:
    """A state is a value: nothing turns `Identified` into something else in place (ASVS 2.3.1)."""
    with pytest.raises(FrozenInstanceError):
        STATES[Identified].entered = "other"  # type: ignore[union-attr, misc]


def _resolution(outcome: Outcome, status: Status = Status.ACTIVE) -> Resolution:
    return Resolution("erkki", outcome, Reason.NONE, replace(FOUND, account=replace(ERKKI, status=status)), EMAIL)


DISABLED = replace(ERKKI, status=Status.DISABLED)


@pytest.mark.parametrize(
    ("resolution", "matched", "has_password", "expected"),
    [
        (_resolution(Outcome.RESOLVED), True, True, Admitted(ERKKI)),
        (_resolution(Outcome.RESOLVED), False, True, PasswordRefused(Refusal.WRONG_PASSWORD)),
        (_resolution(Outcome.RESOLVED), False, False, PasswordRefused(Refusal.NO_PASSWORD)),
        (_resolution(Outcome.RESOLVED), True, False, PasswordRefused(Refusal.NO_PASSWORD)),
        (_resolution(Outcome.RESOLVED, Status.DISABLED), True, True, PasswordRefused(Refusal.DISABLED)),
        (
            _resolution(Outcome.RESOLVED, Status.DISABLED),
            False,
            True,
            PasswordRefused(Refusal.WRONG_PASSWORD),
        ),
        (_resolution(Outcome.RETIRED), True, True, RetiredIdentifierProven(ERKKI)),
        (_resolution(Outcome.RETIRED), True, False, PasswordRefused(Refusal.RETIRED)),
        (_resolution(Outcome.RETIRED), False, True, PasswordRefused(Refusal.RETIRED)),
        (_resolution(Outcome.RETIRED, Status.DISABLED), True, True, PasswordRefused(Refusal.DISABLED)),
        (_resolution(Outcome.UNKNOWN), True, True, PasswordRefused(Refusal.UNKNOWN)),
        (_resolution(Outcome.AMBIGUOUS), True, True, PasswordRefused(Refusal.AMBIGUOUS)),
        (_resolution(Outcome.MALFORMED), True, True, PasswordRefused(Refusal.UNKNOWN)),
    ],
)
def test_judge(resolution: Resolution, matched: bool, has_password: bool, expected: object) -> None:
    """Only the right password of an active account under an identifier that signs in is admitted (B-19, B-20, B-88)."""
    assert judge(resolution, matched=matched, has_password=has_password) == expected


def test_the_uniform_refusal_tells_nothing() -> None:
    """What every refused attempt says has a code and no detail (B-20, ASVS 6.3.8)."""
    assert UNIFORM_REFUSAL.code == "login.refused"
    assert not UNIFORM_REFUSAL.params
