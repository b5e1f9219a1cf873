"""Verify a migration: compare its journal with the accounts as they are."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile
from typing import Final

from cityauth.core.identifiers import EMAIL
from cityauth.core.migration import Migration, MigrationState, MigrationStep, StepState
from cityauth.core.population import PopulationRow
from cityauth.core.resolution import IdentifierStatus
from cityauth.errors import UsageError
from cityauth.flows.asking import Flow, ask
from cityauth.ports.stores import PopulationStore

PAGE: Final = 200
"""Steps that are compared at once."""

_NAMED: Final = 1000
"""How many findings a report lists; it counts all."""


class VerifyFinding(StrEnum):
    """Where the journal and the accounts do not agree."""

    ACCOUNT_MISSING = "account_missing"
    """The journal has a step for an account that is not there, although erasing an account erases its steps."""

    IDENTIFIER_MISSING = "identifier_missing"
    """The step was carried out, and the account does not hold the address, though nothing else of it has changed."""

    NOT_CARRIED_OUT = "not_carried_out"
    """The migration was carried out to its end, and the step is still only planned."""

    NOT_TAKEN_BACK = "not_taken_back"
    """The step was taken back, and the account still has the phase that the step gave it."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a comparison found.

    Attributes:
        migration: The plan as the store knows it.
        steps: How many steps were compared.
        changed_since: How many accounts the person or customer service has changed after the step; that is no finding.
        findings: How often journal and accounts disagree; empty when they agree.
        examples: The first 1,000 accounts with a finding, by external id, or else by id.
    """

    migration: Migration
    steps: int = 0
    changed_since: int = 0
    findings: Mapping[VerifyFinding, int] = field(default_factory=dict)
    examples: tuple[tuple[str, VerifyFinding], ...] = ()


def verify(plan_id: str, progress: Callable[[int, int], object]) -> Flow[VerifyReport]:
    """Compare every step of the journal with its account.

    Raises:
        UsageError: the store knows no plan of this id.
        StoreError: the store cannot answer.
    """
    known = yield from ask(PopulationStore.list_migrations)
    migration = next((one for one in known if one.id == plan_id), None)
    if migration is None:
        raise UsageError(f"there is no migration {plan_id!r}")
    findings, examples, seen, changed, after = Counter[VerifyFinding](), list[tuple[str, VerifyFinding]](), 0, 0, ""
    while steps := (yield from ask(PopulationStore.read_steps, plan_id, None, after, PAGE)):
        found = yield from ask(PopulationStore.find_population, [step.account_id for step in steps])
        rows = {row.account.id: row for row in found}
        for step in steps:
            finding = _judge(migration, step, rows.get(step.account_id))
            if finding is VerifyFinding.NOT_TAKEN_BACK and (yield from _is_moved_since(plan_id, step)):
                finding = True
            if isinstance(finding, VerifyFinding):
                findings[finding] += 1
                examples += [(step.external_id or step.account_id, finding)] if len(examples) < _NAMED else []
            changed += finding is True
        seen, after = seen + len(steps), steps[-1].account_id
        progress(seen, migration.total)
    return VerifyReport(migration, seen, changed, dict(findings), tuple(examples))


def _is_moved_since(plan_id: str, step: MigrationStep) -> Flow[bool]:
    """Whether a later plan gave the account the phase that it has."""
    history = yield from ask(PopulationStore.account_steps, step.account_id)
    later = takewhile(lambda one: one[0].id != plan_id, history)
    return any(one.state is StepState.APPLIED and one.phase_after is step.phase_after for _, one in later)


def _judge(migration: Migration, step: MigrationStep, row: PopulationRow | None) -> VerifyFinding | bool:
    """Return what is wrong, or else whether the account was changed after the step."""
    if row is None:
        return False if step.state is StepState.CHANGED else VerifyFinding.ACCOUNT_MISSING
    match step.state:
        case StepState.PLANNED:
            return VerifyFinding.NOT_CARRIED_OUT if migration.state is MigrationState.APPLIED else False
        case StepState.APPLIED:
            return _judge_applied(step, row)
        case StepState.ROLLED_BACK:
            if step.phase_before is not step.phase_after and row.account.phase is step.phase_after:
                return VerifyFinding.NOT_TAKEN_BACK
            return row.account.phase is not step.phase_before or row.account.contact != step.contact_before
        case _:
            return False


def _judge_applied(step: MigrationStep, row: PopulationRow) -> VerifyFinding | bool:
    changed = row.account.phase is not step.phase_after or row.account.contact != step.contact_after
    if step.identifier is None:
        return changed
    held = next((one for one in row.account_identifiers if one.identifier.key == step.identifier.key), None)
    if held is None:  # an address that the person gave up may have been released since
        return changed or VerifyFinding.IDENTIFIER_MISSING
    return changed or held.status is not IdentifierStatus.ACTIVE or held.identifier.kind != EMAIL.name
