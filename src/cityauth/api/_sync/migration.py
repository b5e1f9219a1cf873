"""The move of a population from usernames to e-mail addresses."""

import os
from collections.abc import Collection
from pathlib import Path

from cityauth.api.assembly import Namespace
from cityauth.api.drivers import Answers, require_port, run, wire
from cityauth.api.plan_files import building, read_decision_file
from cityauth.core.plan_builder import PlanBuilder
from cityauth.flows import migration_plan
from cityauth.flows.migration_plan import PlanMade, Progress, ignore_progress
from cityauth.policy.realms import Phase
from cityauth.ports.services import DomainCheck
from cityauth.ports.stores import PopulationStore


class Migration(Namespace[Answers]):
    """The move of a population from usernames to e-mail addresses: a plan first, then its steps."""

    def plan(
        self,
        out: str | os.PathLike[str],
        *,
        phase: Phase = Phase.EMAIL_PREFERRED,
        exempt: Collection[str] | None = None,
        decisions: str | os.PathLike[str] | None = None,
        domain_check: DomainCheck | None = None,
        progress: Progress = ignore_progress,
    ) -> PlanMade:
        """Read every account, and write to the file *out* what each of them is, why, and what is to happen to it.

        Nothing is written to the store, which may be open for reading alone. The file takes the place of an older one
        only when it is complete.

        Args:
            out: The file of the plan: JSON, the header in the first line, then a line for each account.
            phase: The phase that accounts enter when they move.
            exempt: The realms that do not move. By default those that the policy keeps at ``legacy_only``.
            decisions: A CSV file of what customer service decided, with the columns ``external_id``, ``decision`` and
                ``email``. A row with a fault is not used: its account keeps its username.
            domain_check: Looks the domains of addresses up, such as `DnsDomainCheck`; ``None`` looks nothing up.
            progress: Called now and then with the number of accounts that were read, and of lines that were written.

        Returns:
            The plan's header, and the decisions that were not used.

        Raises:
            UsageError: a file cannot be read or written, the file of decisions lacks a column, or a realm is not in the
                policy.
            WiringError: the store is no `PopulationStore`.
            StoreError: the store cannot answer; no file was written.
        """
        require_port(PopulationStore, self._answers)
        answers = {**self._answers, **(wire({DomainCheck: domain_check}) if domain_check else {})}
        settings = migration_plan.PlanSettings(
            phase=phase,
            exempt=migration_plan.exempt_realms(self._deployment, exempt),
            check_domains=domain_check is not None,
            read=tuple(read_decision_file(decisions)),
        )
        with building(Path(out)) as builder:
            answers.update(wire({PlanBuilder: builder}))
            return run(migration_plan.plan(self._deployment, settings, progress), answers)
