"""PostgreSQL for the tests: one server for each worker, and databases that are emptied instead of made anew."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import delete

from cityauth.stores.sql import SqlStore
from cityauth.stores.sql.tables import METADATA
from servers import PostgresqlServer, ServerError


def patient(url: str) -> SqlStore:
    """Return a store on *url* for a test that is not about limits: the machine may be slow."""
    return SqlStore(url, pool_size=16, pool_timeout=30, statement_timeout=30)


class Databases:
    """The databases of one server: each is made once and then emptied for every test."""

    def __init__(self, server: PostgresqlServer) -> None:
        """Take a running *server*."""
        self.server = server
        self._made: set[str] = set()

    def make(self, name: str) -> str:
        """Make a database without tables, in the place of an older one of that name, and return its URL."""
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.server.url(name)

    def empty(self, name: str = "shared") -> str:
        """Return the URL of a database with all tables and no row."""
        if name not in self._made:
            with SqlStore(self.make(name)) as store:
                store.create_schema()
            self._made.add(name)
        with psycopg.connect(self.server.url(name), autocommit=True) as connection:
            connection.execute("; ".join(str(delete(one)) for one in reversed(METADATA.sorted_tables)).encode())
        return self.server.url(name)

    def open(self, name: str = "shared") -> SqlStore:
        """Return a patient store on an empty database."""
        return patient(self.empty(name))


def started() -> Iterator[Databases]:
    """Run a server; without one the test is skipped, and fails in CI."""
    try:
        with PostgresqlServer() as server:
            yield Databases(server)
    except ServerError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no PostgreSQL server: {error}")
