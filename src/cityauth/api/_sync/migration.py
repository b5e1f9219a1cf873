"""The move of a population from usernames to e-mail addresses."""

import os
from collections.abc import Collection
from pathlib import Path

from cityauth.api.assembly import Namespace
from cityauth.api.drivers import Answers, require_port, run, wire
from cityauth.api.plan_files import EARLIER_PLAN, building, read_decision_file, read_plan, refuse_to_replace
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.migration_run import ApplySettings, MigrationRefused, MigrationReport, MigrationStatus, chosen
from cityauth.core.plan_builder import PlanBuilder
from cityauth.flows import migration, migration_check, migration_plan, rehearsal
from cityauth.flows.migration_check import VerifyReport
from cityauth.flows.migration_plan import PlanMade, Progress, ignore_progress
from cityauth.flows.rehearsal import RehearsalReport
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

        Nothing is written to the store, which may be open for reading alone. The file takes the place of an earlier
        plan only when it is complete. A file that is no plan is not replaced.

        Args:
            out: The file of the plan: JSON, the header in the first line, then a line for each account.
            phase: The phase that accounts enter when they move.
            exempt: The realms that do not move. By default those that the policy keeps at ``legacy_only``.
            decisions: A CSV file of what customer service decided, with the columns ``external_id``, ``decision`` and
                ``email``. A row with a fault is not used: its account keeps its username.
            domain_check: Looks up the domains of addresses, such as `DnsDomainCheck`; ``None`` looks nothing up.
            progress: Called now and then with two numbers: the accounts that were read and 0, then the lines that are
                written and all lines.

        Returns:
            The plan's header, and the decisions that were not used.

        Raises:
            UsageError: a file cannot be read or written, *out* is there and is no plan, the file of decisions lacks a
                column, a realm is not in the policy, or *phase* is ``legacy_only``, at which no address signs in.
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
        refuse_to_replace(Path(out), None if decisions is None else Path(decisions), earlier=EARLIER_PLAN)
        with building(Path(out)) as builder:
            answers.update(wire({PlanBuilder: builder}))
            return run(migration_plan.plan(self._deployment, settings, progress), answers)

    def rehearse(self, plan: str | os.PathLike[str], *, progress: Progress = ignore_progress) -> RehearsalReport:
        """Find out, for every account of the file *plan*, what each of its names does today and what it will do.

        Nothing is written.

        Args:
            plan: The file of the plan.
            progress: Called now and then with two numbers: the accounts that were looked at, and all accounts.

        Raises:
            UsageError: the file cannot be read.
            PlanError: it is no plan, or a line of it was changed.
            WiringError: the store is no `PopulationStore`.
            StoreError: the store cannot answer.
        """
        require_port(PopulationStore, self._answers)
        read = read_plan(plan)
        return run(rehearsal.rehearse(self._deployment, read.header, read.lines(), progress), self._answers)

    def apply(
        self,
        plan: str | os.PathLike[str],
        *,
        actor: str,
        batch: int = 500,
        pause: float = 0.0,
        share: float = 1.0,
        canary: Collection[str] | None = None,
        replan: bool = False,
        progress: Progress = ignore_progress,
        client: ClientContext = UNKNOWN_CLIENT,
    ) -> MigrationReport | MigrationRefused:
        """Carry out the file *plan*. It may stop at any moment; call it again, and it goes on where it stopped.

        Sign-in goes on meanwhile: an account changes in one commit. Two workers may carry out one plan at once.

        Args:
            plan: The file of the plan.
            actor: Who carries it out; the journal names this person for every account. At most 255 characters.
            batch: How many accounts change in one commit; 1 to 10,000.
            pause: Seconds between two commits.
            share: The share of the accounts that move now, above 0 and up to 1. A larger share contains a smaller
                one. The migration stays open until all of it is carried out.
            canary: Only these accounts move now, by external id or by id.
            replan: Whether accounts that have changed since the plan was made are planned anew. Otherwise they make the
                call return `MigrationRefused`.
            progress: Called after each commit with the number of steps that are done, and of all steps.
            client: Who asks, for the audit trail.

        Returns:
            What the journal says, or `MigrationRefused` when no account was changed: accounts differ where it
            matters, another migration is open, or the plan was rolled back.

        Raises:
            UsageError: the file cannot be read, *batch*, *pause* or *share* is out of its range, or *actor* is too long
                or holds a control character or an invisible one.
            PlanError: it is no plan, or a line of it was changed.
            WiringError: the store is no `PopulationStore`.
            StoreError: the store cannot answer; call it again.
        """
        require_port(PopulationStore, self._answers)
        settings = ApplySettings(actor, batch, pause, chosen(share, canary), replan)
        flow = migration.apply(self._deployment, read_plan(plan), settings, client=client, progress=progress)
        return run(flow, self._answers)

    def roll_back(
        self,
        plan_id: str,
        *,
        actor: str,
        batch: int = 500,
        pause: float = 0.0,
        progress: Progress = ignore_progress,
        client: ClientContext = UNKNOWN_CLIENT,
    ) -> MigrationReport | MigrationRefused:
        """Undo what a plan did, account by account. If it stops, call it again. Passwords are not touched.

        An account that its person or customer service has changed since stays as it is; the report lists it.

        Args:
            plan_id: The id in the first line of the plan.
            actor: Who undoes it. At most 255 characters.
            batch: How many accounts change in one commit; 1 to 10,000.
            pause: Seconds between two commits.
            progress: Called after each commit with the number of steps that are taken back, and of all steps.
            client: Who asks, for the audit trail.

        Raises:
            UsageError: *batch* or *pause* is out of its range, or *actor* is too long or holds a control character or
                an invisible one.
            WiringError: the store is no `PopulationStore`.
            StoreError: the store cannot answer; call it again.
        """
        require_port(PopulationStore, self._answers)
        settings = ApplySettings(actor, batch, pause)
        return run(migration.roll_back(plan_id, settings, client=client, progress=progress), self._answers)

    def status(self) -> list[MigrationStatus]:
        """Return the status of every migration that was ever begun, the newest first.

        Raises:
            WiringError: the store is no `PopulationStore`.
            StoreError: the store cannot answer.
        """
        require_port(PopulationStore, self._answers)
        return run(migration.list_status(), self._answers)

    def verify(self, plan_id: str, *, progress: Progress = ignore_progress) -> VerifyReport:
        """Compare the journal of a migration with the accounts as they are. Nothing is written.

        Args:
            plan_id: The id in the first line of the plan.
            progress: Called now and then with the number of steps that were compared, and of all steps.

        Raises:
            UsageError: the store knows no migration of this id.
            WiringError: the store is no `PopulationStore`.
            StoreError: the store cannot answer.
        """
        require_port(PopulationStore, self._answers)
        return run(migration_check.verify(plan_id, progress), self._answers)
