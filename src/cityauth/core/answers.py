"""What a host is answered, as values that it shows to the person: why something was refused, or that it was done."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from cityauth.messages import Code, Param, Texts
from cityauth.messages.texts import SHIPPED

_FIELDS: Final = (
    ("identifier.", "identifier"),
    ("login.malformed.", "identifier"),
    ("password.changed", ""),
    ("password.wrong_current", "current_password"),
    ("password.", "password"),
    ("name.changed", ""),
    ("name.", "display_name"),
)
"""How the codes about a field of a form begin."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong: a stable code, and what its text needs.

    A class of its own, so that a refusal carries no sentence: the language is chosen where it is shown.
    Equal codes with equal params are equal and have the same hash, in any order of the params.

    Attributes:
        code: The outcome; ``problem.code == "login.refused"`` holds too.
        params: The values of the text's placeholders, copied and read-only. Never a secret, and an address
            only masked.
    """

    code: Code
    params: Mapping[str, Param] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))

    def __hash__(self) -> int:
        return hash((self.code, frozenset(self.params.items())))

    def __reduce__(self) -> tuple[type["Problem"], tuple[Code, dict[str, Param]]]:
        return Problem, (self.code, dict(self.params))

    @property
    def field(self) -> str:
        """What it is about: ``identifier``, ``password``, ``current_password``, ``display_name``; empty for all else.

        A page shows the problem beside the field of this meaning.
        """
        return next((field for start, field in _FIELDS if self.code.startswith(start)), "")

    def text(self, language: str, texts: Texts | None = None) -> str:
        """Return what to tell the person.

        Args:
            language: ``fi``, ``sv`` or ``en``; any other reads as English.
            texts: The service's own texts; the shipped ones when ``None``.
        """
        return (texts or SHIPPED).text(self.code, language, **self.params)


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not done, and nothing was written. Every refusal that a caller gets is one of these.

    `LinkRefused` and `AccountRefused` are the refusals after which a caller does something else than showing the
    form again.

    Attributes:
        problem: What to tell the person.
        others: What else is wrong; a new password may break several rules at once.
    """

    problem: Problem
    others: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong, the first problem included."""
        return (self.problem, *self.others)


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
class Done:
    """It was done, and committed.

    Attributes:
        notice: What to tell the person.
    """

    notice: Problem


MailOutcome: TypeAlias = MailAwaited | MailerDown | Refused
