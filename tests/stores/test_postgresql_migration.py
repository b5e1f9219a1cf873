"""A population moves on PostgreSQL while others write: what no file shows, because a file has one writer at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityauth.core.accounts import AccountId
from cityauth.core.changes import AccountAdded, Precondition, Rejected
from cityauth.core.identifiers import EMAIL, Identifier, register
from cityauth.core.login import Authenticated
from cityauth.core.migration import MigrationState, StepRefusal, StepState
from cityauth.core.population import NewPerson, PeopleAdded
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.errors import StoreUnavailableError, UsageError
from cityauth.policy.realms import Phase
from cityauth.ports.stores import Store
from cityauth.stores import AsyncSqlStore
from cityauth.stores.sql import SqlStore, async_postgresql, migration_steps, postgresql_driver
from cityauth.stores.sql.programs import Write
from cityauth.testing import BlockingStore, PopulationContract
from cityauth.testing.imports import person
from cityauth.testing.populations import populations, store_people
from cityauth.testing.races import race
from cityauth.testing.samples import HOSTILE, NOON
from tests.support.moves import Move, commit, fill, fresh_memory, leads_to, population
from tests.support.postgresql import Databases, patient
from tests.support.service import Service


@pytest.fixture
def url(postgresql: Databases) -> str:
    """The URL of a database with all tables and no row."""
    return postgresql.empty()


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """An empty store."""
    with patient(url) as made:
        yield made


@pytest.fixture
def move(store: SqlStore, tmp_path: Path) -> Move:
    """A service with people of every class, and a plan of them."""
    made = Move(Service(store=store), tmp_path / "plan.jsonl")
    fill(made.service)
    made.plan()
    return made


def act_before(monkeypatch: pytest.MonkeyPatch, statement: object, act: Callable[[], object]) -> None:
    """Let *act* happen once, right before a step of the migration runs *statement*."""
    left = [act]

    def interrupted(given: Any, *others: Any, **named: Any) -> Write:
        if given is statement and left:
            left.pop()()
        return Write(given, *others, **named)

    monkeypatch.setattr(migration_steps, "Write", interrupted)


def take(store: SqlStore, address: str, status: IdentifierStatus) -> None:
    """Add an account that holds *address* with this status."""
    identifier = register(address, EMAIL)
    assert isinstance(identifier, Identifier)
    stranger = person("stranger", "stranger").account
    commit(store, AccountAdded(stranger, (AccountIdentifier(identifier, status),), None, NOON))


STATEMENTS = ("_REFUSE_CHANGED", "_SAVE_IDENTIFIER", "_SAVE_CONTACT", "_TURN_OWN", "_ADD_NEW")


@pytest.mark.parametrize("status", IdentifierStatus)
@pytest.mark.parametrize("name", STATEMENTS)
def test_an_address_that_is_taken_meanwhile_stays_with_who_took_it(
    move: Move, store: SqlStore, monkeypatch: pytest.MonkeyPatch, name: str, status: IdentifierStatus
) -> None:
    """Somebody takes an address between two statements of the step that moves its account: the identifier stays as it is, and the step is refused (C-17, B-12)."""
    act_before(monkeypatch, getattr(migration_steps, name), partial(take, store, "name1@example.com", status))
    report = move.apply()
    held = population(store)["stranger"].account_identifiers
    assert [(one.identifier.kind, one.status) for one in held] == [("email", status)]
    assert move.steps()["p1"].refusal is StepRefusal.IDENTIFIER_TAKEN
    assert report.refusals == {StepRefusal.IDENTIFIER_TAKEN: 1}
    assert leads_to(move.service, "name1") == "p1"
    assert move.service.auth.migration.verify(move.id).findings == {}
    move.roll_back()
    assert population(store)["stranger"].account_identifiers == held


def rows_of(url: str) -> Mapping[str, list[tuple[object, ...]]]:
    """Return every row of every table but the journal and the audit trail."""
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        kept = [name for name in names if "migration" not in name and "event" not in name]
        return {name: sorted(connection.execute(f'SELECT * FROM "{name}"'.encode()), key=repr) for name in kept}  # noqa: S608 - names of our own tables


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=populations(min_size=2), phase=st.sampled_from(list(Phase)[1:]))
def test_two_workers_do_on_a_server_what_one_does_in_memory(
    postgresql: Databases, people: Sequence[NewPerson], phase: Phase
) -> None:
    """Two workers with stores of their own come to the accounts of an undisturbed run, and back to the very rows, for generated populations (C-17)."""
    url = postgresql.empty()
    with TemporaryDirectory() as folder, patient(url) as one, patient(url) as other:
        here = Move(fresh_memory(people), Path(folder) / "memory.jsonl")
        here.plan(exempt=["official"], phase=phase)
        here.apply(batch=2)
        workers = [Move(Service(store=store), Path(folder) / "plan.jsonl") for store in (one, other)]
        fill(workers[0].service, people)
        workers[0].plan(exempt=["official"], phase=phase)
        before = rows_of(url)
        race([partial(worker.apply, batch=1) for worker in workers])
        assert population(one) == population(here.service.store)
        assert workers[0].service.auth.migration.verify(workers[0].id).findings == {}
        assert {step.state for step in workers[0].steps().values()} <= {StepState.APPLIED}
        race([partial(worker.roll_back, batch=1) for worker in workers])
        assert rows_of(url) == before


def test_workers_and_people_never_wait_for_each_other_in_a_circle(url: str, tmp_path: Path) -> None:
    """Two workers move accounts while sign-ins, resets, changes of status and new accounts go on; nothing fails, and everybody is moved (C-17)."""
    people = [person(f"p{n:02d}", f"name{n}", email=f"n{n}@example.com") for n in range(24)]
    with patient(url) as one, patient(url) as other, patient(url) as third:
        service = Service(store=third)
        fill(service, people)
        workers = [Move(Service(store=store), tmp_path / "plan.jsonl") for store in (one, other)]
        workers[0].plan()

        def live(first: int) -> None:
            for n in range(first, 24, 2):
                assert isinstance(service.attempt(f"name{23 - n}"), Authenticated)
                service.auth.recovery.request(f"name{n}")
                service.add(f"new{n}")

        race([partial(worker.apply, batch=2) for worker in workers] + [partial(live, 0), partial(live, 1)])
        assert set(move_states(workers[0])) == {StepState.APPLIED}
        assert {leads_to(service, f"n{n}@example.com") for n in range(24)} == {f"p{n:02d}" for n in range(24)}
        assert workers[0].service.auth.migration.status()[0].migration.state is MigrationState.APPLIED
        assert workers[0].service.auth.migration.verify(workers[0].id).findings == {}


def move_states(move: Move) -> list[StepState]:
    """Return the state of each step."""
    return [step.state for step in move.steps().values()]


def test_the_server_itself_refuses_the_writes_of_a_rehearsal(move: Move, url: str) -> None:
    """Plan and rehearse run on a store that cannot write; whatever writes there is refused."""
    before = rows_of(url)
    with SqlStore(url, read_only=True, statement_timeout=30) as reading:
        looking = Move(Service(store=reading), move.path)
        looking.plan()
        assert looking.service.auth.migration.rehearse(looking.path).holds
        with pytest.raises(StoreUnavailableError, match="reading alone"):
            looking.apply()
        writing = migration_steps.hold("any", MigrationState.APPLYING)
        with pytest.raises(StoreUnavailableError, match="reading alone"):
            reading._database.look_up(writing)
    assert rows_of(url) == before
    assert AccountId("p0") in population(move.service.store)


class TestCopied(PopulationContract):
    """The contract of populations where COPY writes even a single row."""

    url: str

    @pytest.fixture
    def store(self, postgresql: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlStore]:
        """An empty store; its URL is remembered for `reopen`."""
        monkeypatch.setattr(postgresql_driver, "COPIED_ROWS", 1)
        self.url = postgresql.empty()
        with patient(self.url) as made:
            yield made

    def reopen(self, store: Store) -> Store:
        """A second store on the same database, made after the first was closed."""
        assert isinstance(store, SqlStore)
        store.close()
        return patient(self.url)


def many(text: str) -> list[NewPerson]:
    """Return so many people that COPY writes them, each with *text* in the name."""
    made = [person(f"p{n}", f"name{n}", email=f"n{n}@example.com") for n in range(postgresql_driver.COPIED_ROWS)]
    return [replace(one, account=replace(one.account, display_name=f"{n}{text}")) for n, one in enumerate(made)]


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("text", [*HOSTILE, "\\N", "\\.", "\\t\\\\", "\v\b\f"])
def test_copied_text_comes_back_as_it_went_in(url: str, text: str, *, asynchronous: bool) -> None:
    """No text of a person means anything to COPY."""
    given = many(text)
    with closing(BlockingStore(AsyncSqlStore(url)) if asynchronous else patient(url)) as store:
        store_people(store, given)
        assert {row.account for row in population(store).values()} == {one.account for one in given}


@pytest.mark.parametrize("driver", [postgresql_driver, async_postgresql])
def test_many_rows_are_copied(url: str, driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both drivers write accounts, identifiers and source records by one COPY each, and few rows by INSERT."""
    copied: list[bytes] = []
    text_of = driver.copy_text

    def noted(*given: Any) -> bytes:
        copied.append(text_of(*given))
        return copied[-1]

    monkeypatch.setattr(driver, "copy_text", noted)
    with closing(patient(url) if driver is postgresql_driver else BlockingStore(AsyncSqlStore(url))) as store:
        store_people(store, [person("alone", "alone")])
        store_people(store, many(""))
    assert [text.split()[1] for text in copied] == [b"cityauth_account", b"cityauth_identifier", b"cityauth_source"]


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("text", ["\0", "\ud800"])
def test_text_that_no_server_stores_stops_the_whole_copy(url: str, text: str, *, asynchronous: bool) -> None:
    """A NUL or half a surrogate pair in one row of many is the caller's mistake; nothing is stored, and the store goes on."""
    people = [*many("")[:-1], many(text)[-1]]
    with closing(BlockingStore(AsyncSqlStore(url)) if asynchronous else patient(url)) as store:
        with pytest.raises(UsageError, match="cannot be stored"):
            store_people(store, people)
        assert population(store) == {}
        store_people(store, many("!"))
        taken = store.commit([PeopleAdded(tuple(many("?")), NOON)])
        assert isinstance(taken, Rejected)
        assert taken.why is Precondition.ACCOUNT_EXISTS
        assert len(population(store)) == len(people)
