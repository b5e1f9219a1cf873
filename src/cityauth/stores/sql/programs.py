"""Programs of statements: what a look-up or a commit runs, written once, whatever connection runs it.

A program is a generator. It yields a `Read`, a `Write`, a `WriteMany` or a `Lock` and is resumed with the rows that
were found or with the number of rows that were written. It never sees a connection: a driver runs it on one. `Driver`
is the one for SQLite; the one for PostgreSQL is in `postgresql`. A driver executes single steps, and `drive` runs a
program with it.

SQLAlchemy builds the statements, and the driver of the database runs them: running them through SQLAlchemy
would take twice as long.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, cast, final

from sqlalchemy import ClauseElement, Table, Text, bindparam, func, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

from cityauth.core.changes import Committed, Precondition
from cityauth.stores.sql.rows import Row, read_one

T = TypeVar("T")

Values: TypeAlias = Mapping[str, object]


@dataclass(slots=True)
class Read:
    """A statement that is answered with rows.

    Attributes:
        statement: As SQLAlchemy has built it.
        values: Its named parameters; a list for an expanding one.
    """

    statement: ClauseElement
    values: Values


@dataclass(slots=True)
class Write:
    """A statement that is answered with the number of rows that it wrote.

    Attributes:
        statement: As SQLAlchemy has built it.
        values: Its named parameters.
        otherwise: How the commit ends if no row was written; ``None`` when that is no refusal.
        taken: How the commit ends if a row of the same key is there already; ``None`` when that is an error.
        durable: Whether the write ends something, such as a session, and so must wait for the disk.
    """

    statement: ClauseElement
    values: Values
    otherwise: Precondition | None = None
    taken: Precondition | Committed | None = None
    durable: bool = False


@dataclass(slots=True)
class WriteMany:
    """A statement that is run once for each of many rows, and answered with the number of rows that it wrote.

    Attributes:
        statement: As SQLAlchemy has built it.
        rows: The named parameters of each run.
        taken: How the commit ends if a row of the same key is there already; ``None`` when that is an error.
    """

    statement: ClauseElement
    rows: Sequence[Values]
    taken: Precondition | Committed | None = None


@dataclass(slots=True)
class Lock:
    """A statement that locks something until the transaction ends, and is answered with no rows.

    Only a database runs it in which several transactions write at once. In SQLite a transaction is alone from its
    beginning.

    Attributes:
        statement: As SQLAlchemy has built it.
        values: Its named parameters; a list for an expanding one.
    """

    statement: ClauseElement
    values: Values


Step: TypeAlias = Read | Write | WriteMany | Lock
Program: TypeAlias = Generator[Step, Any, T]
"""What runs statements and returns a *T*."""


class UnmetError(Exception):
    """A write did not meet its condition. It is raised inside the program, at the write.

    Attributes:
        why: How the commit ends.
    """

    def __init__(self, why: Precondition | Committed) -> None:
        self.why = why


class NotDurableError(Exception):
    """A write must wait for the disk, and its transaction does not: the program is run again in one that does."""


@final
class LookUp(Generator[Step, Any, T]):
    """A program of one read. It is a class, so that a driver may run it at once instead of step by step.

    Attributes:
        statement: As SQLAlchemy has built it.
        values: Its named parameters; a list for an expanding one.
        result: Returns the program's result, made of the rows that were found.
    """

    __slots__ = ("result", "statement", "values")

    def __init__(self, statement: ClauseElement, values: Values, result: Callable[[list[Row]], T]) -> None:
        self.statement: ClauseElement = statement
        self.values: Values = values
        self.result: Callable[[list[Row]], T] = result

    def send(self, rows: list[Row] | None) -> Read:
        """Yield the read, then end with the result."""
        if rows is None:
            return Read(self.statement, self.values)
        raise StopIteration(self.result(rows))

    def throw(self, error: Any, *_: Any) -> NoReturn:  # noqa: ANN401 - the types of every generator
        """Raise *error*: the read failed, and there is nothing else to do."""
        raise error


def look_up(read: Callable[[Row], T], statement: ClauseElement, values: Values) -> LookUp[list[T]]:
    """Return what *read* makes of each row that *statement* finds."""
    return LookUp(statement, values, lambda rows: [read_one(read, row) for row in rows])


def look_up_alike(read: Callable[[Row], T], statement: ClauseElement, values: Values, stand_in: Row) -> LookUp[list[T]]:
    """Return the same as `look_up`, in the same time whether there is a row or none.

    If *statement* finds none, *stand_in* is read in its place and thrown away. Otherwise the time of an answer would
    tell that nobody has an identifier.
    """

    def result(rows: list[Row]) -> list[T]:
        found = [read_one(read, row) for row in rows or (stand_in,)]
        return found if rows else []

    return LookUp(statement, values, result)


def look_up_one(read: Callable[[Row], T], statement: ClauseElement, values: Values) -> LookUp[T | None]:
    """Return what *read* makes of the row that *statement* finds, or ``None`` when there is none."""
    return LookUp(statement, values, lambda rows: read_one(read, rows[0]) if rows else None)


def write(statement: ClauseElement, values: Values) -> Program[int]:
    """Run one statement and return how many rows it wrote."""
    written: int = yield Write(statement, values)
    return written


def insert_missing(table: Table) -> Insert:
    """Return the INSERT into *table* that leaves a row of the same key as it is. Both dialects write it alike."""
    return insert(table).on_conflict_do_nothing()


_LOCK_NAME: Final = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name", type_=Text()), 0)))


def lock_name(name: str) -> Lock:
    """Return the lock of a *name*: for what has no row yet that could be locked."""
    return Lock(_LOCK_NAME, {"name": name})


def drive(program: Program[T], execute: Callable[[Step], list[Row] | int]) -> T:
    """Run *program* to its end with *execute*, which runs one step, and return its result."""
    try:
        step = next(program)
        while True:
            try:
                answer = execute(step)
            except UnmetError as unmet:
                step = program.throw(unmet)
            else:
                step = program.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result


async def drive_async(program: Program[T], execute: Callable[[Step], Awaitable[list[Row] | int]]) -> T:
    """Run *program* to its end as `drive` does, awaiting *execute*."""
    try:
        step = next(program)
        while True:
            try:
                answer = await execute(step)
            except UnmetError as unmet:
                step = program.throw(unmet)
            else:
                step = program.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result


@final
class Texts:
    """The SQL text of each statement in one dialect. Each is compiled once, because that takes longer than running it.

    Statements live as long as their modules, so what is kept stays small.
    """

    __slots__ = ("_dialect", "_expanded", "_kept", "_sized")

    def __init__(self, dialect: Dialect) -> None:
        """Take the *dialect*."""
        self._dialect = dialect
        self._kept: dict[ClauseElement, tuple[str, dict[str, object]]] = {}
        self._expanded: dict[ClauseElement, SQLCompiler] = {}
        self._sized: dict[tuple[ClauseElement, tuple[int, ...]], tuple[str, Mapping[str, list[str]]]] = {}

    def of(self, statement: ClauseElement, values: Values) -> tuple[str, Values]:
        """Return the text of *statement* and all its parameters: *values* and its own constants."""
        kept = self._kept.get(statement)
        if kept is None:
            compiled = self._expanded.get(statement) or self._compile(statement)
            if compiled.post_compile_params:  # the text depends on how many values a list has
                return self._of_lists(statement, compiled, values)
            kept = self._kept[statement]
        text, constants = kept
        return text, {**constants, **values} if constants else values

    def _of_lists(self, statement: ClauseElement, compiled: SQLCompiler, values: Values) -> tuple[str, Values]:
        """Return the text for lists of these lengths, and one parameter for each of their values."""
        parameters = {**compiled.params, **values}  # a statement may hold a list of its own
        lists = {name: value for name, value in parameters.items() if isinstance(value, list | tuple)}
        size = statement, tuple(map(len, lists.values()))
        kept = self._sized.get(size)
        if kept is None:
            expanded = compiled.construct_expanded_state(dict(values))
            if all(size[1]):  # what stands for an empty list is SQLAlchemy's affair
                if len(self._sized) >= _MOST_SIZES:
                    self._sized.clear()
                self._sized[size] = expanded.statement, expanded.parameter_expansion
            return expanded.statement, cast("Values", expanded.parameters)
        text, names = kept
        for name, value in lists.items():
            del parameters[name]
            parameters.update(zip(names[name], value, strict=True))
        return text, parameters

    def _compile(self, statement: ClauseElement) -> SQLCompiler:
        compiled = cast("SQLCompiler", statement.compile(dialect=self._dialect))
        if compiled.post_compile_params:
            self._expanded[statement] = compiled
        else:
            constants = {name: value for name, value in compiled.params.items() if value is not None}
            self._kept[statement] = str(compiled), constants
        return compiled


_MOST_SIZES = 200
"""For how many lengths of lists a text is kept."""

_TEXTS = Texts(sqlite.dialect(paramstyle="named"))


@final
class Driver:
    """Runs programs on a connection of `sqlite3`, and raises the errors of `sqlite3`."""

    __slots__ = ("_cursor", "durable", "sqlite")

    def __init__(self, connection: sqlite3.Connection, cursor: sqlite3.Cursor | None = None) -> None:
        """Take the *connection*, and the *cursor* for all its statements: each is read to its end before the next."""
        self.sqlite: sqlite3.Connection = connection
        self._cursor = cursor or connection.cursor()
        self.durable: bool = False
        """Whether the present transaction waits for the disk."""

    def run(self, program: Program[T]) -> T:
        """Run *program* to its end and return its result."""
        if type(program) is LookUp:  # not step by step: each session check is one of these
            text, values = _TEXTS.of(program.statement, program.values)
            return cast("T", program.result(self._cursor.execute(text, values).fetchall()))
        return drive(program, self.execute)

    def execute(self, step: Step) -> list[Row] | int:
        """Run one step and return its rows, or how many rows it wrote.

        Raises:
            UnmetError: it did not meet its condition.
            NotDurableError: it must wait for the disk, and the transaction does not.
        """
        if isinstance(step, Read):
            text, values = _TEXTS.of(step.statement, step.values)
            return self._cursor.execute(text, values).fetchall()
        if isinstance(step, Lock):
            return []
        try:
            if isinstance(step, Write):
                text, values = _TEXTS.of(step.statement, step.values)
                written = self._cursor.execute(text, values).rowcount
            else:
                written = self._write_many(step)
        except sqlite3.IntegrityError as error:
            if step.taken is None or not is_taken(error):
                raise
            raise UnmetError(step.taken) from None
        return settle(step, written, durable=self.durable)

    def _write_many(self, step: WriteMany) -> int:
        if not step.rows:
            return 0
        text, values = _TEXTS.of(step.statement, step.rows[0])
        rows = step.rows if values is step.rows[0] else [_TEXTS.of(step.statement, one)[1] for one in step.rows]
        return self._cursor.executemany(text, rows).rowcount


def settle(step: Write | WriteMany, written: int, *, durable: bool) -> int:
    """Return how many rows were *written*, if the step allows it. A *durable* transaction waits for the disk.

    Raises:
        UnmetError: no row was written, and one had to be.
        NotDurableError: the write must wait for the disk, and its transaction does not.
    """
    if isinstance(step, Write):
        if not written and step.otherwise is not None:
            raise UnmetError(step.otherwise)
        if written and step.durable and not durable:
            raise NotDurableError
    return written


_ALREADY_THERE = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}


def is_taken(error: BaseException | None) -> bool:
    """Whether *error* says that a row of the same key is there already, and not that a value is refused."""
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    return getattr(driver_error, "sqlite_errorcode", None) in _ALREADY_THERE
