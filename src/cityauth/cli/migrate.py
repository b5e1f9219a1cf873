"""``cityauth migrate``: move a population from usernames to e-mail addresses."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cityauth import CityAuth
from cityauth.api.plan_files import (
    EARLIER_GROUPS,
    EARLIER_PLAN,
    EARLIER_REPORT,
    read_plan,
    refuse_to_replace,
    write_collisions,
    write_report,
)
from cityauth.cli.errors import Refusal
from cityauth.cli.operations import Load
from cityauth.cli.output import error_console, say, say_json, show_table
from cityauth.core.migration_plan import AccountClass, PlanHeader
from cityauth.errors import UsageError
from cityauth.flows.migration_plan import PlanMade, ignore_progress
from cityauth.flows.migration_plan import Progress as Report
from cityauth.messages import LANGUAGES
from cityauth.policy.realms import Phase
from cityauth.ports.services import DomainCheck

_file = click.Path(path_type=Path, dir_okay=False)


@click.group()
def migrate() -> None:
    """Move a population from usernames to e-mail addresses: plan it, rehearse it, carry it out, take it back."""


@migrate.command()
@click.option(
    "--to", "to", type=click.Choice(["email"]), default="email", show_default=True, help="What signs in after the move."
)
@click.option("--out", type=_file, required=True, help="The file of the plan.")
@click.option("--report", type=_file, help="Also write the report for those who decide: one page of HTML.")
@click.option("--groups", type=_file, help="Also write the accounts to decide about: CSV, with room for decisions.")
@click.option("--exempt", multiple=True, metavar="REALM", help="A realm that does not move; may be given again.")
@click.option("--decisions", type=_file, help="What was decided: CSV with external_id, decision, email.")
@click.option(
    "--phase",
    type=click.Choice([phase.value for phase in Phase if phase is not Phase.LEGACY_ONLY]),
    default=Phase.EMAIL_PREFERRED.value,
    show_default=True,
    help="The phase that accounts enter when they move.",
)
@click.option("--check-dns", is_flag=True, help="Look up whether the domains of addresses take mail.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default="fi", show_default=True, help="The language of the report."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def plan(  # noqa: PLR0913 - one for each option
    load: Load,
    *,
    to: str,
    out: Path,
    report: Path | None,
    groups: Path | None,
    exempt: tuple[str, ...],
    decisions: Path | None,
    phase: str,
    check_dns: bool,
    language: str,
    as_json: bool,
) -> None:
    """Plan what is to happen to every account, and say why. Nothing is written to the database.

    Without --exempt, the realms that the configuration keeps at legacy_only do not move. A decision with a fault is
    not used: the account keeps its username.
    """
    del to  # there is one choice
    configuration = load()
    for path, earlier, *others in (
        (out, EARLIER_PLAN, decisions),
        (report, EARLIER_REPORT, out, decisions),
        (groups, EARLIER_GROUPS, out, report, decisions),
    ):
        if path is not None:
            refuse_to_replace(path, *others, earlier=earlier)
    check = _domain_check() if check_dns else None
    with closing(configuration.store(read_only=True)) as store, showing_progress(quiet=as_json) as progress:
        auth = configuration.auth(store, check_mailer=False)
        _keep_open_plan(auth, out)
        made = auth.migration.plan(
            out, phase=Phase(phase), exempt=exempt or None, decisions=decisions, domain_check=check, progress=progress
        )
    if report is not None:
        write_report(out, report, language=language, texts=configuration.policy.texts)
    listed = None if groups is None else write_collisions(out, groups)
    if as_json:
        say_json(_as_json(made, listed))
    else:
        _print(made, out, report, groups)


def _keep_open_plan(auth: CityAuth, out: Path) -> None:
    """Refuse to write over the plan that is half carried out: nothing else can end it."""
    if not out.is_file():
        return
    with suppress(UsageError):  # whatever else is there may be replaced
        plan_id = read_plan(out).header.plan_id
        if any(one.migration.id == plan_id and one.migration.state.is_open for one in auth.migration.status()):
            raise Refusal(f"{out} is a plan that is half carried out: apply it to its end or roll it back first")


def _domain_check() -> DomainCheck:
    from cityauth.mailers import DnsDomainCheck

    return DnsDomainCheck()


@contextmanager
def showing_progress(*, quiet: bool) -> Iterator[Report]:
    """Show how many accounts are done, where standard error is a terminal."""
    console = error_console()
    if quiet or not console.is_terminal:
        yield ignore_progress
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        shown = 0.0

        def report(done: int, of_all: int) -> None:
            nonlocal shown
            if (now := time.monotonic()) - shown > 0.1:  # noqa: PLR2004 - seconds
                shown = now
                what = "Accounts" if of_all else "Reading accounts"
                bar.update(task, description=what, completed=done, total=of_all or None)

        yield report


def _print(made: PlanMade, out: Path, report: Path | None, groups: Path | None) -> None:
    header = made.header
    say(f"Planned {header.accounts} accounts; nothing was changed. {_steps(header)}", "green")
    show_table(
        ("class", "accounts"),
        [(one, str(header.classes.get(one, 0))) for one in AccountClass if header.classes.get(one)],
    )
    if found := [f"{count} {warning}" for warning, count in header.warnings.items() if count]:
        say(f"Warnings, which do not block: {', '.join(found)}.")
    for refused in made.refused_decisions:
        faults, name = ", ".join(refused.faults), refused.external_id or refused.account or "no account"
        say(f"The decision in line {refused.number} is not used ({faults}): {name}.")
    say(f"The plan {header.plan_id} is in {out}.")
    if report is not None:
        say(f"The report for those who decide is in {report}.")
    if groups is not None:
        say(
            f"The accounts to decide about are in {groups}: fill in `decision` and `email`, and give it as --decisions."
        )


def _steps(header: PlanHeader) -> str:
    moved, kept = header.actions.values()
    return f"{moved} move, {kept} keep their username, {header.accounts - moved - kept} are left alone."


def _as_json(made: PlanMade, listed: int | None) -> dict[str, object]:
    header = made.header
    return {
        "plan": header.plan_id,
        "population": header.population,
        "digest": header.digest,
        "accounts": header.accounts,
        "classes": dict(header.classes),
        "warnings": dict(header.warnings),
        "actions": dict(header.actions),
        "decisions": dict(header.decisions),
        "refused_decisions": [
            {"line": one.number, "external_id": one.external_id, "faults": list(one.faults)}
            | ({"account": one.account} if one.account else {})
            for one in made.refused_decisions
        ],
        "to_decide": listed,
    }
