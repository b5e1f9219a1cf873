"""`SqlStore` keeps every promise of a store, and fails in the store's own words."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from cityauth.core.changes import CommitOutcome, Committed, EpochAdvanced, PasswordReplaced, ProfileChanged
from cityauth.core.secret import SecretStr
from cityauth.errors import (
    CityAuthError,
    ConfigurationError,
    SchemaError,
    StoreError,
    StoreUnavailableError,
    UsageError,
)
from cityauth.policy.throttling import Limit
from cityauth.ports.stores import Store
from cityauth.stores.sql import SqlStore, connections
from cityauth.testing import HashCountContract, PopulationContract, StoreContract, race
from cityauth.testing.samples import AINO, MINUTE, NOON, OLD_HASH, added, commit, digest, opened, recorded
from tests.support.stores import connections_of

SECRET = "$argon2id$the-secret-hash"


def url_of(path: Path) -> str:
    """The URL of a database file."""
    return f"sqlite:///{path}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database lies: a folder whose name needs care in a URL."""
    folder = tmp_path / "100 % ä"
    folder.mkdir()
    return folder / "service.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    """An empty store."""
    with SqlStore(url_of(path)) as made:
        made.create_schema()
        yield made


class TestSqlStore(StoreContract, PopulationContract, HashCountContract):
    """The contract, on a SQLite file."""

    path: Path

    @pytest.fixture
    def store(self, path: Path) -> Iterator[SqlStore]:
        """An empty store; its file is remembered for `reopen`."""
        self.path = path
        with SqlStore(url_of(path)) as made:
            made.create_schema()
            yield made

    def reopen(self, store: Store) -> Store:
        """A second store on the same file, made after the first was closed."""
        assert isinstance(store, SqlStore)
        store.close()
        return SqlStore(url_of(self.path))


def everything_of(error: BaseException) -> str:
    """All that a report of an exception could show: its chain, their texts and arguments."""
    shown, seen = [], [error]
    while seen:
        one = seen.pop()
        shown += [str(one), repr(one), repr(one.args), repr(vars(one))]
        seen += [cause for cause in (one.__cause__, one.__context__) if cause is not None]
    return " ".join(shown)


def assert_tells_nothing(error: BaseException) -> None:
    """The exception, with everything that hangs on it, holds no SQL and no value."""
    shown = everything_of(error)
    for word in ("SELECT", "INSERT", "UPDATE", "DELETE", "cityauth_", SECRET, "aino"):
        assert word not in shown


# --- What the host gives ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///a\0b",
        "sqlite:///file::memory:?uri=true",
        "sqlite:///file:x?mode=memory&uri=true",
        "sqlite+aiosqlite:///service.db",
        "mysql://aino:hunter2@localhost/db",
        "postgresql+asyncpg://aino:hunter2@localhost/db",
        "nonsense://x",
        "no url",
        "",
        7,
    ],
)
def test_what_is_no_file_and_no_server_is_refused_at_construction(url: Any) -> None:
    """A database in memory would be another one in each thread; no message repeats a URL's password."""
    with pytest.raises(ConfigurationError) as caught:
        SqlStore(url)
    assert "hunter2" not in everything_of(caught.value)


def test_a_store_is_made_of_a_url_or_an_engine() -> None:
    """Neither, both, or an unknown way to wait for the disk are a mistake at construction."""
    with pytest.raises(ConfigurationError):
        SqlStore()
    with pytest.raises(ConfigurationError):
        SqlStore("sqlite:///x.db", engine=create_engine("sqlite:///x.db"))
    with pytest.raises(ConfigurationError):
        SqlStore("sqlite:///x.db", synchronous="off")  # type: ignore[arg-type]


def test_nothing_is_opened_at_construction(tmp_path: Path) -> None:
    """A store that nobody has asked yet has made no file, and tells where it would be."""
    store = SqlStore(url_of(tmp_path / "service.db"))
    assert list(tmp_path.iterdir()) == []
    assert repr(store) == f"SqlStore('sqlite:///{tmp_path}/service.db')"


@pytest.fixture
def host_engine(path: Path) -> Iterator[Engine]:
    """A host's engine on a database with a table of its own."""
    engine = create_engine(url_of(path))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("CREATE TABLE child (parent INTEGER REFERENCES parent)")
    yield engine
    engine.dispose()


def test_a_hosts_engine_is_used_and_left_as_it_was(host_engine: Engine) -> None:
    """The store takes connections for itself: the host's own keep their settings, and none is missing."""
    with SqlStore(engine=host_engine) as store:
        store.create_schema()
        commit(store, added(AINO, "a@example.com"))
        assert len(store.find(["1:a@example.com"])) == 1
        assert host_engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        with host_engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO child VALUES (1)")  # the host does not enforce foreign keys
    with host_engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM child").scalar() == 1


@pytest.mark.parametrize(("synchronous", "level"), [("normal", 1), ("full", 2)])
def test_a_commit_waits_for_the_disk_as_asked(path: Path, synchronous: connections.Synchronous, level: int) -> None:
    """SQLite is told to write ahead, to enforce foreign keys, to wait 5 seconds, and how to wait for the disk."""
    with SqlStore(url_of(path), synchronous=synchronous) as store:
        store.create_schema()
        store.load(AINO)
        driver = connections_of(store).current().driver.sqlite
        told = {
            name: driver.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    assert told == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 5000, "synchronous": level}


# --- Failures --------------------------------------------------------------------------------------------


def test_a_database_that_cannot_be_opened_is_unavailable_at_once(tmp_path: Path) -> None:
    """A missing folder, a folder, and a file that is no database are told as such, at each try (C-24)."""
    (tmp_path / "text").write_text("This is no database. " * 100)
    for path in (tmp_path / "none" / "service.db", tmp_path, tmp_path / "text"):
        store = SqlStore(url_of(path))
        asked: list[Callable[[], object]] = [partial(store.load, AINO), partial(store.commit, [added()])] * 2
        for ask in asked:
            with pytest.raises(StoreUnavailableError) as caught:
                ask()
            assert_tells_nothing(caught.value)


def test_a_database_without_tables_is_told_what_to_run(path: Path) -> None:
    """The message names the command; once the tables are there the same store works."""
    with SqlStore(url_of(path)) as store:
        for _ in range(2):
            with pytest.raises(SchemaError, match="cityauth db upgrade"):
                store.load(AINO)
        store.create_schema()
        assert store.load(AINO) is None


def test_tables_that_are_lost_are_told_as_such(store: SqlStore, path: Path) -> None:
    """A table that is dropped under a running store is a matter of the schema, without any SQL in the message."""
    commit(store, added())
    with sqlite3.connect(path) as other:
        other.execute("DROP TABLE cityauth_session")
    for ask in (lambda: store.find_session(digest("a")), lambda: store.commit([opened("a")])):
        with pytest.raises(SchemaError) as caught:
            ask()
        assert_tells_nothing(caught.value)
    other.close()


def test_a_write_waits_for_another_process(store: SqlStore, path: Path) -> None:
    """While somebody else holds the write lock for 3 seconds, commits wait, look-ups do not, nothing fails (C-34)."""
    commit(store, added())
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(3, lambda: other.execute("COMMIT"))
    release.start()
    assert store.load(AINO) == added().account
    assert release.is_alive()
    assert store.commit([EpochAdvanced(AINO)]) == Committed()
    assert not other.in_transaction
    release.join()
    other.close()


def test_a_lock_past_the_limit_is_unavailable_and_passes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit that waited in vain has written nothing, and the next one succeeds when the lock is gone (C-34)."""
    monkeypatch.setattr(connections, "BUSY_SECONDS", 0)
    with SqlStore(url_of(path)) as store:
        store.create_schema()
        commit(store, added())
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for ask in (
            lambda: store.commit([EpochAdvanced(AINO)]),
            lambda: store.touch_session(digest("a"), NOON),
            lambda: store.purge_tokens(NOON),
            lambda: store.reserve("b", [Limit(1, MINUTE)], NOON),
        ):
            with pytest.raises(StoreUnavailableError, match="locked") as caught:
                ask()
            assert_tells_nothing(caught.value)
        other.execute("COMMIT")
        assert store.load(AINO) == added().account
        commit(store, EpochAdvanced(AINO))
        other.close()


def test_a_full_disk_is_unavailable_and_leaves_nothing(store: SqlStore) -> None:
    """A commit that finds no room is taken back whole."""
    commit(store, added())
    driver = connections_of(store).current().driver.sqlite
    pages = driver.execute("PRAGMA page_count").fetchone()[0]
    driver.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailableError) as caught:
        store.commit([EpochAdvanced(AINO), *(recorded(f"{n}", reason=SECRET * 99) for n in range(500))])
    assert_tells_nothing(caught.value)
    assert store.load(AINO) == added().account
    assert list(store.trail()) == []


def test_text_that_is_no_unicode_is_the_callers_mistake(store: SqlStore) -> None:
    """Half a surrogate pair is refused with nothing written, and the message does not repeat the text (C-47)."""
    commit(store, added())
    bad = f"{SECRET}\ud800"
    for ask in (
        lambda: store.find([bad]),
        lambda: store.find([bad, "1:b"]),
        lambda: store.commit([EpochAdvanced(AINO), ProfileChanged(AINO, bad, "fi")]),
    ):
        with pytest.raises(UsageError) as caught:
            ask()
        assert_tells_nothing(caught.value)
    assert store.load(AINO) == added().account


@pytest.mark.parametrize("value", [["x"], {"a": 1}, object(), 10**30], ids=["list", "dict", "object", "number"])
def test_a_value_that_cannot_be_stored_is_the_callers_mistake(store: SqlStore, value: Any) -> None:
    """It is no outage, which a host would answer with 503 and try again (C-47)."""
    for ask in (
        lambda: store.load(value),
        lambda: store.list_sessions(value),
        lambda: store.find_session(value),
        lambda: store.commit([EpochAdvanced(value)]),
    ):
        with pytest.raises(UsageError) as caught:
            ask()
        assert_tells_nothing(caught.value)
    assert store.load(AINO) is None


def test_a_value_that_the_tables_refuse_is_told_without_it(store: SqlStore) -> None:
    """A digest that is stored already, which chance never makes, is a failure of the store, and nothing stays."""
    commit(store, added(), opened("a"))
    with pytest.raises(StoreError) as caught:
        store.commit([EpochAdvanced(AINO), opened("a", epoch=1)])
    assert_tells_nothing(caught.value)
    assert store.load(AINO) == added().account


def test_a_callers_mistake_inside_a_commit_leaves_nothing(store: SqlStore) -> None:
    """An exception of any kind in the middle of a commit undoes it, and the store works on."""
    commit(store, added())
    with pytest.raises(AttributeError):
        store.commit([EpochAdvanced(AINO), PasswordReplaced(AINO, OLD_HASH, "no SecretStr")])  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        store.commit([EpochAdvanced(AINO), opened("a", epoch=1, at=NOON.replace(tzinfo=None))])
    commit(store, EpochAdvanced(AINO))
    assert store.load(AINO) == replace(added().account, epoch=1)


def test_no_repr_shows_a_hash(store: SqlStore) -> None:
    """Neither a match nor a change nor the store shows the stored hash (B-74)."""
    change = added(AINO, "a@example.com", password=SecretStr(SECRET))
    commit(store, change)
    (match,) = store.find(["1:a@example.com"])
    assert match.password_hash is not None
    assert match.password_hash.get_secret_value() == SECRET
    for shown in (match, change, store, store.password_hash(AINO), PasswordReplaced(AINO, None, SecretStr(SECRET))):
        assert SECRET not in f"{shown!r} {shown}"


# --- Processes and threads -----------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from cityauth.stores.sql import SqlStore, commits
from cityauth.core.changes import ContactChanged, EpochAdvanced, StatusChanged, Committed
from cityauth.core.accounts import Status
from cityauth.testing.samples import AINO, opened, queued, recorded

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "during":
    commits.APPLY[StatusChanged] = die
store = SqlStore(sys.argv[1])
steps = [opened("a"), queued("mail"), EpochAdvanced(AINO), StatusChanged(AINO, Status.ACTIVE, Status.DISABLED)]
assert store.commit([*steps, recorded("event")]) == Committed()
die()
"""


@pytest.mark.parametrize(("moment", "whole"), [("during", False), ("after", True)])
def test_a_kill_leaves_all_of_a_commit_or_nothing(store: SqlStore, path: Path, moment: str, *, whole: bool) -> None:
    """Kill -9 in the middle of a commit leaves nothing of it, right after it all of it (ASVS 2.3.3, C-19)."""
    commit(store, added())
    killed = subprocess.run([sys.executable, "-c", KILLED, url_of(path), moment], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    account = store.load(AINO)
    assert account is not None
    found = [account.epoch == 1, account.status == "disabled", *map(bool, (store.list_sessions(AINO), store.trail()))]
    assert found == [whole] * 4
    assert store.outbox_status().waiting == whole
    commit(store, EpochAdvanced(AINO))


FORKED = """
import os, sys
from cityauth.stores.sql import SqlStore
from cityauth.core.changes import EpochAdvanced
from cityauth.testing.samples import AINO, commit

store = SqlStore(sys.argv[1])
kept = store._database._connections.current()
child = os.fork()
if not child:
    assert store._database._connections.current() is not kept
    for _ in range(20):
        commit(store, EpochAdvanced(AINO))
    store.close()
    os._exit(0)
for _ in range(20):
    commit(store, EpochAdvanced(AINO))
assert store._database._connections.current() is kept
assert os.waitpid(child, 0)[1] == 0
print(store.load(AINO).epoch)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_opens_its_own_connection(store: SqlStore, path: Path) -> None:
    """A server that forks its workers after the first query shares no connection between them."""
    commit(store, added())
    command = [sys.executable, "-W", "error", "-c", FORKED, url_of(path)]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.strip() == "40"
    assert done.stderr == ""


def test_threads_take_turns_instead_of_polling(store: SqlStore) -> None:
    """In a storm no writer of the process ever meets SQLite's lock, so none is starved by it (C-34)."""
    commit(store, added())

    def storm() -> list[CommitOutcome]:
        connections_of(store).current().driver.sqlite.execute("PRAGMA busy_timeout = 0")
        outcomes = [store.commit([EpochAdvanced(AINO)]) for _ in range(20)]
        store.touch_session(digest("a"), NOON)
        return outcomes

    outcomes = [outcome for one in race([storm] * 16) for outcome in one]
    assert outcomes == [Committed()] * 320
    assert store.load(AINO) == replace(added().account, epoch=320)


def test_a_turn_that_does_not_come_is_unavailable(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that hangs does not hang the others for longer than the time limit (C-34)."""
    commit(store, added())
    monkeypatch.setattr(connections, "BUSY_SECONDS", 0.01)
    with connections_of(store).write_lock(connections_of(store).current().driver.sqlite):
        for ask in (partial(store.commit, [EpochAdvanced(AINO)]), partial(store.touch_session, digest("a"), NOON)):
            with pytest.raises(StoreUnavailableError, match="busy"):
                ask()
    commit(store, EpochAdvanced(AINO))
    assert store.load(AINO) == replace(added().account, epoch=1)


def test_a_threads_connection_ends_with_it(store: SqlStore) -> None:
    """Each thread keeps one connection, and a thread that ends leaves none behind."""
    kept = connections_of(store)._kept
    store.load(AINO)
    assert len(kept) == 1
    drivers: list[sqlite3.Connection] = []

    def ask() -> None:
        for _ in range(3):
            store.load(AINO)
        drivers.append(connections_of(store).current().driver.sqlite)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, drivers))) == 4
    assert len(kept) == 1
    for driver in drivers:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            driver.execute("SELECT 1")


def test_a_closed_store_opens_again_when_asked(store: SqlStore) -> None:
    """Closing ends every connection, may be done twice, and a later question opens another."""
    commit(store, added())
    driver = connections_of(store).current().driver.sqlite
    store.close()
    store.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        driver.execute("SELECT 1")
    assert store.load(AINO) == added().account


def test_a_missing_library_names_its_extra() -> None:
    """Without SQLAlchemy the import says what to install."""
    code = "import sys; sys.modules['sqlalchemy'] = None\nimport cityauth.stores.sql"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert "MissingExtraError" in done.stderr
    assert "pip install 'cityauth[sql]'" in done.stderr


def test_the_trail_is_read_from_its_end(store: SqlStore) -> None:
    """The last lines of all accounts come oldest first, all of them when no number is given."""
    commit(store, *(recorded(f"{n}", None) for n in range(5)))
    assert [event.id for event in store.trail()] == ["0", "1", "2", "3", "4"]
    assert [event.id for event in store.trail(2)] == ["3", "4"]
    assert list(store.trail(0)) == []


def test_every_failure_is_one_of_ours() -> None:
    """A host that catches `CityAuthError` catches all of them."""
    assert all(issubclass(one, CityAuthError) for one in (StoreError, SchemaError, UsageError, ConfigurationError))
