"""The plan of a move to e-mail addresses: what each account is, why, and what is to happen to it.

Collisions are never merged and never guessed. An account that cannot move keeps its username until people decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from cityauth.core.accounts import AccountId
from cityauth.core.mail import contact_key
from cityauth.core.migration import StepAction
from cityauth.policy.realms import Phase


class AccountClass(StrEnum):
    """The class of an account in a plan. If several hold for it, the first one counts."""

    EXEMPT = "exempt"
    """Its realm does not move."""
    ALREADY = "already"
    """It has an active e-mail identifier."""
    DISABLED = "disabled"
    """Its status is not active."""
    NO_EMAIL = "no_email"
    """There is no address on file."""
    INVALID_EMAIL = "invalid_email"
    """The address on file does not pass the rules."""
    SHARED_EMAIL = "shared_email"
    """Another account, of any realm or status, has the same address on file or for an identifier."""
    EQUALS_OTHER_USERNAME = "equals_other_username"
    """The address is another account's username."""
    USERNAME_IS_OTHER_EMAIL = "username_is_other_email"
    """A username of the account is another account's address."""
    DEAD_DOMAIN = "dead_domain"
    """No mail server answers for the domain. Found only where domains are checked."""
    READY = "ready"
    """The account can move."""


TOMBSTONE: Final = "tombstone"
"""A reason beside ``shared_email``: the address belonged to an account that was erased."""


HELD_ELSEWHERE: Final = "identifier_is_other_address"
"""A reason that does not block: a retired or pending address of the account is another account's address."""


class Collision(StrEnum):
    """Why accounts probably collide, for customer service."""

    HOUSEHOLD = "household_mailbox"
    """One address, different names."""
    ONE_PERSON = "one_person_twice"
    """One address, one name."""
    TYPO = "domain_typo"
    """The domain is probably misspelt."""
    STRANGER = "stranger"
    """An address that is the login name of another account, or that an erased account had."""


class Decision(StrEnum):
    """What customer service decided for one account."""

    USE_EMAIL = "use_email"
    """The address signs in: the one in the decision, or else the one on file."""
    KEEP_USERNAME = "keep_username"
    """The username still signs in."""
    CLAIM_AT_LOGIN = "claim_at_login"
    """The username still signs in, and the person is asked for an address after the next sign-in."""
    SKIP = "skip"
    """The run does not touch the account."""


class AccountFacts(NamedTuple):
    """What decides the class of an account. Each flag speaks of the account as it is stored."""

    is_exempt: bool = False
    has_email: bool = False
    is_active: bool = True
    address: str | None = None
    key: str | None = None
    is_shared: bool = False
    is_other_username: bool = False
    username_is_other_email: bool = False
    is_dead: bool = False


_NOTHING: Final[tuple[str, ...]] = ()
_CLASSES: Final = tuple(AccountClass)
_UNTOUCHED: Final = frozenset({AccountClass.EXEMPT, AccountClass.ALREADY})


def classify(facts: AccountFacts) -> tuple[AccountClass, tuple[str, ...]]:
    """Return the class of an account, and every class but ``ready`` that holds for it, in the order of the classes."""
    exempt, already, active, address, key, shared, other_username, username_is_other, dead = facts
    holding = (
        exempt,
        already,
        not active,
        address is None,
        address is not None and key is None,
        shared,
        other_username,
        username_is_other,
        dead,
    )
    if True not in holding:
        return AccountClass.READY, _NOTHING
    reasons = tuple(one for one, holds in zip(_CLASSES, holding, strict=False) if holds)
    return reasons[0], reasons


def action_of(
    account_class: AccountClass, decision: Decision | None, own_phase: Phase | None, *, has_username: bool
) -> StepAction | None:
    """Return what a run does to an account of this class with this decision; ``None`` for nothing.

    An account that keeps its username needs a step only where the realm's schedule could take the username away: where
    it has an active username and no phase of its own.
    """
    if decision is Decision.SKIP or account_class in _UNTOUCHED:
        return None
    if decision is Decision.USE_EMAIL or (decision is None and account_class is AccountClass.READY):
        return StepAction.MOVE
    return StepAction.KEEP if has_username and own_phase is None else None


class PlanLine(NamedTuple):
    """One account in a plan. A named tuple, because a plan makes a million of them.

    Attributes:
        account: The account's id.
        external_id: The host's own key of the account, if it has one.
        account_class: Its class.
        reasons: Every class but ``ready`` that holds for it, then warnings.
        identifier: The address that is to sign in, or signs in already, as mail is sent to it; ``None`` where the
            account has none that passes the rules.
        collides_with: The external ids of the accounts that stand in its way, sorted; the account id where an account
            has no external id.
        key: The key of *identifier*.
        contact: The account's contact before the run.
        phase: The account's own phase before the run.
        action: What a run does; ``None`` for nothing.
        decision: What customer service decided.
        collision: What the collision probably is.
        similar: The accounts that warnings are about, named as in *collides_with*.
        right_domain: The domain that was probably meant.
    """

    account: AccountId
    external_id: str | None
    account_class: AccountClass
    reasons: tuple[str, ...] = ()
    identifier: str | None = None
    collides_with: tuple[str, ...] = ()
    key: str | None = None
    contact: str | None = None
    phase: Phase | None = None
    action: StepAction | None = None
    decision: Decision | None = None
    collision: Collision | None = None
    similar: tuple[str, ...] = ()
    right_domain: str | None = None

    @property
    def reference(self) -> str:
        """The name of the account in reports: its external id, or else its id."""
        return self.account if self.external_id is None else self.external_id

    @property
    def may_share(self) -> bool:
        """Whether people decided that the address signs in here although other accounts have it on file.

        It holds for the address on file alone. Another address that was decided for must be nobody's when the plan is
        carried out.
        """
        if self.decision is not Decision.USE_EMAIL or AccountClass.SHARED_EMAIL not in self.reasons:
            return False
        return self.contact is not None and contact_key(self.contact) == self.key


@dataclass(frozen=True, slots=True)
class PlanHeader:
    """The first line of a plan.

    Attributes:
        plan_id: A random name of the plan.
        version: The release of cityauth that made it.
        population: A digest of everything that the plan depends on. It stays the same while nothing that matters
            changes.
        at: When it was made.
        accounts: How many lines follow.
        classes: How many accounts are in each class.
        phase: The phase that accounts enter when they move.
        exempt: The realms that do not move.
        warnings: How many accounts have each warning.
        actions: How many accounts move, and how many keep their username.
        decisions: How many decisions of each sort were used.
        refused_decisions: How many decisions were not used.
        domains_checked: Whether the domains of addresses were looked up.
        digest: SHA-256 of the header without its digest and of all lines, in hexadecimal.
    """

    plan_id: str
    version: str
    population: str
    at: datetime
    accounts: int
    classes: Mapping[AccountClass, int]
    phase: Phase
    exempt: tuple[str, ...] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)
    actions: Mapping[StepAction, int] = field(default_factory=dict)
    decisions: Mapping[Decision, int] = field(default_factory=dict)
    refused_decisions: int = 0
    domains_checked: bool = False
    digest: str = ""
