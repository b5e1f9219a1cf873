"""The city's own table: each case names the account's id, which stays the same when the login name changes."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cityauth import AccountId
from flask_app.config import DemoError

SCHEMA = """
CREATE TABLE IF NOT EXISTS demo_case (
    number TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    opened TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS demo_case_account ON demo_case (account_id, opened);
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One matter between a person and the city.

    Attributes:
        number: As the city's register has it, such as ``2009-000412``.
        kind: Names the text ``case.<kind>``.
        opened: The day on which it began.
        state: Names the text ``state.<state>``.
    """

    number: str
    kind: str
    opened: date
    state: str


class Cases:
    """The table, in the database file that cityauth's tables share."""

    def __init__(self, database: Path) -> None:
        """Use *database*."""
        self._database = database

    def create_table(self) -> None:
        """Create the table in a database that is empty, or has it.

        Raises:
            DemoError: the database is somebody else's.
        """
        with self._connected() as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            if tables and ("demo_case",) not in tables:
                raise DemoError(f"{self._database} holds something else than this demo; choose another file")
            connection.executescript(SCHEMA)

    def is_empty(self) -> bool:
        """Whether there is no case of anybody."""
        with self._connected() as connection:
            return connection.execute("SELECT 1 FROM demo_case LIMIT 1").fetchone() is None

    def add(self, cases: Mapping[AccountId, Iterable[Case]]) -> None:
        """Add cases, by account: all, or none."""
        rows = [
            (case.number, account_id, case.kind, case.opened.isoformat(), case.state)
            for account_id, history in cases.items()
            for case in history
        ]
        with self._connected() as connection, connection:
            connection.executemany("INSERT INTO demo_case VALUES (?, ?, ?, ?, ?)", rows)

    def of(self, account_id: AccountId) -> list[Case]:
        """Return the account's cases, the newest first."""
        query = "SELECT number, kind, opened, state FROM demo_case WHERE account_id = ? ORDER BY opened DESC"
        with self._connected() as connection:
            rows = connection.execute(query, (account_id,)).fetchall()
        return [Case(number, kind, date.fromisoformat(opened), state) for number, kind, opened, state in rows]

    def _connected(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(self._database))
