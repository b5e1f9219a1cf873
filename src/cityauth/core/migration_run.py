"""How a plan is carried out: the choices of the one who does it, and what comes of it."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from operator import attrgetter
from typing import Final, TypeAlias, TypeVar

from cityauth.core.accounts import AccountId
from cityauth.core.characters import is_clean
from cityauth.core.identifiers import EMAIL, Identifier
from cityauth.core.migration import Migration, MigrationStep, StepAction, StepRefusal, StepState
from cityauth.core.migration_plan import PlanHeader, PlanLine
from cityauth.errors import UsageError
from cityauth.policy.realms import Phase

T = TypeVar("T")

MOST_IN_A_BATCH: Final = 10_000
"""The most accounts of one commit."""

_LONGEST_ACTOR: Final = 255

_LONGEST_PAUSE: Final = 60
"""Seconds: a longer pause is a mistake of units."""

Choose: TypeAlias = Callable[[PlanLine], bool]


class MigrationRefusal(StrEnum):
    """Why a plan was not carried out or taken back; no account was changed."""

    PLAN_OUTDATED = "plan_outdated"
    """Accounts of the plan have changed where it matters since it was made."""

    ANOTHER_IS_OPEN = "another_is_open"
    """Another plan is half carried out: it must be finished or rolled back first."""

    ANOTHER_PLAN = "another_plan"
    """The store knows a plan of this id with other contents."""

    ROLLED_BACK = "rolled_back"
    """The plan was rolled back, or is being rolled back; make a new plan."""

    UNKNOWN_PLAN = "unknown_plan"
    """The store knows no plan of this id."""


@dataclass(frozen=True, slots=True)
class MigrationRefused:
    """The plan was not carried out or taken back; no account was changed.

    Attributes:
        why: See `MigrationRefusal`.
        accounts: The external ids (else the ids) of accounts that have changed since the plan, at most 1,000 of them.
        count: How many accounts have changed.
        plan_id: The other plan, when another one is open.
    """

    why: MigrationRefusal
    accounts: tuple[str, ...] = ()
    count: int = 0
    plan_id: str = ""


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """How one plan stands.

    Attributes:
        migration: The plan as the store knows it.
        steps: How many steps are in each state.
    """

    migration: Migration
    steps: Mapping[StepState, int]

    @property
    def waiting(self) -> int:
        """How many steps are still to be carried out, those that are not loaded yet included.

        The step of an account that was erased meanwhile counts as well until the plan has ended.
        """
        done = sum(number for state, number in self.steps.items() if state is not StepState.PLANNED)
        return max(self.migration.total - done, 0) if self.migration.state.is_open else 0


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """The result of carrying out a plan or taking it back, read from the journal.

    Attributes:
        status: How the plan stands.
        refusals: How many steps were refused, by the reason.
        refused: The first 1,000 refused steps, in the order of their account ids.
    """

    status: MigrationStatus
    refusals: Mapping[StepRefusal, int] = field(default_factory=dict)
    refused: tuple[MigrationStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan that was made earlier.

    Attributes:
        header: Its first line.
        lines: Gives its lines, from the first one each time it is called.
    """

    header: PlanHeader
    lines: Callable[[], Iterable[PlanLine]]


@dataclass(frozen=True, slots=True)
class ApplySettings:
    """How a plan is carried out.

    Attributes:
        actor: Who does it; it stands in the journal. At most 255 characters, none of them invisible.
        batch: How many accounts change in one commit; 1 to 10,000.
        pause: Seconds between two commits, so that sign-ins have the database to themselves.
        choose: Which lines are carried out now; the others wait for another call. ``None`` for all.
        replan: Whether accounts that have changed since the plan are planned anew instead of refusing the plan.
    """

    actor: str
    batch: int = 500
    pause: float = 0.0
    choose: Choose | None = None
    replan: bool = False

    def __post_init__(self) -> None:
        """Refuse values with which a run would never end, or would keep the database busy for too long.

        Raises:
            UsageError: *batch* or *pause* is out of its range, or *actor* is too long or holds a control character or
                an invisible one.
        """
        if len(self.actor) > _LONGEST_ACTOR or not is_clean(self.actor):
            raise UsageError(f"who does it is named in at most {_LONGEST_ACTOR} characters, none of them invisible")
        if not 1 <= self.batch <= MOST_IN_A_BATCH:
            raise UsageError(f"batch is 1 to {MOST_IN_A_BATCH} accounts")
        if not 0 <= self.pause <= _LONGEST_PAUSE:
            raise UsageError(f"pause is 0 to {_LONGEST_PAUSE} seconds")


def chosen(share: float = 1.0, canary: Collection[str] | None = None) -> Choose | None:
    """Return which lines of a plan are carried out now; ``None`` for all.

    Whether an account is in a share is decided by a digest of its id, so that a larger share contains a smaller one.

    Raises:
        UsageError: *share* is not above 0 and up to 1, or one text stands where a collection belongs.
    """
    if not 0 < share <= 1:
        raise UsageError("share is above 0 and up to 1")
    if isinstance(canary, str):
        raise UsageError("canary is a collection of ids, not one text")
    if canary is None and share == 1:
        return None
    named = None if canary is None else frozenset(canary)

    def choose(line: PlanLine) -> bool:
        if named is not None and not named & {line.external_id, line.account}:
            return False
        digest = hashlib.sha256(line.account.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8]) < share * 2**64

    return choose


def step_of(line: PlanLine, phase: Phase) -> MigrationStep | None:
    """Return what a run does to the account of a plan's line, or ``None`` for nothing."""
    if line.action is None:
        return None
    moves = line.action is StepAction.MOVE and line.identifier is not None and line.key is not None
    return MigrationStep(
        account_id=line.account,
        external_id=line.external_id,
        account_class=str(line.account_class),
        action=line.action,
        identifier=Identifier(EMAIL.name, line.identifier or "", line.key or "") if moves else None,
        contact_before=line.contact,
        contact_after=line.identifier if moves else line.contact,
        phase_before=line.phase,
        phase_after=phase if moves else Phase.BOTH,
        may_share=line.may_share,
    )


def differs(line: PlanLine, fresh: PlanLine | None) -> bool:
    """Whether an account is no longer as the plan saw it where it matters."""
    if fresh is None:
        return line.action is not None
    matters = attrgetter("account_class", "action", "identifier", "key", "contact", "phase", "may_share")
    return bool(matters(line) != matters(fresh))


class ChosenAccounts:
    """The accounts whose steps are carried out now. It is a class because it reads them one by one, on demand."""

    def __init__(self, accounts: Iterable[AccountId]) -> None:
        """Take the accounts in the order of their ids."""
        self._rest = iter(accounts)
        self._next = next(self._rest, None)

    def has(self, account: AccountId) -> bool:
        """Whether *account* is chosen; to be asked for in the order of the ids."""
        while self._next is not None and self._next < account:
            self._next = next(self._rest, None)
        return self._next == account


def groups_of(
    steps: Sequence[tuple[AccountId, T]], chosen: ChosenAccounts | None, after: str
) -> Iterator[tuple[str, Sequence[tuple[AccountId, T]]]]:
    """Return the chosen steps in groups of neighbours, each group with the account id before it.

    The journal may hold other steps: an earlier call loaded them and did not come to its end.

    Args:
        steps: Steps in the order of their account ids.
        chosen: The accounts that are carried out now; ``None`` for all.
        after: The account id before the first of *steps*.
    """
    if chosen is None:
        yield after, steps
        return
    group: list[tuple[AccountId, T]] = []
    for step in steps:
        if chosen.has(step[0]):
            group.append(step)
            continue
        if group:
            yield after, group
        after, group = step[0], []
    if group:
        yield after, group


def pages(items: Iterable[T], most: int) -> Iterator[list[T]]:
    """Return *items* in lists of *most*, the last one shorter."""
    given = iter(items)
    while page := list(islice(given, most)):
        yield page
