"""What a host is answered, as values that it shows to the person: why something was refused, or that it was done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from cityauth.messages import Code, Param, Texts
from cityauth.messages.texts import SHIPPED


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
    params: Mapping[str, Param] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))

    def __hash__(self) -> int:
        return hash((self.code, frozenset(self.params.items())))

    def __reduce__(self) -> tuple[type["Problem"], tuple[Code, dict[str, Param]]]:
        return Problem, (self.code, dict(self.params))

    def text(self, language: str, texts: Texts | None = None) -> str:
        """Return what to tell the person.

        Args:
            language: ``fi``, ``sv`` or ``en``; any other reads as English.
            texts: The service's own texts; the shipped ones when ``None``.
        """
        return (texts or SHIPPED).text(self.code, language, **self.params)


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


@dataclass(frozen=True, slots=True)
class Declined:
    """It was not done, and nothing was written.

    Attributes:
        problem: What to tell the person.
    """

    problem: Problem


MailOutcome: TypeAlias = MailAwaited | MailerDown | Declined
