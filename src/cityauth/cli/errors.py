"""Refusals and errors of the command: their sentences, and its exit status."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, ClassVar, Final

import click

from cityauth.cli.output import OutputLostError, plain, say_wrong
from cityauth.core.changes import Precondition
from cityauth.core.characters import scripts_of
from cityauth.core.hashing import HashDefect
from cityauth.core.identifiers import Identifier, Malformed
from cityauth.core.resolution import Reason, Resolution
from cityauth.errors import CityAuthError, HasherBusyError, StoreError


class Refusal(click.ClickException):
    """What is stored does not allow it; nothing was changed. Status 1."""

    exit_code: ClassVar[int] = 1

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002 - click's signature
        """Print the sentence on standard error."""
        say_wrong(self.message)


class Misuse(Refusal):
    """The command line or the configuration is wrong, or a library is missing. Status 2."""

    exit_code: ClassVar[int] = 2


class Unavailable(Refusal):
    """The store or the hasher cannot answer: down, locked, busy, or its tables are missing or old. Status 3."""

    exit_code: ClassVar[int] = 3


class OutputLost(Refusal):
    """The work was done, but its output could not be written. Status 4."""

    exit_code: ClassVar[int] = 4


@contextmanager
def telling() -> Iterator[None]:
    """Turn the library's exceptions into sentences, and make click's harmless for a terminal."""
    try:
        yield
    except OutputLostError as error:
        raise OutputLost(f"it was done, but standard output did not take the answer: {error}") from error
    except StoreError as error:
        raise Unavailable(str(error)) from error
    except HasherBusyError as error:
        raise Unavailable(f"{str(error) or 'the hasher is busy'}: try again in {error.retry_after} s") from error
    except CityAuthError as error:
        raise Misuse(str(error)) from error
    except (Refusal, click.exceptions.NoArgsIsHelpError):
        raise
    except click.UsageError as error:
        raise click.UsageError(plain(error.format_message()), error.ctx) from error


class OneSentenceGroup(click.Group):
    """A group of commands that prints one sentence for a failure, never a traceback.

    It is a class because click reads a command line and runs it in these two methods.
    """

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - click's signature
        """Read the command line."""
        with telling():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the command."""
        with telling():
            return super().invoke(ctx)


MALFORMED: Final = {
    Malformed.NOT_TEXT: "is no text",
    Malformed.EMPTY: "is empty",
    Malformed.TOO_LONG: "is too long",
    Malformed.FORBIDDEN_CHARACTER: "holds a character that it may not hold, such as a control or an invisible one",
    Malformed.UNRECOGNIZED: "is no kind of identifier that this deployment knows",
    Malformed.NOT_AN_ADDRESS: "is not one deliverable e-mail address such as name@example.com",
    Malformed.NEEDS_SMTPUTF8: "has letters before the @ that mail cannot be delivered to; give an address in ASCII",
    Malformed.WRONG_KIND: "holds an @, which new usernames may not",
    Malformed.TOO_SHORT: "is too short",
    Malformed.RESERVED: "is reserved: it would look like the service itself",
    Malformed.COMPATIBILITY_CHARACTER: "holds a look-alike form of another character, such as a ligature",
    Malformed.MIXED_SCRIPT: "mixes scripts within one word, as look-alikes of another address do",
}
"""What is wrong with a text; written after the text."""

PRECONDITION: Final = {
    Precondition.IDENTIFIER_TAKEN: "an identifier is taken; `cityauth account show` says by whom",
    Precondition.IDENTIFIER_CHANGED: "an identifier was changed meanwhile; look at it and try again",
    Precondition.ACCOUNT_EXISTS: "there is an account of that id already; try again",
    Precondition.ACCOUNT_MISSING: "the account is gone; look it up again",
    Precondition.PASSWORD_CHANGED: "the password was changed meanwhile; look at the account and try again",
    Precondition.STATUS_CHANGED: "the account has that status already",
    Precondition.TOKEN_USED: "the link was used already; make another one",
    Precondition.EPOCH_CHANGED: "the account's sessions were ended meanwhile; try again",
    Precondition.SESSION_MISSING: "the session has ended meanwhile; nothing was changed",
    Precondition.ACCOUNT_CHANGED: "the account was changed meanwhile; look at it and try again",
    Precondition.CONTACT_CHANGED: "the contact was changed meanwhile; look at the account and try again",
    Precondition.FAILURES_CHANGED: "a failed sign-in was counted meanwhile; try again",
    Precondition.MIGRATION_OPEN: "a migration is open or was begun before; `cityauth migrate status` says which",
    Precondition.MIGRATION_CHANGED: "the migration was changed meanwhile; `cityauth migrate status` says how it stands",
}
"""Why a commit was refused."""

DEFECT: Final = {one: one.sentence for one in HashDefect}
"""Why a stored hash is not accepted; written after "the stored hash"."""

_REASON: Final = {
    Reason.NONE: "signs in",
    Reason.NOT_FOUND: "no account has it",
    Reason.PENDING: "does not sign in: not confirmed yet",
    Reason.RETIRED: "does not sign in: retired",
    Reason.KIND_NO_LONGER_SIGNS_IN: "does not sign in any more: the phase is {phase}",
    Reason.KIND_DOES_NOT_SIGN_IN_YET: "does not sign in yet: the phase is {phase}",
    Reason.CONTESTED: "signs nobody in: several accounts hold it, and people must decide",
    Reason.SEVERAL_ACCOUNTS: "signs nobody in: it names several accounts, and people must decide",
    Reason.REALM_WITHOUT_PHASES: "signs nobody in: the realm of its account is not in the configuration",
    Reason.MALFORMED: "cannot be an identifier",
}


def reason_of(resolution: Resolution) -> str:
    """Return whether the identifier signs in, or why it does not."""
    return _REASON[resolution.reason].format(phase=resolution.phase)


def characters_of(identifier: Identifier) -> str:
    """Return the scripts in which an identifier outside ASCII is written, and its form in ASCII.

    Empty for plain ASCII without Punycode, in which there are no look-alikes.
    """
    value = identifier.key.partition(":")[2]
    if value.isascii() and "xn--" not in value:
        return ""
    words = [_decoded(label) for part in value.split("@") for label in part.split(".")]
    scripts = " + ".join(sorted(scripts_of("".join(words)))).title()
    coded = "@".join(part if part.isascii() else f"xn--{part.encode('punycode').decode()}" for part in value.split("@"))
    return f"{scripts}, {coded}" if scripts else coded


def _decoded(label: str) -> str:
    """Return a label of a domain in readable letters; any other text unchanged."""
    try:
        return label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label
    except UnicodeError:
        return label
