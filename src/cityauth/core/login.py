"""The login machine: the one table of transitions between its states.

An absent pair of state and event is an illegal transition. Nothing reaches `Authenticated` but
through `PasswordAccepted`, which holds the resolution whose account's credential was accepted; nothing
reaches `CredentialSet` but through `LinkPresented`, which holds a claim that was found alive.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, overload

from cityauth.core.account import Account, Status
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
from cityauth.core.resolution import Outcome, Resolution
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
from cityauth.errors import IllegalTransitionError


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an event leads, and how the next state is made of the present one and the event."""

    to: type[State]
    make: Callable[[Any, Any], State]


def _identify(_state: State, event: IdentifierGiven) -> Identified:
    return Identified(event.entered, event.at)


def _stay(state: Identified, _event: Event) -> Identified:
    return state


def _authenticate(state: Identified, event: PasswordAccepted) -> Authenticated:
    resolution, session = event.resolution, event.session.session
    proven = (
        resolution.outcome is Outcome.RESOLVED
        and resolution.entered == state.entered
        and resolution.account is not None
        and resolution.account.id == event.account.id == session.account_id
    )
    if not proven:
        msg = "the accepted password is not of the account that was resolved"
        raise IllegalTransitionError(msg)
    return Authenticated(event.account, event.session)


def _confirm(state: Authenticated, event: PasswordConfirmed) -> Authenticated:
    if not state.account.id == event.account.id == event.session.session.account_id:
        msg = "the confirmed password is not of the account that is signed in"
        raise IllegalTransitionError(msg)
    return Authenticated(event.account, event.session)


def _await_link(_state: State, _event: Event) -> LinkAwaited:
    return LinkAwaited()


def _prove_link(_state: State, event: LinkPresented) -> LinkProven:
    return LinkProven(event.one_time_token)


def _keep_link(state: LinkProven, _event: Event) -> LinkProven:
    return state


def _set_credential(state: LinkProven, event: NewPasswordAccepted) -> CredentialSet:
    if state.one_time_token != event.one_time_token:
        msg = "the password was set with another link than the one that was presented"
        raise IllegalTransitionError(msg)
    return CredentialSet()


def _begin_again(_state: State, _event: Event) -> Anonymous:
    return Anonymous()


def _leave(_state: State, _event: Event) -> SignedOut:
    return SignedOut()


TRANSITIONS: Mapping[type[State], Mapping[type[Event], Transition]] = {
    Anonymous: {
        IdentifierGiven: Transition(Identified, _identify),
        LinkAsked: Transition(LinkAwaited, _await_link),
        LinkPresented: Transition(LinkProven, _prove_link),
    },
    Identified: {
        IdentifierGiven: Transition(Identified, _identify),
        PasswordRefused: Transition(Identified, _stay),
        RetiredIdentifierProven: Transition(Identified, _stay),
        PasswordAccepted: Transition(Authenticated, _authenticate),
        LoginExpired: Transition(Anonymous, _begin_again),
        LinkAsked: Transition(LinkAwaited, _await_link),
        LoggedOut: Transition(SignedOut, _leave),
    },
    LinkAwaited: {
        IdentifierGiven: Transition(Identified, _identify),
        LinkAsked: Transition(LinkAwaited, _await_link),
        LinkPresented: Transition(LinkProven, _prove_link),
    },
    LinkProven: {
        NewPasswordRefused: Transition(LinkProven, _keep_link),
        NewPasswordAccepted: Transition(CredentialSet, _set_credential),
    },
    Authenticated: {
        PasswordConfirmed: Transition(Authenticated, _confirm),
        LoggedOut: Transition(SignedOut, _leave),
    },
    SignedOut: {},
    CredentialSet: {},
}


@overload
def advance(state: Anonymous | Identified | LinkAwaited, event: IdentifierGiven) -> Identified: ...
@overload
def advance(state: Identified, event: PasswordRefused | RetiredIdentifierProven) -> Identified: ...
@overload
def advance(state: Identified, event: PasswordAccepted) -> Authenticated: ...
@overload
def advance(state: Authenticated, event: PasswordConfirmed) -> Authenticated: ...
@overload
def advance(state: Anonymous | Identified | LinkAwaited, event: LinkAsked) -> LinkAwaited: ...
@overload
def advance(state: Anonymous | LinkAwaited, event: LinkPresented) -> LinkProven: ...
@overload
def advance(state: LinkProven, event: NewPasswordRefused) -> LinkProven: ...
@overload
def advance(state: LinkProven, event: NewPasswordAccepted) -> CredentialSet: ...
@overload
def advance(state: State, event: Event) -> State: ...
def advance(state: State, event: Event) -> State:
    """Return the state that *event* leads to from *state*.

    Raises:
        IllegalTransitionError: the table holds no such pair, or a password was accepted for another
            account than the one that was resolved.
    """
    transition = TRANSITIONS[type(state)].get(type(event))
    if transition is None:
        msg = f"{type(event).__name__} is illegal in {type(state).__name__}"
        raise IllegalTransitionError(msg)
    return transition.make(state, event)


@dataclass(frozen=True, slots=True)
class Admitted:
    """The password was right, the identifier signs in and the account is active."""

    account: Account


Judgement: TypeAlias = Admitted | RetiredIdentifierProven | PasswordRefused


def judge(resolution: Resolution, *, matched: bool, has_password: bool) -> Judgement:
    """Decide an attempt from what was resolved and whether the password *matched*.

    The one place where every road's attempt is decided; whoever may not sign in is refused here. An
    account without a password never matches, whatever a hasher says of the dummy that was verified for it.
    """
    account = resolution.account
    if account is None:
        refusals = {Outcome.AMBIGUOUS: Refusal.AMBIGUOUS, Outcome.UNKNOWN: Refusal.UNKNOWN}
        return PasswordRefused(refusals.get(resolution.outcome, Refusal.UNKNOWN))
    if not (matched and has_password):
        if resolution.outcome is Outcome.RETIRED:
            return PasswordRefused(Refusal.RETIRED)
        return PasswordRefused(Refusal.WRONG_PASSWORD if has_password else Refusal.NO_PASSWORD)
    if account.status is not Status.ACTIVE:
        return PasswordRefused(Refusal.DISABLED)
    if resolution.outcome is Outcome.RETIRED:
        return RetiredIdentifierProven(account)
    return Admitted(account)
