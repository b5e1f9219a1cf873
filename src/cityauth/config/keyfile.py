"""The key file: one signing secret a line, the oldest first, readable by its owner alone.

A line that begins with ``tombstone:`` is no signing secret: it holds, in hexadecimal, the key of what is kept of erased
accounts. It stays when signing secrets are replaced.
"""

import base64
import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cityauth.core.signing import MIN_SECRET_BYTES, KeyRing
from cityauth.errors import SecretError
from cityauth.ports.services import Entropy

TOMBSTONE: Final = "tombstone:"
"""Begins the line of the key of what is kept of erased accounts."""

_ADDED: Final = "# added "
"""Begins the comment that says when the next secret was added."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ROOT = 0
"""The user id of root, who can read every file in any case."""


def generate(entropy: Entropy) -> str:
    """Return a new secret: 32 random bytes as 43 characters of unpadded base64url.

    About one draw in a million looks like a sample key, which the library refuses. Then another one is drawn.
    """
    while True:
        secret = base64.urlsafe_b64encode(entropy.draw(MIN_SECRET_BYTES)).decode().rstrip("=")
        try:
            KeyRing.of([secret])
        except SecretError:
            continue
        return secret


def read(path: Path) -> list[str]:
    """Return the signing secrets in *path*, the oldest first. Empty lines and lines that start with # are none.

    Raises:
        SecretError: see `read_tombstones`.
    """
    return [line for line in _lines(path) if not line.startswith(TOMBSTONE)]


def read_tombstones(path: Path) -> list[str]:
    """Return the keys of what is kept of erased accounts, in hexadecimal, the oldest first; empty when there is none.

    Raises:
        SecretError: the file is missing, cannot be read, is no text, belongs to another user, or has a mode that
            lets others use it.
    """
    lines = [line for line in _lines(path) if line.startswith(TOMBSTONE)]
    return [line.removeprefix(TOMBSTONE).strip() for line in lines]


def _lines(path: Path) -> list[str]:
    """Return the lines of *path* that hold something and are no comment."""
    return [line for line in _all_lines(path) if line and not line.startswith("#")]


def _all_lines(path: Path) -> list[str]:
    """Return every line of *path*, without outer blanks."""
    try:
        with path.open(encoding="utf-8") as file:
            _require_private(path, os.fstat(file.fileno()))
            return [line.strip() for line in file]
    except FileNotFoundError as error:
        raise SecretError(f"there is no key file {path}: `cityauth keys generate --append` makes it") from error
    except UnicodeDecodeError as error:
        raise SecretError(f"the key file {path} is no text: it holds one secret a line") from error
    except OSError as error:
        raise SecretError(f"the key file {path} cannot be read: {error.strerror}") from error


def _require_private(path: Path, status: os.stat_result) -> None:
    """Raise `SecretError` if somebody else than this process's user and root can read or replace the secrets."""
    if os.name != "posix":
        return
    if status.st_mode & _OTHERS:
        raise SecretError(
            f"others than its owner may use the key file {path}: make it private with `chmod 600 {path}`,"
            " and replace its secrets if somebody may have read them"
        )
    user = os.geteuid()
    if status.st_uid not in {user, _ROOT} and user != _ROOT:
        raise SecretError(
            f"the key file {path} belongs to another user, who can read and change its secrets: give it to the user"
            " of the service with `chown`, and replace its secrets"
        )


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One signing secret of the file, without the secret.

    Attributes:
        name: 8 hexadecimal digits that name the secret; nothing about it can be learnt from them.
        added_at: When it was added; ``None`` if the file does not say it.
    """

    name: str
    added_at: datetime | None


def list_keys(path: Path) -> list[KeyEntry]:
    """Return the signing secrets in *path*, the oldest first, without the secrets.

    Raises:
        SecretError: see `read_tombstones`.
    """
    entries: list[KeyEntry] = []
    added_at: datetime | None = None
    for line in _all_lines(path):
        if line.startswith(_ADDED):
            added_at = _moment_of(line)
        elif _is_secret(line):
            entries.append(KeyEntry(_name_of(line), added_at))
            added_at = None
    return entries


def append(path: Path, secret: str, at: datetime | None = None) -> int:
    """Add *secret* as the newest to the key file and return how many there are then; make the file if need be.

    A file without a line for the tombstones' key gets one, so that the oldest secret can be removed later. With *at* a
    comment says when the secret was added.

    The file is replaced in one step by a finished copy that only its owner can read. So an interruption leaves the
    whole old file or the whole new one. The copy's name is the lock against a second writer. An existing file keeps
    its owner.

    Raises:
        SecretError: the file cannot be read or replaced, or another writer is at work.
    """
    count = 0

    def content(path: Path) -> str:
        nonlocal count
        before, count = _before(path)
        added = "" if at is None else f"{_ADDED}{at.isoformat()}\n"
        return f"{before}{_tombstone_line(path, secret)}{added}{secret}\n"

    _replace(path, content)
    return count + 1


def retire(path: Path, name: str) -> int:
    """Remove the secret of that *name* from the key file and return how many are left.

    A file without a line for the tombstones' key gets one first, so that nothing is lost with the oldest secret. The
    file is replaced as by `append`.

    Raises:
        SecretError: no secret has the name, it is the newest, or see `append`.
    """
    left = 0

    def content(path: Path) -> str:
        nonlocal left
        names = [entry.name for entry in list_keys(path)]
        if name not in names:
            raise SecretError(f"the key file {path} has no key {name}: `cityauth keys list` shows its keys")
        if names[-1] == name:
            raise SecretError(f"the key {name} is the newest and signs: `cityauth keys rotate` first")
        left = sum(other != name for other in names)
        return _tombstone_line(path, "") + _without(_all_lines(path), name)

    _replace(path, content)
    return left


def _without(lines: list[str], name: str) -> str:
    """Return the lines but those of the secret of that *name*: itself, and the comment on when it was added."""
    kept: list[str] = []
    for line in lines:
        if _is_secret(line) and _name_of(line) == name:
            if kept and kept[-1].startswith(_ADDED):
                kept.pop()
            continue
        kept.append(line)
    return "".join(f"{line}\n" for line in kept)


def _name_of(secret: str) -> str:
    return hashlib.sha256(b"cityauth.key-name:" + secret.encode()).hexdigest()[:8]


def _is_secret(line: str) -> bool:
    return bool(line) and not line.startswith(("#", TOMBSTONE))


def _moment_of(line: str) -> datetime | None:
    """Return the moment in the comment on when a secret was added; ``None`` if somebody wrote something else there."""
    try:
        moment = datetime.fromisoformat(line.removeprefix(_ADDED))
    except ValueError:
        return None
    return moment if moment.utcoffset() is not None else None


def _replace(path: Path, content: Callable[[Path], str]) -> None:
    """Replace the key file in one step by a private copy that holds *content*, which reads the file as it is now."""
    path = path.resolve()  # a symbolic link stays one
    copy = path.with_name(f"{path.name}.new")
    try:
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise SecretError(
            f"{copy} is there: another `keys` command is at work, or one was interrupted; delete it and try again"
        ) from error
    except OSError as error:
        raise SecretError(f"the key file {path} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content(path))
            _keep_owner(path, file.fileno())
            file.flush()
            os.fsync(file.fileno())
        copy.replace(path)
    except BaseException as error:  # only here is the copy still ours to delete
        copy.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise SecretError(f"the key file {path} cannot be replaced: {error.strerror}") from error
        raise
    _sync_folder(path.parent)


def _tombstone_line(path: Path, secret: str) -> str:
    """Return the line that keeps the tombstones' key, or nothing where the file has one.

    It is the key that comes from the oldest secret: the one that is in use until then.
    """
    signing = read(path) if path.exists() else []
    if path.exists() and read_tombstones(path):
        return ""
    try:
        key = KeyRing.of(signing or [secret]).derive("tombstones")
    except SecretError:  # the library refuses these secrets, so nothing was made with them
        return ""
    return f"{TOMBSTONE} {key.hex()}\n"


def _before(path: Path) -> tuple[str, int]:
    """Return what the file holds now, with a line break at its end, and how many signing secrets that is."""
    if not path.exists():
        return "# Signing secrets, the oldest first. Keep this file private.\n", 0
    count = len(read(path))
    text = path.read_text(encoding="utf-8")
    return text if not text or text.endswith("\n") else f"{text}\n", count


def _keep_owner(path: Path, descriptor: int) -> None:
    """Give the copy the owner of the file that it replaces: the service must still be able to read it."""
    if os.name != "posix" or not path.exists():
        return
    now = path.stat()
    if (now.st_uid, now.st_gid) != (os.fstat(descriptor).st_uid, os.fstat(descriptor).st_gid):
        os.fchown(descriptor, now.st_uid, now.st_gid)


def _sync_folder(folder: Path) -> None:
    """Write the folder to the disk, so that the new file survives a loss of power."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
