"""The database file: made for its owner alone, never by mistake, and watched while it is in use."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import Engine

from cityauth.errors import StoreUnavailableError

_OWNER_ONLY = 0o600


def path_of(engine: Engine) -> Path | None:
    """Return the path of the engine's file, or ``None`` when its URL does not name one."""
    database = engine.url.database
    if not database:
        return None
    if database.startswith("file:"):
        return Path(unquote(urlsplit(database).path)) if urlsplit(database).path else None
    return Path(database)


def require_folder(path: Path) -> None:
    """Look for the folder of a file that is to be made.

    Raises:
        StoreUnavailableError: there is no such folder.
    """
    if not path.parent.is_dir():
        raise StoreUnavailableError(
            "the database file cannot be opened; look at its folder and permissions", nothing_written=True
        )


def create_private(path: Path) -> None:
    """Make an empty file that only its owner may read, whatever the umask is; leave an existing file as it is.

    SQLite gives its two companions, the write-ahead log and the shared memory, the same permissions.

    Raises:
        StoreUnavailableError: the file cannot be made.
    """
    try:
        made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _OWNER_ONLY)
    except FileExistsError:
        return
    except OSError:
        made = None
    if made is None:
        raise StoreUnavailableError(
            "the database file cannot be created; look at its folder and permissions", nothing_written=True
        )
    try:
        with suppress(OSError):
            os.chmod(path, _OWNER_ONLY)  # noqa: PTH101 - beside os.open
    finally:
        os.close(made)


class OpenedFile:
    """The file that a connection has opened, by its path and its number in the file system.

    It is a class so that the question whether the file is still in place costs one system call.
    """

    __slots__ = ("_device", "_inode", "_path")

    def __init__(self, driver: sqlite3.Connection) -> None:
        """Ask the connection for its file.

        Raises:
            StoreUnavailableError: the file was deleted meanwhile.
        """
        self._path: str = driver.execute("PRAGMA database_list").fetchone()[2]
        try:
            found = os.stat(self._path)  # noqa: PTH116 - as below
        except OSError:
            found = None
        if found is None:
            raise StoreUnavailableError("the database file was deleted while it was opened", nothing_written=True)
        self._device, self._inode = found.st_dev, found.st_ino

    def is_in_place(self) -> bool:
        """Whether the path still leads to the file."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - asked before each statement; a Path takes twice as long
        except OSError:
            return False
        return found.st_ino == self._inode and found.st_dev == self._device
