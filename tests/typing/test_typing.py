"""The types are part of the contract: what a host writes is accepted, and what is wrong is refused."""

import subprocess
import sys
from pathlib import Path

import mypy
import pytest

ROOT = Path(__file__).resolve().parents[2]
HOST = ROOT / "tests" / "typing" / "host.py"


def check(path: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Type-check one file strictly, in a process of its own."""
    command = [
        sys.executable,
        "-m",
        mypy.__name__,
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--cache-dir",
        str(cache),
    ]
    return subprocess.run([*command, str(path)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the checker, shared by the tests of this file."""
    return tmp_path_factory.mktemp("mypy")


def test_what_a_host_writes_is_accepted(cache: Path) -> None:
    """Matches over steps are exhaustive, answers are typed by their ports, and each line marked as wrong is an error (ASVS 15.3.5)."""
    done = check(HOST, cache)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('        case Refused(problem=problem):\n            return problem.text("sv")\n', "", "assert_never"),
        ("        case AccountRefused(why=why):\n            return why\n", "", "assert_never"),
        ("assert_type(drawn, bytes)", "assert_type(drawn, str)", "assert-type"),
        ("ask(Entropy.draw, 32)", "ask(Entropy.draw, 32.5)", "arg-type"),
        (
            "PasswordRequired(entered=entered, problem=problem)",
            "PasswordRequired(entered=entered, reason=problem)",
            "no attribute",
        ),
    ],
    ids=[
        "a step without a page",
        "an outcome without an answer",
        "another answer",
        "another argument",
        "another field",
    ],
)
def test_a_mistake_is_refused(cache: Path, tmp_path: Path, right: str, wrong: str, said: str) -> None:
    """The same file with one mistake in it is an error, so the check above can fail (ASVS 15.3.5)."""
    source = HOST.read_text(encoding="utf-8")
    assert right in source
    mistaken = tmp_path / "host.py"
    mistaken.write_text(source.replace(right, wrong), encoding="utf-8")
    done = check(mistaken, cache)
    assert done.returncode == 1, done.stdout
    assert said in done.stdout
