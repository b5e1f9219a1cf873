"""The first commands that a newcomer runs: they work, or say in one sentence what to do."""

import ast
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-demo.lock")


def dev(*arguments: str, python: tuple[str, ...] = (sys.executable,)) -> subprocess.CompletedProcess[str]:
    """Run dev.py with a Python."""
    command = [*python, str(ROOT / "dev.py"), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def pretending(statement: str) -> tuple[str, ...]:
    """A Python that runs a statement first, then the script that it is given."""
    start = "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    return (sys.executable, "-c", f"{statement}\n{start}")


def test_it_parses_on_an_old_python() -> None:
    """dev.py keeps to the grammar of Python 3.7, or an old Python could not be told that it is old."""
    ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_too_old_a_python_is_told_so() -> None:
    """One sentence names the version that is needed and the one that ran."""
    done = dev("demo", python=pretending("import sys; sys.version_info = (3, 9, 18)"))
    assert done.returncode == 1
    assert done.stderr == ("cityauth needs Python 3.11 or newer and this is 3.9: run this command with a newer one.\n")


def test_a_missing_venv_module_is_named(tmp_path: Path) -> None:
    """A Python without ensurepip, as Debian ships it, is told which package to install."""
    (tmp_path / "dev.py").write_bytes((ROOT / "dev.py").read_bytes())
    pretend = pretending(
        "import importlib.util as u; real = u.find_spec; "
        "u.find_spec = lambda name: None if name == 'ensurepip' else real(name)"
    )
    done = subprocess.run(
        [*pretend, str(tmp_path / "dev.py"), "setup"], check=False, capture_output=True, text=True, timeout=60
    )
    version = "{}.{}".format(*sys.version_info)
    assert done.returncode == 1
    assert done.stderr.startswith("Python's 'ensurepip' module is missing: install it")
    assert f"python{version}-venv" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_taken_port_is_named() -> None:
    """A port that something listens on stops the demo at once, and another one is offered."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = dev("demo", "--port", str(port))
    assert done.returncode == 1
    assert re.fullmatch(rf"Port {port} is taken: .* --port \d+\.\n", done.stderr)


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    """A number that can be no port is told so, with the range."""
    done = dev("demo", f"--port={port}")
    assert (done.returncode, done.stderr) == (1, "A port is a number from 1 to 65535.\n")


@pytest.mark.parametrize("database", ["", " "])
def test_an_empty_name_of_a_database_is_refused(database: str) -> None:
    """An unset variable in a script does not lead to the default file without a word."""
    done = dev("demo", "--database", database)
    said = "--database names no file: give it one, or leave it out to use demo.db.\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_an_unknown_argument_is_refused() -> None:
    """A misspelt option is an error, not ignored."""
    done = dev("demo", "--prot", "8001")
    assert done.returncode == 2
    assert "--prot" in done.stderr


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_hashes_and_no_address(name: str) -> None:
    """Every pinned release has a hash, and no line says where it came from."""
    text = (ROOT / name).read_text(encoding="utf-8")
    pinned = re.findall(r"^[a-z0-9][^\s=]*==\S+.*\\\n    --hash=sha256:", text, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)) > 20
    assert "://" not in text


def test_the_demo_lock_is_part_of_the_whole_one() -> None:
    """What the demo installed stays when the tests are set up: one version of each library."""
    whole, demo = (
        set(re.findall(r"^([a-z0-9][^\s=]*==\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in LOCKS
    )
    assert demo <= whole


def test_the_lock_holds_what_is_asked_for_and_no_peer() -> None:
    """Each direct dependency is locked, and the peers that only benchmarks need never are."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    whole = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9][^\s=]*)==", whole, re.MULTILINE))
    asked, peers = (
        {re.split(r"[<>=\[]", requirement)[0] for requirement in requirements}
        for requirements in (project["project"]["dependencies"], project["dependency-groups"]["bench"])
    )
    assert asked
    assert asked <= locked
    assert locked.isdisjoint(peers)


def test_ci_and_readme_name_the_same_command() -> None:
    """What README tells a newcomer to run is what CI runs."""
    for name in ("README.md", "CONTRIBUTING.md", ".ci/run"):
        assert "python3 dev.py test" in (ROOT / name).read_text(encoding="utf-8"), name
