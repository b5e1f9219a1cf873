"""The command as a process: how it starts, and what it says when a library is missing."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cityauth.cli import main
from cityauth.cli.command import command
from tests.support.command import Deployment

MODULE = (sys.executable, "-m", "cityauth.cli")
SCRIPT = (str(Path(sys.executable).with_name("cityauth")),)


def start(*words: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a process in *folder* with no variable of cityauth but those given."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CITYAUTH_")}
    return subprocess.run(
        words,
        cwd=folder,
        env={**environment, "PYTHONWARNINGS": "error", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        encoding="utf-8",
    )


def test_the_command_works_as_a_process(tmp_path: Path) -> None:
    """From an empty folder to an account, by environment alone, with no warning on the way."""
    made = start(*SCRIPT, "keys", "generate", folder=tmp_path)
    given = {"CITYAUTH_SECRETS": made.stdout.strip(), "CITYAUTH_DATABASE": "sqlite:///service.db"}
    assert start(*SCRIPT, "db", "init", folder=tmp_path, **given).returncode == 0
    added = start(*SCRIPT, "account", "add", "--name", "Åsa", "--username", "åsa", "--json", folder=tmp_path, **given)
    assert (added.returncode, added.stderr) == (0, "")
    assert json.loads(added.stdout)["name"] == "Åsa"
    nobody = start(*SCRIPT, "account", "show", "nobody", folder=tmp_path, **given)
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert nobody.stderr.startswith("Error: no account has 'nobody'")
    assert start(*SCRIPT, "account", "show", folder=tmp_path, **given).returncode == 2
    assert start(*SCRIPT, "db", "init", folder=tmp_path, CITYAUTH_DATABASE="sqlite:////no/such/x.db").returncode == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["columns", "json"])
def test_work_whose_answer_is_lost_is_told_as_done(deployment: Deployment, as_json: tuple[str, ...]) -> None:
    """Where standard output is full, the account is added and the status is 4, which no refusal has (A12)."""
    words = (*MODULE, "account", "add", "--name", "Erkki", "--username", "erkki", *as_json)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            words, cwd=deployment.folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert done.returncode == 4
    assert done.stderr.startswith("Error: it was done, but standard output did not take the answer: ")
    assert len(done.stderr.splitlines()) == 1
    assert "Erkki" in deployment.well("account", "show", "erkki")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_refusal_keeps_its_status_where_it_cannot_be_told(deployment: Deployment) -> None:
    """Where standard error is full, the exit status is the refusal's own (A12)."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            (*MODULE, "account", "show", "x", "--config", "no.toml"),
            cwd=deployment.folder,
            stdout=subprocess.DEVNULL,
            stderr=full,
            check=False,
            timeout=60,
        )
        nobody = subprocess.run(
            (*MODULE, "account", "show", "nobody"),
            cwd=deployment.folder,
            stdout=subprocess.DEVNULL,
            stderr=full,
            check=False,
            timeout=60,
        )
    assert nobody.returncode == 1
    assert done.returncode in {1, 2}


def test_a_process_without_standard_output_does_its_work(deployment: Deployment) -> None:
    """A process that was started without standard output adds the account and ends with 0 (A12)."""
    words = " ".join([*MODULE, "account", "add", "--name", "Erkki", "--username", "erkki", "--json", ">&-"])
    done = subprocess.run(
        ["sh", "-c", words], cwd=deployment.folder, stderr=subprocess.PIPE, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Erkki" in deployment.well("account", "show", "erkki")


def test_main_ends_with_the_status(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Both entry points run the arguments of the process and end with the command's status."""
    monkeypatch.setattr(sys, "argv", ["cityauth", "account", "--help"])
    for entry in (main, lambda: runpy.run_module("cityauth.cli", run_name="__main__")):
        with pytest.raises(SystemExit) as ended:
            entry()
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith("Usage: cityauth account")


def test_the_module_is_the_same_command(tmp_path: Path) -> None:
    """``python -m cityauth.cli`` answers as ``cityauth`` does, where no script is installed."""
    one, other = (start(*how, "account", "--help", folder=tmp_path) for how in (MODULE, SCRIPT))
    assert (one.returncode, one.stdout) == (0, other.stdout)


def test_a_terminal_without_the_letters_is_no_error(deployment: Deployment) -> None:
    """A terminal that knows ASCII alone gets escapes in place of letters."""
    deployment.well("account", "add", "--name", "Åsa", "--username", "åsa")
    shown = start(*MODULE, "account", "show", "åsa", folder=deployment.folder, PYTHONIOENCODING="ascii")
    assert shown.returncode == 0
    assert r"\xc5sa" in shown.stdout


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_a_missing_library_is_named_in_one_sentence(tmp_path: Path, missing: str) -> None:
    """Without the extra the command says which one to install, and ends with the status 2."""
    code = f"import sys; sys.modules[{missing!r}] = None; from cityauth.cli import main; main()"
    done = start(sys.executable, "-c", code, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "The cityauth command needs the extra 'cli': pip install 'cityauth[cli]'\n"


def test_a_missing_database_library_is_named_too(deployment: Deployment) -> None:
    """Where only SQLAlchemy is missing, the sentence names the extra that brings it."""
    code = "import sys; sys.modules['sqlalchemy'] = None; from cityauth.cli import main; main()"
    done = start(sys.executable, "-c", code, "account", "show", "x", folder=deployment.folder)
    assert done.returncode == 2
    assert done.stderr == "Error: SqlStore needs the extra 'sql': pip install 'cityauth[sql]'\n"


def test_a_broken_installation_is_not_hidden(tmp_path: Path) -> None:
    """Another import that fails is told as what it is."""
    code = "import sys; sys.modules['cityauth.cli.identifiers'] = None; from cityauth.cli import main; main()"
    assert "cityauth.cli.identifiers" in start(sys.executable, "-c", code, folder=tmp_path).stderr


def test_the_front_door_stays_light(tmp_path: Path) -> None:
    """Importing the command's package loads neither click nor rich nor a database."""
    code = "import sys, cityauth.cli; print({'click', 'rich', 'sqlalchemy', 'alembic'} & set(sys.modules))"
    assert start(sys.executable, "-c", code, folder=tmp_path).stdout == "set()\n"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("db",),
        ("keys",),
        ("account",),
        ("db", "init"),
        ("db", "upgrade"),
        ("keys", "generate"),
        ("keys", "tombstones"),
    ],
)
def test_every_command_helps(words: tuple[str, ...]) -> None:
    """Help is there for every group and command, and needs no configuration."""
    helped = CliRunner().invoke(command, [*words, "--help"])
    assert (helped.exit_code, helped.stderr) == (0, "")
    assert helped.stdout.startswith("Usage: ")


def test_a_group_without_a_command_shows_its_help(empty: Deployment) -> None:
    """A group alone is wrong usage, answered with the whole help."""
    result = empty.run("account")
    assert result.exit_code == 2
    assert "disable" in result.stderr


def test_the_version_is_told(empty: Deployment) -> None:
    """The command names the release that is installed."""
    from importlib.metadata import version

    assert empty.well("--version") == f"cityauth {version('cityauth')}\n"


def test_a_named_configuration_is_used(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> None:
    """--config works from any folder, and the database is still the one beside the file."""
    folder = tmp_path_factory.mktemp("elsewhere")
    done = start(*MODULE, "--config", str(deployment.folder / "cityauth.toml"), "db", "init", folder=folder)
    assert "already there" in done.stdout
    assert list(folder.iterdir()) == []
    assert "there is no configuration file nope.toml" in deployment.refused(2, "--config", "nope.toml", "db", "init")
