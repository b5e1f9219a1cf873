"""``cityauth check``: what is wrong with a deployment, for an operator and for a job that stops a release."""

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final

import click

from cityauth.cli.errors import Refusal
from cityauth.cli.output import say, say_json
from cityauth.config.configuration import Configuration
from cityauth.core.audit import AuditEvent
from cityauth.core.check import Finding, Level

_STYLE: Final = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.INFO: "dim"}


class _NoLog:
    """An audit sink for a command that records nothing: how the service logs is set up in the service alone."""

    def emit(self, event: AuditEvent) -> None:
        """Do nothing."""


@click.command()
@click.option(
    "--fail-on",
    type=click.Choice([one.value for one in Level]),
    default=Level.WARNING.value,
    show_default=True,
    help="The least level of a finding that makes the exit status 1.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def check(load: Callable[[], Configuration], *, fail_on: str, as_json: bool) -> None:
    """Say what is wrong with the deployment, and what to do about each finding.

    It looks at the configuration, the mail server, the database and its file, and changes nothing. A finding that the
    configuration accepts under [accept] is shown, and does not change the exit status.
    """
    configuration = load()
    with closing(configuration.store(read_only=True)) as store:
        findings = configuration.auth(store, audit=_NoLog()).check(configuration.acceptances)
    if as_json:
        say_json([_as_json(one) for one in findings])
    else:
        _show(findings)
    failing = [one for one in findings if not one.accepted and one.level.reaches(Level(fail_on))]
    if failing:
        count = "1 finding is" if len(failing) == 1 else f"{len(failing)} findings are"
        raise Refusal(f"{count} at the level {fail_on} or above")


def _as_json(finding: Finding) -> dict[str, str]:
    return {
        "code": finding.code,
        "level": finding.level.value,
        "problem": finding.problem,
        "remedy": finding.remedy,
        "page": finding.page,
        "accepted": finding.accepted,
    }


def _show(findings: Sequence[Finding]) -> None:
    for one in findings:
        say(f"{one.code} {one.level}: {one.problem}.", _STYLE[one.level])
        say(f"      accepted: {one.accepted}" if one.accepted else f"      {one.remedy} See {one.page}.")
    if not findings:
        say("Nothing was found.", "green")
