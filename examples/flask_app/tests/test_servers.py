"""The demo on a PostgreSQL and a Valkey server, which the test starts from their wheels."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import redis

import flask_app.__main__ as demo
from flask_app.app import create_throttle
from flask_app.config import Config, Keys
from flask_app.tests.test_start import complaint, started
from servers import PostgresqlServer, ServerError, ValkeyServer

EXAMPLES = Path(demo.__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[PostgresqlServer, ValkeyServer]]:
    """Both servers; without them the tests are skipped, and fail in CI."""
    with ExitStack() as running:
        try:
            both = running.enter_context(PostgresqlServer()), running.enter_context(ValkeyServer())
        except ServerError as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"no server: {error}")
        yield both


def test_the_demo_runs_on_both_servers(servers: tuple[PostgresqlServer, ValkeyServer]) -> None:
    """Accounts are on PostgreSQL, counts on Valkey, and the page answers."""
    postgresql, valkey = servers
    url = postgresql.url(tcp=True)
    try:
        with started("--database", url, "--valkey", valkey.url) as (address, printed):
            with urllib.request.urlopen(address, timeout=30) as page:  # noqa: S310 - our own address
                assert page.status == 200
            assert postgresql.password not in printed
        with psycopg.connect(postgresql.url()) as connection:
            found = connection.execute("SELECT count(*) FROM cityauth_account").fetchone()
        assert found is not None
        assert found[0] > 0
    finally:
        for path in demo.DATABASE.parent.glob(f"{demo.beside(url).name}*"):
            path.unlink()


def test_the_throttle_counts_on_valkey(servers: tuple[PostgresqlServer, ValkeyServer], tmp_path: Path) -> None:
    """What the demo builds counts on the server that was given."""
    _, valkey = servers
    config = Config(tmp_path / "a.db", Keys.beside(tmp_path / "a.db"), valkey=valkey.url)
    throttle = create_throttle(config)
    assert throttle is not None
    throttle.reserve("a", [], datetime.now(UTC))
    with redis.Redis(port=valkey.port, password=valkey.password) as client:
        assert client.dbsize() == 1


def test_a_wrong_valkey_url_is_one_sentence() -> None:
    """The sentence shows no password."""
    said = complaint("--valkey", "valkey://:hunter2@host:port", "--port", "0")
    assert "must be a URL like valkey://" in said
    assert "hunter2" not in said


HOLDING = """
from servers import PostgresqlServer, ValkeyServer
with PostgresqlServer() as one, ValkeyServer() as other:
    print(one.pid, other.pid, one.folder, flush=True)
    input()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_a_killed_parent_leaves_no_server_running(servers: object) -> None:
    """Servers end by themselves when what started them is killed and could not stop them."""
    command = [sys.executable, "-c", HOLDING]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=EXAMPLES)
    assert holder.stdin is not None
    assert holder.stdout is not None
    first, second, folder = holder.stdout.readline().split()
    holder.kill()
    holder.communicate()
    try:
        deadline = time.monotonic() + 30
        while any(is_running(int(pid)) for pid in (first, second)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_running(pid: int) -> bool:
    """Whether a process is there that has not ended; one that nobody waits for has ended all the same."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
