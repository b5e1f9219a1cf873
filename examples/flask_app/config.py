"""One installation: where its database is, its own random keys, and whether it is served over plain http."""

import os
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self


class DemoError(Exception):
    """The demo cannot start; the message says why and what to do, in one sentence."""


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The secrets of one installation: never in git, never shared with another.

    Attributes:
        pages: Signs Flask's session cookie, which holds the CSRF secret.
        signing: cityauth's key ring, the oldest first; a line added to the file rotates.
    """

    pages: str
    signing: tuple[str, ...]

    @classmethod
    def beside(cls, database: Path) -> Self:
        """Read the keys that lie beside *database*, or make them, readable by this user alone.

        The file has a key on every line: the first signs the pages, the others are cityauth's.

        Raises:
            DemoError: the file lacks a key.
        """
        path = database.with_name(f"{database.name}.keys")
        if not path.exists():
            _create_whole(path, "".join(f"{secrets.token_urlsafe(48)}\n" for _ in range(2)))
        keys = path.read_text(encoding="ascii").split()
        if len(keys) < 2:  # noqa: PLR2004 - one for the pages, one at least for cityauth
            raise DemoError(f"{path} lacks a key; delete it to get new ones, which signs everybody out")
        return cls(keys[0], tuple(keys[1:]))


def _create_whole(path: Path, content: str) -> None:
    """Create a file for this user alone, unless somebody else does at this moment; nobody ever reads half of it."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(content)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()


@contextmanager
def alone_with(database: Path) -> Iterator[None]:
    """Let one process at a time prepare *database*: others that start now wait until the block ends.

    Raises:
        DemoError: another process has been preparing it for a minute.
    """
    lock = sqlite3.connect(database.with_name(f"{database.name}.lock"), timeout=60, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
        yield
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        raise DemoError(f"{database} is being prepared by another demo; try again") from error
    finally:
        lock.close()


@dataclass(frozen=True, slots=True)
class Config:
    """What differs between installations.

    Attributes:
        database: The SQLite file, which cityauth's tables and the city's own share. With *accounts* it has only the
            city's own.
        keys: See `Keys`.
        plain_localhost: Set by ``python -m flask_app`` alone, which serves http on the loopback address:
            cookies then go without ``Secure`` and without the name prefix ``__Host-``, since a browser
            keeps neither over plain http. Behind TLS leave it off.
        hosts: The host names that requests may be sent to.
        base_url: Where the links in mails lead, whatever host a request was sent to; behind a proxy with the path
            prefix at which the proxy serves the service, such as ``https://city.example/asiointi``.
        proxies: How many trusted proxies pass requests on. What they say in ``X-Forwarded-For``,
            ``X-Forwarded-Proto`` and ``X-Forwarded-Prefix`` is believed. 0 where browsers come directly: then
            anybody could write these headers, and nobody reads them.
        accounts: The URL of a PostgreSQL database for cityauth's tables; empty for the SQLite file.
        valkey: The URL of a Valkey server that counts for the throttle; empty if the database counts.
    """

    database: Path
    keys: Keys
    plain_localhost: bool = False
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1")
    base_url: str = "https://localhost"
    proxies: int = 0
    accounts: str = ""
    valkey: str = ""

    @property
    def accounts_url(self) -> str:
        """The URL of the database with cityauth's tables."""
        return self.accounts or f"sqlite:///{self.database.resolve()}"
