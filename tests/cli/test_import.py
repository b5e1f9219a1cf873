"""``cityauth import``: good rows are imported, bad rows go to a file, and the exit status says which."""

import csv
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cityauth.core.import_row import COLUMNS
from cityauth.core.quarantine import QUARANTINE_COLUMNS
from cityauth.stores.sql import SqlStore
from tests.support.command import Deployment

HEADER = ",".join(COLUMNS)
HASH = "pbkdf2_sha256$6000$suola$soms/xfwKkSfuOsGiPFOHHpFu9Z8qZyYPfEbttw6ku8="


def row(number: object, **cells: str) -> str:
    """A line of CSV."""
    whole = {
        "external_id": str(number), "realm": "citizen", "username": f"user{number}", "email": f"u{number}@example.com",
        "display_name": f"Matti {number}", "language": "fi", "status": "active", "password_hash": HASH, **cells,
    }  # fmt: skip
    return ",".join(whole.get(column, "") for column in COLUMNS) + "\n"


def write(deployment: Deployment, *rows: str, name: str = "people.csv", start: str = "\ufeff") -> None:
    """Write a file of people into the working folder."""
    (deployment.folder / name).write_text(start + HEADER + "\n" + "".join(rows), encoding="utf-8")


def quarantined(deployment: Deployment, name: str = "quarantine.csv") -> list[dict[str, str]]:
    """The rows of the quarantine file."""
    with (deployment.folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def external_ids(deployment: Deployment) -> list[str]:
    """Who is in the database."""
    with SqlStore(f"sqlite:///{deployment.folder / 'service.db'}") as store:
        rows = store.read_population("", 10_000)
    return sorted(one.account.external_id or "" for one in rows)


def test_good_rows_land(deployment: Deployment) -> None:
    """The exit status is 0, the quarantine file has its header alone, and the person signs in by the old username."""
    write(deployment, row(1), row(2, display_name='"Mallikas, Liisa"'))
    assert "2 people were added" in deployment.well("import", "people.csv")
    assert external_ids(deployment) == ["1", "2"]
    assert (deployment.folder / "quarantine.csv").read_text(encoding="utf-8") == ",".join(QUARANTINE_COLUMNS) + "\n"
    shown = deployment.well("account", "show", "user1")
    assert "signs in" in shown
    assert "u1@example.com (not verified)" in shown
    assert "external id  1" in shown
    (found,) = deployment.json("account", "show", "user1")["accounts"]
    assert (found["external_id"], found["contact_verified"]) == ("1", False)


def test_bad_rows_go_to_quarantine(deployment: Deployment) -> None:
    """The exit status is 1; each row stands in the file with where, all codes, reasons, and no hash (C-23)."""
    write(
        deployment, row(1), row(2, realm="citizn", username="NULL", display_name="=HYPERLINK(1)"), "3,citizen\n", row(4)
    )
    result = deployment.run("import", "people.csv")
    assert (result.exit_code, result.stderr) == (1, "")
    assert external_ids(deployment) == ["1", "4"]
    first, second = quarantined(deployment)
    assert (first["line"], first["row"], first["codes"]) == ("3", "2", "cell.null_word realm.unknown")
    assert (first["password_hash"], first["display_name"]) == ("[redacted]", "'=HYPERLINK(1)")
    assert "the realm is not in the policy" in first["reasons"]
    assert (second["line"], second["codes"]) == ("4", "row.columns")
    assert HASH not in (deployment.folder / "quarantine.csv").read_text(encoding="utf-8")
    assert "realm.unknown" in result.stdout
    assert stat.S_IMODE((deployment.folder / "quarantine.csv").stat().st_mode) == 0o600


def test_running_again_changes_nothing(deployment: Deployment) -> None:
    """The second run adds nobody, and the file of the database has the same rows."""
    write(deployment, row(1), row(2, realm="x"))
    deployment.run("import", "people.csv")
    result = deployment.run("import", "people.csv", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {name: report[name] for name in ("rows", "added", "updated", "unchanged", "quarantined")} == {
        "rows": 2, "added": 0, "updated": 0, "unchanged": 1, "quarantined": 1,
    }  # fmt: skip
    assert report["codes"] == {"realm.unknown": 1}
    assert len(quarantined(deployment)) == 1


def test_a_rehearsal_writes_nothing(deployment: Deployment) -> None:
    """With --dry-run the database file stays byte for byte, and the quarantine is written."""
    write(deployment, row(1))
    deployment.well("import", "people.csv")
    before = (deployment.folder / "service.db").read_bytes()
    write(deployment, row(1, display_name="New"), row(2), row(3, realm="x"))
    result = deployment.run("import", "people.csv", "--dry-run", "--json")
    assert json.loads(result.stdout)["dry_run"] is True
    assert [json.loads(result.stdout)[name] for name in ("added", "updated", "quarantined")] == [1, 1, 1]
    assert (deployment.folder / "service.db").read_bytes() == before
    assert len(quarantined(deployment)) == 1
    assert "Nothing was written" in deployment.run("import", "people.csv", "--dry-run").stdout


@pytest.mark.parametrize(
    ("name", "arguments"), [("people.jsonl", ()), ("people.ndjson", ()), ("people", ("--format", "jsonl"))]
)
def test_json_lines_are_read(deployment: Deployment, name: str, arguments: tuple[str, ...]) -> None:
    """The name of the file or --format says that it is JSON lines."""
    person = dict(zip(COLUMNS, row(1).strip().split(","), strict=True))
    (deployment.folder / name).write_text(json.dumps(person) + "\n{}\n", encoding="utf-8")
    assert deployment.run("import", name, *arguments).exit_code == 1
    assert external_ids(deployment) == ["1"]
    assert [one["line"] for one in quarantined(deployment)] == ["2"]


def test_the_options_have_their_effect(deployment: Deployment) -> None:
    """Addresses are verified or not, and those that do not pass may be left out."""
    write(deployment, row(1), row(2, email="nobody@localhost"))
    deployment.well("import", "people.csv", "--verified", "--accept-invalid-email", "--batch", "1")
    with SqlStore(f"sqlite:///{deployment.folder / 'service.db'}") as store:
        found = {one.row.account.external_id: one.row for one in store.find_imported(["1", "2"])}
    assert (found["1"].account.contact, found["1"].account.contact_verified) == ("u1@example.com", True)
    assert (found["2"].account.contact, found["2"].email_on_file) == (None, "nobody@localhost")


def test_a_wrong_file_is_refused_whole(deployment: Deployment) -> None:
    """A file without the published header, or of no known format, is refused and an older quarantine stays."""
    (deployment.folder / "quarantine.csv").write_text("old", encoding="utf-8")
    (deployment.folder / "people.csv").write_text("external_id;realm\n1;citizen\n", encoding="utf-8")
    assert "not the header" in deployment.refused(2, "import", "people.csv")
    (deployment.folder / "people.txt").write_text(HEADER, encoding="utf-8")
    assert "--format" in deployment.refused(2, "import", "people.txt")
    assert "does not exist" in deployment.refused(2, "import", "nobody.csv")
    assert (deployment.folder / "quarantine.csv").read_text(encoding="utf-8") == "old"


def test_the_file_is_never_its_own_quarantine(deployment: Deployment) -> None:
    """A quarantine file that is imported is not overwritten while it is read."""
    write(deployment, row(1), name="quarantine.csv")
    assert "--quarantine" in deployment.refused(2, "import", "quarantine.csv")
    assert external_ids(deployment) == []
    deployment.well("import", "quarantine.csv", "--quarantine", "bad.csv")


def test_a_quarantine_that_cannot_be_written_is_said(deployment: Deployment) -> None:
    """A folder that is not there is named."""
    write(deployment, row(1, realm="x"))
    assert "cannot be written" in deployment.refused(2, "import", "people.csv", "--quarantine", "nowhere/bad.csv")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes with names")
def test_a_device_is_never_replaced(deployment: Deployment) -> None:
    """What is no ordinary file, such as /dev/null, is refused and stays what it is."""
    write(deployment, row(1, realm="x"), row(2))
    pipe = deployment.folder / "pipe"
    os.mkfifo(pipe)
    for name in ("pipe", os.devnull):
        assert "no ordinary file" in deployment.refused(2, "import", "people.csv", "--quarantine", name)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_database_without_tables_is_said(configured: Deployment) -> None:
    """Without tables the exit status is 3, in a rehearsal too."""
    write(configured, row(1))
    for more in ((), ("--dry-run",)):
        assert "cityauth db" in configured.refused(3, "import", "people.csv", *more)


def test_nobody_is_named_on_the_screen(deployment: Deployment) -> None:
    """What is printed holds no name, no address and no hash: it may be sent on."""
    write(deployment, row(1, realm="x"), row(2, email="secret@"), row(3))
    for arguments in ((), ("--json",), ("--dry-run",)):
        printed = deployment.run("import", "people.csv", *arguments).output
        assert not [word for word in ("Matti", "secret", "example.com", HASH, "user1") if word in printed]


def run_on_terminal(deployment: Deployment, *arguments: str) -> tuple[int, str]:
    """Run the command on a terminal of its own, and return its status and what it showed."""
    import pty

    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "cityauth.cli", *arguments]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=deployment.folder, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        status = process.wait(timeout=60)
    os.close(ours)
    return status, shown.decode("utf-8", "replace")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_terminal_shows_progress_and_a_pipe_does_not(deployment: Deployment) -> None:
    """On a terminal a bar shows the rows and their speed; a pipe gets nothing but the report."""
    write(deployment, *(row(n) for n in range(200)))
    status, shown = run_on_terminal(deployment, "import", "people.csv", "--batch", "10")
    assert status == 0
    assert "Importing" in shown
    assert "rows, " in shown
    assert "Importing" not in deployment.run("import", "people.csv").output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_pipe_is_imported_on_a_terminal(deployment: Deployment) -> None:
    """The bar asks a pipe for no place: a pipe has none."""
    write(deployment, *(row(n) for n in range(20)))
    os.mkfifo(deployment.folder / "pipe.csv")
    with subprocess.Popen(["cp", "people.csv", "pipe.csv"], cwd=deployment.folder) as copying:
        status, shown = run_on_terminal(deployment, "import", "pipe.csv", "--batch", "5")
        copying.kill()
    assert status == 0, shown
    assert "20 people were added" in shown


KILLED = """
import os, signal, sys
from cityauth.cli import main
from cityauth.stores.sql import store

at, when = int(sys.argv[1]), sys.argv[2]
inside, outside, count = store.commit, store.SqlStore.commit, 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def commit(changes):
    global count
    count += 1
    outcome = yield from inside(changes)
    if count == at and when == "inside":
        die()
    return outcome

def then_die(self, changes):
    outcome = outside(self, changes)
    if count == at:
        die()
    return outcome

store.commit, store.SqlStore.commit = commit, then_die
sys.argv = ["cityauth", "import", "people.csv", "--batch", "7"]
main()
"""
"""Runs the import and dies by force: before its n-th commit is written, or right after it."""


def state(deployment: Deployment) -> list[Any]:
    """What is in the database, without random ids and times."""
    with SqlStore(f"sqlite:///{deployment.folder / 'service.db'}") as store:
        ids = [one.account.external_id for one in store.read_population("", 10_000)]
        found = store.find_imported([one for one in ids if one])
    return sorted(
        (
            str(one.row.account.external_id),
            one.row.account.display_name,
            one.row.account.contact,
            [held.identifier.key for held in one.row.account_identifiers],
            one.source.display_name if one.source else None,
        )
        for one in found
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("when", ["inside", "after"])
@pytest.mark.parametrize("seed", range(4))
def test_a_killed_import_is_run_again(deployment: Deployment, when: str, seed: int) -> None:
    """Killed at any commit and run again, an import ends as one that was never killed, delta and quarantine too (C-23)."""
    lots = random.Random(seed)
    first = [row(n) for n in range(20)]
    newer = [row(n, display_name=lots.choice(["New", f"Matti {n}"]), realm=lots.choice(["citizen", "citizen", "x"]))
             for n in range(40)]  # fmt: skip
    lots.shuffle(newer)
    write(deployment, *first)
    deployment.well("import", "people.csv")
    shutil.copy(deployment.folder / "service.db", deployment.folder / "other.db")
    write(deployment, *newer)
    whole = deployment.run("import", "people.csv", "--batch", "7")
    expected = state(deployment)
    quarantine = (deployment.folder / "quarantine.csv").read_bytes()
    shutil.copy(deployment.folder / "other.db", deployment.folder / "service.db")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(1 + seed % 5), when], cwd=deployment.folder, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    again = deployment.run("import", "people.csv", "--batch", "7")
    assert again.exit_code == whole.exit_code
    assert state(deployment) == expected
    assert (deployment.folder / "quarantine.csv").read_bytes() == quarantine


WEAK = "{SHA}efN9hcvuFcIoLY0GewN51Rao5IA="
"""An unsalted hash of an LDAP server."""


def test_weak_hashes_are_wrapped_after_an_import(deployment: Deployment) -> None:
    """By default no weak hash is left; the report says how many there were (C-50)."""
    write(deployment, row(1, password_hash=WEAK), row(2), row(3, password_hash=WEAK))
    assert "Wrapped 2 of 2 weak hashes" in deployment.well("import", "people.csv")
    kinds = json.loads(deployment.well("hashes", "list", "--json"))
    assert {(one["format"], one["accounts"], one["weak"]) for one in kinds} >= {("wrapped ldap_sha", 2, False)}
    assert not any(one["weak"] for one in kinds)
    again = json.loads(deployment.well("import", "people.csv", "--json"))
    assert (again["unchanged"], again["wrapped"]["found"]) == (3, 0)


def test_wrapping_can_be_left_for_later(deployment: Deployment) -> None:
    """``--no-wrap`` leaves the hashes, the list names them, and ``hashes wrap`` does it; a dry run wraps nothing."""
    write(deployment, row(1, password_hash=WEAK), row(2))
    assert json.loads(deployment.well("import", "people.csv", "--dry-run", "--json"))["wrapped"] is None
    assert json.loads(deployment.well("import", "people.csv", "--no-wrap", "--json"))["wrapped"] is None
    assert "1 hashes are weak" in deployment.well("hashes", "list")
    assert "Wrapped 1 of 1 weak hashes" in deployment.well("hashes", "wrap")
    report = {"found": 0, "wrapped": 0, "overtaken": 0, "left": 0}
    assert json.loads(deployment.well("hashes", "wrap", "--json")) == report
    assert "No stored hash is weak" in deployment.well("hashes", "wrap")


@pytest.mark.parametrize("name", ["people.csv", "people.xlsx"])
def test_a_spreadsheet_file_is_named(deployment: Deployment, name: str) -> None:
    """Whoever gives the spreadsheet itself reads what to do, whatever the file is called."""
    (deployment.folder / name).write_bytes(b"PK\x03\x04" + bytes(range(256)))
    sentence = deployment.refused(2, "import", name, "--format", "csv")
    assert sentence == "the file is a spreadsheet or an archive, and no text: save it as CSV in UTF-8"


WRAP_KILLED = KILLED.replace('["cityauth", "import", "people.csv", "--batch", "7"]', '["cityauth", "hashes", "wrap"]')
"""Runs the wrapping, a hash in each commit, and dies by force."""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("when", ["inside", "after"])
def test_a_killed_wrapping_is_run_again(deployment: Deployment, when: str) -> None:
    """Killed at a commit and run again, the wrapping leaves no weak hash and wraps none twice (C-23)."""
    write(deployment, *(row(n, password_hash=WEAK) for n in range(4)))
    deployment.well("import", "people.csv", "--no-wrap")
    code = "from cityauth.flows import hash_kinds\nhash_kinds._PAGE = 1\n" + WRAP_KILLED
    done = subprocess.run([sys.executable, "-c", code, "2", when], cwd=deployment.folder, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    left = 3 if when == "inside" else 2
    assert json.loads(deployment.well("hashes", "wrap", "--json"))["wrapped"] == left
    assert [one["format"] for one in json.loads(deployment.well("hashes", "list", "--json"))] == ["wrapped ldap_sha"]
