"""``cityauth migrate``: rehearse a plan, carry it out, take it back, and say how it stands."""

import getpass
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import click

from cityauth import CityAuth
from cityauth.api.plan_files import open_plan, read_plan
from cityauth.cli.errors import Misuse, Refusal
from cityauth.cli.identifiers import FROM_COMMAND
from cityauth.cli.migrate import migrate, showing_progress
from cityauth.cli.operations import Load
from cityauth.cli.output import say, say_json, show_table
from cityauth.core.migration import MigrationState, MigrationStep, StepState
from cityauth.core.migration_run import (
    MOST_IN_A_BATCH,
    MigrationRefusal,
    MigrationRefused,
    MigrationReport,
    MigrationStatus,
)
from cityauth.errors import PlanError
from cityauth.flows.migration_plan import Progress as Report
from cityauth.flows.rehearsal import RehearsalReport

__all__ = ["migrate"]

_SHOWN: Final = 20
"""How many accounts the command names; --json has up to 1,000."""

_STATES: Final = {
    MigrationState.LOADING: "its steps are being written, and no account has changed yet",
    MigrationState.APPLYING: "it is being carried out",
    MigrationState.APPLIED: "it is carried out",
    MigrationState.ROLLING_BACK: "it is being taken back",
    MigrationState.ROLLED_BACK: "it is taken back",
}
_OUTDATED: Final = (
    "the plan is outdated: accounts have changed where it matters since it was made ({count} of them); make a new plan"
)
_REFUSALS: Final = {
    MigrationRefusal.PLAN_OUTDATED: (
        "accounts have changed where it matters since the plan was made ({count} of them), and no account was changed:"
        " make a new plan, or give --replan to plan these accounts anew"
    ),
    MigrationRefusal.ANOTHER_IS_OPEN: "the plan {plan} is half carried out: apply it to its end or roll it back first",
    MigrationRefusal.ANOTHER_PLAN: (
        "the database knows a plan of this id with other contents: use the file that was applied, or make a new plan"
    ),
    MigrationRefusal.ROLLED_BACK: "this plan was rolled back: make a new one",
    MigrationRefusal.UNKNOWN_PLAN: "the database knows no plan of this id; `cityauth migrate status` lists them",
}


def _read_share(_context: click.Context, _option: click.Parameter, value: str) -> float:
    """Return a share such as ``10%`` as a number above 0 and up to 1."""
    text = value.strip()
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = 0.0
    if not text.endswith("%") or not 0 < number <= 100:  # noqa: PLR2004 - per cent
        raise click.BadParameter("give a share above 0% and up to 100%, such as 10%")
    return number / 100


_plan_argument = click.argument("plan", type=click.Path(path_type=Path, dir_okay=False, exists=True))
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_batch_option = click.option(
    "--batch",
    type=click.IntRange(1, MOST_IN_A_BATCH),
    default=500,
    show_default=True,
    help="How many accounts change in one commit.",
)
_pause_option = click.option(
    "--pause", type=click.FloatRange(0, 60), default=0.0, show_default=True, help="Seconds between two commits."
)
_by_option = click.option("--by", "actor", help="Who does it, for the journal; else your login name.")


@migrate.command()
@_plan_argument
@_json_option
@click.pass_obj
def rehearse(load: Load, *, plan: Path, as_json: bool) -> None:
    """Check what each name of every account does today and would do after the move. Nothing is written to the database.

    The exit status is 1 when somebody would be locked out, or would get in as somebody else, and when accounts have
    changed where it matters since the plan was made.
    """
    with _naming(plan), _opened(load, read_only=True, quiet=as_json) as (auth, progress):
        found = auth.migration.rehearse(plan, progress=progress)
    if as_json:
        say_json({**_plain(found), "holds": found.holds})
    else:
        _print_rehearsal(found)
    if found.findings:
        raise Refusal(f"{sum(found.findings.values())} things would go wrong; do not apply this plan")
    if found.outdated:
        raise Refusal(_OUTDATED.format(count=found.outdated))


@migrate.command()
@_plan_argument
@_batch_option
@_pause_option
@click.option(
    "--share",
    metavar="SHARE",
    callback=_read_share,
    default="100%",
    show_default=True,
    help="Carry out this share of the accounts now; a larger share contains a smaller one.",
)
@click.option(
    "--canary",
    type=click.File(encoding="utf-8-sig"),
    help="Carry out only the accounts in this file now: an external id on each line.",
)
@click.option(
    "--replan", is_flag=True, help="Plan accounts anew that have changed since the plan, instead of refusing the plan."
)
@_by_option
@_json_option
@click.pass_obj
def apply(
    load: Load,
    *,
    plan: Path,
    batch: int,
    pause: float,
    share: float,
    canary: IO[str] | None,
    replan: bool,
    actor: str | None,
    as_json: bool,
) -> None:
    """Carry out PLAN, or go on with it where it stopped. Sign-in goes on meanwhile, and nobody is signed out.

    Stop it with Ctrl-C at any moment: the same command goes on. The exit status is 1 when nothing was done because the
    accounts have changed since the plan was made, another plan is half carried out, or this one was rolled back.
    """
    named = None if canary is None else _canaries(canary, plan)
    with _naming(plan), _opened(load, quiet=as_json) as (auth, progress):
        outcome = auth.migration.apply(
            plan,
            actor=actor or _login_name(),
            batch=batch,
            pause=pause,
            share=share,
            canary=named,
            replan=replan,
            progress=progress,
            client=FROM_COMMAND,
        )
    _print_outcome(outcome, as_json=as_json)


@migrate.command()
@click.argument("plan")
@_batch_option
@_pause_option
@_by_option
@_json_option
@click.pass_obj
def rollback(load: Load, *, plan: str, batch: int, pause: float, actor: str | None, as_json: bool) -> None:
    """Take back what PLAN did, or go on with that; PLAN is its file or its id. Passwords are not touched.

    An account that people have changed since the move stays as it is, and is named with the reason. The exit status is
    0 then as well.
    """
    with _opened(load, quiet=as_json) as (auth, progress):
        outcome = auth.migration.roll_back(
            _plan_id(plan),
            actor=actor or _login_name(),
            batch=batch,
            pause=pause,
            progress=progress,
            client=FROM_COMMAND,
        )
    _print_outcome(outcome, as_json=as_json)


@migrate.command()
@_json_option
@click.pass_obj
def status(load: Load, *, as_json: bool) -> None:
    """Say how every migration stands, the newest first, and which commands end one that is half carried out."""
    with _opened(load, read_only=True, quiet=True) as (auth, _):
        found = auth.migration.status()
    if as_json:
        say_json([_plain(one) for one in found])
        return
    if not found:
        say("No migration was ever begun.")
    for one in found:
        _print_status(one)


@migrate.command()
@click.argument("plan", required=False)
@_json_option
@click.pass_obj
def verify(load: Load, *, plan: str | None, as_json: bool) -> None:
    """Compare the journal of PLAN with the accounts as they are; without PLAN, the newest. Nothing is written.

    The exit status is 1 when they do not agree.
    """
    with _opened(load, read_only=True, quiet=as_json) as (auth, progress):
        known = [one.migration.id for one in auth.migration.status()]
        if plan is None and not known:
            raise Refusal("no migration was ever begun: `cityauth migrate apply` begins one")
        plan_id = _plan_id(plan) if plan else known[0]
        if plan_id not in known:
            raise Refusal(_REFUSALS[MigrationRefusal.UNKNOWN_PLAN])
        found = auth.migration.verify(plan_id, progress=progress)
    if as_json:
        say_json(_plain(found))
    else:
        say(f"Compared {found.steps} steps of {found.migration.id} with their accounts.")
        if found.changed_since:
            say(f"Accounts that people have changed after their step, which is in order: {found.changed_since}.")
        for one, finding in found.examples[:_SHOWN]:
            say(f"{one}: {finding}", "red")
    if found.findings:
        raise Refusal(f"the journal and the accounts disagree {sum(found.findings.values())} times")
    if not as_json:
        say("The journal and the accounts agree.", "green")


@contextmanager
def _opened(load: Load, *, read_only: bool = False, quiet: bool) -> Iterator[tuple[CityAuth, Report]]:
    """Open the configured database, and show the progress of the work."""
    configuration = load()
    with closing(configuration.store(read_only=read_only)) as store, showing_progress(quiet=quiet) as progress:
        yield configuration.auth(store, check_mailer=False), progress


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may have no name for its user
        return "unknown"


def _plan_id(plan: str) -> str:
    """Return the id of a plan that was given by its id or by its file."""
    try:
        is_file = Path(plan).is_file()
    except OSError:  # too long for the name of a file
        is_file = False
    if not is_file:
        return plan
    with _naming(Path(plan)):
        return read_plan(plan).header.plan_id


@contextmanager
def _naming(plan: Path) -> Iterator[None]:
    """Name the file of the plan where something is wrong with it, and what to do."""
    try:
        yield
    except PlanError as error:
        raise Misuse(f"{plan}: {error}; make the plan again with `cityauth migrate plan`") from error


def _canaries(file: IO[str], plan: Path) -> list[str]:
    """Return the ids in a file of canaries. The plan must have all of them: a slip would leave a canary out unseen."""
    name = f"the canary file {file.name}"
    try:
        named = [line.strip() for line in file if line.strip()]
    except UnicodeDecodeError as error:
        raise Misuse(f"{name} cannot be read as UTF-8: write one external id on each line") from error
    except OSError as error:
        raise Misuse(f"{name} cannot be read: {error.strerror}") from error
    unknown = set(named)
    with _naming(plan), open_plan(plan) as lines:
        for line in lines:
            unknown -= {line.external_id, line.account}
    if unknown == set(named):
        raise Misuse(f"{name} names no account of the plan: write one external id on each line")
    if unknown:
        first = next(one for one in named if one in unknown)
        raise Misuse(f"{name} has ids that are not in the plan, such as {first} ({len(unknown)} in all)")
    return named


def _print_rehearsal(found: RehearsalReport) -> None:
    say(f"Looked at {found.accounts} accounts and resolved {found.names} names; nothing was changed.")
    for one, finding in found.examples[:_SHOWN]:
        say(f"{one}: {finding}", "red")
    for one in found.outdated_accounts[:_SHOWN]:
        say(f"changed since the plan: {one}", "yellow")
    if found.holds:
        say(
            "Everybody who can sign in today can sign in afterwards, and nobody gets in as somebody else:"
            f" {found.moved} sign in by their address, {found.kept} keep their username, and {found.untouched} are left"
            " alone. Locked out: 0.",
            "green",
        )


def _print_outcome(outcome: MigrationReport | MigrationRefused, *, as_json: bool) -> None:
    if isinstance(outcome, MigrationRefused):
        if as_json:
            say_json(_plain(outcome))
        else:
            for one in outcome.accounts[:_SHOWN]:
                say(f"changed since the plan: {one}", "yellow")
        raise Refusal(_REFUSALS[outcome.why].format(count=outcome.count, plan=outcome.plan_id))
    if as_json:
        say_json(_plain(outcome))
        return
    _print_status(outcome.status)
    for step in outcome.refused[:_SHOWN]:
        say(f"{step.external_id or step.account_id}: {step.refusal}", "yellow")
    if outcome.refusals:
        is_undone = outcome.status.migration.state in {MigrationState.ROLLING_BACK, MigrationState.ROLLED_BACK}
        what = "They stay as they are." if is_undone else "They stay as they are; a new plan looks at them again."
        number = sum(outcome.refusals.values())
        say(f"Refused steps, because the account has changed since: {number}. {what}", "yellow")


def _print_status(one: MigrationStatus) -> None:
    migration = one.migration
    begun = f"begun {migration.began_at:%Y-%m-%d %H:%M} UTC by {migration.actor}"
    say(f"{migration.id}: {_STATES[migration.state]}, {begun}.")
    is_applying = migration.state in {MigrationState.LOADING, MigrationState.APPLYING}
    counts = {state.value: number for state in StepState if (number := one.steps.get(state))}
    total = max(migration.total, sum(counts.values()))  # accounts that were planned anew may have added steps
    if is_applying:
        counts.pop(StepState.PLANNED.value, None)
        counts["waiting"] = one.waiting
    show_table(("step", "accounts"), [(name, str(number)) for name, number in [*counts.items(), ("of all", total)]])
    if migration.state.is_open:
        say("It is half carried out. `cityauth migrate apply` with its file goes on,", "yellow")
        say(f"and `cityauth migrate rollback {migration.id}` takes it back.", "yellow")


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Return a report as what JSON can hold, without addresses."""
    if isinstance(value, MigrationStep):
        return {"account": value.external_id or value.account_id, "state": value.state, "refusal": value.refusal}
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value
