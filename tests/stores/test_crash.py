"""What a killed process and a restored backup leave behind."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cityauth.core.answers import Done
from cityauth.core.links import LinkLive, LinkRefused
from cityauth.core.login import Authenticated
from cityauth.stores.sql import SqlStore
from tests.support.fakes import SeededEntropy
from tests.support.service import PASSWORD, POLICY, Service

ERKKI, NEW = "erkki@example.com", "aivan uusi pitkä salasana"

PROCESS = """
import os, signal, sys
from cityauth.stores.sql import SqlStore, commits, store
from cityauth.core import changes as core_changes
from tests.support.fakes import SeededEntropy
from tests.support.service import Service

path, where, number = sys.argv[1], sys.argv[2], sys.argv[3]
service = Service(store=SqlStore(f"sqlite:///{path}"), entropy=SeededEntropy(number.encode()))

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
"""

ASKING = """
if where == "after commit":
    service.auth.recovery.request(f"p{number}@example.com")
    die()
if where == "before commit":
    service.store.commit = die
    from cityauth import CityAuth
    service.__post_init__()
    service.auth.recovery.request(f"p{number}@example.com")
if where == "after send":
    service.store.drop_mail = die
    service.__post_init__()
    service.auth.recovery.request(f"p{number}@example.com")
    service.auth.outbox.flush()
"""


RESETTING = """
token, password = number, sys.argv[4]
if where == "before commit":
    whole = store.commit
    store.commit = lambda *given: ((yield from whole(*given)), die())
elif where != "after commit":
    commits.APPLY[getattr(core_changes, where)] = die
service.auth.recovery.complete(token, password)
die()
"""


def kill(script: str, *given: str) -> None:
    """Run a script in a process of its own, which kills itself."""
    killed = subprocess.run([sys.executable, "-c", PROCESS + script, *given], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("where", "owed"), [("before commit", 0), ("after commit", 1), ("after send", 1)])
def test_exactly_the_mails_owed_arrive_after_a_kill(tmp_path: Path, where: str, owed: int) -> None:
    """No commit, no mail; a commit, the mail, at least once, and its link works (C-20, C-21)."""
    path = tmp_path / "service.db"
    store = SqlStore(f"sqlite:///{path}")
    store.create_schema()
    service = Service(store=store)
    for number in range(3):
        service.add(f"P{number}", email=f"p{number}@example.com")
    for number in range(3):
        kill(ASKING, str(path), where, str(number))
    service.wait(minutes=3)
    flushed = service.auth.outbox.flush()
    assert flushed.sent == 3 * owed
    assert sorted(mail.to for mail in service.mailer.sent()) == [f"p{n}@example.com" for n in range(3)] * owed
    assert service.auth.outbox.status().waiting == 0


@pytest.mark.parametrize("where", ["TokenUsed", "PasswordSet", "MailQueued", "before commit", "after commit"])
def test_a_kill_leaves_all_of_a_reset_or_nothing(tmp_path: Path, where: str) -> None:
    """Kill -9 at any write of a reset, or between the last one and the commit, leaves nothing of it; after the commit all of it (C-19)."""
    path = tmp_path / "service.db"
    with SqlStore(f"sqlite:///{path}") as store:
        store.create_schema()
        before = Service(store=store)
        before.add("Erkki", email=ERKKI)
        before.auth.recovery.request(ERKKI)
        token = before.link(ERKKI)
    kill(RESETTING, str(path), where, token, NEW)
    done = where == "after commit"
    with SqlStore(f"sqlite:///{path}") as store:
        service = Service(store=store, entropy=SeededEntropy(b"restarted"))
        assert isinstance(service.auth.recovery.inspect(token), LinkRefused if done else LinkLive)
        steps = [service.attempt(ERKKI, password) for password in (PASSWORD, NEW)]
        assert [isinstance(step, Authenticated) for step in steps] == [not done, done]
        assert service.subjects() == ["salasanasi on vaihdettu"] * done
        assert isinstance(service.auth.recovery.complete(token, f"{NEW} 2"), LinkRefused if done else Done)


def back_up(path: Path, dump: Path) -> None:
    """Copy a database in use by SQLite's own means."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(dump)) as target:
        source.backup(target)


def test_a_restored_backup_revives_a_session_until_all_are_ended(tmp_path: Path) -> None:
    """What was signed out after the backup is open again, under a new generation too, until step 2 of docs/operations.md ends all sessions (C-41, C-42)."""
    path, dump = tmp_path / "service.db", tmp_path / "dump.db"
    with SqlStore(f"sqlite:///{path}") as store:
        store.create_schema()
        service = Service(store=store)
        service.add("Erkki", email=ERKKI)
        cookies = [service.token(ERKKI), service.token(ERKKI, remember=True)]
        back_up(path, dump)
        service.wait(minutes=1)
        assert all(service.auth.sessions.sign_out(cookie) for cookie in cookies)
        assert [service.is_live(cookie) for cookie in cookies] == [False, False]
    with SqlStore(f"sqlite:///{dump}") as store:
        policy = replace(POLICY, generation="after the restore")
        restored = Service(store=store, policy=policy, clock=service.clock, entropy=service.entropy)
        assert [restored.is_live(cookie) for cookie in cookies] == [True, True]
        store.purge_sessions(restored.now)
        assert [restored.is_live(cookie) for cookie in cookies] == [False, False]
        assert restored.is_live(restored.token(ERKKI))


def test_the_newest_export_repeats_what_a_restored_backup_forgot(tmp_path: Path) -> None:
    """Who was disabled, moved to another mailbox or given another hash by an import after the backup is so again, and his sessions end (C-42)."""
    path, dump = tmp_path / "service.db", tmp_path / "dump.db"
    row = {"realm": "citizen", "display_name": "X", "status": "active"}
    people = [{**row, "external_id": one, "username": one, "email": f"{one}@example.com"} for one in ("a", "b", "c")]
    with SqlStore(f"sqlite:///{path}") as store:
        store.create_schema()
        service = Service(store=store)
        stored = service.hash(PASSWORD)
        people = [{**one, "password_hash": stored} for one in people]
        service.auth.population.import_people(people)
        cookies = [service.token(one) for one in ("a", "b", "c")]
        back_up(path, dump)
        newest = [{**people[0], "status": "disabled"}, {**people[1], "email": "new@example.com"}, people[2]]
        newest[2] = {**newest[2], "password_hash": service.hash(NEW)}
        assert service.auth.population.import_people(newest).updated == 3
    with SqlStore(f"sqlite:///{dump}") as store:
        restored = Service(store=store, clock=service.clock, entropy=service.entropy)
        assert [restored.is_live(cookie) for cookie in cookies] == [True, True, True]
        assert restored.auth.population.import_people(newest).updated == 3
        assert [restored.is_live(cookie) for cookie in cookies] == [False, True, False]
        steps = [restored.attempt(*one) for one in (("a", PASSWORD), ("b", PASSWORD), ("c", PASSWORD), ("c", NEW))]
        assert [isinstance(step, Authenticated) for step in steps] == [False, True, False, True]
        (found,) = store.find_imported(["b"])
        assert found.row.account.contact == "new@example.com"
        assert restored.auth.population.import_people(newest).unchanged == 3


def test_a_restored_backup_revives_no_used_link(tmp_path: Path) -> None:
    """Dump, use the link, restore the dump, replay: dead, once the generation outside the database was changed (C-41)."""
    path, dump = tmp_path / "service.db", tmp_path / "dump.db"
    with SqlStore(f"sqlite:///{path}") as store:
        store.create_schema()
        service = Service(store=store)
        service.add("Erkki", email="erkki@example.com")
        service.auth.recovery.request("erkki@example.com")
        token = service.link("erkki@example.com")
        back_up(path, dump)
        assert isinstance(service.auth.recovery.complete(token, "aivan uusi pitkä salasana"), Done)
    with SqlStore(f"sqlite:///{dump}") as restored:
        replayed = Service(store=restored, policy=replace(POLICY, generation="after the restore"))
        assert isinstance(replayed.auth.recovery.complete(token, "tunkeilijan pitkä salasana"), LinkRefused)
        unchanged = Service(store=restored)
        assert isinstance(unchanged.auth.recovery.inspect(token), LinkLive)
