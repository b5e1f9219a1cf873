"""Mailed links: what a host is answered when one is asked for, opened or used."""

from dataclasses import dataclass, field
from typing import TypeAlias

from cityauth.core.problem import Problem
from cityauth.core.signing import Purpose


@dataclass(frozen=True, slots=True)
class MailAwaited:
    """Say that a mail is on its way; the same whatever is stored.

    Attributes:
        notice: What to tell the person.
    """

    notice: Problem


@dataclass(frozen=True, slots=True)
class MailerDown:
    """Say that no mail can be sent just now and whom to contact; the same for everyone.

    What was asked for is queued all the same, and leaves when the mailer is up again.

    Attributes:
        problem: What to tell the person.
    """

    problem: Problem


@dataclass(frozen=True, slots=True)
class LinkLive:
    """The link may be used. Looking at it has used nothing up.

    Attributes:
        purpose: What it is for.
        login_name: The account's login name, for the password manager; for a sign-up and for a change of
            address the address that the link confirms or restores.
        address: The address that the link confirms or restores, if it does.
        account: What the account signs in with now, masked, such as ``e•••@example.com``: the page names the
            account by it. Empty where nothing signs in. Two answers are equal whatever it says.
    """

    purpose: Purpose
    login_name: str
    address: str | None = None
    account: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class LinkDead:
    """The link does nothing: unknown, forged, used, overtaken or too old.

    Attributes:
        problem: What to tell the person: that the link is too old, or that it is not valid.
    """

    problem: Problem


@dataclass(frozen=True, slots=True)
class Done:
    """It was done, and committed.

    Attributes:
        notice: What to tell the person.
    """

    notice: Problem


@dataclass(frozen=True, slots=True)
class Declined:
    """It was not done, and nothing was written.

    Attributes:
        problem: What to tell the person.
    """

    problem: Problem


MailOutcome: TypeAlias = MailAwaited | MailerDown | Declined
LinkOutcome: TypeAlias = LinkLive | LinkDead
