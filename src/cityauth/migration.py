"""The move of a population from usernames to e-mail addresses: the values of a plan, and the files that are made of it.

``CityAuth.migration`` makes plans. A plan is a file: `open_plan` reads it, and `write_report` and `write_collisions`
make of it what customer service reads.
"""

from cityauth.api.plan_files import open_plan, write_collisions, write_report
from cityauth.core.migration import StepAction
from cityauth.core.migration_decisions import DecisionFault, RefusedDecision
from cityauth.core.migration_plan import AccountClass, Collision, Decision, PlanHeader, PlanLine
from cityauth.core.plan_file import PlanReader
from cityauth.core.similarity import AddressWarning
from cityauth.errors import PlanError
from cityauth.flows.migration_plan import PlanMade

__all__ = [
    "AccountClass",
    "AddressWarning",
    "Collision",
    "Decision",
    "DecisionFault",
    "PlanError",
    "PlanHeader",
    "PlanLine",
    "PlanMade",
    "PlanReader",
    "RefusedDecision",
    "StepAction",
    "open_plan",
    "write_collisions",
    "write_report",
]
