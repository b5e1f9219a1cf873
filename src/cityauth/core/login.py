"""The login machine: every state, every event, and the one table of transitions between them.

An absent pair of state and event is an illegal transition. Nothing reaches `Authenticated` but
through `PasswordAccepted`, which holds the resolution whose account's credential was accepted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias, overload

from cityauth.core.account import Account, Status
from cityauth.core.problem import Problem
from cityauth.core.resolution import Outcome, Resolution
from cityauth.core.session import OpenedSession
from cityauth.errors import IllegalTransitionError
from cityauth.messages.codes import Code

# --- States ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody has said who they are."""


@dataclass(frozen=True, slots=True)
class Identified:
    """An identifier was given. Holds no account id: it cannot say whether the account exists.

    Attributes:
        entered: The identifier as typed.
        at: When it was given.
    """

    entered: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Signed in.

    Attributes:
        account: The account.
        session: The session that was opened; its token goes into the cookie.
    """

    account: Account
    session: OpenedSession


@dataclass(frozen=True, slots=True)
class SignedOut:
    """The end: signed out, or the sign-in was left. A new one begins at `Anonymous`."""


State: TypeAlias = Anonymous | Identified | Authenticated | SignedOut

# --- Events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IdentifierGiven:
    """The person typed an identifier, on the identify page or over the one on the password page."""

    entered: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PasswordRefused:
    """The attempt failed, for whatever reason; the reason is for the audit trail alone."""

    reason: "Refusal"


@dataclass(frozen=True, slots=True)
class RetiredIdentifierProven:
    """The password was right, but the identifier no longer signs in: its owner is told the new one."""

    account: Account


@dataclass(frozen=True, slots=True)
class PasswordAccepted:
    """The credential of the very account that was resolved was accepted, and a session was opened for it."""

    resolution: Resolution
    account: Account
    session: OpenedSession


@dataclass(frozen=True, slots=True)
class LoginExpired:
    """The pending login grew older than the policy allows."""


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The person signed out, or left the sign-in half way; nothing of it remains."""


Event: TypeAlias = (
    IdentifierGiven | PasswordRefused | RetiredIdentifierProven | PasswordAccepted | LoginExpired | LoggedOut
)

# --- The table ------------------------------------------------------------------------------------


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


def _begin_again(_state: State, _event: Event) -> Anonymous:
    return Anonymous()


def _leave(_state: State, _event: Event) -> SignedOut:
    return SignedOut()


TRANSITIONS: Mapping[type[State], Mapping[type[Event], Transition]] = {
    Anonymous: {
        IdentifierGiven: Transition(Identified, _identify),
    },
    Identified: {
        IdentifierGiven: Transition(Identified, _identify),
        PasswordRefused: Transition(Identified, _stay),
        RetiredIdentifierProven: Transition(Identified, _stay),
        PasswordAccepted: Transition(Authenticated, _authenticate),
        LoginExpired: Transition(Anonymous, _begin_again),
        LoggedOut: Transition(SignedOut, _leave),
    },
    Authenticated: {
        LoggedOut: Transition(SignedOut, _leave),
    },
    SignedOut: {},
}


@overload
def advance(state: Anonymous | Identified, event: IdentifierGiven) -> Identified: ...
@overload
def advance(state: Identified, event: PasswordRefused | RetiredIdentifierProven) -> Identified: ...
@overload
def advance(state: Identified, event: PasswordAccepted) -> Authenticated: ...
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


# --- Decisions ------------------------------------------------------------------------------------


class Refusal(StrEnum):
    """Why an attempt failed. All of them look the same to the person."""

    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    RETIRED = "retired"
    DISABLED = "disabled"
    NO_PASSWORD = "no_password"  # noqa: S105 - a reason's name
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a reason's name
    MALFORMED_PASSWORD = "malformed_password"  # noqa: S105 - a reason's name
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True)
class Admitted:
    """The password was right, the identifier signs in and the account is active."""

    account: Account


Judgement: TypeAlias = Admitted | RetiredIdentifierProven | PasswordRefused


def judge(resolution: Resolution, *, matched: bool, has_password: bool) -> Judgement:
    """Decide an attempt from what was resolved and whether the password *matched*.

    The one place where every road's attempt is decided; whoever may not sign in is refused here. An
    account without a password never matches, whatever a hasher says of the ghost that was verified for it.
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


# --- Steps: what the host is answered ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PasswordRequired:
    """Show the password page.

    Attributes:
        pending: The sealed pending login, for a hidden field of the form. No account id, no password.
        entered: The identifier to show, editable.
        problem: What to tell the person, or ``None`` at first.
    """

    pending: str
    entered: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Show the identify page again.

    Attributes:
        problem: What to tell the person.
        entered: The identifier to show again, as far as it could be kept.
    """

    problem: Problem
    entered: str = ""


LoginStep: TypeAlias = PasswordRequired | Authenticated | Refused

UNIFORM_REFUSAL = Problem(Code.LOGIN_REFUSED)
"""What every refused attempt says, whatever the reason."""
