"""The login machine: its states, its events, and the one table of transitions between them.

A state is where a login stands between two requests. The signed pending login carries the
state's name and fields, so a browser can neither skip a state nor invent one. A pair of state and
event that the table lacks is illegal. Nothing leads from `Identified` to `Authenticated` but
`PasswordAccepted`, and only for the account that was resolved and the hash that was verified.

To add a step to the login, add a state, an event that leads to it and an event that leads on. Enter
both events in `TRANSITIONS`, and the state's class in `PENDING`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias, overload

from cityauth.core.accounts import Account, Status
from cityauth.core.answers import Problem, Refused
from cityauth.core.resolution import Match, Outcome, Resolution
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import OpenedSession
from cityauth.core.signing import Payload, SignedPayload
from cityauth.errors import IllegalTransitionError
from cityauth.messages.codes import Code

# --- states ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody has said who they are."""


@dataclass(frozen=True, slots=True)
class Identified:
    """An identifier was given. It holds no account id: it cannot say whether the account exists.

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
        device_token: Shows at a later sign-in that this browser has signed in to the account before; it goes into a
            cookie of its own, which stays at sign-out. It signs nobody in. ``None`` where no password was tried at
            the sign-in page.
    """

    account: Account
    session: OpenedSession
    device_token: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class SignedOut:
    """The person has signed out. A new login begins at `Anonymous`."""


State: TypeAlias = Anonymous | Identified | Authenticated | SignedOut

PENDING: Final[Mapping[str, type[Identified]]] = {"Identified": Identified}
"""The states that a signed pending login may carry, by name. Each has text fields and ``at``, the time of signing."""

_TEXT_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(field.name for field in fields(state)) - {"at"} for name, state in PENDING.items()
}


def payload_of(state: Identified) -> Payload:
    """Return the part of a pending *state* that is signed: its name and its fields, without the time."""
    name = type(state).__name__
    return {"state": name, **{field: getattr(state, field) for field in _TEXT_FIELDS[name]}}


def state_of(signed: SignedPayload) -> Identified | None:
    """Return the state in a genuine pending login; ``None`` when it carries no state that this machine has."""
    texts = {name: value for name, value in signed.payload.items() if isinstance(value, str)}
    name = texts.pop("state", "")
    if name not in PENDING or texts.keys() != _TEXT_FIELDS[name] or len(texts) + 1 != len(signed.payload):
        return None
    return PENDING[name](**texts, at=signed.signed_at)


# --- events ---------------------------------------------------------------------------------------------------------


class RefusalReason(StrEnum):
    """Why an attempt failed: for the audit trail. All of them look the same to the person."""

    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    RETIRED = "retired"
    DISABLED = "disabled"
    NO_PASSWORD = "no_password"  # noqa: S105 - a reason's name
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a reason's name
    MALFORMED_PASSWORD = "malformed_password"  # noqa: S105 - a reason's name
    PASSWORD_DISABLED = "password_disabled"  # noqa: S105 - a reason's name
    OVERTAKEN = "overtaken"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True)
class IdentifierGiven:
    """The person typed an identifier, on the identify page or over the one on the password page."""

    entered: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PasswordRefused:
    """The attempt failed, for whatever reason."""

    reason: RefusalReason


@dataclass(frozen=True, slots=True)
class RetiredIdentifierProven:
    """The password was right, but the identifier no longer signs in: its owner learns the new one."""

    account: Account


@dataclass(frozen=True, slots=True)
class PasswordAccepted:
    """A password matched the hash of the account that was resolved.

    Attributes:
        resolution: What the identifier was.
        verified_hash: The stored hash that the password was verified against.
        session: The session to open for the account.
    """

    resolution: Resolution
    verified_hash: SecretStr
    session: OpenedSession


@dataclass(frozen=True, slots=True)
class PasswordConfirmed:
    """A signed-in person's password was verified once more.

    Attributes:
        account: The account as it will be stored.
        session: The session to open in place of the present one.
    """

    account: Account
    session: OpenedSession


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The person signed out."""


Event: TypeAlias = (
    IdentifierGiven | PasswordRefused | RetiredIdentifierProven | PasswordAccepted | PasswordConfirmed | LoggedOut
)

# --- transitions ----------------------------------------------------------------------------------------------------


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
    """Sign in, if identifier, account, verified hash and session all belong together."""
    resolution, session = event.resolution, event.session.session
    found = resolution.match
    if (
        found is None
        or resolution.outcome is not Outcome.RESOLVED
        or resolution.entered != state.entered
        or found.account.status is not Status.ACTIVE
        or found.password_hash != event.verified_hash
        or (found.account.id, found.account.epoch) != (session.account_id, session.epoch)
    ):
        msg = "the accepted password is not of the account that was resolved"
        raise IllegalTransitionError(msg)
    return Authenticated(found.account, event.session)


def _confirm(state: Authenticated, event: PasswordConfirmed) -> Authenticated:
    if not state.account.id == event.account.id == event.session.session.account_id:
        msg = "the confirmed password is not of the account that is signed in"
        raise IllegalTransitionError(msg)
    return Authenticated(event.account, event.session)


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
    },
    Authenticated: {
        PasswordConfirmed: Transition(Authenticated, _confirm),
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
def advance(state: Authenticated, event: PasswordConfirmed) -> Authenticated: ...
@overload
def advance(state: Authenticated, event: LoggedOut) -> SignedOut: ...
@overload
def advance(state: State, event: Event) -> State: ...
def advance(state: State, event: Event) -> State:
    """Return the state that *event* leads to from *state*. A flow calls this before it commits.

    Raises:
        IllegalTransitionError: the table holds no such pair, or a password was accepted for another
            account than the one that was resolved.
    """
    transition = TRANSITIONS[type(state)].get(type(event))
    if transition is None:
        msg = f"{type(event).__name__} is illegal in {type(state).__name__}"
        raise IllegalTransitionError(msg)
    return transition.make(state, event)


# --- decisions and answers ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Admitted:
    """The password was right, the identifier signs in and the account is active.

    Attributes:
        match: Identifier, account and hash, as one row of the store.
        verified_hash: The stored hash that the password was verified against.
    """

    match: Match
    verified_hash: SecretStr


Decision: TypeAlias = Admitted | RetiredIdentifierProven | PasswordRefused


def decide(
    resolution: Resolution, verified_hash: SecretStr | None, *, matched: bool, most_failures: int | None = None
) -> Decision:
    """Decide an attempt from what was resolved and whether the password *matched*.

    After *most_failures* failed sign-ins in a row the password is disabled, also the right one.

    Every attempt is decided here, so every refusal is made here. Without a
    *verified_hash* a dummy was verified: then nothing matches, whatever a hasher says.
    """
    found = resolution.match
    if found is None:
        ambiguous = resolution.outcome is Outcome.AMBIGUOUS
        return PasswordRefused(RefusalReason.AMBIGUOUS if ambiguous else RefusalReason.UNKNOWN)
    if not matched or verified_hash is None:
        if resolution.outcome is Outcome.RETIRED:
            return PasswordRefused(RefusalReason.RETIRED)
        return PasswordRefused(RefusalReason.WRONG_PASSWORD if verified_hash else RefusalReason.NO_PASSWORD)
    if found.account.status is not Status.ACTIVE:
        return PasswordRefused(RefusalReason.DISABLED)
    if most_failures is not None and found.failures >= most_failures:
        return PasswordRefused(RefusalReason.PASSWORD_DISABLED)
    if resolution.outcome is Outcome.RETIRED:
        return RetiredIdentifierProven(found.account)
    return Admitted(found, verified_hash)


@dataclass(frozen=True, slots=True)
class PasswordRequired:
    """Show the password page.

    Attributes:
        pending: The signed pending login, for a hidden field of the form. It holds no account id and no password.
        entered: The identifier to show, editable.
        problem: What to tell the person, or ``None`` at first.
        retry_after: After how many seconds another password may be tried, for the header ``Retry-After``; ``None``
            if no limit is reached. A host answers 429 then.
    """

    pending: str
    entered: str
    problem: Problem | None = None
    retry_after: int | None = None


LoginStep: TypeAlias = PasswordRequired | Authenticated | Refused
"""What each call of a login returns: a closed union, for ``match``."""

UNIFORM_REFUSAL: Final = Problem(Code.LOGIN_REFUSED)
"""What every refused attempt says, whatever the reason."""
