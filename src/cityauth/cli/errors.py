"""How the command fails: with one sentence on standard error and an exit status for each kind of failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, ClassVar

import click

from cityauth.cli.output import OutputLostError, plain, say_wrong
from cityauth.errors import CityAuthError, StoreError


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
    """The store cannot answer: it is down, locked, or its tables are missing or of another release. Status 3."""

    exit_code: ClassVar[int] = 3


class OutputLost(Refusal):
    """The work was done, and what there was to print was lost. Status 4."""

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
    except CityAuthError as error:
        raise Misuse(str(error)) from error
    except (Refusal, click.exceptions.NoArgsIsHelpError):
        raise
    except click.UsageError as error:
        raise click.UsageError(plain(error.format_message()), error.ctx) from error


class TellingGroup(click.Group):
    """A group of commands whose failures are sentences, never tracebacks.

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
