"""The tables on PostgreSQL: made in two ways that agree, compared byte for byte, and asked through indexes."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from cityauth.core.accounts import AccountId
from cityauth.core.changes import AccountErased, Committed
from cityauth.errors import SchemaError, StoreUnavailableError
from cityauth.stores.sql import SqlStore, schema, tables
from cityauth.testing.races import race
from cityauth.testing.samples import AINO, NOON, added, commit, opened, queued, recorded
from tests.stores.test_sql_schema import alembic_on
from tests.support.postgresql import Databases, patient

COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, collation_name, is_identity, column_default
FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
"""
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
CONSTRAINTS = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname ~ 'cityauth' ORDER BY 1"


def tables_in(url: str) -> list[Any]:
    """Everything that the database says of its tables."""
    with psycopg.connect(url) as connection:
        return [connection.execute(query.encode()).fetchall() for query in (COLUMNS, INDEXES, CONSTRAINTS)]


def engine_on(url: str) -> Any:
    """An engine of SQLAlchemy's, as a host makes one."""
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)


def test_creating_and_upgrading_make_the_same_tables(postgresql: Databases) -> None:
    """A fresh database and one that went through every revision are the same, to the name of every index."""
    created, upgraded = postgresql.make("created"), postgresql.make("upgraded")
    for url, make in ((created, SqlStore.create_schema), (upgraded, SqlStore.upgrade)):
        with patient(url) as store:
            assert store.schema_version() is None
            make(store)
            assert store.schema_version() == schema.HEAD
            commit(store, added())
            before = tables_in(url)
            for again in (store.create_schema, store.upgrade):
                again()
            assert tables_in(url) == before
            assert store.load(AINO) == added().account
    assert tables_in(created) == tables_in(upgraded)
    with engine_on(upgraded).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION.name})
        assert compare_metadata(context, tables.METADATA) == []


def test_every_revision_can_be_taken_back(postgresql: Databases) -> None:
    """Downgrading to nothing leaves none of the tables."""
    url = postgresql.make("upgraded")
    with patient(url) as store:
        store.upgrade()
    with engine_on(url).begin() as connection:
        command.downgrade(alembic_on(connection), "cityauth@base")
    assert {row[0] for row in tables_in(url)[0]} == {schema.VERSION.name}


def test_many_processes_may_create_the_tables_at_once(postgresql: Databases) -> None:
    """Workers that start together on a fresh database all find the tables made (C-34)."""
    url = postgresql.make("created")
    stores = [patient(url) for _ in range(6)]
    race([store.create_schema for store in stores])
    assert {store.schema_version() for store in stores} == {schema.HEAD}
    for store in stores:
        store.close()


@pytest.mark.parametrize("make", [SqlStore.create_schema, SqlStore.upgrade])
def test_an_upgrade_that_fails_leaves_nothing(postgresql: Databases, make: Any) -> None:
    """When one table cannot be made, no other stays either."""
    url = postgresql.make("failing")
    with psycopg.connect(url) as host:
        host.execute("CREATE TABLE cityauth_event (of_the_host TEXT)")
    before = tables_in(url)
    with patient(url) as store, pytest.raises(SchemaError):
        make(store)
    assert tables_in(url) == before


def test_tables_of_another_release_are_refused(postgresql: Databases) -> None:
    """Neither using nor creating nor upgrading touches tables that this release does not know."""
    url = postgresql.make("later")
    with patient(url) as store:
        store.create_schema()
    with psycopg.connect(url) as host:
        host.execute("UPDATE cityauth_alembic_version SET version_num = 'cityauth_9999'")
    before = tables_in(url)
    with patient(url) as store:
        for ask in (lambda: store.load(AINO), lambda: store.commit([added()]), store.create_schema, store.upgrade):
            with pytest.raises(SchemaError):
                ask()
        assert store.schema_version() == "cityauth_9999"
    assert tables_in(url) == before


def test_keys_and_ids_are_compared_byte_for_byte(postgresql: Databases) -> None:
    """Whatever the collation of the database is, pages come in the order of the bytes and no two keys are one (B-2)."""
    names = ["B", "a", "Z", "z", "ä", "a\u0308", "Å", "ı", "I", "ß", "ss", "-", "_", "\U0001f600", "\uff20"]
    url = postgresql.empty()
    exact = {(t.name, c.name) for t in tables.METADATA.sorted_tables for c in t.c if c.type is tables.EXACT}
    assert exact == {(row[0], row[1]) for row in tables_in(url)[0] if row[4] == "C"}
    with patient(url) as store:
        commit(store, *(added(AccountId(name), name) for name in names))
        read: list[str] = []
        while page := store.read_population(read[-1] if read else "", 4):
            read += [row.account.id for row in page]
        assert read == sorted(names, key=str.encode)
        assert all(store.find([f"1:{name}"])[0].account.id == name for name in names)


def test_a_role_with_the_documented_rights_can_do_everything(postgresql: Databases) -> None:
    """The role that uses the tables need not own them; without rights it is told so, and nothing is written."""
    url = postgresql.make("granted")
    with patient(url) as owner:
        owner.create_schema()
    page = (Path(__file__).parents[2] / "docs" / "stores.md").read_text(encoding="utf-8")
    grants = page.partition("```sql\n")[2].partition("```")[0]
    with psycopg.connect(url) as host:
        host.execute("DROP ROLE IF EXISTS service")
        host.execute("CREATE ROLE service LOGIN")
    with patient(url.replace("cityauth@", "service@")) as store:
        with pytest.raises(StoreUnavailableError, match="rights"):
            store.commit([added()])
        with psycopg.connect(url) as host:
            host.execute(grants.encode())
        commit(store, added(), opened("a"), queued("mail"), recorded("event"))
        store.reserve("bucket", [], NOON)
        assert len(store.lease_mails(NOON, NOON, 5)) == 1
        erased = AccountErased(AINO, 0, (b"1" * 32,), NOON)
        assert store.commit([erased]) == Committed()
