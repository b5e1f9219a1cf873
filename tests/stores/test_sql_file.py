"""The database file of `SqlStore`: who may read it, what it forgets, and what happens while it is locked or gone."""

import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from cityauth.api.drivers import run
from cityauth.core.accounts import Status
from cityauth.core.audit import AuditEvent
from cityauth.core.changes import (
    AccountErased,
    Change,
    Committed,
    EpochAdvanced,
    ProfileChanged,
    SessionClosed,
    SessionsClosed,
    StatusChanged,
)
from cityauth.errors import SchemaError, StoreError, StoreUnavailableError
from cityauth.flows.deployment import commit_with
from cityauth.ports.stores import AccountStore
from cityauth.stores.sql import SqlStore, connections
from cityauth.testing.samples import AINO, NOON, added, commit, digest, family, opened, queued, recorded
from tests.support.service import Service, populate
from tests.support.stores import connections_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database lies."""
    return tmp_path / "service.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    """An empty store."""
    with SqlStore(f"sqlite:///{path}") as made:
        made.create_schema()
        yield made


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process's write transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def levels(store: SqlStore) -> list[int]:
    """Collect how each later commit of this thread waits for the disk: 1 is normal, 2 is full."""
    driver = connections_of(store).current().driver.sqlite
    seen: list[int] = []

    def watch(sql: str) -> None:
        if sql == "PRAGMA synchronous = full":
            seen.append(2)

    driver.set_trace_callback(watch)
    return seen


def test_a_session_that_makes_room_ends_for_good(store: SqlStore) -> None:
    """A sign-in that ends the oldest session waits for the disk, as every revocation does; another one does not."""
    commit(store, added(), opened("a", per_account=2))
    seen = levels(store)
    commit(store, opened("b", per_account=2))
    assert seen == []
    commit(store, opened("c", per_account=2), recorded("event"))
    assert seen == [2]
    assert store.find_session(digest("a")) is None
    assert [one.id for one in store.trail()] == ["event"]
    driver = connections_of(store).current().driver
    assert driver.sqlite.execute("PRAGMA synchronous").fetchone()[0] == 1


# --- Who may read it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
@pytest.mark.parametrize("make", [SqlStore.create_schema, SqlStore.upgrade])
def test_only_the_owner_may_read_the_file(path: Path, umask: int, make: object) -> None:
    """Database, write-ahead log and shared memory are made with mode 0600 under any umask."""
    former = os.umask(umask)
    try:
        with SqlStore(f"sqlite:///{path}") as store:
            make(store)  # type: ignore[operator]
            commit(store, added())
            modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    finally:
        os.umask(former)
    assert modes == {f"service.db{end}": 0o600 for end in ("", "-wal", "-shm")}


def test_a_mistyped_path_makes_no_file(path: Path) -> None:
    """Neither a look-up nor a commit nor the question for the version makes a file; the message says what to do."""
    store = SqlStore(f"sqlite:///{path}")
    for ask in (partial(store.load, AINO), partial(store.commit, [added()]), partial(store.reserve, "b", [], NOON)):
        with pytest.raises(SchemaError, match="no database file"):
            ask()
    assert store.schema_version() is None
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("again", ["nothing", "another file"])
def test_a_file_that_is_deleted_in_use_is_an_error_at_once(store: SqlStore, path: Path, again: str) -> None:
    """No write is answered from a file that is gone, and a look-up only for a moment, also when another one took its place."""
    commit(store, added())
    for one in list(path.parent.iterdir()):
        one.unlink()
    if again == "another file":
        path.touch()
    with pytest.raises(StoreUnavailableError, match="deleted or replaced"):
        store.commit([EpochAdvanced(AINO)])
    with pytest.raises(SchemaError):
        store.load(AINO)
    path.unlink(missing_ok=True)
    store.create_schema()
    assert store.load(AINO) is None


def test_a_look_up_soon_sees_that_the_file_is_gone(store: SqlStore, path: Path) -> None:
    """A store that only reads raises an error a tenth of a second after its file was deleted."""
    commit(store, added())
    for one in list(path.parent.iterdir()):
        one.unlink()
    time.sleep(0.15)
    with pytest.raises(StoreUnavailableError, match="deleted or replaced"):
        store.load(AINO)


# --- What it forgets -------------------------------------------------------------------------------------


def files_hold(path: Path, word: bytes) -> bool:
    """Whether the database or one of its companions holds *word*."""
    return any(word in one.read_bytes() for one in path.parent.iterdir())


def test_a_sent_mail_leaves_no_trace(store: SqlStore, path: Path) -> None:
    """After a mail was sent and nothing more is due, neither the tables' file nor the log holds its text."""
    mail = queued("m1")
    secret = replace(mail.mail, content=replace(mail.mail.content, body="reset-token-" + "x" * 3000))
    commit(store, replace(mail, mail=secret))
    assert files_hold(path, b"reset-token-")
    (leased,) = store.lease_mails(NOON, NOON + timedelta(minutes=1), 1)
    store.drop_mail(leased.id)
    assert list(store.lease_mails(NOON, NOON + timedelta(minutes=1), 1)) == []
    assert not files_hold(path, b"reset-token-")


def test_an_erased_account_leaves_no_trace_after_housekeeping(store: SqlStore, path: Path) -> None:
    """The address of an erased account is in no file once the nightly purge has run; a lock only delays that."""
    commit(store, added(AINO, "aino.virtanen@example.com"))
    assert files_hold(path, b"aino.virtanen")
    commit(store, AccountErased(AINO, 0, (), NOON))
    with locked(path):
        assert list(store.lease_mails(NOON, NOON, 1)) == []
    store.purge_tokens(NOON)
    assert not files_hold(path, b"aino.virtanen")


# --- When it is locked -----------------------------------------------------------------------------------


def test_pages_are_read_while_nothing_can_be_written(store: SqlStore, path: Path) -> None:
    """A session that is due for a touch is checked while another process writes; the next check touches it."""
    service = Service(store=store)
    populate(service)
    token = service.token("erkki")
    service.wait(minutes=5)
    with locked(path):
        live = service.auth.sessions.check(token)
        assert live is not None
        assert live.session.seen_at < service.now
    again = service.auth.sessions.check(token)
    assert again is not None
    assert again.session.seen_at == service.now


def test_a_locked_database_is_waited_for_once(store: SqlStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store says that it wrote nothing, so the commit is not repeated, and names the host's own transaction."""
    monkeypatch.setattr(connections, "BUSY_SECONDS", 0.2)
    store.close()
    with locked(path), pytest.raises(StoreUnavailableError, match="write transaction") as caught:
        store.commit([added()])
    assert caught.value.nothing_written


@pytest.mark.parametrize(("nothing_written", "commits"), [(True, 1), (False, 2)])
def test_only_an_unknown_outcome_is_repeated(nothing_written: bool, commits: int) -> None:
    """A commit is asked again only when the store does not know whether it was written."""
    asked: list[object] = []

    def down(changes: object) -> None:
        asked.append(changes)
        raise StoreUnavailableError("down", nothing_written=nothing_written)

    with pytest.raises(StoreUnavailableError):
        run(commit_with(recorded("e").event), {AccountStore.commit: down})
    assert len(asked) == commits


def test_both_waits_share_one_time_limit(store: SqlStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a writer has waited for its own process is taken off what it waits for another one."""
    told: list[str] = []
    commit(store, added())
    held = connections_of(store)
    driver = held.current().driver.sqlite
    times = iter([0.0, 4.5])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    driver.set_trace_callback(told.append)
    with held.write_lock(driver):
        pass
    assert told == ["PRAGMA busy_timeout = 500", "PRAGMA busy_timeout = 5000"]


# --- What waits for the disk -----------------------------------------------------------------------------

ENDING: list[Change] = [
    EpochAdvanced(AINO),
    SessionClosed(family("a")),
    SessionsClosed(AINO),
    StatusChanged(AINO, Status.ACTIVE, Status.DISABLED),
    AccountErased(AINO, 0, (), NOON),
]


@pytest.mark.parametrize("change", ENDING, ids=lambda change: type(change).__name__)
def test_what_ends_sessions_waits_for_the_disk(store: SqlStore, change: Change) -> None:
    """With synchronous=normal such a commit is still written through, and the setting holds again after it."""
    commit(store, added(), opened("a"))
    seen = levels(store)
    commit(store, change)
    assert seen == [2]
    driver = connections_of(store).current().driver.sqlite
    assert driver.execute("PRAGMA synchronous").fetchone()[0] == 1


def test_what_takes_nothing_away_does_not_wait(store: SqlStore) -> None:
    """A sign-in and a new name are as fast as before."""
    commit(store, added())
    seen = levels(store)
    commit(store, opened("a"), ProfileChanged(AINO, "Aino", None))
    assert seen == []


# --- What the tables refuse and what cannot be read ------------------------------------------------------


def test_only_a_known_event_means_a_repeated_commit(store: SqlStore) -> None:
    """An event that the tables refuse for another reason is an error, and nothing of its commit stays."""
    commit(store, added())
    event: AuditEvent = replace(recorded("e").event, reason=None)  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        store.commit([EpochAdvanced(AINO), replace(recorded("e"), event=event)])
    assert store.load(AINO) == added().account
    assert store.commit([EpochAdvanced(AINO), recorded("e")]) == Committed()
    assert store.commit([EpochAdvanced(AINO), recorded("e")]) == Committed()
    assert store.load(AINO) == replace(added().account, epoch=1)


@pytest.mark.parametrize(
    "column", ["status = 'sleeping'", "phase = 'x'", "display_name = CAST(x'ff' AS TEXT)", "status = x'00'"]
)
def test_a_value_that_cannot_be_read_is_told_by_the_store(store: SqlStore, path: Path, column: str) -> None:
    """Whatever stands in a damaged row, a look-up raises `StoreError` and no error of Python or the driver."""
    commit(store, added(AINO, "a@example.com"))
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"UPDATE cityauth_account SET {column}")  # noqa: S608 - the cases above
        other.commit()
    for ask in (partial(store.load, AINO), partial(store.find, ["1:a@example.com"])):
        with pytest.raises(StoreError):
            ask()


@pytest.mark.parametrize("number", [2**62, -(2**62)])
def test_a_time_that_is_none_is_told_by_the_store(store: SqlStore, path: Path, number: int) -> None:
    """A stored time outside the calendar raises `StoreError`, at every look-up that reads it."""
    commit(store, added(), opened("a"), recorded("e"))
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"UPDATE cityauth_session SET opened_at = {number}")  # noqa: S608 - a number
        other.execute(f"UPDATE cityauth_event SET at = {number}")  # noqa: S608 - a number
        other.commit()
    for ask in (partial(store.find_session, digest("a")), partial(store.list_sessions, AINO), store.trail):
        with pytest.raises(StoreError):
            ask()


@pytest.mark.parametrize("at", range(0, 8192, 512))
def test_a_damaged_file_raises_nothing_else(path: Path, at: int) -> None:
    """A file whose bytes were overwritten anywhere answers or raises `StoreError`."""
    with SqlStore(f"sqlite:///{path}") as store:
        store.create_schema()
        commit(store, added(AINO, "a@example.com"), opened("a"), recorded("e"))
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff\xfe" * 200)
    with SqlStore(f"sqlite:///{path}") as store:
        for ask in (
            partial(store.find, ["1:a@example.com"]),
            partial(store.find_session, digest("a")),
            partial(store.commit, [EpochAdvanced(AINO)]),
            store.trail,
            store.schema_version,
        ):
            try:
                ask()
            except StoreError as error:
                assert str(error)  # noqa: PT017 - it may raise or not


# --- Reading alone ---------------------------------------------------------------------------------------


def test_a_store_for_reading_alone_writes_nothing(path: Path, store: SqlStore) -> None:
    """SQLite refuses every write of a store that is opened for reading alone, and its reads go on."""
    commit(store, added(AINO))
    store.close()
    before = path.read_bytes()
    with SqlStore(f"sqlite:///{path}", read_only=True) as reader:
        assert reader.load(AINO) is not None
        for write in (
            partial(commit, reader, ProfileChanged(AINO, "Muu")),
            partial(commit, reader, StatusChanged(AINO, Status.ACTIVE, Status.DISABLED)),
            partial(reader.purge_sessions, NOON),
            partial(reader.reserve, "bucket", [], NOON),
            reader.upgrade,
        ):
            with pytest.raises(StoreError):
                write()
        assert reader.load(AINO) is not None
    assert path.read_bytes() == before
