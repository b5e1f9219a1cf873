"""kill -9 between the commit and the mail: after a restart exactly the mails owed arrive."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cityauth.adapters.sql import SqlStore
from tests.support.service import Service

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
