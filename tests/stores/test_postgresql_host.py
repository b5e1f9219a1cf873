"""A store on PostgreSQL that takes part in the host's own transaction: one commit and one rollback for both."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from cityauth.core.accounts import AccountId
from cityauth.core.changes import Committed, EpochAdvanced, Precondition, Rejected
from cityauth.errors import UsageError
from cityauth.policy.throttling import Limit
from cityauth.stores.sql import SqlStore
from cityauth.testing.samples import AINO, MINUTE, NOON, added, commit, digest, opened, queued, recorded
from tests.support.postgresql import Databases, patient


@pytest.fixture
def url(postgresql: Databases) -> str:
    """The URL of an empty database."""
    return postgresql.empty()


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """An empty store."""
    with patient(url) as made:
        yield made


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """The host's engine."""
    made = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    yield made
    made.dispose()


def test_both_are_committed_by_the_host(store: SqlStore, engine: Engine, url: str) -> None:
    """Nothing is seen from outside before the host's commit, everything after it."""
    with engine.begin() as host, store.on(host), patient(url) as outside:
        assert store.commit([added(), opened("a"), queued("mail"), recorded("event")]) == Committed()
        assert store.load(AINO) == added().account
        assert store.find_session(digest("a")) is not None
        assert outside.load(AINO) is None
    assert store.load(AINO) == added().account
    assert store.outbox_status().waiting == 1


def test_both_are_rolled_back_by_the_host(store: SqlStore, engine: Engine) -> None:
    """A rollback of the host takes back every write of the store: commits, touches, limits and purges."""
    commit(store, added(), opened("a"))
    with engine.connect() as host, host.begin() as transaction, store.on(host):
        commit(store, EpochAdvanced(AINO), queued("mail"), recorded("event"))
        store.touch_session(digest("a"), NOON + MINUTE)
        store.reserve("bucket", [Limit(1, MINUTE)], NOON)
        assert store.purge_sessions(NOON + MINUTE) == 1
        transaction.rollback()
    assert store.load(AINO) == added().account
    live = store.find_session(digest("a"))
    assert live is not None
    assert live.session.seen_at == NOON
    assert store.purge_throttle(NOON + MINUTE) == store.outbox_status().waiting == 0
    assert list(store.trail()) == []


def test_a_refused_commit_leaves_what_the_host_wrote(store: SqlStore, engine: Engine) -> None:
    """Only what the refused commit itself wrote is taken back; the transaction goes on, and so does the store."""
    nobody = EpochAdvanced(AccountId("nobody"))
    with engine.begin() as host, store.on(host):
        host.exec_driver_sql("INSERT INTO cityauth_hash_kind VALUES (1, 'of the host')")
        commit(store, added())
        assert store.commit([EpochAdvanced(AINO), queued("mail"), nobody]) == Rejected(
            nobody, Precondition.ACCOUNT_MISSING
        )
        assert store.commit([added(), queued("mail")]) == Rejected(added(), Precondition.ACCOUNT_EXISTS)
        with pytest.raises(UsageError):
            store.commit([EpochAdvanced(AINO), recorded("\ud800")])
        commit(store, recorded("event"))
    assert store.load(AINO) == added().account
    assert [one.id for one in store.trail()] == ["event"]
    assert store.outbox_status().waiting == 0
    with engine.connect() as host:
        assert host.exec_driver_sql("SELECT count(*) FROM cityauth_hash_kind WHERE id = 1").scalar() == 1


@pytest.mark.parametrize("autocommit", [False, True])
def test_a_connection_of_psycopg_will_do(store: SqlStore, url: str, autocommit: bool) -> None:
    """A host without SQLAlchemy gives the driver's connection; its rows stay as it wants them."""
    with psycopg.connect(url, autocommit=autocommit, row_factory=dict_row) as host:
        if autocommit:
            host.execute("BEGIN")
        with store.on(host):
            commit(store, added(), opened("a"))
            assert host.execute("SELECT 1 AS one").fetchall() == [{"one": 1}]
            assert store.find(["1:nobody", "1:none"]) == []
            assert store.find_session(digest("a")) is not None
        host.execute("ROLLBACK")
    assert store.load(AINO) is None


def test_what_is_no_open_transaction_is_refused(
    store: SqlStore, engine: Engine, url: str, postgresql: Databases
) -> None:
    """A wrong connection is the caller's mistake, told before anything is written."""
    closed = engine.connect()
    closed.close()
    with (
        psycopg.connect(url, autocommit=True) as alone,
        psycopg.connect(postgresql.server.url()) as elsewhere,
        psycopg.connect(url) as broken,
    ):
        with pytest.raises(psycopg.Error):
            broken.execute("SELECT 1 / 0")
        wrong: Any
        for wrong in (closed, alone, elsewhere, broken, engine, "connection", None):
            with pytest.raises(UsageError), store.on(wrong):
                pytest.fail("the block was entered")
        broken.rollback()
    with engine.connect() as host:
        with pytest.raises(UsageError, match="no open transaction"), store.on(host):
            pytest.fail("the block was entered")
        with host.begin() as transaction, store.on(host):
            with pytest.raises(UsageError, match="already"), store.on(host):
                pytest.fail("the inner block was entered")
            transaction.rollback()
            with pytest.raises(UsageError, match="no open transaction"):
                store.commit([added()])
    commit(store, added())


def test_the_store_is_its_own_again_after_the_block(store: SqlStore, engine: Engine) -> None:
    """Also when the block ends with an error."""

    def fail() -> None:
        with engine.begin() as host, store.on(host):
            commit(store, added())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.load(AINO) is None
    commit(store, added())
    assert store.load(AINO) == added().account
