"""Plan the move of a population to e-mail addresses: read every account once, and say what it is and why.

Nothing is written to the store. Accounts are read page by page, and no more than a page of them is in memory.
"""

import base64
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final, TypeAlias

from cityauth.core.accounts import AccountId, Status
from cityauth.core.identifiers import EMAIL, USERNAME, Identifier
from cityauth.core.mail import mail_address
from cityauth.core.migration import StepAction
from cityauth.core.migration_decisions import DecisionRow, RefusedDecision
from cityauth.core.migration_plan import (
    HELD_ELSEWHERE,
    TOMBSTONE,
    AccountClass,
    AccountFacts,
    Collision,
    Decision,
    PlanHeader,
    PlanLine,
    action_of,
    classify,
)
from cityauth.core.plan_builder import PlanBuilder
from cityauth.core.population import KeyUse, PopulationRow
from cityauth.core.resolution import IdentifierStatus
from cityauth.errors import UsageError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.flows.migration_accounts import (
    PAGE,
    PlannedAccount,
    address_of,
    address_on_file,
    dependencies_of,
    domain_of,
    find_mail_alone,
    find_uses,
    has_plain_contact,
    has_username,
    keys_of,
    normalized_name,
    partners_of,
    read_account,
)
from cityauth.flows.migration_decisions import Decided, check_decisions
from cityauth.policy.realms import Phase, RealmPolicy
from cityauth.ports.services import Clock, DomainCheck, DomainState, Entropy
from cityauth.ports.stores import AccountStore, PopulationStore

_ID_BYTES: Final = 10
"""80 random bits: sixteen letters and digits."""

Progress: TypeAlias = Callable[[int, int], None]
"""Called now and then with how many accounts or steps are done, and of how many; 0 while that is not known."""


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """What a plan is made for.

    Attributes:
        phase: The phase that accounts enter when they move.
        exempt: The realms that do not move.
        check_domains: Whether the domains of addresses are looked up.
        read: What people decided, as it was read.
    """

    phase: Phase
    exempt: frozenset[str]
    check_domains: bool = False
    read: tuple[DecisionRow | RefusedDecision, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanMade:
    """A plan that was written.

    Attributes:
        header: Its first line.
        refused_decisions: The decisions that were not used, in the order of their rows.
    """

    header: PlanHeader
    refused_decisions: tuple[RefusedDecision, ...] = ()


def ignore_progress(_done: int, _of: int) -> None:
    """Do nothing, for a caller that wants no progress."""


def exempt_realms(deployment: Deployment, given: Collection[str] | None = None) -> frozenset[str]:
    """Return the realms that do not move: the *given* ones, or else those that the policy keeps at ``legacy_only``.

    Raises:
        UsageError: a given realm is not in the policy, or one text stands where a collection belongs.
    """
    realms = deployment.policy.realms
    if given is None:
        return frozenset(name for name, realm in realms.items() if _stays(realm))
    if isinstance(given, str):
        raise UsageError("exempt is a collection of realms, not one text")
    if unknown := sorted(set(given) - realms.keys()):
        raise UsageError(f"the realm {unknown[0]!r} is not in the policy")
    return frozenset(given)


def _stays(realm: RealmPolicy) -> bool:
    return {realm.initial, *(dated.phase for dated in realm.schedule)} == {Phase.LEGACY_ONLY}


def plan(deployment: Deployment, settings: PlanSettings, progress: Progress) -> Flow[PlanMade]:
    """Read the population, and let `PlanBuilder` write the plan.

    Raises:
        UsageError: addresses do not sign in at the phase of *settings*.
    """
    if not settings.phase.admits(EMAIL.name):
        raise UsageError("accounts that move need a phase in which addresses sign in, so not legacy_only")
    at = yield from ask(Clock.now)
    name = base64.b32encode((yield from ask(Entropy.draw, _ID_BYTES))).decode().lower()
    checked = yield from check_decisions(deployment, settings.exempt, settings.read)
    reading = _Reading(deployment, settings, checked.decided)
    after, count = "", 0
    while page := (yield from ask(PopulationStore.read_population, after, PAGE)):
        yield from ask(PlanBuilder.add, (yield from reading.lines_of(page)))
        after, count = page[-1].account.id, count + len(page)
        progress(count, 0)
    begin = PlanHeader(
        plan_id=name,
        version=version("cityauth"),
        population="",
        at=at,
        accounts=count,
        classes={},
        phase=settings.phase,
        exempt=tuple(sorted(settings.exempt)),
        refused_decisions=len(checked.refused),
        domains_checked=settings.check_domains,
    )
    header = yield from ask(PlanBuilder.finish, begin, lambda written: progress(written, count))
    return PlanMade(header, checked.refused)


def plan_again(
    deployment: Deployment, header: PlanHeader, lines: Sequence[PlanLine]
) -> Flow[list[tuple[PlanLine, PlanLine | None]]]:
    """Return each of the lines of a plan with what it would be now; ``None`` where the account is gone.

    Decisions hold as they stand in the lines, and so does what was found of a domain.
    """
    settings = PlanSettings(header.phase, frozenset(header.exempt))
    decided: dict[AccountId, tuple[Decision, Identifier | None]] = {}
    for line in lines:
        if line.decision is not None:
            uses = line.decision is Decision.USE_EMAIL
            address = address_of(line.identifier, deployment) if uses else None
            is_right = address is not None and address.key == line.key
            decided[line.account] = (line.decision, address if is_right else None)
    dead = {(line.key or "").rpartition("@")[2] for line in lines if AccountClass.DEAD_DOMAIN in line.reasons}
    reading = _Reading(deployment, settings, decided, dead)
    fresh: dict[AccountId, PlanLine] = {}
    for first in range(0, len(lines), PAGE):
        ids = [line.account for line in lines[first : first + PAGE]]
        rows = yield from ask(PopulationStore.find_population, ids)
        fresh.update((line.account, line) for line, _ in (yield from reading.lines_of(rows)))
    return [(line, fresh.get(line.account)) for line in lines]


class _Reading:
    """Makes lines of rows. It is a class because it remembers domains from page to page."""

    def __init__(
        self, deployment: Deployment, settings: PlanSettings, decided: Decided, dead: Collection[str] = ()
    ) -> None:
        self._deployment = deployment
        self._settings = settings
        self._decided = decided
        self._dead: dict[str, bool] = dict.fromkeys(dead, True)

    def lines_of(self, page: Sequence[PopulationRow]) -> Flow[list[tuple[PlanLine, str]]]:
        """Return the page's lines, each with everything that it depends on."""
        lines = [self._ready_line(row) for row in page]
        mail_alone = yield from find_mail_alone(page)
        seen = {
            place: read_account(page[place], self._deployment, mail_alone.get(page[place].account.id))
            for place, line in enumerate(lines)
            if line is None
        }
        uses = yield from find_uses({key for one in seen.values() for key in keys_of(one)})
        addresses = [line.key for line in lines if line is not None and line.key is not None]
        addresses += [one.contact.key for one in seen.values() if one.contact and one.own is None]
        buried = yield from self._buried(addresses)
        if self._settings.check_domains:
            yield from self._check_domains({domain_of(key) for key in addresses})
        for place, line in enumerate(lines):
            if line is not None and (line.key in buried or self._is_dead(line.key)):
                seen[place] = read_account(page[place], self._deployment)
        for place, one in seen.items():
            lines[place] = self._line(one, partners_of(one, uses), buried)
        return [
            (line, dependencies_of(row, mail_alone.get(row.account.id)))
            for line, row in zip(lines, page, strict=True)
            if line is not None
        ]

    def _ready_line(self, row: PopulationRow) -> PlanLine | None:
        """Return the line of an account that is like nearly all, at a fraction of the cost; ``None`` for any other.

        Such an account has a plain address on file and no identifier but usernames. The row shows no
        obstacle, and nothing was decided.
        """
        account, key = row.account, row.contact_key
        if (
            account.contact is None
            or row.has_source_contact
            or row.address_used
            or row.address_is_username
            or row.username_is_address
            or account.status is not Status.ACTIVE
            or account.realm in self._settings.exempt
            or account.id in self._decided
            or not has_plain_contact(row)
        ):
            return None
        for held in row.account_identifiers:
            if held.identifier.kind != USERNAME.name or held.identifier.key == key:
                return None
        identifier = account.contact[: account.contact.rindex("@")] + key[key.rindex("@") :]
        ready, move = AccountClass.READY, StepAction.MOVE
        return PlanLine(
            account.id, account.external_id, ready, (), identifier, (), key, account.contact, account.phase, move
        )

    def _buried(self, keys: Sequence[str]) -> Flow[set[str]]:
        """Return those of the keys that an erased account had."""
        if not keys or not (yield from ask(AccountStore.has_tombstone, self._deployment.tombstones.digests_of(keys))):
            return set()
        if len(keys) == 1:
            return {keys[0]}
        half = len(keys) // 2
        return (yield from self._buried(keys[:half])) | (yield from self._buried(keys[half:]))

    def _check_domains(self, domains: set[str]) -> Flow[None]:
        if unknown := sorted(domains - self._dead.keys()):
            found = yield from ask(DomainCheck.check, unknown)
            self._dead.update((domain, found.get(domain) is DomainState.DEAD) for domain in unknown)

    def _is_dead(self, key: str | None) -> bool:
        return bool(self._dead) and key is not None and self._dead.get(domain_of(key), False)

    def _line(self, seen: PlannedAccount, partners: Sequence[KeyUse], buried: Collection[str]) -> PlanLine:
        account = seen.row.account
        decision, decided = self._decided.get(account.id, (None, None))
        facts = self._facts(seen, partners, buried)
        account_class, reasons = classify(facts)
        if facts.key in buried:
            reasons = (*reasons, TOMBSTONE)
        if any(not seen.others.get(use.key, True) for use in partners):
            reasons = (*reasons, HELD_ELSEWHERE)
        address = decided or seen.address
        return PlanLine(
            account=account.id,
            external_id=account.external_id,
            account_class=account_class,
            reasons=reasons,
            identifier=None if address is None else mail_address(address),
            collides_with=tuple(sorted({use.external_id or use.account_id for use in partners})),
            key=None if address is None else address.key,
            contact=account.contact,
            phase=account.phase,
            action=action_of(account_class, decision, account.phase, has_username=has_username(seen.row)),
            decision=decision,
            collision=_collision(seen, reasons, partners) if partners or facts.is_shared else None,
        )

    def _facts(self, seen: PlannedAccount, partners: Sequence[KeyUse], buried: Collection[str]) -> AccountFacts:
        row, key = seen.row, None if seen.contact is None else seen.contact.key
        is_contested = seen.own is not None and seen.own.status is IdentifierStatus.CONTESTED
        shares = any(
            seen.others.get(use.key, False) or (use.key == row.contact_key and use.kind != USERNAME.name)
            for use in partners
        )
        return AccountFacts(
            is_exempt=row.account.realm in self._settings.exempt,
            has_email=seen.email is not None,
            is_active=row.account.status is Status.ACTIVE,
            address=address_on_file(seen, self._deployment),
            key=_key_to_judge(seen),
            is_shared=shares or is_contested or key in buried,
            is_other_username=any(use.kind == USERNAME.name for use in partners),
            username_is_other_email=any(use.status is None and use.key in seen.usernames for use in partners),
            is_dead=self._is_dead(key),
        )


def _key_to_judge(seen: PlannedAccount) -> str | None:
    """Return the key of the address that is judged: ``None`` where the address on file passes no rule."""
    if seen.contact is not None and (seen.mail_alone is None or not seen.mail_alone.email):
        return seen.contact.key
    return None if seen.email is None else seen.email.identifier.key


def _collision(seen: PlannedAccount, reasons: Sequence[str], partners: Sequence[KeyUse]) -> Collision:
    """Say what a collision probably is, by the names of those who share an address."""
    strangers = {AccountClass.EQUALS_OTHER_USERNAME, AccountClass.USERNAME_IS_OTHER_EMAIL, TOMBSTONE, HELD_ELSEWHERE}
    if not partners or not strangers.isdisjoint(reasons):
        return Collision.STRANGER
    names = {normalized_name(use.display_name) for use in partners}
    return Collision.ONE_PERSON if names == {normalized_name(seen.row.account.display_name)} else Collision.HOUSEHOLD
