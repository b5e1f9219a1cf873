"""The driver: runs statements that SQLAlchemy has built. Each is compiled once, whoever runs it and however often.

SQLAlchemy builds the statements and the tables; it takes no part when a statement runs, because its own
way to the database takes as long again as SQLite needs. So there is one way for every statement of the
store. Only the schema's version and the migrations use SQLAlchemy's connection.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast, final

from sqlalchemy import ClauseElement
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.compiler import SQLCompiler

Values: TypeAlias = Mapping[str, object]

_DIALECT = sqlite.dialect(paramstyle="named")
_COMPILED: dict[ClauseElement, tuple[str, dict[str, object]]] = {}
"""The SQL text and the constants of each statement. Statements live as long as their modules, so it stays small."""


@final
class Result:
    """What a statement found or wrote."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        """Take the driver's *cursor*."""
        self._cursor = cursor

    @property
    def rowcount(self) -> int:
        """How many rows were written."""
        return self._cursor.rowcount

    def all(self) -> list[tuple[Any, ...]]:
        """Return every row."""
        return self._cursor.fetchall()

    def first(self) -> tuple[Any, ...] | None:
        """Return the first row, or ``None`` when there is none."""
        row: tuple[Any, ...] | None = self._cursor.fetchone()
        return row

    def scalar(self) -> Any:  # noqa: ANN401 - a column may hold anything
        """Return the first column of the first row, or ``None`` when there is no row."""
        row = self._cursor.fetchone()
        return None if row is None else row[0]


@final
class Driver:
    """Runs statements on one connection. Its errors are those of `sqlite3`.

    A program of statements, such as a change, takes it as its first argument and knows nothing else of the
    database. A driver for another database answers the same one method.
    """

    __slots__ = ("sqlite",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take the *connection*."""
        self.sqlite: sqlite3.Connection = connection

    def execute(self, statement: ClauseElement, values: Values | None = None) -> Result:
        """Run *statement* with *values* for its named parameters."""
        compiled = _COMPILED.get(statement)
        if compiled is None:
            compiled = _COMPILED[statement] = _compile(statement)
        sql, constants = compiled
        given = {**constants, **values} if values and constants else values or constants
        return Result(self.sqlite.execute(sql, given))

    def execute_with_list(self, statement: ClauseElement, name: str, values: Sequence[object]) -> Result:
        """Run *statement* with the list *values* for its parameter *name*, an expanding one.

        It is compiled each time, because the text depends on how many values there are.
        """
        compiled = cast("SQLCompiler", statement.compile(dialect=_DIALECT))
        expanded = compiled.construct_expanded_state({name: list(values)})
        return Result(self.sqlite.execute(expanded.statement, cast("dict[str, Any]", expanded.parameters)))


def _compile(statement: ClauseElement) -> tuple[str, dict[str, object]]:
    compiled = cast("SQLCompiler", statement.compile(dialect=_DIALECT))
    return str(compiled), {name: value for name, value in compiled.params.items() if value is not None}
