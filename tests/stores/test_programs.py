"""Programs of statements: they hold for any connection, and a refusal is a part of them."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import insert

from cityauth.core.accounts import AccountId, Status
from cityauth.core.changes import (
    AccountErased,
    Change,
    Committed,
    EpochAdvanced,
    PasswordReplaced,
    Precondition,
    Rejected,
    StatusChanged,
    TokenUsed,
)
from cityauth.core.secret import SecretStr
from cityauth.core.signing import Purpose
from cityauth.stores.sql import SqlStore, accounts, commits, sessions
from cityauth.stores.sql.programs import (
    Driver,
    Lock,
    NotDurableError,
    Program,
    Read,
    Step,
    UnmetError,
    Write,
    WriteMany,
)
from cityauth.stores.sql.tables import tombstone
from cityauth.testing.samples import AINO, NOON, added, digest, opened, queued, recorded

T = TypeVar("T")


class Asynchronous:
    """A driver that awaits: what an asynchronous connection needs of its own, and nothing more."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Stand on a connection of `sqlite3`, as if each of its answers had to be awaited."""
        self._driver = Driver(connection)

    async def _execute(self, step: Step) -> Any:
        await asyncio.sleep(0)
        return self._driver.execute(step)

    async def run(self, program: Program[T]) -> T:
        """Run *program* to its end and return its result."""
        try:
            step = next(program)
            while True:
                try:
                    answer = await self._execute(step)
                except UnmetError as unmet:
                    step = program.throw(unmet)
                else:
                    step = program.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a file with the tables."""
    with SqlStore(f"sqlite:///{tmp_path / 'service.db'}") as store:
        store.create_schema()
    opened = sqlite3.connect(tmp_path / "service.db", isolation_level=None)
    yield opened
    opened.close()


def steps_of(program: Program[T], answers: list[Any]) -> tuple[list[Step], T]:
    """Run a program on no database at all: give it *answers* and return what it asked, and its result."""
    asked: list[Step] = []
    try:
        asked.append(next(program))
        while True:
            asked.append(program.send(answers.pop(0)))
    except StopIteration as done:
        return asked, done.value


def test_what_a_commit_runs_is_data() -> None:
    """The statements of a commit come one by one, its events first, and no database is needed to see them."""
    changes: list[Change] = [StatusChanged(AINO, Status.ACTIVE, Status.DISABLED), queued("mail"), recorded("event")]
    asked, outcome = steps_of(commits.commit(changes), [[], 1, 1, 1])
    assert outcome == Committed()
    assert [type(step) for step in asked] == [Lock, Write, Write, Write]
    assert [next(iter(step.values)) for step in asked if isinstance(step, Write)] == ["id", "which", "id"]


def test_a_commit_locks_its_accounts_first_and_in_one_order() -> None:
    """Two commits about the same accounts lock them in the same order; what is about no account locks none."""
    used, none = TokenUsed(digest("link"), Purpose.RESET, NOON), [(0, None)]
    changes: list[Change] = [used, EpochAdvanced(AccountId("b")), opened("s", AccountId("a")), queued("mail")]
    asked, _ = steps_of(commits.commit([*changes, *changes]), [[], [], *[1] * 2, none, 1, *[1] * 3, none, *[1] * 2])
    first, second, *others = asked
    assert isinstance(first, Lock)
    assert isinstance(second, Lock)
    assert (first.values, second.values) == ({"digests": [used.digest]}, {"ids": ["a", "b"]})
    assert not any(isinstance(one, Lock) for one in others)
    asked, _ = steps_of(commits.commit([queued("mail"), recorded("event")]), [1, 1])
    assert [type(step) for step in asked] == [Write, Write]


def test_a_session_check_is_one_statement() -> None:
    """The hot path asks once, whatever is found."""
    asked, found = steps_of(sessions.find_session(digest("a")), [[]])
    assert (len(asked), found) == (1, None)
    assert isinstance(asked[0], Read)


def test_a_refusal_names_its_change() -> None:
    """A write that meets no row refuses the commit, and a read after it says why."""
    change = PasswordReplaced(AINO, None, SecretStr("$new"))
    for rows, why in (([], Precondition.ACCOUNT_MISSING), ([("active", 0)], Precondition.PASSWORD_CHANGED)):
        with pytest.raises(commits.Rollback) as caught:
            steps_of(commits.commit([queued("mail"), change]), [[], 1, 0, rows])
        assert caught.value.outcome == Rejected(change, why)


def test_the_same_programs_run_on_an_awaited_connection(connection: sqlite3.Connection) -> None:
    """An asynchronous driver runs every look-up and change as it is, refusals included."""
    driver = Asynchronous(connection)

    async def journey() -> None:
        account = added(AINO, "a@example.com", "1:card")
        assert await driver.run(commits.commit([account, opened("a"), recorded("event")])) == Committed()
        assert await driver.run(accounts.load(AINO)) == account.account
        assert len(await driver.run(accounts.find(["1:a@example.com", "1:nobody"]))) == 1
        live = await driver.run(sessions.find_session(digest("a")))
        assert live is not None
        assert live.account == account.account
        for change, why in (
            (account, Precondition.ACCOUNT_EXISTS),
            (added("other", "a@example.com"), Precondition.IDENTIFIER_TAKEN),
            (opened("b", epoch=7), Precondition.EPOCH_CHANGED),
            (EpochAdvanced(type(AINO)("nobody")), Precondition.ACCOUNT_MISSING),
        ):
            with pytest.raises(commits.Rollback) as caught:
                await driver.run(commits.commit([change]))
            assert caught.value.outcome == Rejected(change, why)
        with pytest.raises(commits.Rollback) as repeated:
            await driver.run(commits.commit([EpochAdvanced(AINO), recorded("event")]))
        assert repeated.value.outcome == Committed()
        erased = AccountErased(AINO, 0, (b"1" * 32, b"2" * 32), NOON)
        assert await driver.run(commits.commit([erased])) == Committed()

    asyncio.run(journey())
    assert connection.execute(f"SELECT count(*) FROM {tombstone.name}").fetchone() == (2,)  # noqa: S608 - a name of ours


def test_many_rows_are_one_step(connection: sqlite3.Connection) -> None:
    """Bulk work is a step as well: it says how many rows it wrote, refuses what is taken, and none is none."""
    rows = [{"digest": bytes([number]) * 32, "since": number} for number in range(200)]
    driver = Driver(connection)
    statement = insert(tombstone)
    assert driver.execute(WriteMany(statement, rows)) == 200
    assert driver.execute(WriteMany(statement, [])) == 0
    with pytest.raises(UnmetError) as caught:
        driver.execute(WriteMany(statement, rows[:1], taken=Precondition.IDENTIFIER_TAKEN))
    assert caught.value.why is Precondition.IDENTIFIER_TAKEN
    with pytest.raises(sqlite3.IntegrityError):
        driver.execute(WriteMany(statement, rows[:1]))


def test_a_refused_value_is_never_taken_for_a_row_that_is_there(connection: sqlite3.Connection) -> None:
    """Only a key that is there already means taken; another broken rule of the tables is an error."""
    values = {"digest": b"1" * 32, "since": None}
    with pytest.raises(sqlite3.IntegrityError):
        Driver(connection).execute(Write(insert(tombstone), values, taken=Committed()))


def test_a_write_that_must_wait_for_the_disk_asks_for_it(connection: sqlite3.Connection) -> None:
    """A durable write in a transaction that does not wait is not done quietly."""
    driver = Driver(connection)
    write = Write(insert(tombstone), {"digest": b"1" * 32, "since": 1}, durable=True)
    with pytest.raises(NotDurableError):
        driver.execute(write)
    driver.durable = True
    assert driver.execute(Write(insert(tombstone), {"digest": b"2" * 32, "since": 1}, durable=True)) == 1
