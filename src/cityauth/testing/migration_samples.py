"""Plans and steps of a migration to test a store with."""

from datetime import timedelta
from typing import Any, Final

from cityauth.core.accounts import AccountId, Status
from cityauth.core.changes import (
    AccountErased,
    Change,
    ContactChanged,
    IdentifierRetired,
    StatusChanged,
)
from cityauth.core.migration import (
    Migration,
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
from cityauth.policy.realms import Phase
from cityauth.ports.stores import PopulationStore, Store
from cityauth.testing.imports import FullStore, everything
from cityauth.testing.samples import (
    AINO,
    MINUTE,
    NOON,
    added,
    commit,
    identifier,
)

PLAN: Final = Migration("plan", "digest", MigrationState.LOADING, Phase.EMAIL_PREFERRED, 3, "op", NOON)
NIGHT: Final = NOON + timedelta(hours=10)
LAST: Final = "\U0010ffff"
"""No account id of these tests is greater."""


def move(name: str, address: str, **other: Any) -> MigrationStep:
    """Return the step that makes *address*, the contact of *name*, sign in."""
    step = MigrationStep(
        account_id=AccountId(name),
        external_id=f"ext-{name}",
        account_class="ready",
        action=StepAction.MOVE,
        identifier=identifier(address),
        contact_before=address,
        contact_after=address,
        phase_before=None,
        phase_after=Phase.EMAIL_PREFERRED,
    )
    return step._replace(**other)


def keep(name: str, contact: str | None = None, **other: Any) -> MigrationStep:
    """Return the step that lets *name* keep the username."""
    step = move(name, "", action=StepAction.KEEP, identifier=None, phase_after=Phase.BOTH)
    return step._replace(contact_before=contact, contact_after=contact, account_class="no_email", **other)


def begin(store: Store, *steps: MigrationStep) -> None:
    """Load the plan with *steps*, and let it be applied."""
    commit(store, MigrationOpened(PLAN), StepsPlanned("plan", steps))
    commit(store, MigrationMoved("plan", MigrationState.LOADING, MigrationState.APPLYING, NOON))


def apply(store: Store, after: str = "", last: str = LAST) -> None:
    """Apply the steps of a range."""
    commit(store, StepsApplied("plan", after, last, NIGHT, "night"))


def roll_back(store: Store, after: str = "", last: str = LAST) -> None:
    """Roll the steps of a range back."""
    found = next(one for one in store_of(store).list_migrations() if one.id == "plan")
    if found.state is not MigrationState.ROLLING_BACK:
        commit(store, MigrationMoved("plan", found.state, MigrationState.ROLLING_BACK, NIGHT))
    commit(store, StepsRolledBack("plan", after, last, NIGHT + MINUTE, "morning"))


def store_of(store: object) -> PopulationStore:
    """Return the store as what keeps a population."""
    kept: PopulationStore = store  # type: ignore[assignment]  # a contract's fixture gives one object for every port
    return kept


def states(store: FullStore) -> dict[str, tuple[StepState, StepRefusal]]:
    """Return the state of every step."""
    return {one.account_id: (one.state, one.refusal) for one in store.read_steps("plan", None, "", 1000)}


REFUSALS: Final[dict[StepRefusal, tuple[Change, ...]]] = {
    StepRefusal.STATUS_CHANGED: (StatusChanged(AINO, Status.ACTIVE, Status.DISABLED),),
    StepRefusal.CONTACT_CHANGED: (ContactChanged(AINO, "other@example.com"),),
    StepRefusal.IDENTIFIER_TAKEN: (added("thief", "aino@example.com"),),
    StepRefusal.ADDRESS_SHARED: (added("twin", contact="aino@example.com"),),
}
"""What happens between plan and application, and the reason for which the step is not carried out then."""

TAKING_BACK: Final[dict[StepRefusal, tuple[Change, ...]]] = {
    StepRefusal.CONTACT_CHANGED: (ContactChanged(AINO, "other@example.com"),),
    StepRefusal.IDENTIFIER_CHANGED: (IdentifierRetired(AINO, "1:aino@example.com", NIGHT),),
}
"""What happens after the application, and the reason for which the step is not taken back then."""


def apply_plan(store: FullStore, number: int) -> None:
    """Apply the whole plan of that number."""
    commit(store, StepsApplied(f"plan{number}", "", LAST, NIGHT, "night"))


def erase_all(store: FullStore) -> None:
    """Erase every account, and end every plan."""
    for row in everything(store):
        commit(store, AccountErased(row.account.id, row.account.epoch, (), NIGHT))
    for one in store.list_migrations():
        if one.state.is_open:
            commit(store, MigrationMoved(one.id, one.state, MigrationState.ROLLED_BACK, NIGHT))
