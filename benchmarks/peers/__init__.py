"""The contenders, each in a module that is imported only when it is measured."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Protocol


class Sync(StrEnum):
    """How far SQLite waits for the disk at a commit; the journal is WAL in both."""

    NORMAL = "normal"
    FULL = "full"


class Peer(Protocol):
    """One way to do the jobs, on a SQLite file of its own.

    Attributes:
        name: As it stands in the tables.
    """

    name: str

    def __init__(self, path: Path, sync: Sync) -> None:
        """Open the database file *path*, which need not exist yet."""
        ...

    def populate(self, accounts: int) -> None:
        """Fill the empty database with so many persons and as many sessions."""
        ...

    def sign_in(self, email: str, password: str) -> str | None:
        """Find the account, verify, store what the sign-in leaves behind; return the cookie's value."""
        ...

    def check(self, token: str) -> str | None:
        """Return the address of the person whose session *token* opens, account loaded."""
        ...

    def resolve(self, email: str) -> str | None:
        """Find an account by what was typed, and return its address."""
        ...

    def sessions(self) -> int:
        """How many sessions or sign-ins the database holds, to see that a sign-in wrote one."""
        ...

    def close(self) -> None:
        """Close the database."""
        ...


MODULES: Mapping[str, tuple[str, str]] = {
    "floor": ("benchmarks.peers.floor", "Floor"),
    "ours": ("benchmarks.peers.ours", "Ours"),
    "django": ("benchmarks.peers.django_peer", "Django"),
    "flask_security": ("benchmarks.peers.flask_security_peer", "FlaskSecurity"),
}
"""Where each contender lives."""


def load(name: str) -> Callable[[Path, Sync], Peer]:
    """Import the contender *name* of `MODULES`."""
    module, attribute = MODULES[name]
    peer: Callable[[Path, Sync], Peer] = getattr(import_module(module), attribute)
    return peer
