"""What the tests of a migration share: people of every class, a plan in a file, and what a store holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cityauth.api.plan_files import open_plan
from cityauth.core.accounts import AccountId, Status
from cityauth.core.changes import AccountErased, Change, Committed
from cityauth.core.migration import MigrationStep
from cityauth.core.migration_plan import PlanLine
from cityauth.core.migration_run import MigrationRefusal, MigrationRefused, MigrationReport
from cityauth.core.population import NewPerson, PopulationRow
from cityauth.core.resolution import Outcome
from cityauth.core.secret import SecretStr
from cityauth.errors import StoreUnavailableError
from cityauth.stores.memory import MemoryStore
from cityauth.testing.imports import person
from cityauth.testing.populations import store_people
from cityauth.testing.samples import NOON
from tests.support.service import PASSWORD, Service

OPERATOR = "night"


def people() -> list[NewPerson]:
    """Return people of every class that needs no look-up, most of them ready to move."""
    official = person("official", "olli", email="olli@example.com")
    return [
        *(person(f"p{number}", f"name{number}", email=f"name{number}@example.com") for number in range(6)),
        person("home1", "home1", email="home@example.com"),
        person("home2", "home2", email="home@example.com"),
        person("nothing", "nothing"),
        person("closed", "closed", email="closed@example.com", status=Status.DISABLED),
        person("self", "self@example.com", email="self@example.com"),
        person("named", "xenia@example.org", email="named@example.org"),
        person("namer", "namer", email="xenia@example.org"),
        person("nameless", email="nameless@example.com"),
        replace(official, account=replace(official.account, realm="official")),
    ]


MOVED = frozenset({"p0", "p1", "p2", "p3", "p4", "p5", "self", "nameless"})
KEPT = frozenset({"home1", "home2", "nothing", "closed", "named", "namer"})


def fill(service: Service, given: Sequence[NewPerson] | None = None) -> None:
    """Put people into the store, whose passwords are `PASSWORD`."""
    stored = SecretStr(service.hash(PASSWORD))
    store_people(service.store, [replace(one, password_hash=stored) for one in given or people()])


@dataclass
class Move:
    """A plan in a file, and the service whose population it moves."""

    service: Service
    path: Path

    @property
    def id(self) -> str:
        """The id of the plan."""
        with open_plan(self.path) as reader:
            return reader.header.plan_id

    def plan(self, **given: Any) -> None:
        """Write the plan."""
        self.service.auth.migration.plan(self.path, **given)

    def lines(self) -> dict[str, PlanLine]:
        """Return the plan's lines by the accounts' ids."""
        with open_plan(self.path) as reader:
            return {str(line.account): line for line in reader}

    def try_apply(self, **given: Any) -> MigrationReport | MigrationRefused:
        """Carry the plan out, which may be refused."""
        return self.service.auth.migration.apply(self.path, **{"actor": OPERATOR, **given})

    def apply(self, **given: Any) -> MigrationReport:
        """Carry the plan out, which must not be refused."""
        outcome = self.try_apply(**given)
        assert isinstance(outcome, MigrationReport), outcome
        return outcome

    def try_roll_back(self, **given: Any) -> MigrationReport | MigrationRefused:
        """Take the plan back, which may be refused."""
        return self.service.auth.migration.roll_back(self.id, **{"actor": OPERATOR, **given})

    def roll_back(self, **given: Any) -> MigrationReport:
        """Take the plan back, which must not be refused."""
        outcome = self.try_roll_back(**given)
        assert isinstance(outcome, MigrationReport), outcome
        return outcome

    def steps(self) -> dict[str, MigrationStep]:
        """Return the journal by the accounts' ids."""
        return {step.account_id: step for step in self.service.store.read_steps(self.id, None, "", 10_000)}


def on(move: Move, store: Any) -> Move:
    """Return the same plan on another view of the same store."""
    return Move(replace(move.service, store=store), move.path)


def population(store: Any) -> dict[str, PopulationRow]:
    """Return every account as a plan reads it, by its id."""
    return {row.account.id: row for row in store.read_population("", 10_000)}


def moved_ids(store: Any) -> set[str]:
    """Return the accounts that have an active e-mail identifier."""
    return {
        str(row.account.id)
        for row in population(store).values()
        if any(one.identifier.kind == "email" and one.status == "active" for one in row.account_identifiers)
    }


def leads_to(service: Service, name: str) -> AccountId | None:
    """Return the account that *name* signs in."""
    found = service.auth.identifiers.resolve(name)
    return found.account.id if found.outcome is Outcome.RESOLVED and found.account else None


def commit(store: Any, *changes: Change) -> None:
    """Commit *changes*, which nothing prevents."""
    assert store.commit(changes) == Committed()


def erase(store: Any, account_id: str) -> None:
    """Erase an account without a tombstone."""
    row = population(store)[account_id]
    commit(store, AccountErased(AccountId(account_id), row.account.epoch, (), NOON))


def other_plan(move: Move, name: str = "other.jsonl") -> Move:
    """Return another plan of the same population."""
    made = Move(move.service, move.path.with_name(name))
    made.plan()
    return made


def refused(outcome: object, why: MigrationRefusal) -> MigrationRefused:
    """Return the refusal, which must be for that reason."""
    assert isinstance(outcome, MigrationRefused), outcome
    assert outcome.why is why
    return outcome


class StopError(Exception):
    """The process ends here."""


@dataclass
class Stopping:
    """A store that stops the process right before or after a commit.

    It is a class because it counts the commits.

    Attributes:
        store: The store.
        at: The number of the commit, from 1; 0 for none.
        after: Whether that commit is made before the process stops.
        commits: How many commits were asked for.
        act: What happens instead of the `StopError`.
    """

    store: Any
    at: int = 0
    after: bool = False
    commits: int = 0
    act: Callable[[], Any] | None = None

    def commit(self, changes: Sequence[Change]) -> Any:
        """Commit, or stop."""
        self.commits += 1
        if self.commits == self.at and not self.after:
            self._stop()
        outcome = self.store.commit(changes)
        if self.commits == self.at and self.after:
            self._stop()
        return outcome

    def _stop(self) -> None:
        if self.act is None:
            raise StopError
        self.act()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@dataclass
class Unsure:
    """A store that loses the answer to each commit once.

    Attributes:
        store: The store.
        nothing_written: Whether it knows that it has written nothing.
    """

    store: Any
    nothing_written: bool = False
    asked: int = 0

    def commit(self, changes: Sequence[Change]) -> Any:
        """Commit, and lose every second answer."""
        self.asked += 1
        if self.asked % 2 and self.nothing_written:
            raise StoreUnavailableError("locked", nothing_written=True)
        outcome = self.store.commit(changes)
        if self.asked % 2:
            raise StoreUnavailableError("the answer was lost")
        return outcome

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def fresh_memory(given: Sequence[NewPerson] | None = None) -> Service:
    """Return a service on a store in memory with people in it."""
    service = Service(store=MemoryStore())
    fill(service, given)
    return service
