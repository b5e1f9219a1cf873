"""Statements that are compiled once and go straight to the driver: what every sign-in writes."""

import sqlite3
from collections.abc import Mapping
from typing import cast, final

from sqlalchemy import ClauseElement, Connection
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.compiler import SQLCompiler

from cityauth.stores.sql.connections import driver_of


@final
class Compiled:
    """One such statement; SQLAlchemy needs around it as long again as SQLite for it.

    It is a class so that the statement is compiled once. Errors are the driver's own.
    """

    __slots__ = ("_fixed", "_sql")

    def __init__(self, statement: ClauseElement) -> None:
        """Compile *statement*."""
        compiled = cast("SQLCompiler", statement.compile(dialect=sqlite.dialect(paramstyle="named")))
        self._sql = str(compiled)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def run(self, connection: Connection, values: Mapping[str, object]) -> sqlite3.Cursor:
        """Run it with *values* for its named parameters."""
        return driver_of(connection).execute(self._sql, {**self._fixed, **values})
