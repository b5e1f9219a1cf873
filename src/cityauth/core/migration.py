"""A migration: a plan that is carried out account by account, and the journal of what was done."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from cityauth.core.accounts import AccountId
from cityauth.core.identifiers import Identifier
from cityauth.policy.realms import Phase


class MigrationState(StrEnum):
    """How far a migration is. At most one at a time is neither applied nor rolled back."""

    LOADING = "loading"
    """Its steps are being written; no account has changed yet."""

    APPLYING = "applying"
    """Accounts change. It stays so until every step is applied or found changed, also after a crash."""

    APPLIED = "applied"
    """Every step was applied, or its account had changed since the plan."""

    ROLLING_BACK = "rolling_back"
    """Applied steps are taken back."""

    ROLLED_BACK = "rolled_back"
    """Every applied step was taken back, but for accounts that have changed since."""

    @property
    def is_open(self) -> bool:
        """Whether work is left: an open migration must be finished or rolled back."""
        return self in {MigrationState.LOADING, MigrationState.APPLYING, MigrationState.ROLLING_BACK}


@dataclass(frozen=True, slots=True)
class Migration:
    """One plan in the store.

    Attributes:
        id: The plan's id.
        digest: The plan's digest: another file of the same id is another plan.
        state: See `MigrationState`.
        phase: The phase that accounts which move get for their own.
        total: How many steps the plan has. Planning accounts anew may change it.
        actor: Who began it.
        began_at: When its first step was written.
        ended_at: When it was applied or rolled back; ``None`` while it is open.
    """

    id: str
    digest: str
    state: MigrationState
    phase: Phase
    total: int
    actor: str
    began_at: datetime
    ended_at: datetime | None = None


class StepAction(StrEnum):
    """What a step does to its account."""

    MOVE = "move"
    """The address becomes an identifier that signs in, and the account gets the plan's phase."""

    KEEP = "keep"
    """The account keeps its username, whatever phase its realm comes to."""


class StepState(StrEnum):
    """How far a step is."""

    PLANNED = "planned"
    APPLIED = "applied"
    CHANGED = "changed"
    """Not applied: the account was no longer as the plan had seen it."""

    ROLLED_BACK = "rolled_back"


class StepRefusal(StrEnum):
    """Why a step was not applied, or not taken back."""

    NONE = ""
    ACCOUNT_MISSING = "account_missing"
    STATUS_CHANGED = "status_changed"
    PHASE_CHANGED = "phase_changed"
    CONTACT_CHANGED = "contact_changed"
    IDENTIFIER_TAKEN = "identifier_taken"
    ADDRESS_SHARED = "address_shared"
    IDENTIFIER_CHANGED = "identifier_changed"


class MigrationStep(NamedTuple):
    """What a migration does to one account, and what became of it: a line of the journal.

    A named tuple, because a migration makes a million of them.

    Attributes:
        account_id: The account.
        external_id: Its `external_id`.
        account_class: Its class in the plan.
        action: What is done.
        identifier: The identifier that a move makes active; ``None`` for an account that keeps its username.
        contact_before: The contact as the plan saw it; the step is refused when it is another one by then.
        contact_after: The contact after the step.
        phase_before: The account's own phase as the plan saw it, or ``None`` for the realm's.
        phase_after: Its own phase after the step.
        may_share: Whether another account may have the same address: customer service has decided so.
        state: How far it is.
        refusal: Why it was not applied or not taken back.
        actor: Who applied it or took it back last; empty while it is planned.
        at: When that was; ``None`` while it is planned.
    """

    account_id: AccountId
    external_id: str | None
    account_class: str
    action: StepAction
    identifier: Identifier | None
    contact_before: str | None
    contact_after: str | None
    phase_before: Phase | None
    phase_after: Phase | None
    may_share: bool = False
    state: StepState = StepState.PLANNED
    refusal: StepRefusal = StepRefusal.NONE
    actor: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MigrationOpened:
    """A migration begins. Refused if another one is open, or if one of the same id was ever begun."""

    migration: Migration


@dataclass(frozen=True, slots=True)
class MigrationDiscarded:
    """A migration that has changed no account is forgotten with its steps.

    Refused unless its state is `MigrationState.LOADING`.
    """

    migration_id: str


@dataclass(frozen=True, slots=True)
class MigrationMoved:
    """A migration comes to another state.

    Refused unless its state is *was*, and if it would be open again while another migration is open.
    """

    migration_id: str
    was: MigrationState
    now: MigrationState
    at: datetime


@dataclass(frozen=True, slots=True)
class StepsPlanned:
    """Steps of a migration; one that is stored already stays as it is.

    Refused unless the migration's state is `MigrationState.LOADING` or `MigrationState.APPLYING`.

    Attributes:
        migration_id: The migration.
        steps: The steps.
        total: How many steps the plan has by now; ``None`` leaves the number as it is.
    """

    migration_id: str
    steps: tuple[MigrationStep, ...] = ()
    total: int | None = None


@dataclass(frozen=True, slots=True)
class StepsApplied:
    """The planned steps of a range of accounts are carried out, each as a whole or not at all.

    Refused unless the migration's state is `MigrationState.APPLYING`. A step whose account is no longer as the plan saw
    it is not carried out: its state becomes `StepState.CHANGED`, with the reason. Where two steps of the range want
    one key, a store may refuse the range as `Precondition.IDENTIFIER_TAKEN`; smaller ranges find the second one.

    Attributes:
        migration_id: The migration.
        after: The range begins after this account id.
        last: The range ends with this account id.
        at: When.
        actor: Who does it.
        tombstones: Every tombstone that the identifiers of the range may have, each with the account that is to get the
            identifier. Where one is stored, an erased account had the identifier, and the step is not carried out.
    """

    migration_id: str
    after: str
    last: str
    at: datetime
    actor: str
    tombstones: tuple[tuple[bytes, AccountId], ...] = ()


@dataclass(frozen=True, slots=True)
class StepsRolledBack:
    """The applied steps of a range of accounts are taken back, each as a whole or not at all.

    Refused unless the migration's state is `MigrationState.ROLLING_BACK`. Where the account's contact, phase or that
    identifier has changed since, the step stays applied, with the reason. The attributes are those of `StepsApplied`.
    """

    migration_id: str
    after: str
    last: str
    at: datetime
    actor: str
