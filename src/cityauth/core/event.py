"""The events of the login machine, in the past tense. What each leads to is the table in `cityauth.core.login`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from cityauth.core.account import Account
from cityauth.core.one_time_token import OneTimeToken
from cityauth.core.resolution import Resolution
from cityauth.core.session import OpenedSession


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
class IdentifierGiven:
    """The person typed an identifier, on the identify page or over the one on the password page."""

    entered: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PasswordRefused:
    """The attempt failed, for whatever reason; the reason is for the audit trail alone."""

    reason: Refusal


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


@dataclass(frozen=True, slots=True)
class PasswordConfirmed:
    """A signed-in person's password was verified once more, and the session was opened anew."""

    account: Account
    session: OpenedSession


@dataclass(frozen=True, slots=True)
class LinkAsked:
    """The person asked for a link by mail, whether one is due or not."""


@dataclass(frozen=True, slots=True)
class LinkPresented:
    """A mailed link came back, and its claim was found alive."""

    one_time_token: OneTimeToken


@dataclass(frozen=True, slots=True)
class NewPasswordRefused:
    """The new password may not be set; the link is as good as before."""


@dataclass(frozen=True, slots=True)
class NewPasswordAccepted:
    """The new password was committed together with the use of the claim."""

    one_time_token: OneTimeToken


Event: TypeAlias = (
    IdentifierGiven
    | PasswordRefused
    | RetiredIdentifierProven
    | PasswordAccepted
    | PasswordConfirmed
    | LoginExpired
    | LoggedOut
    | LinkAsked
    | LinkPresented
    | NewPasswordRefused
    | NewPasswordAccepted
)
