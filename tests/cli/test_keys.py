"""``cityauth keys``: secrets that the library takes."""

import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cityauth.api.system import SystemEntropy
from cityauth.config import keyfile
from cityauth.core.signing import KeyRing
from tests.support.command import TOML, Deployment


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


def names(deployment: Deployment) -> list[str]:
    """The names of the keys, the oldest first."""
    return [one["name"] for one in deployment.json("keys", "list")]


def age(path: Path, days: int) -> None:
    """Make every key of the file older by that many days."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if line.startswith("# added "):
            moment = datetime.fromisoformat(line.removeprefix("# added ")) - timedelta(days=days)
            lines[number] = f"# added {moment.isoformat()}"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def test_a_key_is_rotated_and_retired(configured: Deployment) -> None:
    """Rotation adds the newest key; the former one is retired once nothing that it signed is valid (C-22, B-37)."""
    path = configured.folder / "service.keys"
    (old,) = keyfile.read(path)
    (former,) = names(configured)
    said = configured.well("keys", "rotate")
    new = keyfile.read(path)[1]
    assert f"`cityauth keys retire {former}` removes the former one later." in said
    assert keyfile.read(path) == [old, new]
    assert [one["signs"] for one in configured.json("keys", "list")] == [False, True]
    assert "may work until" in configured.refused(1, "keys", "retire", former)
    age(path, 6)
    assert "may work until" in configured.refused(1, "keys", "retire", former)
    age(path, 2)
    assert configured.well("keys", "retire", former).startswith(f"Removed the key {former}; 1 left.")
    assert keyfile.read(path) == [new]
    listed = configured.well("keys", "list")
    assert not any(secret in said + listed for secret in (old, new))


def test_a_key_is_retired_at_once_on_demand(configured: Deployment) -> None:
    """With ``--now`` a stolen key leaves at once, but never the one that signs (C-39)."""
    (former,) = names(configured)
    assert "is the newest and signs" in configured.refused(1, "keys", "retire", former, "--now")
    configured.well("keys", "rotate")
    configured.well("keys", "retire", former, "--now")
    assert former not in names(configured)
    assert "has no key" in configured.refused(1, "keys", "retire", former, "--now")


def test_a_longer_link_keeps_its_key_longer(configured: Deployment) -> None:
    """The time that a key must stay follows the lifetimes of links in the configuration."""
    configured.write(TOML + '[links]\nemail_undo = "30 days"\n')
    (former,) = names(configured)
    configured.well("keys", "rotate")
    age(configured.folder / "service.keys", 29)
    assert "may work until" in configured.refused(1, "keys", "retire", former)
    age(configured.folder / "service.keys", 2)
    configured.well("keys", "retire", former)


def test_a_key_without_a_date_is_not_retired_unasked(configured: Deployment) -> None:
    """Where the file does not say when a key was replaced, only ``--now`` removes it."""
    path = configured.folder / "service.keys"
    keyfile.append(path, keyfile.generate(SystemEntropy()))
    former, _ = names(configured)
    assert "does not say when" in configured.refused(1, "keys", "retire", former)
    configured.well("keys", "retire", former, "--now")


@pytest.mark.parametrize("content", [None, "", "# nothing yet\n"])
def test_rotating_nothing_is_refused(empty: Deployment, content: str | None) -> None:
    """Without a first key there is nothing to rotate, and the sentence names the command that makes one."""
    empty.write('secrets_file = "service.keys"')
    if content is not None:
        path = empty.folder / "service.keys"
        path.write_text(content, encoding="ascii")
        path.chmod(0o600)
    assert "`cityauth keys generate --append` makes the first" in empty.refused(2, "keys", "rotate")


@pytest.mark.parametrize("arguments", [("rotate",), ("list",), ("retire", "00000000")])
def test_keys_of_the_environment_are_not_the_file(
    configured: Deployment, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Where the environment gives the secrets, no command touches or shows the file that nobody reads."""
    before = (configured.folder / "service.keys").read_bytes()
    monkeypatch.setenv("CITYAUTH_SECRETS", "x" * 43)
    assert "CITYAUTH_SECRETS is set" in configured.refused(2, "keys", *arguments)
    assert (configured.folder / "service.keys").read_bytes() == before


def test_tombstones_survive_rotation_and_retirement(configured: Deployment) -> None:
    """The identifier of an erased account stays reserved when every signing secret was replaced (C-22)."""
    before = configured.well("keys", "tombstones")
    for _ in range(3):
        former = names(configured)[0]
        configured.well("keys", "rotate")
        configured.well("keys", "retire", former, "--now")
    assert configured.well("keys", "tombstones") == before
