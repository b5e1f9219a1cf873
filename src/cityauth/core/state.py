"""The states of the login machine. What holds between them is the table in `cityauth.core.login`."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from cityauth.core.account import Account
from cityauth.core.one_time_token import OneTimeToken
from cityauth.core.session import OpenedSession


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


@dataclass(frozen=True, slots=True)
class LinkAwaited:
    """A link was asked for. Holds nothing: it cannot say whether there is an account."""


@dataclass(frozen=True, slots=True)
class LinkProven:
    """A mailed link came back, and its claim was found alive. The only way to set a password without one.

    Attributes:
        claim: What the link may do, once.
    """

    one_time_token: OneTimeToken


@dataclass(frozen=True, slots=True)
class CredentialSet:
    """The end: a password was set with a link. Nobody is signed in; a sign-in begins at `Anonymous`."""


State: TypeAlias = Anonymous | Identified | Authenticated | SignedOut | LinkAwaited | LinkProven | CredentialSet
