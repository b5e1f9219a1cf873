"""The move of a population from usernames to e-mail addresses: the values of a plan, and what comes of its steps.

``CityAuth.migration`` makes plans and carries them out. A plan is a file: `open_plan` reads it, and `write_report` and
`write_collisions` make of it what customer service reads.
"""

from cityauth.api.plan_files import open_plan, write_collisions, write_report
from cityauth.core.migration import Migration, MigrationState, MigrationStep, StepAction, StepRefusal, StepState
from cityauth.core.migration_decisions import DecisionFault, RefusedDecision
from cityauth.core.migration_plan import AccountClass, Collision, Decision, PlanHeader, PlanLine
from cityauth.core.migration_run import MigrationRefusal, MigrationRefused, MigrationReport, MigrationStatus
from cityauth.core.plan_file import PlanReader
from cityauth.core.similarity import AddressWarning
from cityauth.errors import PlanError
from cityauth.flows.migration_check import VerifyFinding, VerifyReport
from cityauth.flows.migration_plan import PlanMade
from cityauth.flows.rehearsal import RehearsalFinding, RehearsalReport

__all__ = [
    "AccountClass",
    "AddressWarning",
    "Collision",
    "Decision",
    "DecisionFault",
    "Migration",
    "MigrationRefusal",
    "MigrationRefused",
    "MigrationReport",
    "MigrationState",
    "MigrationStatus",
    "MigrationStep",
    "PlanError",
    "PlanHeader",
    "PlanLine",
    "PlanMade",
    "PlanReader",
    "RefusedDecision",
    "RehearsalFinding",
    "RehearsalReport",
    "StepAction",
    "StepRefusal",
    "StepState",
    "VerifyFinding",
    "VerifyReport",
    "open_plan",
    "write_collisions",
    "write_report",
]
