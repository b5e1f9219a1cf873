"""No test waits without end, and none leaves a process behind."""

import ast
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: Starts a process that ends neither by SIGINT nor by SIGTERM, and waits for it with no limit.
STUCK = """\
import signal, subprocess, sys

CHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"

def test_waits():
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        child.wait()
    finally:
        child.kill()
        child.communicate(timeout=10)
"""


def ignore_interrupts() -> None:
    """Ignore SIGINT, as a shell's script does for what it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def processes_without_limit(source: str) -> list[str]:
    """Each start of a process that nothing bounds: a `run` without a timeout, a `Popen` in a source without `kill`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            starts = called in {"subprocess.run", "subprocess.check_output", "subprocess.check_call"}
            if starts and "timeout" not in {keyword.arg for keyword in node.keywords}:
                found.append(f"line {node.lineno}: {called} without a timeout")
            if called == "subprocess.Popen" and ".kill()" not in source:
                found.append(f"line {node.lineno}: {called} without kill()")
    return found


def test_every_test_has_a_time_limit(pytestconfig: pytest.Config) -> None:
    """The configuration bounds each test, so that a hanging one fails instead of stopping the run."""
    assert 0 < float(pytestconfig.getini("timeout")) <= 300


def test_a_stuck_test_ends_where_sigint_is_ignored(tmp_path: Path) -> None:
    """A test that waits for a process which ignores SIGINT is failed at its limit, and its process is killed (A13)."""
    (tmp_path / "test_stuck.py").write_text(STUCK, encoding="utf-8")
    config = ("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *config, "-o", "timeout=2", "test_stuck.py"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=ignore_interrupts,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Timeout" in done.stdout


def test_every_process_of_a_test_is_bounded() -> None:
    """Each process that a test starts has a time limit or is killed."""
    places = (ROOT / "tests", ROOT / "examples")
    paths = [path for place in places for path in sorted(place.rglob("*.py"))]
    found = {str(path.relative_to(ROOT)): processes_without_limit(path.read_text(encoding="utf-8")) for path in paths}
    assert {path: faults for path, faults in found.items() if faults} == {}


def test_an_unbounded_process_is_seen() -> None:
    """The rule above can fail."""
    assert processes_without_limit("subprocess.run(['true'], check=True)")
    assert processes_without_limit("with subprocess.Popen(['true']) as one:\n    one.wait()")
    assert not processes_without_limit("subprocess.run(['true'], timeout=1)")
