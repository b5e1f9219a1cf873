"""`SqlStore` on PostgreSQL fails in the store's own words, in time, and works again when the server does."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cityauth.core.accounts import AccountId
from cityauth.core.changes import Change, Committed, ContactChanged, EpochAdvanced, ProfileChanged
from cityauth.errors import (
    CityAuthError,
    ConfigurationError,
    MissingExtraError,
    SchemaError,
    StoreError,
    StoreUnavailableError,
    UsageError,
)
from cityauth.stores.sql import SqlStore
from cityauth.testing.races import race
from cityauth.testing.samples import AINO, MINUTE, NOON, added, commit, digest, opened, queued, recorded
from servers import PostgresqlServer
from tests.support.postgresql import Databases, patient

PASSWORD = "hunter2"


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
def host(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Another connection to the same database."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def everything_of(error: BaseException) -> str:
    """All that a report of an exception could show: its chain, their texts and arguments."""
    shown, seen = [], [error]
    while seen:
        one = seen.pop()
        shown += [str(one), repr(one), repr(one.args), repr(vars(one))]
        seen += [cause for cause in (one.__cause__, one.__context__) if cause is not None]
    return " ".join(shown)


def assert_tells_nothing(error: BaseException) -> None:
    """The exception, with everything that hangs on it, holds no SQL, no value and no password."""
    shown = everything_of(error)
    for word in ("SELECT", "INSERT", "UPDATE", "DELETE", "cityauth_", PASSWORD, "aino"):
        assert word not in shown


# --- What the host gives ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "setting"),
    [
        (f"postgresql://aino:{PASSWORD}@localhost/db?nonsense=1", "option"),
        (f"postgresql://aino:{PASSWORD}@localhost/db?connect_timeout=soon", "option"),
        (f"postgresql://aino:{PASSWORD}@localhost/db?sslmode=nonsense", "sslmode"),
        (f"postgresql://aino:{PASSWORD}@localhost:0/db", "port"),
        (f"postgresql://aino:{PASSWORD}@localhost:99999/db", "port"),
        (f"postgresql://aino:{PASSWORD}@localhost:five/db", "URL"),
        (f"postgresql://aino:{PASSWORD}@localhost", "URL"),
        (f"postgresql://aino:{PASSWORD}@localhost/", "URL"),
        (f"postgresql+psycopg2://aino:{PASSWORD}@localhost/db", "URL"),
    ],
)
def test_a_url_that_cannot_work_is_refused_at_construction(url: str, setting: str) -> None:
    """The message is one sentence that names the setting and repeats nothing of the URL."""
    with pytest.raises(ConfigurationError, match=setting) as caught:
        SqlStore(url)
    assert_tells_nothing(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["pool_size", "pool_timeout", "statement_timeout", "prepare_threshold"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "10", True, 10**9])
def test_a_limit_that_makes_no_sense_is_refused(name: str, value: Any) -> None:
    """Also for a file, so that a change of the URL alone brings no surprise."""
    if (name, value) == ("prepare_threshold", 10**9):
        return
    for url in ("postgresql://localhost/db", "sqlite:///service.db"):
        with pytest.raises(ConfigurationError, match=name):
            SqlStore(url, **{name: value})


@pytest.mark.parametrize("name", ["pool_size", "pool_timeout", "statement_timeout"])
def test_a_limit_of_zero_is_refused(name: str) -> None:
    """A pool of none answers nobody, and a time of none is over before it begins."""
    options: dict[str, Any] = {name: 0}
    with pytest.raises(ConfigurationError, match=name):
        SqlStore("postgresql://localhost/db", **options)


def test_a_password_is_not_shown() -> None:
    """The store can be printed."""
    store = SqlStore(f"postgresql://aino:{PASSWORD}@localhost/db")
    assert PASSWORD not in repr(store)
    assert "localhost/db" in repr(store)


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg a file works, and a server's URL says what to install."""
    for name in [one for one in sys.modules if one.startswith(("psycopg", "cityauth.stores.sql.postgresql"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("cityauth.stores.sql.postgresql", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match="postgresql"):
        SqlStore("postgresql://localhost/db")
    SqlStore("sqlite:///service.db")


# --- What the server says --------------------------------------------------------------------------------


def test_a_wrong_address_role_or_password_is_told_without_it(postgresql: Databases) -> None:
    """An operator learns which setting is wrong; nobody learns the password."""
    right = postgresql.server.url(tcp=True)
    nobody = f"postgresql://nobody@/{postgresql.server.url().partition('@/')[2]}"
    cases = {
        right.replace(postgresql.server.password, PASSWORD): "password",
        postgresql.server.url("nowhere"): "no such database",
        nobody: "role",
        f"{right}?sslmode=require": "sslmode",
        f"postgresql://aino:{PASSWORD}@127.0.0.1:1/db": "host and port",
    }
    for url, why in cases.items():
        for ask in (SqlStore.schema_version, SqlStore.create_schema, SqlStore.outbox_status):
            with SqlStore(url) as store, pytest.raises(StoreUnavailableError, match=why) as caught:
                ask(store)
            assert caught.value.nothing_written
            assert_tells_nothing(caught.value)


def test_missing_tables_are_told(postgresql: Databases) -> None:
    """A database without tables, and one whose tables went away meanwhile, name the command."""
    with patient(postgresql.make("bare")) as store:
        for ask in (lambda: store.load(AINO), lambda: store.commit([added()])):
            with pytest.raises(SchemaError, match="cityauth db upgrade"):
                ask()
        store.create_schema()
        commit(store, added())
        with psycopg.connect(postgresql.server.url("bare"), autocommit=True) as host:
            host.execute("ALTER TABLE cityauth_account RENAME TO cityauth_away")
        with pytest.raises(SchemaError, match="cityauth db upgrade"):
            store.load(AINO)


@pytest.mark.parametrize("bad", ["\ud800", "a\udfffb"])
def test_text_that_cannot_be_stored_is_the_callers_mistake(store: SqlStore, bad: str) -> None:
    """A lone surrogate is refused before it reaches the server, and nothing of the commit stays."""
    assert_refused(store, bad)


@pytest.mark.parametrize("bad", ["\0", "a\0b"])
def test_a_nul_in_text_is_the_callers_mistake(store: SqlStore, bad: str) -> None:
    """PostgreSQL cannot store a NUL character, and it never gets one."""
    assert_refused(store, bad)


def assert_refused(store: SqlStore, bad: str) -> None:
    """No look-up and no commit takes *bad*, and the store works on."""
    commit(store, added())
    asks: list[Callable[[], object]] = [
        lambda: store.find([bad]),
        lambda: store.find([bad, "1:b"]),
        lambda: store.commit([EpochAdvanced(AINO), ProfileChanged(AINO, bad, "fi")]),
    ]
    for ask in asks:
        with pytest.raises(UsageError) as caught:
            ask()
        assert_tells_nothing(caught.value)
    assert store.load(AINO) == added().account


@pytest.mark.parametrize("value", [object(), 10**30, -(10**40)], ids=["object", "number", "negative"])
def test_a_value_that_cannot_be_stored_is_the_callers_mistake(store: SqlStore, value: Any) -> None:
    """It is no outage, which a host would answer with 503 and try again (C-47)."""
    commit(store, added())
    with pytest.raises(UsageError) as caught:
        store.commit([EpochAdvanced(AINO), opened("a", epoch=value)])
    assert_tells_nothing(caught.value)
    assert store.load(AINO) == added().account


def test_a_reader_never_writes(url: str) -> None:
    """A store for a rehearsal reads everything and is refused every write by the server."""
    with patient(url) as store:
        commit(store, added(), opened("a"))
    with SqlStore(url, read_only=True) as reader:
        assert reader.load(AINO) == added().account
        writes: list[Callable[[], object]] = [
            lambda: reader.commit([EpochAdvanced(AINO)]),
            lambda: reader.touch_session(digest("a"), NOON + MINUTE),
            lambda: reader.purge_sessions(NOON),
        ]
        for write in writes:
            with pytest.raises(StoreUnavailableError, match="reading alone") as caught:
                write()
            assert caught.value.nothing_written
        assert reader.load(AINO) == added().account


# --- Locks and limits ------------------------------------------------------------------------------------


def test_a_lock_is_not_waited_for_without_end(url: str, host: psycopg.Connection[Any]) -> None:
    """A host's open transaction makes a write fail in time; nothing was written and the next write works."""
    with SqlStore(url, statement_timeout=0.3) as store:
        commit(store, added())
        with host.transaction():
            host.execute("SELECT 1 FROM cityauth_account FOR UPDATE")
            begun = time.monotonic()
            with pytest.raises(StoreUnavailableError, match="locked") as caught:
                store.commit([EpochAdvanced(AINO)])
            assert time.monotonic() - begun < 5
            assert caught.value.nothing_written
            assert store.load(AINO) == added().account
        assert store.commit([EpochAdvanced(AINO)]) == Committed()


def test_a_page_does_not_wait_for_a_touch(url: str, host: psycopg.Connection[Any]) -> None:
    """The write of a last use gives up after a tenth of a second."""
    with patient(url) as store:
        commit(store, added(), opened("a"))
        with host.transaction():
            host.execute("SELECT 1 FROM cityauth_session FOR UPDATE")
            begun = time.monotonic()
            with pytest.raises(StoreUnavailableError):
                store.touch_session(digest("a"), NOON + MINUTE)
            assert time.monotonic() - begun < 5
        store.touch_session(digest("a"), NOON + MINUTE)


def test_many_rows_may_take_longer_than_one(postgresql: Databases) -> None:
    """A few rows are written by a statement each and answered together; all of them have more time than one."""
    with SqlStore(postgresql.make("slow"), statement_timeout=0.5) as store:
        store.create_schema()
        with psycopg.connect(postgresql.server.url("slow")) as host:
            host.execute(SLOW.encode())
        commit(store, added(AINO, *(f"{number}@example.com" for number in range(15))))
        assert len(store.account_identifiers(AINO)) == 15


def test_no_more_mails_are_leased_than_asked_for(postgresql: Databases) -> None:
    """Whatever plan the server chooses, a lease takes the oldest mails and no others, so that none is held unsent."""
    with SqlStore(postgresql.make("leases")) as store:
        store.create_schema()
        with psycopg.connect(postgresql.server.url("leases"), autocommit=True) as host:
            for method in ("hashjoin", "mergejoin", "hashagg", "material", "sort", "memoize"):
                host.execute(f"ALTER DATABASE leases SET enable_{method} = off".encode())
    with SqlStore(postgresql.server.url("leases")) as store:
        commit(store, *(queued(f"mail{number}") for number in range(9)))
        for number in range(9):
            assert [one.id for one in store.lease_mails(NOON, NOON + MINUTE, 1)] == [f"mail{number}"]


SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.06); RETURN NEW; END $$;
CREATE TRIGGER slowly BEFORE INSERT ON cityauth_identifier FOR EACH ROW EXECUTE FUNCTION slow();
"""


def test_a_pool_is_bounded_and_its_wait_ends(url: str, host: psycopg.Connection[Any]) -> None:
    """Of more callers than connections the last one is refused in time; the server sees no more than the pool's size."""
    with SqlStore(url, pool_size=2, pool_timeout=0.2, statement_timeout=20) as store:
        commit(store, added())
        with host.transaction():
            host.execute("SELECT 1 FROM cityauth_account FOR UPDATE")
            waiting = [threading.Thread(target=commit, args=(store, EpochAdvanced(AINO))) for _ in range(2)]
            for one in waiting:
                one.start()
            deadline = time.monotonic() + 20
            while blocked(url) < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            with pytest.raises(StoreUnavailableError, match="pool") as caught:
                store.load(AINO)
            assert caught.value.nothing_written
        for one in waiting:
            one.join(20)
        account = store.load(AINO)
        assert account is not None
        assert account.epoch == 2


def blocked(url: str) -> int:
    """How many connections of the database wait for a lock."""
    with psycopg.connect(url) as asking:
        row = asking.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_commits_about_two_accounts_in_any_order_all_pass(store: SqlStore) -> None:
    """Whatever order the changes name the accounts in, no commit ends as the victim of a deadlock."""
    names = [AccountId(name) for name in "abcd"]
    commit(store, *(added(name) for name in names))

    def job(number: int) -> Any:
        order = names[number % 4 :] + names[: number % 4]
        changes: list[Change] = [ContactChanged(one, f"{number}@example.com") for one in order[:: 1 - 2 * (number % 2)]]
        return lambda: store.commit(changes)

    assert set(race([job(number) for number in range(16)])) == {Committed()}
    assert len({account.contact for name in names if (account := store.load(name))}) == 1


CLASHES = """
CREATE SEQUENCE clashes;
CREATE FUNCTION clash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('clashes') <= {most} THEN RAISE EXCEPTION 'meets another one' USING ERRCODE = '{code}'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER clashing BEFORE UPDATE ON cityauth_account FOR EACH ROW EXECUTE FUNCTION clash();
"""


@pytest.mark.parametrize("code", ["40001", "40P01"])
@pytest.mark.parametrize(("most", "passes"), [(2, True), (1000, False)])
def test_a_commit_that_the_server_ended_for_another_one_is_repeated(
    postgresql: Databases, code: str, most: int, passes: bool
) -> None:
    """After a deadlock or a failed serialization nothing is written, so the commit is begun again, a few times."""
    with patient(postgresql.make("clashing")) as store, psycopg.connect(postgresql.server.url("clashing")) as host:
        store.create_schema()
        commit(store, added())
        host.execute(CLASHES.format(most=most, code=code).encode())
        host.commit()
        if passes:
            assert store.commit([EpochAdvanced(AINO), queued("mail")]) == Committed()
        else:
            with pytest.raises(StoreUnavailableError) as caught:
                store.commit([EpochAdvanced(AINO), queued("mail")])
            assert caught.value.nothing_written
        account = store.load(AINO)
        assert account is not None
        assert account.epoch == store.outbox_status().waiting == int(passes)


# --- The server goes away --------------------------------------------------------------------------------


def test_connections_that_the_server_ended_are_replaced(store: SqlStore, host: psycopg.Connection[Any]) -> None:
    """After a restart or a fail-over no call meets a dead connection of the pool (C-24)."""
    commit(store, added())
    asks: list[Callable[[], bool]] = [
        lambda: store.load(AINO) == added().account,
        lambda: store.commit([queued("a"), recorded("a")]) == Committed(),
        lambda: store.purge_sessions(NOON) == 0,
    ]
    for ask in asks:
        host.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert ask()


def test_a_server_that_is_restarted_is_used_again() -> None:
    """While it is away every call says so at once, and the first call afterwards works (C-24)."""
    with PostgresqlServer() as server, patient(server.url()) as store:
        store.create_schema()
        commit(store, added())
        server.stop()
        asks: list[Callable[[], object]] = [lambda: store.load(AINO), lambda: store.commit([EpochAdvanced(AINO)])]
        for ask in asks:
            begun = time.monotonic()
            with pytest.raises(StoreUnavailableError) as caught:
                ask()
            assert time.monotonic() - begun < 5
            assert caught.value.nothing_written
        server.start()
        assert store.load(AINO) == added().account
        assert store.commit([EpochAdvanced(AINO)]) == Committed()


def test_a_frozen_server_is_given_up_in_time() -> None:
    """A server that holds its connections and says nothing is unavailable within 5 seconds, for old and new ones (C-30)."""
    with PostgresqlServer() as server, SqlStore(server.url(), statement_timeout=0.5) as store:
        store.create_schema()
        commit(store, added())
        frozen = [server.pid, *children_of(server.pid)]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            asks: list[Callable[[], object]] = [lambda: store.load(AINO), lambda: store.commit([EpochAdvanced(AINO)])]
            for ask in asks:
                begun = time.monotonic()
                with pytest.raises(StoreUnavailableError) as caught:
                    ask()
                assert time.monotonic() - begun < 5
                assert caught.value.nothing_written
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        assert store.load(AINO) == added().account


def children_of(pid: int) -> list[int]:
    """The processes that a process has begun."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_process_opens_its_own_connections(store: SqlStore) -> None:
    """Parent and child share no connection, as when a server forks its workers after a first use."""
    commit(store, added())
    child = os.fork()
    if not child:
        done = 1
        try:
            for _ in range(10):
                commit(store, EpochAdvanced(AINO))
            done = 0
        finally:
            os._exit(done)
    for _ in range(10):
        commit(store, EpochAdvanced(AINO))
    assert os.waitpid(child, 0)[1] == 0
    account = store.load(AINO)
    assert account is not None
    assert account.epoch == 20


def test_every_failure_is_one_of_the_stores_own(url: str, host: psycopg.Connection[Any]) -> None:
    """A value that the tables refuse is an error of the store's, and tells nothing of the value."""
    host.execute("ALTER TABLE cityauth_mail ADD CONSTRAINT short CHECK (length(subject) < 3)")
    try:
        with patient(url) as store, pytest.raises(StoreError) as caught:
            store.commit([queued("mail")])
        assert not isinstance(caught.value, StoreUnavailableError)
        assert isinstance(caught.value, CityAuthError)
        assert_tells_nothing(caught.value)
    finally:
        host.execute("ALTER TABLE cityauth_mail DROP CONSTRAINT short")
