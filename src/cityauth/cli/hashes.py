"""``cityauth hashes``: which password hashes are stored, and the wrapping of the weak ones."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cityauth.api._sync.city_auth import CityAuth
from cityauth.cli.identifiers import FROM_COMMAND
from cityauth.cli.operations import Load
from cityauth.cli.output import error_console, say, say_json, show_table
from cityauth.core.hash_kinds import WrapReport


@click.group()
def hashes() -> None:
    """Count the stored password hashes, and wrap the weak ones."""


@hashes.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(load: Load, *, as_json: bool) -> None:
    """Say how many hashes of each format and cost are stored, and which of them are weak."""
    configuration = load()
    with closing(configuration.store()) as store:
        kinds = configuration.auth(store, check_mailer=False).population.hash_kinds()
    if as_json:
        names = ("format", "cost", "accounts", "weak")
        say_json([dict(zip(names, one, strict=True)) for one in kinds])
        return
    rows = [(one.format, one.cost, str(one.accounts), "yes" if one.is_weak else "") for one in kinds]
    show_table(("format", "cost", "accounts", "weak"), rows)
    weak = sum(one.accounts for one in kinds if one.is_weak)
    if weak:
        say(f"{weak} hashes are weak. Wrap them: cityauth hashes wrap", "yellow")


@hashes.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def wrap(context: click.Context, *, as_json: bool) -> None:
    """Put every weak hash inside an Argon2id hash. People sign in with the same passwords as before.

    Run it again after it was stopped: it goes on where it was. It may run beside the service. The exit status is 0
    when no weak hash is left, and 1 when some cannot be wrapped.
    """
    configuration = context.obj()
    with closing(configuration.store()) as store:
        report = wrap_weak(configuration.auth(store, check_mailer=False))
    if as_json:
        say_json(as_dictionary(report))
    else:
        say_wrapped(report)
    context.exit(1 if report.left else 0)


def wrap_weak(auth: CityAuth) -> WrapReport:
    """Wrap the weak hashes, and show on a terminal how far it is."""
    with _progress() as show:
        return auth.population.wrap_weak_hashes(on_progress=show, client=FROM_COMMAND)


def as_dictionary(report: WrapReport) -> dict[str, int]:
    """Return the report as it is printed in JSON."""
    return {"found": report.found, "wrapped": report.wrapped, "overtaken": report.overtaken, "left": report.left}


def say_wrapped(report: WrapReport) -> None:
    """Print what came of the wrapping."""
    if not report.found:
        say("No stored hash is weak.", "green")
        return
    others = f" {report.overtaken} were replaced by somebody else meanwhile." if report.overtaken else ""
    say(f"Wrapped {report.wrapped} of {report.found} weak hashes in Argon2id.{others}", "green")
    if report.left:
        say(f"{report.left} hashes cannot be wrapped and stay as they are.", "yellow")


@contextmanager
def _progress() -> Iterator[Callable[[WrapReport], object]]:
    """Give a function that shows how far the work is. Nothing is shown where no terminal shows it."""
    console = error_console()
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("Wrapping"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda report: progress.update(
            task, total=report.found, completed=report.wrapped + report.overtaken + report.left
        )
