"""`AsyncSqlStore` keeps every promise of a store on both databases, also when tasks are cancelled."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from cityauth import AsyncCityAuth, Authenticated, NewAccount, PasswordRequired
from cityauth.core.changes import Committed, ProfileChanged
from cityauth.core.secret import SecretStr
from cityauth.errors import ConfigurationError, SchemaError, StoreUnavailableError
from cityauth.policy.throttling import Limit
from cityauth.ports.stores import Store
from cityauth.stores import AsyncSqlStore, SqlStore
from cityauth.testing import BlockingStore, HashCountContract, PopulationContract, StoreContract
from cityauth.testing.samples import AINO, MINUTE, NOON, added, digest, opened
from tests.support.postgresql import Databases
from tests.support.stores import maker

Open = Callable[..., AsyncSqlStore]


def patient(url: str, **settings: Any) -> AsyncSqlStore:
    """A store for a test that is not about limits: the machine may be slow."""
    return AsyncSqlStore(url, **{"pool_size": 16, "pool_timeout": 30, "statement_timeout": 30, **settings})


class TestAsyncSqliteStore(StoreContract, PopulationContract, HashCountContract):
    """The contract, on a SQLite file."""

    url: str
    stores: list[BlockingStore]

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[BlockingStore]:
        """An empty store; its URL is remembered for `reopen`."""
        maker("sql", tmp_path)()
        self.url = f"sqlite:///{tmp_path / 'service.db'}"
        self.stores = [BlockingStore(AsyncSqlStore(self.url))]
        yield self.stores[0]
        for one in self.stores:
            one.close()

    def reopen(self, store: Store) -> Any:
        """A second store on the same file, made after the first was closed."""
        self.stores[0].close()
        self.stores.append(BlockingStore(AsyncSqlStore(self.url)))
        return self.stores[-1]


class TestAsyncPostgresqlStore(StoreContract, PopulationContract, HashCountContract):
    """The contract, on a PostgreSQL server."""

    url: str
    stores: list[BlockingStore]

    @pytest.fixture
    def store(self, postgresql: Databases) -> Iterator[BlockingStore]:
        """An empty store; its URL is remembered for `reopen`."""
        self.url = postgresql.empty()
        self.stores = [BlockingStore(patient(self.url))]
        yield self.stores[0]
        for one in self.stores:
            one.close()

    def reopen(self, store: Store) -> Any:
        """A second store on the same database, made after the first was closed."""
        self.stores[0].close()
        self.stores.append(BlockingStore(patient(self.url)))
        return self.stores[-1]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with all tables and no row."""
    if request.param == "postgresql":
        databases: Databases = request.getfixturevalue("postgresql")
        return databases.empty()
    maker("sql", tmp_path)()
    return f"sqlite:///{tmp_path / 'service.db'}"


@pytest_asyncio.fixture
async def store(url: str) -> AsyncIterator[AsyncSqlStore]:
    """An empty store on each database."""
    async with patient(url) as made:
        yield made


async def cancel_at(job: Callable[[], Awaitable[Any]], turns: int) -> bool:
    """Cancel *job* after so many turns of the event loop; return whether it was still running."""
    task = asyncio.ensure_future(job())
    for _ in range(turns):
        await asyncio.sleep(0)
    running = not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return running


def open_transactions(url: str) -> int:
    """How many connections of cityauth have a transaction open on the server."""
    query = b"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cityauth' AND state LIKE '%transaction%'"
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    count: int = row[0]
    return count


@pytest.mark.asyncio
async def test_a_cancelled_commit_leaves_no_transaction_open(store: AsyncSqlStore, url: str) -> None:
    """Wherever a commit is cancelled, all of it is written or nothing, and the next ones go on."""
    assert await store.commit([added(AINO)]) == Committed()
    for turns in range(40):
        name = f"name {turns}"
        await cancel_at(lambda name=name: store.commit([ProfileChanged(AINO, display_name=name)]), turns)  # type: ignore[misc]
        found = await store.load(AINO)
        assert found is not None
        assert await store.commit([ProfileChanged(AINO, display_name="after")]) == Committed()
    if url.startswith("postgresql"):
        assert open_transactions(url) == 0


@pytest.mark.asyncio
async def test_cancelled_look_ups_give_their_connections_back(url: str) -> None:
    """A hundred cancelled look-ups do not use a pool of two up."""
    async with patient(url, pool_size=2, pool_timeout=1) as store:
        await store.commit([added(AINO)])
        for turns in range(100):
            await cancel_at(lambda: store.load(AINO), turns % 12)
        assert all(await asyncio.gather(*(store.load(AINO) for _ in range(8))))


@pytest.mark.asyncio
async def test_a_full_pool_is_an_error_and_no_long_wait(postgresql: Databases) -> None:
    """A call that gets no connection within pool_timeout raises, and says which setting it was."""
    async with patient(postgresql.empty(), pool_size=1, pool_timeout=0.2) as store:
        await store.commit([added(AINO)])
        pool = await store._database._pool()  # type: ignore[attr-defined] # the database of PostgreSQL
        driver = await pool.take()
        with pytest.raises(StoreUnavailableError, match="pool_timeout") as caught:
            await store.load(AINO)
        assert caught.value.nothing_written
        await pool.give_back(driver)
        assert await store.load(AINO) is not None


def test_one_store_serves_several_event_loops(url: str) -> None:
    """A store that was used in one event loop works in the next, and its old connections are closed."""
    store = patient(url)
    assert asyncio.run(store.commit([added(AINO)])) == Committed()

    async def use() -> bool:
        return await store.load(AINO) is not None

    assert asyncio.run(use())

    async def use_and_close() -> bool:
        async with store:
            return await store.load(AINO) is not None

    assert asyncio.run(use_and_close())


@pytest.mark.asyncio
async def test_a_connection_that_the_server_ended_is_made_anew(postgresql: Databases) -> None:
    """After a fail-over the next call connects again instead of failing."""
    url = postgresql.empty()
    async with patient(url) as store:
        await store.commit([added(AINO)])
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                b" WHERE application_name = 'cityauth' AND datname = current_database()"
            )
        await asyncio.sleep(0.2)
        assert await store.load(AINO) is not None


@pytest.mark.asyncio
async def test_both_stores_see_the_same_rows(store: AsyncSqlStore, url: str) -> None:
    """What one of the twins writes the other reads."""
    await store.commit([added(AINO), opened(AINO)])
    with SqlStore(url) as other:
        assert other.load(AINO) == await store.load(AINO)
        assert other.find_session(digest(1)) == await store.find_session(digest(1))


@pytest.mark.asyncio
async def test_the_reservations_of_tasks_are_counted_together(store: AsyncSqlStore) -> None:
    """Of forty tasks at once exactly as many pass as the limit allows."""
    answers = await asyncio.gather(*(store.reserve("bucket", [Limit(5, MINUTE)], NOON) for _ in range(40)))
    assert sum(type(one).__name__ == "Reserved" for one in answers) == 5


@pytest.mark.asyncio
async def test_a_locked_file_holds_only_the_writers(tmp_path: Path) -> None:
    """While another process writes, look-ups are answered, and the loop is never held."""
    maker("sql", tmp_path)()
    async with AsyncSqlStore(f"sqlite:///{tmp_path / 'service.db'}") as store:
        await store.commit([added(AINO)])
        with closing(sqlite3.connect(tmp_path / "service.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = asyncio.ensure_future(store.commit([ProfileChanged(AINO, display_name="later")]))
            assert await store.load(AINO) is not None
            assert not waiting.done()
            other.execute("ROLLBACK")
        assert await waiting == Committed()


@pytest.mark.asyncio
async def test_what_cannot_be_opened_is_told_as_by_the_synchronous_store(tmp_path: Path) -> None:
    """A missing file, a server that is not there and senseless settings raise the same errors as in `SqlStore`."""
    async with AsyncSqlStore(f"sqlite:///{tmp_path / 'missing.db'}") as missing:
        with pytest.raises(SchemaError):
            await missing.load(AINO)
    async with AsyncSqlStore("postgresql://127.0.0.1:1/none") as unreachable:
        with pytest.raises(StoreUnavailableError, match="cannot be reached"):
            await unreachable.load(AINO)
    for wrong in ("sqlite://", "mysql://x/y", ""):
        with pytest.raises(ConfigurationError):
            AsyncSqlStore(wrong)
    with pytest.raises(ConfigurationError, match="pool_size"):
        AsyncSqlStore("postgresql://x/y", pool_size=0)


@pytest.mark.asyncio
async def test_a_person_signs_in_on_it(store: AsyncSqlStore) -> None:
    """The journey of `AsyncCityAuth`: an account is made, signs in, and its session is checked and ended."""
    auth = AsyncCityAuth(store, secrets=["Kq7-vZ2mX9tB4wR8yN1cF6hJ3sD5gL0p"])
    hashed = await auth.passwords.hash("correct horse battery staple")
    assert isinstance(hashed, SecretStr)
    erkki = NewAccount("Erkki", email="erkki@example.com", password_hash=hashed.get_secret_value())
    await auth.accounts.add(erkki)
    step = await auth.login.identify("erkki@example.com")
    assert isinstance(step, PasswordRequired)
    done = await auth.login.submit_password(step.pending, "correct horse battery staple")
    assert isinstance(done, Authenticated)
    live = await auth.sessions.check(done.session.token.get_secret_value())
    assert live is not None
    await auth.sessions.sign_out(done.session.token.get_secret_value())
    assert await auth.sessions.check(done.session.token.get_secret_value()) is None
