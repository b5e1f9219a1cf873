"""Starting the demo: its keys, its people, and what it says when it cannot start."""

import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from urllib.request import urlopen

import pytest

from cityauth import CityAuthError
from flask_app.__main__ import OLD_TABLE, explain, serve
from flask_app.cases import Cases
from flask_app.config import DemoError, Keys
from flask_app.seeds import PEOPLE, seed
from flask_app.tests.service import ERKKI, Service, Visitor, install

EXAMPLES = Path(__file__).parents[2]


LIMIT = 60
"""Seconds after which a demo that hangs is killed."""


@contextmanager
def start(*arguments: str, ignoring: bool = False, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start ``python -m flask_app`` as a person would, or as a shell's background does, *ignoring* SIGINT."""
    demo = subprocess.Popen(
        [sys.executable, "-c", BACKGROUND, *arguments] if ignoring else [sys.executable, "-m", "flask_app", *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(EXAMPLES), *sys.path])} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    limit = Timer(LIMIT, demo.kill)  # ends every read and wait below, whatever hangs
    limit.start()
    try:
        with demo:
            try:
                yield demo
            finally:
                demo.kill()
    finally:
        limit.cancel()


BACKGROUND = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
os.execv(sys.executable, [sys.executable, "-m", "flask_app", *sys.argv[1:]])
"""


def complaint(*arguments: str, **environment: str) -> str:
    """Return what a demo that cannot start says."""
    with start(*arguments, ignoring=False, **environment) as demo:
        out, error = demo.communicate(timeout=LIMIT)
    assert demo.returncode == 1
    assert not out
    assert "Traceback" not in error
    return error


def refusal(port: int, database: Path) -> str:
    """Return what ``complaint`` returns, without the cost of a process."""
    mask = os.umask(0o077)
    try:
        with pytest.raises((DemoError, CityAuthError, OSError, OverflowError, sqlite3.Error)) as refused:
            serve(port, database)
    finally:
        os.umask(mask)
    return explain(refused.value, port, database)


@contextmanager
def started(
    *arguments: str, ignoring: bool = False, ended_by: signal.Signals = signal.SIGINT, **environment: str
) -> Iterator[tuple[str, str]]:
    """Run the demo for the time of the block; gives its address and all that it printed."""
    with start("--port", "0", *arguments, ignoring=ignoring, **environment) as demo:
        assert demo.stdout is not None
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if PEOPLE[-1].name in line:
                break
        found = re.search(r"http://localhost:\d+/", "".join(lines))
        assert found is not None, demo.stderr.read() if demo.stderr else ""
        yield found[0], "".join(lines)
        demo.send_signal(ended_by)
        demo.communicate(timeout=LIMIT)
        assert demo.returncode == 0


@pytest.mark.parametrize(
    ("ignoring", "ended_by"), [(False, signal.SIGTERM), (True, signal.SIGINT), (True, signal.SIGTERM)]
)
def test_it_ends_when_it_is_told_to(tmp_path: Path, ignoring: bool, ended_by: signal.Signals) -> None:
    """By either signal, also where whoever started it had SIGINT ignored and SIGTERM blocked."""
    with started("--database", str(tmp_path / "a.db"), ignoring=ignoring, ended_by=ended_by) as (address, _):
        assert address


def test_two_that_start_at_once_share_one_database(tmp_path: Path) -> None:
    """Both serve the same people with the same keys, and nothing is there twice."""
    database = tmp_path / "shared.db"

    def run(_number: int) -> str:
        with started("--database", str(database)) as (address, _), urlopen(address, timeout=30) as page:  # noqa: S310 - the demo's own address
            return str(page.status)

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(run, range(2))) == {"200"}
    with sqlite3.connect(database) as connection:
        (count,) = connection.execute("SELECT count(*) FROM demo_case").fetchone()
    connection.close()
    assert count == sum(len(person.cases) for person in PEOPLE)


def test_it_needs_no_time_zone_data(tmp_path: Path) -> None:
    """On a computer without them moments are shown in UTC, and say so."""
    (tmp_path / "tzdata.py").write_text("raise ImportError")
    path = os.pathsep.join([str(tmp_path), str(EXAMPLES), *sys.path])
    code = (
        "from datetime import UTC, datetime; from flask_app.texts import written; "
        "print(written(datetime(2026, 3, 5, 7, 7, tzinfo=UTC), 'fi'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": path, "PYTHONTZPATH": ""},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.stdout == "5.3.2026 klo 7.07 UTC\n", done.stderr


def test_it_prints_its_address_and_its_people_and_keeps_the_data(tmp_path: Path) -> None:
    """The second start finds what the first one made, in a file that others cannot read, and owns to its table's age."""
    database = tmp_path / "kept.db"
    for again in (False, True):
        with started("--database", str(database)) as (address, printed):
            assert (OLD_TABLE in printed) is again
            for person in PEOPLE:
                line = next(line for line in printed.splitlines() if person.name in line)
                for shown in (person.realm, person.email or "none", person.old_username, person.password):
                    assert shown in line
            with urlopen(address, timeout=30) as page:  # noqa: S310 - the demo's own address
                assert page.status == 200
        with sqlite3.connect(database) as connection:
            (count,) = connection.execute("SELECT count(*) FROM demo_case").fetchone()
        connection.close()
        assert count == sum(len(person.cases) for person in PEOPLE)
        assert stat.S_IMODE(database.stat().st_mode) == 0o600


def test_the_keys_are_random_and_for_this_user_alone(tmp_path: Path) -> None:
    """Each installation has its own, kept beside its database (B-35, B-36)."""
    keys = [Keys.beside(tmp_path / name) for name in ("a.db", "b.db", "a.db")]
    assert keys[0] == keys[2]
    assert not {keys[0].pages, *keys[0].signing} & {keys[1].pages, *keys[1].signing}
    assert stat.S_IMODE((tmp_path / "a.db.keys").stat().st_mode) == 0o600
    assert keys[0].pages not in repr(keys[0])


def test_a_damaged_key_file_is_not_taken(tmp_path: Path) -> None:
    """One key for two purposes, or none, does not start (B-35)."""
    (tmp_path / "a.db.keys").write_text("onlyone\n")
    with pytest.raises(DemoError, match="lacks a key"):
        Keys.beside(tmp_path / "a.db")


def test_production_does_not_get_public_passwords(tmp_path: Path) -> None:
    """No default accounts where people are served, and no file is left there (ASVS 6.3.2)."""
    error = complaint("--port", "0", "--database", str(tmp_path / "service.db"), CITYAUTH_ENV="production")
    assert "production" in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("environment", ["production", "prod", " Production\n", "PROD"])
def test_production_may_be_written_in_any_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    """However it is written, it is refused before a file is made (ASVS 6.3.2)."""
    monkeypatch.setenv("CITYAUTH_ENV", environment)
    assert "production" in refusal(0, tmp_path / "service.db")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("environment", ["production", "Prod "])
def test_seeding_in_production_adds_nobody(
    own_service: Service, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    """The refusal stands in the function itself, whoever calls it (ASVS 6.3.2)."""
    monkeypatch.setenv("CITYAUTH_ENV", environment)
    with pytest.raises(DemoError, match="production"):
        seed(own_service.auth, Cases(own_service.config.database))


def test_a_taken_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    """The person reads which port, and what to do; the database is not touched."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        error = complaint("--port", port, "--database", str(tmp_path / "a.db"))
    assert error == f"The demo cannot start: port {port} is taken; choose another with --port.\n"
    assert not list(tmp_path.iterdir())


def test_what_is_no_port_is_said(tmp_path: Path) -> None:
    """A port out of range is named."""
    for port in ("-1", "65536"):
        assert f"{port} is no port" in complaint("--port", port, "--database", str(tmp_path / "a.db"))


def test_a_database_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """A missing folder, a folder, a file that is no database and somebody else's database, each in a sentence."""
    (tmp_path / "text.db").write_text("this is no database " * 100)
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()
    assert "not a database" in complaint("--port", "0", "--database", str(tmp_path / "text.db"))
    for name, said in {
        "missing/a.db": "No such file",
        "text.db": "not a database",
        "other.db": "something else",
    }.items():
        assert said in refusal(0, tmp_path / name)
    assert "cannot be used" in refusal(0, tmp_path)


def test_an_interrupted_seeding_goes_on(tmp_path: Path) -> None:
    """Accounts without their cases get them at the next start, and nothing comes twice."""
    service = install(tmp_path)
    with sqlite3.connect(service.config.database) as connection:
        connection.execute("DELETE FROM demo_case")
    connection.close()
    assert seed(service.auth, service.app.extensions["cases"])
    visitor = Visitor(service)
    visitor.sign_in(ERKKI.old_username, ERKKI.password)
    assert len(visitor.soup.select(".list > li")) == len(ERKKI.cases)
