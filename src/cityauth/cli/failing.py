"""How the command fails: one sentence on standard error, and a status that a script can tell apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import IO, Any

import click

from cityauth.cli.output import plain, say_wrong
from cityauth.errors import CityAuthError, StoreError


class Status(IntEnum):
    """The exit status of a command that was not done."""

    REFUSED = 1
    """What is stored does not allow it."""
    WRONG = 2
    """The command line or the configuration is wrong, or a library is missing."""
    UNAVAILABLE = 3
    """The store cannot answer: it is down, locked, or its tables are missing or of another release."""


class Failure(click.ClickException):
    """The command was not done, and nothing was changed."""

    def __init__(self, message: str, status: Status = Status.REFUSED) -> None:
        """Say what is wrong and what to do."""
        super().__init__(message)
        self.exit_code = status

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002 - click's signature
        """Print the sentence on standard error."""
        say_wrong(self.message)


@contextmanager
def telling() -> Iterator[None]:
    """Turn the library's exceptions into sentences, and take the escapes out of click's own."""
    try:
        yield
    except StoreError as error:
        raise Failure(str(error), Status.UNAVAILABLE) from error
    except CityAuthError as error:
        raise Failure(str(error), Status.WRONG) from error
    except click.ClickException as error:
        error.message = plain(error.message)
        raise


class TellingGroup(click.Group):
    """A group of commands that fails in words only.

    It is a class because click parses the words of a command line and runs them in these two methods.
    """

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - click's signature
        """Read the command line."""
        with telling():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the command."""
        with telling():
            return super().invoke(ctx)
