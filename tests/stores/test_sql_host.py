"""A store that takes part in the host's own transaction: one commit and one rollback for both."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine

from cityauth.core.accounts import AccountId
from cityauth.core.changes import Committed, EpochAdvanced, Precondition, Rejected
from cityauth.errors import StoreUnavailableError, UsageError
from cityauth.policy.throttling import Limit
from cityauth.stores.sql import SqlStore
from cityauth.testing.samples import AINO, MINUTE, NOON, added, commit, digest, opened, queued, recorded
from tests.support.service import Service, populate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the host's database lies."""
    return tmp_path / "service.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    """A store whose tables lie beside a table of the host."""
    with SqlStore(f"sqlite:///{path}") as made:
        made.create_schema()
        with sqlite3.connect(path) as host:
            host.execute("CREATE TABLE application (text TEXT)")
        host.close()
        yield made


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    """The host's engine."""
    made = create_engine(f"sqlite:///{path}")
    yield made
    made.dispose()


def applications(path: Path) -> int:
    """How many rows of its own the host has committed."""
    other = sqlite3.connect(path)
    found: int = other.execute("SELECT count(*) FROM application").fetchone()[0]
    other.close()
    return found


def write(host: Connection) -> None:
    """What the host writes itself."""
    host.exec_driver_sql("INSERT INTO application VALUES ('help')")


@pytest.mark.parametrize("first", ["host", "store"])
def test_both_are_committed_by_the_host(store: SqlStore, engine: Engine, path: Path, first: str) -> None:
    """Nothing is seen from outside before the host's commit, everything after it, whoever wrote first."""
    outside = SqlStore(f"sqlite:///{path}")
    with engine.begin() as host, store.on(host):
        if first == "host":
            write(host)
        assert store.commit([added(), opened("a"), queued("mail"), recorded("event")]) == Committed()
        if first == "store":
            write(host)
        assert store.load(AINO) == added().account
        assert store.find_session(digest("a")) is not None
        assert outside.load(AINO) is None
    assert outside.load(AINO) == store.load(AINO) == added().account
    assert store.outbox_status().waiting == applications(path) == 1
    outside.close()


@pytest.mark.parametrize("first", ["host", "store"])
def test_both_are_rolled_back_by_the_host(store: SqlStore, engine: Engine, path: Path, first: str) -> None:
    """A rollback of the host takes back every write of the store: commits, touches, limits and purges."""
    commit(store, added(), opened("a"))
    with engine.connect() as host, host.begin() as transaction, store.on(host):
        if first == "host":
            write(host)
        commit(store, EpochAdvanced(AINO), queued("mail"), recorded("event"))
        store.touch_session(digest("a"), NOON + MINUTE)
        store.reserve("bucket", [Limit(1, MINUTE)], NOON)
        assert store.purge_sessions(NOON + MINUTE) == 1
        write(host)
        transaction.rollback()
    assert store.load(AINO) == added().account
    live = store.find_session(digest("a"))
    assert live is not None
    assert live.session.seen_at == NOON
    assert store.purge_throttle(NOON + MINUTE) == store.outbox_status().waiting == applications(path) == 0
    assert list(store.trail()) == []


def test_a_refused_commit_leaves_what_the_host_wrote(store: SqlStore, engine: Engine, path: Path) -> None:
    """Only what the refused commit itself wrote is taken back; the transaction goes on, and so does the store."""
    nobody = EpochAdvanced(AccountId("nobody"))
    with engine.begin() as host, store.on(host):
        write(host)
        commit(store, added())
        assert store.commit([EpochAdvanced(AINO), queued("mail"), nobody]) == Rejected(
            nobody, Precondition.ACCOUNT_MISSING
        )
        with pytest.raises(UsageError):
            store.commit([EpochAdvanced(AINO), recorded("\ud800")])
        with pytest.raises(TypeError):
            store.commit([EpochAdvanced(AINO), opened("a", epoch=1, at=NOON.replace(tzinfo=None))])
        commit(store, recorded("event"))
    assert store.load(AINO) == added().account
    assert [one.id for one in store.trail()] == ["event"]
    assert store.outbox_status().waiting == 0
    assert applications(path) == 1


def test_a_signed_in_journey_within_one_transaction(store: SqlStore, engine: Engine) -> None:
    """Sign-up's writes, sign-in, session check and sign-out go with the host's transaction, with nothing to wait for."""
    service = Service(store=store)
    populate(service)
    with engine.begin() as host:
        write(host)
        with store.on(host):
            kept = service.token("erkki@example.com")
            ended = service.token("erkki@example.com")
            assert service.is_live(kept)
            assert service.auth.sessions.sign_out(ended)
    assert (service.is_live(kept), service.is_live(ended)) == (True, False)


def test_a_thread_may_begin_with_the_hosts_transaction(store: SqlStore, engine: Engine, path: Path) -> None:
    """The store's first use of a thread may lie within a transaction in which the host has written already."""
    with engine.begin() as host:
        write(host)
        with SqlStore(f"sqlite:///{path}") as fresh, fresh.on(host):
            commit(fresh, added())
    assert store.load(AINO) == added().account


@pytest.mark.parametrize("isolation", ["", "IMMEDIATE", None])
def test_a_connection_of_sqlite3_will_do(store: SqlStore, path: Path, isolation: Any) -> None:
    """A host without SQLAlchemy, such as one of Django, gives the driver's connection; its rows stay as it wants them."""
    host = sqlite3.connect(path, isolation_level=isolation)
    host.row_factory = sqlite3.Row
    if isolation is None:
        host.execute("BEGIN")
    with store.on(host):
        host.execute("INSERT INTO application VALUES ('help')")
        commit(store, added(), opened("a"))
        assert [dict(row) for row in host.execute("SELECT text FROM application")] == [{"text": "help"}]
        assert store.find(["1:nobody", "1:none"]) == []
        assert store.find_session(digest("a")) is not None
    host.rollback()
    assert store.load(AINO) is None
    assert applications(path) == 0
    host.close()


def test_what_is_no_open_transaction_is_refused(store: SqlStore, engine: Engine, path: Path) -> None:
    """A wrong connection is the caller's mistake, told before anything is written."""
    closed = engine.connect()
    closed.close()
    alone = sqlite3.connect(path, isolation_level=None)
    elsewhere = sqlite3.connect(":memory:")
    for wrong in (closed, alone, elsewhere, engine, "connection", None):
        with pytest.raises(UsageError), store.on(wrong):
            pytest.fail("the block was entered")
    with engine.connect() as host:
        with pytest.raises(UsageError, match="no open transaction"), store.on(host):
            pytest.fail("the block was entered")
        with host.begin() as transaction, store.on(host):
            with pytest.raises(UsageError, match="already"), store.on(host):
                pytest.fail("the inner block was entered")
            transaction.rollback()
            with pytest.raises(UsageError, match="no open transaction"):
                store.commit([added()])
    alone.close()
    elsewhere.close()
    commit(store, added())


def test_a_locked_database_is_unavailable_to_the_host_as_well(store: SqlStore, path: Path) -> None:
    """A write that cannot get the lock raises the store's own error, and the host's connection stays the host's."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    host = sqlite3.connect(path, timeout=0)
    with store.on(host), pytest.raises(StoreUnavailableError, match="locked"):
        store.commit([added()])
    other.execute("ROLLBACK")
    with store.on(host):
        commit(store, added())
    host.commit()
    assert store.load(AINO) == added().account
    host.close()
    other.close()


def test_the_store_is_its_own_again_after_the_block(store: SqlStore, engine: Engine) -> None:
    """Also when the block ends with an error; other threads were never in it."""

    def fail() -> None:
        with engine.begin() as host, store.on(host):
            commit(store, added())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.load(AINO) is None
    commit(store, added())
    assert store.load(AINO) == added().account
