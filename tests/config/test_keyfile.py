"""The key file: private, replaced in one step, never lost."""

import base64
import os
import stat
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cityauth import SecretError
from cityauth.api.system import SystemEntropy
from cityauth.config import keyfile
from cityauth.core.signing import KeyRing
from tests.support.fakes import SeededEntropy

ROOT = os.geteuid() == 0


class Draws:
    """Entropy that gives what it is told."""

    def __init__(self, *draws: bytes) -> None:
        self.draws = list(draws)

    def draw(self, count: int) -> bytes:
        """The next one."""
        drawn = self.draws.pop(0)
        assert len(drawn) == count
        return drawn


def test_a_secret_is_made_of_all_that_was_drawn() -> None:
    """A secret is 32 random bytes in 43 characters of base64url, another one each time (ASVS 11.5.1, B-35)."""
    made = {keyfile.generate(SystemEntropy()) for _ in range(1000)}
    assert len(made) == 1000
    assert {len(secret) for secret in made} == {43}
    KeyRing.of(sorted(made))


def test_a_draw_that_looks_like_a_sample_is_drawn_again() -> None:
    """What the command makes is never refused by the library (B-36)."""
    good = SeededEntropy().draw(32)
    sample = base64.urlsafe_b64decode("secretAB") + good[6:]
    assert keyfile.generate(Draws(bytes(32), sample, good)) == keyfile.generate(Draws(good))


def test_secrets_are_read_in_order(tmp_path: Path) -> None:
    """The oldest comes first; comments and empty lines are no secrets."""
    path = tmp_path / "keys"
    path.write_text("# ours\n\n  one \n#two\nthree", encoding="utf-8")
    path.chmod(0o600)
    assert keyfile.read(path) == ["one", "three"]


@pytest.mark.skipif(not ROOT, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's key file is refused, root's is taken, and root itself reads any user's (A12)."""
    path = tmp_path / "keys"
    path.write_text("one", encoding="utf-8")
    path.chmod(0o600)
    os.chown(path, 12345, 12346)
    assert keyfile.read(path) == ["one"]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SecretError, match="belongs to another user"):
        keyfile.read(path)
    os.chown(path, 0, 0)
    assert keyfile.read(path) == ["one"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o666])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """A key file that anybody but its owner may use is refused, with the way to mend it."""
    path = tmp_path / "keys"
    path.write_text("one", encoding="utf-8")
    path.chmod(mode)
    with pytest.raises(SecretError, match=rf"make it private with `chmod 600 {path}`") as raised:
        keyfile.read(path)
    assert "one`" not in str(raised.value)
    with pytest.raises(SecretError, match="make it private"):
        keyfile.append(path, "two")
    assert path.read_text(encoding="utf-8") == "one"


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A missing file, a folder and a binary each have their sentence."""
    with pytest.raises(SecretError, match=r"there is no key file .*keys: `cityauth keys generate --append` makes it"):
        keyfile.read(tmp_path / "keys")
    with pytest.raises(SecretError, match="cannot be read: Is a directory"):
        keyfile.read(tmp_path)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff")
    binary.chmod(0o600)
    with pytest.raises(SecretError, match="is no text"):
        keyfile.read(binary)


def test_a_secret_is_appended_as_the_newest(tmp_path: Path) -> None:
    """Old and new secrets are valid together; the file is private from the start and stays so (C-22, ASVS 11.2.2)."""
    path = tmp_path / "keys"
    assert keyfile.append(path, "one") == 1
    assert keyfile.append(path, "two") == 2
    assert keyfile.read(path) == ["one", "two"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["keys"]


def test_what_stands_in_the_file_stays(tmp_path: Path) -> None:
    """Comments stay, a last line without its end is completed, and an empty file is no obstacle."""
    path = tmp_path / "keys"
    path.write_text("# ours\none", encoding="utf-8")
    path.chmod(0o600)
    keyfile.append(path, "two")
    assert path.read_text(encoding="utf-8") == "# ours\none\ntwo\n"
    path.write_text("", encoding="utf-8")
    assert keyfile.append(path, "one") == 1


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    """The file that a link leads to is replaced, not the link."""
    (tmp_path / "real").mkdir()
    link = tmp_path / "keys"
    link.symlink_to(tmp_path / "real" / "keys")
    keyfile.append(link, "one")
    assert link.is_symlink()
    assert keyfile.read(tmp_path / "real" / "keys") == ["one"]


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_failure_leaves_the_old_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    """Whatever fails on the way, the old ring is whole, no copy is left, and the sentence tells why (C-22)."""
    path = tmp_path / "keys"
    keyfile.append(path, "one")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if fails == "replace":
        monkeypatch.setattr(Path, "replace", full)
    else:
        monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SecretError, match="cannot be replaced: No space left on device"):
        keyfile.append(path, "two")
    assert keyfile.read(path) == ["one"]
    assert [one.name for one in tmp_path.iterdir()] == ["keys"]


def test_an_interrupted_copy_blocks_and_is_named(tmp_path: Path) -> None:
    """A copy left by a killed writer is never overwritten; the sentence says what to do with it (C-22)."""
    path = tmp_path / "keys"
    keyfile.append(path, "one")
    copy = tmp_path / "keys.new"
    copy.touch()
    with pytest.raises(SecretError, match=r"keys\.new is there: .* delete it and try again"):
        keyfile.append(path, "two")
    assert copy.exists()
    assert keyfile.read(path) == ["one"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The key file's folder must exist."""
    with pytest.raises(SecretError, match="cannot be written: No such file or directory"):
        keyfile.append(tmp_path / "nope" / "keys", "one")


def test_writers_at_once_lose_no_secret(tmp_path: Path) -> None:
    """Of many writers each one either has its secret in the file or was told that it has not (C-22, ASVS 15.4.2)."""
    path, kept, barrier = tmp_path / "keys", list[str](), threading.Barrier(8)

    def write(name: str) -> None:
        barrier.wait()
        try:
            keyfile.append(path, name)
        except SecretError:
            return
        kept.append(name)

    writers = [threading.Thread(target=write, args=(f"secret-{number}",)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert kept
    assert sorted(keyfile.read(path)) == sorted(kept)


@pytest.mark.skipif(not ROOT, reason="only root may give a file to another user")
def test_the_owner_stays(tmp_path: Path) -> None:
    """A file that belongs to the service's user still does when root has appended to it."""
    path = tmp_path / "keys"
    keyfile.append(path, "one")
    os.chown(path, 12345, 12346)
    keyfile.append(path, "two")
    assert (path.stat().st_uid, path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)) == (12345, 12346, 0o600)


AT = datetime(2027, 1, 1, 12, tzinfo=UTC)


def test_keys_are_named_without_their_secrets(tmp_path: Path) -> None:
    """The list has a name and a date for each secret, the oldest first; a date that cannot be read is not known."""
    path = tmp_path / "keys"
    path.write_text("one\n# added yesterday\ntwo\n# added 2027-01-01\nthree\n", encoding="utf-8")
    path.chmod(0o600)
    keyfile.append(path, "four", AT)
    keyfile.append(path, "five")
    entries = keyfile.list_keys(path)
    assert [one.added_at for one in entries] == [None, None, None, AT, None]
    assert len({one.name for one in entries}) == 5
    assert not {one.name for one in entries} & {"one", "two", "three", "four", "five"}
    assert keyfile.read(path) == ["one", "two", "three", "four", "five"]


def test_a_retired_key_leaves_with_its_date_and_nothing_else(tmp_path: Path) -> None:
    """Comments, other secrets and their dates stay as they are."""
    path = tmp_path / "keys"
    path.write_text("# ours\n# added 2027-01-01T12:00:00+00:00\none\n", encoding="utf-8")
    path.chmod(0o600)
    keyfile.append(path, "two", AT)
    keyfile.append(path, "three", AT)
    first, second, _ = keyfile.list_keys(path)
    assert keyfile.retire(path, first.name) == 2
    assert keyfile.retire(path, second.name) == 1
    assert path.read_text(encoding="utf-8") == f"# ours\n# added {AT.isoformat()}\nthree\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_newest_and_unknown_keys_are_not_retired(tmp_path: Path) -> None:
    """What signs stays, also if the same secret stands twice in the file, and a name that is none changes nothing."""
    path = tmp_path / "keys"
    path.write_text("one\ntwo\none\n", encoding="utf-8")
    path.chmod(0o600)
    first, _, newest = keyfile.list_keys(path)
    assert first.name == newest.name
    with pytest.raises(SecretError, match="is the newest"):
        keyfile.retire(path, first.name)
    with pytest.raises(SecretError, match="has no key 00000000"):
        keyfile.retire(path, "00000000")
    assert path.read_text(encoding="utf-8") == "one\ntwo\none\n"
    assert [one.name for one in tmp_path.iterdir()] == ["keys"]


def test_the_tombstones_key_outlives_the_oldest_secret(tmp_path: Path) -> None:
    """A file from before the tombstones' key gets its line when its oldest secret is retired (C-22)."""
    path = tmp_path / "keys"
    old, new = keyfile.generate(SeededEntropy(b"old")), keyfile.generate(SeededEntropy(b"new"))
    path.write_text(f"{old}\n{new}\n", encoding="utf-8")
    path.chmod(0o600)
    keyfile.retire(path, keyfile.list_keys(path)[0].name)
    assert keyfile.read(path) == [new]
    assert keyfile.read_tombstones(path) == [KeyRing.of([old]).derive("tombstones").hex()]


ROTATING = """
import sys
from pathlib import Path
from cityauth.api.system import SystemEntropy
from cityauth.config import keyfile
path = Path(sys.argv[1])
print("begun", flush=True)
while True:
    names = [one.name for one in keyfile.list_keys(path)]
    if len(names) > 3:
        keyfile.retire(path, names[1])
    else:
        keyfile.append(path, keyfile.generate(SystemEntropy()))
"""


@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.1, 0.2])
def test_a_killed_rotation_leaves_a_whole_ring(tmp_path: Path, seconds: float) -> None:
    """After kill -9 in the middle of rotations the file is a whole ring, private, with the first key in it (C-22)."""
    path = tmp_path / "keys"
    first = keyfile.generate(SystemEntropy())
    keyfile.append(path, first)
    with subprocess.Popen([sys.executable, "-c", ROTATING, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        time.sleep(seconds)
        process.kill()
        process.wait(10)
    found = keyfile.read(path)
    KeyRing.of(found)
    assert found[0] == first
    assert 1 <= len(found) <= 4
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keyfile.read_tombstones(path) == [KeyRing.of([first]).derive("tombstones").hex()]
