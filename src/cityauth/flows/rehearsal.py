"""Rehearse a plan: prove for every account, before anything is written, what each of its names will do.

Nothing is written. For each account of the plan the identifiers are resolved as they are stored, and then once more as
they will be stored after the step; so are those of every account that has a name in common with it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from cityauth.core.accounts import AccountId, Status
from cityauth.core.identifiers import USERNAME
from cityauth.core.mail import contact_key
from cityauth.core.migration import MigrationState, MigrationStep, StepAction
from cityauth.core.migration_plan import PlanHeader, PlanLine
from cityauth.core.migration_run import pages, step_of
from cityauth.core.population import PopulationRow
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus, Match, Outcome
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.ports.services import Clock
from cityauth.ports.stores import AccountStore, PopulationStore

PAGE: Final = 200
"""Accounts that are read at once."""

_Found: TypeAlias = dict[str, Match]
"""Who has each key."""

_Contacts: TypeAlias = defaultdict[str, set[AccountId]]
"""Which accounts have each key on file as their contact."""

_NAMED: Final = 1000
"""How many findings a report lists; it counts all."""


class RehearsalFinding(StrEnum):
    """What would go wrong with an account."""

    LOCKED_OUT = "locked_out"
    """It has a password and signs in today, and no name of it would sign in afterwards."""

    LOSES_NAME = "loses_name"
    """A name that signs in today, and that the plan's phase admits, would no longer lead to the account."""

    ADDRESS_ELSEWHERE = "address_elsewhere"
    """The new address would lead to another account, or to none."""

    STRANGER_CHANGED = "stranger_changed"
    """A name of another account would lead to another account than today."""

    MISSING = "missing"
    """The account is not there any more."""


@dataclass(frozen=True, slots=True)
class RehearsalReport:
    """What a rehearsal found.

    Attributes:
        accounts: How many accounts of the plan were looked at.
        moved: How many of them sign in by their address afterwards.
        kept: How many of them keep their username.
        untouched: How many of them the plan leaves as they are.
        without_password: How many have no password, so that nothing signs them in today.
        names: How many names were resolved, before and after.
        findings: How often each thing would go wrong; empty when nothing would.
        examples: The first 1,000 accounts with a finding, by external id, or else by id.
        outdated: How many accounts have changed where it matters since the plan was made: it would be refused. Always 0
            once the plan is being carried out, because such steps are refused one by one then.
        outdated_accounts: The first 1,000 of them, by external id, or else by id.
    """

    accounts: int = 0
    moved: int = 0
    kept: int = 0
    untouched: int = 0
    without_password: int = 0
    names: int = 0
    findings: Mapping[RehearsalFinding, int] = field(default_factory=dict)
    examples: tuple[tuple[str, RehearsalFinding], ...] = ()
    outdated: int = 0
    outdated_accounts: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nobody is locked out, nobody gets in as another, and the plan is not outdated."""
        return not self.findings and not self.outdated


def rehearse(
    deployment: Deployment,
    header: PlanHeader,
    lines: Iterable[PlanLine],
    progress: Callable[[int, int], object],
) -> Flow[RehearsalReport]:
    """Resolve every name of the plan's accounts as it is today and as it will be.

    Raises:
        StoreError: the store cannot answer.
    """
    now = yield from ask(Clock.now)
    known = yield from ask(PopulationStore.list_migrations)
    is_begun = any(one.id == header.plan_id and one.state is not MigrationState.LOADING for one in known)
    work = _Rehearsal(deployment, header, now, is_begun=is_begun)
    for page in pages(lines, PAGE):
        yield from work.look_at(page)
        progress(work.counts["accounts"], header.accounts)
    return work.report()


class _Rehearsal:
    """One rehearsal. It is a class because every account adds to its counts."""

    def __init__(self, deployment: Deployment, header: PlanHeader, now: datetime, *, is_begun: bool) -> None:
        self._deployment = deployment
        self._header = header
        self._now = now
        self._is_begun = is_begun
        self._outdated: list[str] = []
        self.counts = Counter[str]()
        self._findings = Counter[RehearsalFinding]()
        self._examples: list[tuple[str, RehearsalFinding]] = []
        self._before: _Found = {}
        self._after: _Found = {}

    def report(self) -> RehearsalReport:
        """Return what was found so far."""
        counts = self.counts
        return RehearsalReport(
            accounts=counts["accounts"],
            moved=counts["moved"],
            kept=counts["kept"],
            untouched=counts["untouched"],
            without_password=counts["without_password"],
            names=counts["names"],
            findings=dict(self._findings),
            examples=tuple(self._examples),
            outdated=counts["outdated"],
            outdated_accounts=tuple(self._outdated),
        )

    def look_at(self, page: Sequence[PlanLine]) -> Flow[None]:
        """Look at a page of accounts, and at everybody who has a name in common with one of them."""
        rows = {
            row.account.id: row
            for row in (yield from ask(PopulationStore.find_population, [one.account for one in page]))
        }
        steps = {line.account: step_of(line, self._header.phase) for line in page}
        named = [one.identifier for row in rows.values() for one in row.account_identifiers]
        named += [step.identifier for step in steps.values() if step is not None and step.identifier is not None]
        keys = {key for one in named for key in (one.key, *self._readings(one.shown))}
        before = yield from _matches(sorted(keys))
        acting = [step for step in steps.values() if step is not None]
        contacts = yield from _contacts(acting)
        if not self._is_begun:
            outdated = [one for one in acting if _is_outdated(one, rows.get(one.account_id), before, contacts)]
            self.counts["outdated"] += len(outdated)
            self._outdated += [one.external_id or one.account_id for one in outdated[: _NAMED - len(self._outdated)]]
        after = _after(before, rows, acting, contacts)
        self._before, self._after = before, after
        for line in page:
            self.counts["accounts"] += 1
            if (row := rows.get(line.account)) is None:
                self._find(line.reference, RehearsalFinding.MISSING)
                continue
            step = steps[line.account]
            self.counts["untouched" if step is None else "moved" if step.identifier else "kept"] += 1
            self.counts["without_password"] += not row.has_password
            self._compare(line, row, step)
        self._look_at_strangers(rows)

    def _find(self, name: str, finding: RehearsalFinding) -> None:
        self._findings[finding] += 1
        self._examples += [(name, finding)][: _NAMED - len(self._examples)]

    def _compare(self, line: PlanLine, row: PopulationRow, step: MigrationStep | None) -> None:
        own = row.account.id
        names = [one.identifier.shown for one in row.account_identifiers]
        self.counts["names"] += len(names) + bool(step and step.identifier)
        was = [name for name in names if self._leads_to(name, self._before) == own]
        lost = [name for name in was if self._leads_to(name, self._after) != own]
        address = step.identifier.shown if step is not None and step.identifier is not None else None
        if address is not None and self._leads_to(address, self._after) != own:
            self._find(line.reference, RehearsalFinding.ADDRESS_ELSEWHERE)
        still_in = len(lost) < len(was) or (address is not None and self._leads_to(address, self._after) == own)
        if was and row.has_password and row.account.status is Status.ACTIVE and not still_in:
            self._find(line.reference, RehearsalFinding.LOCKED_OUT)
        elif lost and step is not None and not self._is_meant(lost, row, step):
            self._find(line.reference, RehearsalFinding.LOSES_NAME)

    def _is_meant(self, lost: Sequence[str], row: PopulationRow, step: MigrationStep) -> bool:
        """Whether the phase of the step takes these names away: usernames, where only addresses sign in."""
        kinds = {one.identifier.kind for one in row.account_identifiers if one.identifier.shown in lost}
        return kinds == {USERNAME.name} and step.phase_after is not None and not step.phase_after.admits(USERNAME.name)

    def _readings(self, name: str) -> list[str]:
        """Return every key that *name* may stand for when somebody enters it."""
        readings = self._deployment.resolver.read(name)
        return [one.key for one in readings] if isinstance(readings, tuple) else []

    def _leads_to(self, name: str, found: _Found) -> AccountId | None:
        """Return the account into which *name* signs in."""
        resolver = self._deployment.resolver
        readings = resolver.read(name)
        matches = [found[one.key] for one in readings if one.key in found] if isinstance(readings, tuple) else []
        resolution = resolver.explain(name, readings, matches, self._now)
        return resolution.account.id if resolution.outcome is Outcome.RESOLVED and resolution.account else None

    def _look_at_strangers(self, rows: Mapping[AccountId, PopulationRow]) -> None:
        """Check that the names of accounts outside the page still lead to the same accounts."""
        for match in self._before.values():
            if match.account.id in rows:
                continue
            name = match.account_identifier.identifier.shown
            self.counts["names"] += 1
            if self._leads_to(name, self._before) != self._leads_to(name, self._after):
                self._find(match.account.external_id or match.account.id, RehearsalFinding.STRANGER_CHANGED)


def _matches(keys: Sequence[str]) -> Flow[_Found]:
    """Return who has each of *keys*, asked for some at a time."""
    found: _Found = {}
    for part in pages(keys, PAGE):
        for match in (yield from ask(AccountStore.find, part)):
            found[match.account_identifier.identifier.key] = match
    return found


def _contacts(steps: Sequence[MigrationStep]) -> Flow[_Contacts]:
    """Return which accounts have the address of a step on file."""
    found: defaultdict[str, set[AccountId]] = defaultdict(set)
    for use in (yield from ask(PopulationStore.find_key_uses, [one.identifier.key for one in steps if one.identifier])):
        if use.status is None:
            found[use.key].add(use.account_id)
    return found


def _is_outdated(step: MigrationStep, row: PopulationRow | None, found: _Found, contacts: _Contacts) -> bool:
    """Whether the account is no longer as the plan saw it where it matters, so that the plan would be refused."""
    if row is None or (step.phase_before, step.contact_before) != (row.account.phase, row.account.contact):
        return True
    if step.action is StepAction.MOVE and row.account.status is not Status.ACTIVE:
        return True
    if step.identifier is None:
        return False
    held = found.get(step.identifier.key)
    is_shared = not step.may_share and bool(contacts[step.identifier.key] - {step.account_id})
    return is_shared or (held is not None and not _is_own(held, step.account_id))


def _after(
    before: _Found, rows: Mapping[AccountId, PopulationRow], steps: Sequence[MigrationStep], contacts: _Contacts
) -> _Found:
    """Return who will have each key once *steps* are carried out.

    A step whose address is another account's, or contested, is not carried out. Neither is one whose address another
    account has on file, unless people decided so.
    """
    after = dict(before)
    for step in steps:
        row, new = rows.get(step.account_id), step.identifier
        held = None if new is None else after.get(new.key)
        if row is None or (held is not None and not _is_own(held, step.account_id)):
            continue
        if new is not None:
            if not step.may_share and contacts[new.key] - {step.account_id}:
                continue
            contacts[contact_key(row.account.contact or "")].discard(step.account_id)
            contacts[new.key].add(step.account_id)
        account = replace(row.account, phase=step.phase_after, contact=step.contact_after)
        keys = [one.identifier.key for one in row.account_identifiers]
        after.update({key: replace(after[key], account=account) for key in keys if key in after})
        if new is not None:
            after[new.key] = Match(account, AccountIdentifier(new), None if held is None else held.password_hash)
    return after


def _is_own(held: Match, account_id: AccountId) -> bool:
    return held.account.id == account_id and held.account_identifier.status is not IdentifierStatus.CONTESTED
