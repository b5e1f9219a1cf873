"""Carry a plan out, take it back, and say how it stands.

The store's journal holds every step. Each function may stop after any commit and be called again: it goes on where the
journal ends. Several workers may carry out one plan at the same time.
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Final

from cityauth.core.accounts import AccountId
from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.changes import CommitOutcome, Committed, Precondition, Rejected
from cityauth.core.client import ClientContext
from cityauth.core.migration import (
    Migration,
    MigrationDiscarded,
    MigrationMoved,
    MigrationOpened,
    MigrationState,
    MigrationStep,
    StepAction,
    StepRefusal,
    StepsApplied,
    StepsPlanned,
    StepsRolledBack,
    StepState,
)
from cityauth.core.migration_plan import PlanLine
from cityauth.core.migration_run import (
    MOST_IN_A_BATCH,
    ApplySettings,
    ChosenAccounts,
    MigrationRefusal,
    MigrationRefused,
    MigrationReport,
    MigrationStatus,
    Plan,
    differs,
    groups_of,
    pages,
    step_of,
)
from cityauth.errors import PlanError, StoreError, StoreUnavailableError, UsageError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, begin, commit_with
from cityauth.flows.migration_accounts import address_of
from cityauth.flows.migration_plan import Progress, ignore_progress, plan_again
from cityauth.ports.services import Clock, Sleeper
from cityauth.ports.stores import AccountStore, PopulationStore

_ATTEMPTS: Final = 100
"""How often a worker looks again after another worker moved the migration on."""

_MOVED_ON: Final = "the migration was moved on by others again and again; call it again"

_EVENTS: Final = {
    MigrationState.APPLYING: AuditEventType.MIGRATION_BEGUN,
    MigrationState.APPLIED: AuditEventType.MIGRATION_APPLIED,
    MigrationState.ROLLING_BACK: AuditEventType.MIGRATION_ROLLBACK_BEGUN,
    MigrationState.ROLLED_BACK: AuditEventType.MIGRATION_ROLLED_BACK,
}

_NAMED: Final = 1000
"""How many accounts a report names; it counts all."""


def apply(
    deployment: Deployment,
    plan: Plan,
    settings: ApplySettings,
    *,
    client: ClientContext,
    progress: Progress = ignore_progress,
) -> Flow[MigrationReport | MigrationRefused]:
    """Carry out the plan, or go on with it.

    Raises:
        UsageError: the batch is not 1 to 10,000.
        StoreError: the store cannot answer; call it again.
    """
    run = _Run(deployment, plan, settings, client, progress)
    for _ in range(_ATTEMPTS):
        ended = yield from run.go_on()
        if ended is not None:
            return ended
    raise StoreError(_MOVED_ON)


class _Run:
    """One worker of one plan. It is a class because every part of the work needs the same five things."""

    def __init__(
        self, deployment: Deployment, plan: Plan, settings: ApplySettings, client: ClientContext, progress: Progress
    ) -> None:
        self._deployment = deployment
        self._header = plan.header
        self._lines = plan.lines
        self._settings = settings
        self._client = client
        self._progress = progress
        self._opened = False
        self._loaded = False

    def go_on(self) -> Flow[MigrationReport | MigrationRefused | None]:
        """Do the next part of the work. Returns ``None`` where there is more to do."""
        known = yield from ask(PopulationStore.list_migrations)
        mine = next((one for one in known if one.id == self._header.plan_id), None)
        other = next((one for one in known if one.state.is_open and one.id != self._header.plan_id), None)
        if mine is not None and mine.digest != self._header.digest:
            return MigrationRefused(MigrationRefusal.ANOTHER_PLAN)
        if mine is not None and mine.state in {MigrationState.ROLLING_BACK, MigrationState.ROLLED_BACK}:
            return MigrationRefused(MigrationRefusal.ROLLED_BACK)
        if mine is not None and mine.state is MigrationState.APPLIED:
            return (yield from report(mine.id))
        if other is not None:
            return MigrationRefused(MigrationRefusal.ANOTHER_IS_OPEN, plan_id=other.id)
        if mine is None:
            yield from self._open()
            return None
        if mine.state is MigrationState.LOADING:
            return (yield from self._load(mine))
        return (yield from self._apply(mine))

    def _open(self) -> Flow[None]:
        """Begin the migration. No account changes until every step is in the journal and was compared."""
        context = yield from begin(self._client)
        header = self._header
        new = Migration(
            header.plan_id,
            header.digest,
            MigrationState.LOADING,
            header.phase,
            sum(header.actions.values()),
            self._settings.actor,
            context.at,
        )
        event = audit_event(AuditEventType.MIGRATION_OPENED, context, detail=self._detail())
        outcome = yield from commit_with(event, [MigrationOpened(new)])  # refused where another worker was first
        self._opened = isinstance(outcome, Committed)

    def _detail(self) -> dict[str, str]:
        return {"plan": self._header.plan_id, "actor": self._settings.actor}

    def _outdated(self, mine: Migration) -> Flow[MigrationRefused | None]:
        """Name the accounts that are no longer as the plan saw them where it matters, and forget the migration.

        Returns ``None`` where there are none, or where another worker has moved the migration on.
        """
        named: list[str] = []
        count, after = 0, ""
        while page := (yield from ask(PopulationStore.read_outdated, mine.id, after, _NAMED)):
            named += [step.external_id or step.account_id for step in page[: _NAMED - len(named)]]
            count, after = count + len(page), page[-1].account_id
        if not count:
            return None
        context = yield from begin(self._client)
        event = audit_event(AuditEventType.MIGRATION_DISCARDED, context, detail=self._detail())
        outcome = yield from commit_with(event, [MigrationDiscarded(mine.id)])
        refused = MigrationRefused(MigrationRefusal.PLAN_OUTDATED, tuple(named), count)
        return refused if isinstance(outcome, Committed) else None

    def _chosen(self) -> Iterable[PlanLine]:
        choose = self._settings.choose
        return (line for line in self._lines() if choose is None or choose(line))

    def _load(self, mine: Migration) -> Flow[MigrationRefused | None]:
        """Write the steps into the journal; those that are there already stay as they are.

        No step of a plan that was changed is carried out: the last line of the plan is read before any account changes,
        and a migration that changed none is forgotten when its plan turns out to be changed.
        """
        if not self._opened:
            deque(self._lines(), maxlen=0)  # reading the last line verifies all of them
        try:
            return (yield from self._load_lines(mine))
        except PlanError:
            context = yield from begin(self._client)
            event = audit_event(AuditEventType.MIGRATION_DISCARDED, context, detail=self._detail())
            yield from commit_with(event, [MigrationDiscarded(mine.id)])
            raise

    def _load_lines(self, mine: Migration) -> Flow[MigrationRefused | None]:
        if self._settings.replan:  # more steps than the plan has: only when all are loaded the number is known
            yield from commit_steps(StepsPlanned(mine.id, total=self._header.accounts))
        for page in pages(self._chosen(), self._settings.batch):
            self._check_keys(page)
            lines = yield from self._present(page, mine)
            steps = tuple(step for line in lines if (step := step_of(line, self._header.phase)) is not None)
            if steps and isinstance((yield from commit_steps(StepsPlanned(mine.id, steps))), Rejected):
                return None  # another worker has ended the migration
        self._loaded = True
        yield from self._count(mine)
        if mine.state is not MigrationState.LOADING:
            return None
        if not self._settings.replan and (outdated := (yield from self._outdated(mine))):
            return outdated
        yield from _move_on(mine, MigrationState.APPLYING, self._settings.actor, self._client)
        return None

    def _count(self, mine: Migration) -> Flow[None]:
        """Correct the number of steps where accounts were planned anew: those in the journal, and those to come."""
        if not self._settings.replan and mine.total == sum(self._header.actions.values()):
            return
        total, after = sum((yield from ask(PopulationStore.count_steps, mine.id)).values()), ""
        choose = self._settings.choose or bool  # chooses every line
        for page in pages(self._lines(), self._settings.batch):
            again = yield from self._plan_again([line for line in page if not choose(line)])
            left = {line.account for line in again if line.action is not None}
            stored = yield from ask(PopulationStore.read_steps, mine.id, None, after, len(page))
            total, after = total + len(left - {step.account_id for step in stored}), page[-1].account
        yield from commit_steps(StepsPlanned(mine.id, total=total))

    def _check_keys(self, page: Sequence[PlanLine]) -> None:
        """Check that each address has its own key. With another one, an address would sign in that nobody sees.

        Raises:
            PlanError: one has not, although its checksums are right.
        """
        for line in page:
            if line.action is StepAction.MOVE:
                address = address_of(line.identifier, self._deployment)
                if address is None or address.key != line.key:
                    raise PlanError(f"the address of the account {line.reference!r} has the key of another one", 0)

    def _present(self, page: Sequence[PlanLine], mine: Migration) -> Flow[Sequence[PlanLine]]:
        """Return the lines without those of accounts that are gone; with *replan*, as they would be planned today.

        The journal must not get a step of an account that was erased: the step names the person's address.
        """
        if self._settings.replan:
            return (yield from self._plan_again(page))
        acting = [line for line in page if line.action is not None]
        if mine.state is MigrationState.LOADING:
            return acting  # they are compared before any account changes
        found = yield from ask(PopulationStore.find_population, [line.account for line in acting])
        there = {row.account.id for row in found}
        return [line for line in acting if line.account in there]

    def _plan_again(self, page: Sequence[PlanLine]) -> Flow[Sequence[PlanLine]]:
        """Return the lines of accounts that are there, as they would be planned today."""
        again = yield from plan_again(self._deployment, self._header, page)
        return [new if differs(old, new) else old for old, new in again if new is not None]

    def _apply(self, mine: Migration) -> Flow[MigrationReport | None]:
        """Carry out the steps that are loaded, then end the migration if these were all."""
        counts = yield from ask(PopulationStore.count_steps, mine.id)
        if not self._loaded and (self._settings.replan or sum(counts.values()) < mine.total):
            yield from self._load(mine)  # a part of the plan was carried out before
            return None
        self._loaded = True
        done, after = sum(counts.values()) - counts.get(StepState.PLANNED, 0), ""
        chosen = None if self._settings.choose is None else ChosenAccounts(line.account for line in self._chosen())
        while steps := (
            yield from ask(PopulationStore.read_step_keys, mine.id, StepState.PLANNED, after, self._settings.batch)
        ):
            for before, run in groups_of(steps, chosen, after):
                if not (yield from self._carry_out(mine, before, run)):
                    return None
                done += len(run)
                self._progress(done, mine.total)
            after = steps[-1][0]
            if self._settings.pause:
                yield from ask(Sleeper.sleep, self._settings.pause)
        if self._settings.choose is None:
            yield from _move_on(mine, MigrationState.APPLIED, self._settings.actor, self._client)
        return (yield from report(mine.id))

    def _carry_out(self, mine: Migration, after: str, steps: Sequence[tuple[AccountId, str | None]]) -> Flow[bool]:
        """Carry out *steps*; return whether the migration's state allowed it.

        Two steps of one commit that want one key refuse it as a whole. In smaller commits the second one is found.
        """
        now, last = (yield from ask(Clock.now)), steps[-1][0]
        applied = StepsApplied(mine.id, after, last, now, self._settings.actor, self._tombstones(steps))
        outcome = yield from commit_steps(applied)
        if isinstance(outcome, Committed) or outcome.why is not Precondition.IDENTIFIER_TAKEN or len(steps) == 1:
            return isinstance(outcome, Committed)
        half = len(steps) // 2
        return (yield from self._carry_out(mine, after, steps[:half])) and (
            yield from self._carry_out(mine, steps[half - 1][0], steps[half:])
        )

    def _tombstones(self, steps: Sequence[tuple[AccountId, str | None]]) -> tuple[tuple[bytes, AccountId], ...]:
        moving = [(account_id, key) for account_id, key in steps if key is not None]
        digests = self._deployment.tombstones.digests_of([key for _, key in moving])
        return tuple(zip(digests, cycle([account_id for account_id, _ in moving]), strict=False))


def roll_back(
    plan_id: str, settings: ApplySettings, *, client: ClientContext, progress: Progress = ignore_progress
) -> Flow[MigrationReport | MigrationRefused]:
    """Take back every step of the plan that was carried out, or go on with it.

    Steps whose account has changed since stay as they are; the report lists them.

    Raises:
        StoreError: the store cannot answer; call it again.
    """
    for _ in range(_ATTEMPTS):
        known = yield from ask(PopulationStore.list_migrations)
        mine = next((one for one in known if one.id == plan_id), None)
        other = next((one for one in known if one.state.is_open and one.id != plan_id), None)
        if mine is None:
            return MigrationRefused(MigrationRefusal.UNKNOWN_PLAN)
        if other is not None:
            return MigrationRefused(MigrationRefusal.ANOTHER_IS_OPEN, plan_id=other.id)
        if mine.state is MigrationState.ROLLED_BACK and not (yield from _left(mine)):
            return (yield from report(plan_id))
        if mine.state is not MigrationState.ROLLING_BACK:
            yield from _move_on(mine, MigrationState.ROLLING_BACK, settings.actor, client)
        elif (yield from _take_back(mine, settings, progress)):
            yield from _move_on(mine, MigrationState.ROLLED_BACK, settings.actor, client)
            return (yield from report(plan_id))
    raise StoreError(_MOVED_ON)


def _take_back(mine: Migration, settings: ApplySettings, progress: Progress) -> Flow[bool]:
    """Take back the steps that are carried out; return whether no other worker has ended it meanwhile."""
    done, after = mine.total - (yield from _left(mine)), ""
    while steps := (yield from ask(PopulationStore.read_step_keys, mine.id, StepState.APPLIED, after, settings.batch)):
        now, last = (yield from ask(Clock.now)), steps[-1][0]
        rolled_back = StepsRolledBack(mine.id, after, last, now, settings.actor)
        if isinstance((yield from commit_steps(rolled_back)), Rejected):
            return False
        done, after = done + len(steps), last
        progress(done, mine.total)
        if settings.pause:
            yield from ask(Sleeper.sleep, settings.pause)
    return True


def _left(mine: Migration) -> Flow[int]:
    """Return how many steps are still carried out."""
    counts = yield from ask(PopulationStore.count_steps, mine.id)
    return counts.get(StepState.APPLIED, 0)


def list_status() -> Flow[list[MigrationStatus]]:
    """Return how every plan that was ever begun stands, the newest first."""
    known = yield from ask(PopulationStore.list_migrations)
    counts = []
    for migration in known:
        counts.append((yield from ask(PopulationStore.count_steps, migration.id)))  # noqa: PERF401 - a yield
    return [MigrationStatus(migration, steps) for migration, steps in zip(known, counts, strict=True)]


def status_of(migration: Migration) -> Flow[MigrationStatus]:
    """Return how one plan stands, its state as it is in the store by now."""
    known = yield from ask(PopulationStore.list_migrations)
    now = next((one for one in known if one.id == migration.id), migration)
    return MigrationStatus(now, (yield from ask(PopulationStore.count_steps, migration.id)))


def report(plan_id: str) -> Flow[MigrationReport]:
    """Return what the journal says of one plan.

    Raises:
        UsageError: the store knows no plan of this id.
    """
    known = yield from ask(PopulationStore.list_migrations)
    mine = next((one for one in known if one.id == plan_id), None)
    if mine is None:
        raise UsageError(f"there is no migration {plan_id!r}")
    refusals: Counter[StepRefusal] = Counter()
    refused: list[MigrationStep] = []
    is_undone = mine.state in {MigrationState.ROLLING_BACK, MigrationState.ROLLED_BACK}
    state, after = StepState.APPLIED if is_undone else StepState.CHANGED, ""
    while page := (yield from ask(PopulationStore.read_steps, plan_id, state, after, MOST_IN_A_BATCH)):
        found = [step for step in page if step.refusal]
        refusals.update(step.refusal for step in found)
        refused += found[: _NAMED - len(refused)]
        after = page[-1].account_id
    return MigrationReport((yield from status_of(mine)), dict(refusals), tuple(refused))


def commit_steps(change: StepsPlanned | StepsApplied | StepsRolledBack) -> Flow[CommitOutcome]:
    """Commit *change*, which may be repeated without harm.

    No line of the audit trail is written for it, since the journal is the record.
    """
    try:
        return (yield from ask(AccountStore.commit, [change]))
    except StoreUnavailableError as error:
        if error.nothing_written:
            raise
        return (yield from ask(AccountStore.commit, [change]))


def _move_on(mine: Migration, now: MigrationState, actor: str, client: ClientContext) -> Flow[None]:
    """Bring the migration to another state, with a line in the audit trail; another worker may have done it."""
    context = yield from begin(client)
    event = audit_event(_EVENTS[now], context, detail={"plan": mine.id, "actor": actor})
    yield from commit_with(event, [MigrationMoved(mine.id, mine.state, now, context.at)])
