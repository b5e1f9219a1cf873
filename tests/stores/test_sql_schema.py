"""The tables: made in two ways that agree, and asked through indexes alone."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Delete, Insert, Select, Update, create_engine
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from cityauth.errors import SchemaError
from cityauth.stores.sql import (
    SqlStore,
    accounts,
    audit,
    identifiers,
    links,
    outbox,
    schema,
    sessions,
    tables,
    throttling,
)
from cityauth.testing.races import race
from cityauth.testing.samples import AINO, added, commit

POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
SQLITE = sqlite.dialect()

MODULES = (accounts, audit, identifiers, links, outbox, schema, sessions, throttling)
WHOLE = {
    "accounts._HELD": "is the beginning of two others, never asked alone",
    "sessions._LIVE_SESSION": "is the beginning of two others, never asked alone",
    "audit._TRAIL": "reads everything on purpose",
    "audit._TRAIL_END": "reads from the end, no more than asked for",
    "outbox._LEASE": "scans the mails that it has chosen, no more than asked for",
    "outbox._STATUS": "counts a table that is empty on most days",
    "sessions._PURGE": "runs at night",
    "links._PURGE": "runs at night",
    "throttling._PURGE": "runs at night",
}
"""Statements that may read a whole table, and why."""


def statements() -> Iterator[tuple[str, Any]]:
    """Every statement that is built in the package, by its name."""
    for module in MODULES:
        for name, value in vars(module).items():
            for number, one in enumerate(value if isinstance(value, tuple) else (value,)):
                if isinstance(one, Select | Insert | Update | Delete):
                    yield f"{module.__name__.rpartition('.')[2]}.{name}" + (f"[{number}]" if number else ""), one


STATEMENTS = dict(statements())


def url_of(path: Path) -> str:
    """The URL of a database file."""
    return f"sqlite:///{path}"


def tables_in(path: Path) -> set[tuple[Any, ...]]:
    """Everything that a database file says it holds, without its white space."""
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    database.close()
    return {(*row[:3], " ".join((row[3] or "").split())) for row in rows}


def alembic_on(connection: Connection) -> Config:
    """Alembic's configuration as the store makes it."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def test_creating_and_upgrading_make_the_same_tables(tmp_path: Path) -> None:
    """A fresh database and one that went through every revision are the same, to the name of every index."""
    created, upgraded = tmp_path / "created.db", tmp_path / "100 % up.db"
    for path, make in ((created, SqlStore.create_schema), (upgraded, SqlStore.upgrade)):
        with SqlStore(url_of(path)) as store:
            assert store.schema_version() is None
            make(store)
            assert store.schema_version() == schema.HEAD
            commit(store, added())
    assert tables_in(created) == tables_in(upgraded)
    assert len([row for row in tables_in(created) if row[0] == "table"]) == len(tables.METADATA.tables) + 1


def test_the_revisions_agree_with_the_tables(tmp_path: Path) -> None:
    """Alembic finds nothing to add to what the revisions have made."""
    with SqlStore(url_of(tmp_path / "service.db")) as store:
        store.upgrade()
    engine = create_engine(url_of(tmp_path / "service.db"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION.name})
        found = compare_metadata(context, tables.METADATA)
    engine.dispose()
    assert found == []


def test_the_newest_revision_is_the_one_that_is_asked_for() -> None:
    """There is one line of revisions, under a label by which a host's Alembic can include it."""
    script = ScriptDirectory(str(schema.MIGRATIONS))
    assert script.get_heads() == [schema.HEAD]
    assert len(script.get_bases()) == 1
    head = script.get_revision("cityauth@head")
    assert head is not None
    assert head.revision == schema.HEAD
    assert len(schema.HEAD) <= 32


def test_every_revision_can_be_taken_back(tmp_path: Path) -> None:
    """Downgrading to nothing leaves none of the tables."""
    with SqlStore(url_of(tmp_path / "service.db")) as store:
        store.upgrade()
    engine = create_engine(url_of(tmp_path / "service.db"))
    with engine.begin() as connection:
        command.downgrade(alembic_on(connection), "cityauth@base")
    engine.dispose()
    assert {row[1] for row in tables_in(tmp_path / "service.db") if row[0] == "table"} == {schema.VERSION.name}


def test_making_the_tables_twice_changes_nothing(tmp_path: Path) -> None:
    """Creating and upgrading again, in any order, keep what is stored."""
    with SqlStore(url_of(tmp_path / "service.db")) as store:
        store.create_schema()
        commit(store, added())
        before = tables_in(tmp_path / "service.db")
        for again in (store.create_schema, store.upgrade, store.upgrade, store.create_schema):
            again()
        assert tables_in(tmp_path / "service.db") == before
        assert store.load(AINO) == added().account


def test_many_processes_may_create_the_tables_at_once(tmp_path: Path) -> None:
    """Workers that start together on a fresh file all find the tables made, however often (C-34)."""
    for number in range(20):
        stores = [SqlStore(url_of(tmp_path / f"service{number}.db")) for _ in range(16)]
        race([store.create_schema for store in stores])
        assert {store.schema_version() for store in stores} == {schema.HEAD}


def test_tables_of_another_release_are_refused(tmp_path: Path) -> None:
    """Neither using nor creating nor upgrading touches tables that this release does not know."""
    path = tmp_path / "service.db"
    with SqlStore(url_of(path)) as store:
        store.create_schema()
    with sqlite3.connect(path) as other:
        other.execute(f"UPDATE {schema.VERSION.name} SET version_num = 'cityauth_9999'")  # noqa: S608 - a name of ours
    other.close()
    before = tables_in(path)
    with SqlStore(url_of(path)) as store:
        for ask in (lambda: store.load(AINO), lambda: store.commit([added()]), store.create_schema, store.upgrade):
            with pytest.raises(SchemaError):
                ask()
        assert store.schema_version() == "cityauth_9999"
    assert tables_in(path) == before


@pytest.mark.parametrize("make", [SqlStore.create_schema, SqlStore.upgrade])
def test_an_upgrade_that_fails_leaves_nothing(tmp_path: Path, make: Any) -> None:
    """When one table cannot be made, no other stays either."""
    path = tmp_path / "service.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE cityauth_event (of_the_host TEXT)")
    other.close()
    before = tables_in(path)
    with SqlStore(url_of(path)) as store, pytest.raises(SchemaError):
        make(store)
    assert tables_in(path) == before


def test_keys_are_compared_byte_for_byte_by_the_database(tmp_path: Path) -> None:
    """The key's index is binary on SQLite, and in the C collation on PostgreSQL whatever the database's is (B-2)."""
    path = tmp_path / "service.db"
    with SqlStore(url_of(path)) as store:
        store.create_schema()
    with sqlite3.connect(path) as database:
        (index,) = [row[1] for row in database.execute("PRAGMA index_list(cityauth_identifier)") if row[3] == "pk"]
        first = database.execute(f"PRAGMA index_xinfo({index})").fetchone()
    database.close()
    assert (first[2], first[4]) == ("key", "BINARY")
    made = str(CreateTable(tables.identifier).compile(dialect=POSTGRESQL))
    assert 'key TEXT COLLATE "C" NOT NULL' in made


def test_every_statement_is_seen() -> None:
    """The checks below look at the statements, not at an empty list, and every exception is a statement."""
    assert len(STATEMENTS) > 40
    assert WHOLE.keys() <= STATEMENTS.keys()
    assert {"accounts._FIND_ONE", "sessions._FIND", "sessions._OPEN", "links._USE"} <= STATEMENTS.keys()


def scans_of(database: sqlite3.Connection, statement: Any) -> list[str]:
    """The steps of a statement's plan that read a whole table."""
    if isinstance(statement, Select):
        statement = statement.params(keys=["1:a", "1:b"], digests=[b"a", b"b"])
    compiled = statement.compile(dialect=SQLITE, compile_kwargs={"render_postcompile": True})
    values = [0] * len(compiled.positiontup or ())
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {compiled}", values)]
    return [step for step in plan if step.startswith("SCAN") and "CONSTANT ROW" not in step]


def test_every_statement_uses_an_index(tmp_path: Path) -> None:
    """No look-up and no conditional write reads a whole table, however many rows there are."""
    with SqlStore(url_of(tmp_path / "service.db")) as store:
        store.create_schema()
    with closing(sqlite3.connect(tmp_path / "service.db")) as database:
        scans = {name: found for name, one in STATEMENTS.items() if (found := scans_of(database, one))}
    assert scans.keys() == WHOLE.keys(), scans


def test_every_statement_can_be_said_to_postgresql() -> None:
    """Nothing that only SQLite understands has crept in."""
    assert all(str(statement.compile(dialect=POSTGRESQL)) for statement in STATEMENTS.values())


@pytest.mark.parametrize("table", tables.METADATA.sorted_tables, ids=lambda table: table.name)
def test_every_table_is_named_after_us(table: Any) -> None:
    """Tables, constraints and indexes carry the prefix, so that they can lie beside a host's."""
    assert table.name.startswith("cityauth_")
    assert all("cityauth_" in str(one.name) for one in (*table.constraints, *table.indexes))
    assert str(CreateTable(table).compile(dialect=POSTGRESQL))
