"""What a killed process and a restored backup leave behind."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cityauth.adapters.sql import SqlStore
from cityauth.core.link import Done, LinkDead, LinkLive
from tests.support.service import POLICY, Service

SCRIPT = """
import os, signal, sys
from cityauth.adapters.sql import SqlStore
from cityauth.flows.outbox import wait_after
from tests.support.fakes import SeededEntropy
from tests.support.service import Service

path, where, number = sys.argv[1], sys.argv[2], sys.argv[3]
service = Service(store=SqlStore(f"sqlite:///{path}"), entropy=SeededEntropy(number.encode()))

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

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


@pytest.mark.parametrize(("where", "owed"), [("before commit", 0), ("after commit", 1), ("after send", 1)])
def test_exactly_the_mails_owed_arrive_after_a_kill(tmp_path: Path, where: str, owed: int) -> None:
    """No commit, no mail; a commit, the mail, at least once, and its link works (C-19, C-20, C-21)."""
    path = tmp_path / "service.db"
    store = SqlStore(f"sqlite:///{path}")
    store.create_schema()
    service = Service(store=store)
    for number in range(3):
        service.add(f"P{number}", email=f"p{number}@example.com")
    for number in range(3):
        killed = subprocess.run([sys.executable, "-c", SCRIPT, str(path), where, str(number)], check=False, timeout=60)
        assert killed.returncode == -signal.SIGKILL
    service.wait(minutes=3)
    flushed = service.auth.outbox.flush()
    assert flushed.sent == 3 * owed
    assert sorted(mail.to for mail in service.mailer.sent()) == [f"p{n}@example.com" for n in range(3)] * owed
    assert service.auth.outbox.status().waiting == 0


def test_a_restored_backup_revives_no_used_link(tmp_path: Path) -> None:
    """Dump, use the link, restore the dump, replay: dead, once the generation outside the database was changed (C-41)."""
    path, dump = tmp_path / "service.db", tmp_path / "dump.db"
    with SqlStore(f"sqlite:///{path}") as store:
        store.create_schema()
        service = Service(store=store)
        service.add("Erkki", email="erkki@example.com")
        service.auth.recovery.request("erkki@example.com")
        token = service.link("erkki@example.com")
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(dump)) as target:
            source.backup(target)
        assert isinstance(service.auth.recovery.complete(token, "aivan uusi pitkä salasana"), Done)
    with SqlStore(f"sqlite:///{dump}") as restored:
        replayed = Service(store=restored, policy=replace(POLICY, generation="after the restore"))
        assert isinstance(replayed.auth.recovery.complete(token, "tunkeilijan pitkä salasana"), LinkDead)
        unchanged = Service(store=restored)
        assert isinstance(unchanged.auth.recovery.inspect(token), LinkLive)
