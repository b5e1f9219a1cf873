"""`SqlStore` on PostgreSQL through a connection that is cut or hangs at every point of a commit and of a look-up."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from cityauth.api.drivers import run
from cityauth.core.changes import Committed, EpochAdvanced
from cityauth.errors import StoreUnavailableError
from cityauth.flows.deployment import commit_with
from cityauth.ports.services import AuditSink
from cityauth.ports.stores import AccountStore
from cityauth.stores.sql import AsyncSqlStore, SqlStore
from cityauth.testing.samples import AINO, added, commit, queued, recorded
from tests.support.postgresql import Databases
from tests.support.proxy import Fault, Proxy

MOMENTS = [b"BEGIN", b"FOR NO KEY UPDATE", b"INSERT INTO cityauth_event", b"INSERT INTO cityauth_mail", b"COMMIT\0"]
"""What a commit sends, in its order: each is a message in which the connection can end."""

CHANGES = (EpochAdvanced(AINO), queued("mail"))


@pytest.fixture
def proxy(postgresql: Databases) -> Iterator[Proxy]:
    """A proxy before a server with an empty database and one account."""
    with postgresql.open() as store:
        commit(store, added())
    with Proxy(postgresql.server.port) as made:
        yield made


@pytest.fixture
def url(postgresql: Databases, proxy: Proxy) -> str:
    """The URL of that database through the proxy, unencrypted, so that the proxy can read the statements."""
    right = postgresql.server.url("shared", tcp=True)
    return right.replace(f":{postgresql.server.port}/", f":{proxy.port}/") + "?sslmode=disable"


Ask = Callable[[], Any]
"""Commits `CHANGES` as the flows do, with one event, and returns the outcome."""


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, url: str) -> Iterator[Ask]:
    """The synchronous and the asynchronous store, already connected, with the limits of the default settings."""
    event = recorded("once").event

    def over(committing: Callable[[Any], Any]) -> Ask:
        return lambda: run(
            commit_with(event, CHANGES), {AccountStore.commit: committing, AuditSink.emit: lambda _: None}
        )

    if request.param == "sync":
        with SqlStore(url, prepare_threshold=None) as store:
            store.load(AINO)
            yield over(store.commit)
        return
    with asyncio.Runner() as runner:
        other = AsyncSqlStore(url, prepare_threshold=None)
        runner.run(other.load(AINO))
        yield over(lambda changes: runner.run(other.commit(changes)))
        runner.run(other.aclose())


def written(postgresql: Databases) -> tuple[int, int, int]:
    """The account's epoch, and how many mails and events are stored, read without the proxy."""
    with psycopg.connect(postgresql.server.url("shared")) as connection:
        row = connection.execute(
            "SELECT (SELECT epoch FROM cityauth_account), (SELECT count(*) FROM cityauth_mail),"
            " (SELECT count(*) FROM cityauth_event)"
        ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


@pytest.mark.parametrize("fault", [Fault.REQUEST_LOST, Fault.ANSWER_LOST, Fault.ANSWER_CUT])
def test_a_commit_whose_connection_ends_at_commit_is_written_once(
    postgresql: Databases, proxy: Proxy, ask: Ask, fault: Fault
) -> None:
    """COMMIT or its answer is lost: the commit is repeated, is answered as committed, and is there once (C-25)."""
    proxy.arm(b"COMMIT\0", fault)
    assert ask() == Committed()
    assert proxy.met == 1
    assert written(postgresql) == (1, 1, 1)
    assert ask() == Committed()
    assert written(postgresql) == (1, 1, 1)


@pytest.mark.parametrize("fault", [Fault.REQUEST_LOST, Fault.ANSWER_LOST, Fault.ANSWER_CUT])
@pytest.mark.parametrize("moment", MOMENTS[:-1])
def test_a_commit_that_is_cut_before_its_end_leaves_nothing(
    postgresql: Databases, proxy: Proxy, ask: Ask, moment: bytes, fault: Fault
) -> None:
    """The store says that nothing was written, it is true, and the next attempt works (C-24, C-25)."""
    proxy.arm(moment, fault)
    with pytest.raises(StoreUnavailableError) as caught:
        ask()
    assert proxy.met == 1
    assert caught.value.nothing_written
    assert written(postgresql) == (0, 0, 0)
    assert ask() == Committed()
    assert written(postgresql) == (1, 1, 1)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_server_that_hangs_within_a_commit_is_given_up_once(
    postgresql: Databases, proxy: Proxy, ask: Ask, moment: bytes
) -> None:
    """With the default limits the caller hears within 5 seconds, whatever statement is not answered (C-30)."""
    proxy.arm(moment, Fault.FROZEN)
    begun = time.monotonic()
    with pytest.raises(StoreUnavailableError):
        ask()
    assert time.monotonic() - begun < 5
    assert proxy.met == 1
    proxy.thaw()
    assert ask() == Committed()
    assert written(postgresql) == (1, 1, 1)


@pytest.mark.parametrize("used", [False, True], ids=["first use", "later use"])
def test_a_server_that_takes_connections_and_says_nothing_is_given_up(proxy: Proxy, url: str, used: bool) -> None:
    """A look-up, a commit, a purge and a question about the tables all end in time, on the first use too (C-30)."""
    asks: list[Callable[[SqlStore], object]] = [
        lambda store: store.load(AINO),
        lambda store: store.commit([EpochAdvanced(AINO)]),
        SqlStore.schema_version,
    ]
    for one in asks:
        with SqlStore(url, statement_timeout=1) as store:
            if used:
                store.load(AINO)
            with proxy.frozen():
                begun = time.monotonic()
                with pytest.raises(StoreUnavailableError) as caught:
                    one(store)
            assert time.monotonic() - begun < 5
            assert caught.value.nothing_written
            store.load(AINO)


@pytest.mark.parametrize("moment", [b"pg_catalog.version", b"FROM cityauth_alembic_version", b"FROM cityauth_account"])
def test_a_first_look_that_hangs_is_given_up(proxy: Proxy, url: str, moment: bytes) -> None:
    """The first connection asks what the server and the tables are; each of these questions is bounded too (C-30)."""
    with SqlStore(url, statement_timeout=0.5) as store:
        proxy.arm(moment, Fault.FROZEN)
        begun = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            store.load(AINO)
        assert time.monotonic() - begun < 5
        assert proxy.met == 1
        proxy.thaw()
        assert store.load(AINO) == added().account
