"""The page on migration lists the answers, the findings and the options that there are."""

from enum import StrEnum

import click
import pytest

from cityauth.cli.migrate_run import apply, migrate
from cityauth.core.audit import AuditEventType
from cityauth.migration import (
    AccountClass,
    AddressWarning,
    Collision,
    Decision,
    DecisionFault,
    MigrationRefusal,
    RehearsalFinding,
    StepRefusal,
    StepState,
    VerifyFinding,
)
from tests.docs.reading import table

PAGE = "migration.md"
TABLES = {
    "class": AccountClass,
    "kind": Collision,
    "decision": Decision,
    "finding": RehearsalFinding,
    "refusal": MigrationRefusal,
    "reason": StepRefusal,
    "step": StepState,
    "finding of verify": VerifyFinding,
    "code": DecisionFault,
}


def named(first: str) -> list[str]:
    """The first cells of a table of the page, without marks."""
    return [name.strip("`") for name in table(PAGE, first)]


@pytest.mark.parametrize("first", TABLES)
def test_every_member_has_its_row(first: str) -> None:
    """The table has every member of the enumeration, and no other, each with its meaning."""
    members: type[StrEnum] = TABLES[first]
    assert sorted(named(first)) == sorted(one.value for one in members if one.value)
    assert all(all(cells) for cells in table(PAGE, first).values())


def test_every_warning_has_its_row() -> None:
    """The resemblances of an address are all explained."""
    assert set(named("warning")) >= {one.value for one in AddressWarning}


def test_every_event_has_its_row() -> None:
    """The audit events of a migration stand in the order in which they come."""
    assert named("event") == [one.value for one in AuditEventType if one.value.startswith("migration.")]


def test_every_option_is_explained() -> None:
    """The options of apply have a table, and those of the other commands stand in the text on them."""
    rows = " ".join(named("option of apply"))
    assert [name for one in apply.params for name in one.opts if name.startswith("--") and name not in rows] == []
    plan = migrate.commands["plan"]
    assert isinstance(plan, click.Command)
    listed = " ".join(named("option"))
    unlisted = {name for one in plan.params for name in one.opts if name not in listed}
    assert unlisted == {"--to", "--out", "--report", "--groups", "--language"}  # in the examples and the text above it
