"""``cityauth keys``: secrets that the library takes."""

import stat

import pytest

from cityauth.config import keyfile
from cityauth.core.signing import KeyRing
from tests.support.command import Deployment


def test_a_secret_is_printed_alone(empty: Deployment) -> None:
    """Without any configuration the command prints one good secret and nothing else (B-35, ASVS 11.5.1)."""
    first, second = empty.well("keys", "generate"), empty.well("keys", "generate")
    assert first != second
    assert (len(first), first[-1]) == (44, "\n")
    KeyRing.of([first.strip(), second.strip()])
    assert list(empty.folder.iterdir()) == []


def test_a_secret_is_appended_unseen(configured: Deployment) -> None:
    """Rotation adds the newest secret to the private file, verifies with all, and shows none (C-22, B-37)."""
    path = configured.folder / "service.keys"
    before = keyfile.read(path)
    said = configured.well("keys", "generate", "--append")
    after = keyfile.read(path)
    assert after[:-1] == before
    assert said.startswith(f"Appended secret 2 to {path}.")
    assert not any(secret in said for secret in after)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_first_secret_makes_the_file(empty: Deployment) -> None:
    """A configured key file that is not there yet is made, private."""
    empty.write('secrets_file = "service.keys"')
    path = empty.folder / "service.keys"
    assert empty.well("keys", "generate", "--append") == f"Made the key file {path} with its first secret.\n"
    assert len(keyfile.read(path)) == 1


def test_appending_nowhere_is_refused(empty: Deployment) -> None:
    """Without a configured key file the sentence says where to name one."""
    assert "set secrets_file in cityauth.toml" in empty.refused(2, "keys", "generate", "--append")


def test_appending_where_nobody_reads_is_refused(configured: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that the environment's would hide is not appended: the rotation would change nothing."""
    path = configured.folder / "service.keys"
    before = path.read_bytes()
    monkeypatch.setenv("CITYAUTH_SECRETS", "x" * 43)
    assert "CITYAUTH_SECRETS is set" in configured.refused(2, "keys", "generate", "--append")
    assert path.read_bytes() == before


def test_an_open_file_is_refused(configured: Deployment) -> None:
    """A key file that others may read stops every command that needs it, with the way to mend it."""
    (configured.folder / "service.keys").chmod(0o644)
    configured.well("db", "init")
    for arguments in (("keys", "generate", "--append"), ("account", "show", "erkki")):
        assert "chmod 600" in configured.refused(2, *arguments)
