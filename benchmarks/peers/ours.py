"""cityauth with `SqlStore`, through the public face alone."""

import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from benchmarks.peers import Sync
from benchmarks.population import ARGON2, PASSWORD, email, number
from cityauth import (
    Authenticated,
    CityAuth,
    ClientContext,
    HashProfile,
    NewAccount,
    PasswordRequired,
    Policy,
    SecretStr,
)
from cityauth.stores.sql import SqlStore

_PROFILE = HashProfile(
    memory_cost=ARGON2["memory_cost"], time_cost=ARGON2["time_cost"], parallelism=ARGON2["parallelism"]
)
_ALONE = """
SELECT min(cid) FROM pragma_table_info(:table) WHERE pk HAVING count(*) = 1
UNION SELECT min(cid) FROM pragma_index_list(:table) AS indexes, pragma_index_info(indexes.name)
WHERE "unique" GROUP BY indexes.name HAVING count(*) = 1
"""
"""Columns that are unique by themselves, by their place."""


@cache
def _client_of(email: str) -> ClientContext:
    """Return the client of a person: each has an address of its own, since sign-ins are limited for each network."""
    place = int("".join(filter(str.isdigit, email)))
    return ClientContext(str(IPv4Address("10.0.0.0") + place), "benchmark")


class Ours:
    """`CityAuth` as a host makes it, with the cheap hash."""

    name = "cityauth"

    def __init__(self, path: Path, sync: Sync) -> None:
        """Name the file."""
        self._path = path
        self._store = SqlStore(f"sqlite:///{path}", synchronous=sync.value)
        self._auth = CityAuth(
            self._store,
            [secrets.token_urlsafe(32)],
            policy=Policy(hashing=_PROFILE),
        )

    def populate(self, accounts: int) -> None:
        """Add the first person and sign them in; everybody else is a copy of what that wrote."""
        self._store.create_schema()
        hashed = self._auth.passwords.hash(PASSWORD)
        assert isinstance(hashed, SecretStr)
        first = NewAccount(
            "Matti Meik\u00e4l\u00e4inen",
            id=f"account-{number(0)}",
            email=email(0),
            password_hash=hashed.get_secret_value(),
        )
        self._auth.accounts.add(first)
        assert self.sign_in(email(0), PASSWORD)
        self._store.close()
        with closing(sqlite3.connect(self._path)) as database:
            _multiply(database, accounts)

    def sign_in(self, email: str, password: str) -> str | None:
        """Both steps: identify, then the password."""
        step = self._auth.login.identify(email)
        if not isinstance(step, PasswordRequired):
            return None
        done = self._auth.login.submit_password(step.pending, password, identifier=email, client=_client_of(email))
        return done.session.token.get_secret_value() if isinstance(done, Authenticated) else None

    def check(self, token: str) -> str | None:
        """See `Sessions.check`."""
        live = self._auth.sessions.check(token)
        return live.account.contact if live else None

    def resolve(self, email: str) -> str | None:
        """See `Identifiers.resolve`."""
        account = self._auth.identifiers.resolve(email).account
        return account.contact if account else None

    def sessions(self) -> int:
        """Count the rows."""
        with closing(sqlite3.connect(self._path)) as database:
            count: int = database.execute("SELECT count(*) FROM cityauth_session").fetchone()[0]
            return count

    def close(self) -> None:
        """Close the connections."""
        self._store.close()


def _multiply(database: sqlite3.Connection, accounts: int) -> None:
    """Copy every row of the first person for everybody else.

    It knows no column by name: the first person's number is replaced wherever it stands, and what must
    differ from row to row otherwise is made different. So it keeps working when the tables change.
    """
    database.executescript("PRAGMA journal_mode = off; PRAGMA synchronous = off; PRAGMA cache_size = -400000")
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'cityauth_*'")
    for (table,) in tables.fetchall():
        rows = database.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - our own names
        alone = {column for (column,) in database.execute(_ALONE, {"table": table})}
        for row in rows:
            if any(isinstance(value, str) and number(0) in value for value in row):
                makers = [_maker(value, unique=column in alone) for column, value in enumerate(row)]
                holes = ", ".join("?" * len(row))
                database.executemany(f"INSERT INTO {table} VALUES ({holes})", _copies(makers, accounts))  # noqa: S608
    database.commit()


def _copies(makers: list[Callable[[int], Any]], accounts: int) -> Iterator[list[Any]]:
    return ([make(n) for make in makers] for n in range(1, accounts))


def _maker(value: Any, *, unique: bool) -> Callable[[int], Any]:
    """Return what makes the value of person *n* from the first one's."""
    if isinstance(value, str) and number(0) in value:
        before, after = value.split(number(0), 1)
        return lambda n: f"{before}{number(n)}{after}"
    if not unique:
        return lambda _: value
    if isinstance(value, bytes):
        return lambda n: hashlib.sha256(value + b"%d" % n).digest()[: len(value)]
    return (lambda _: None) if isinstance(value, int) else (lambda n: f"{value}{n}")
