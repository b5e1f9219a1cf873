"""Every store that can be made here, empty; a test that takes `make_store` runs on each."""

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cityauth.core.accounts import AccountId
from cityauth.core.resolution import IdentifierStatus
from cityauth.stores.memory import MemoryStore

MakeStore = Callable[[], Any]


def _sql_is_there() -> bool:
    return all(importlib.util.find_spec(name) for name in ("sqlalchemy", "cityauth.stores.sql"))


STORES = ("memory", "sql") if _sql_is_there() else ("memory",)

#: Those, and a server: for what a server could do otherwise than a file. The fixture `postgresql` runs it.
WITH_SERVER = (*STORES, "postgresql") if _sql_is_there() and importlib.util.find_spec("psycopg") else STORES


def maker(name: str, folder: Path) -> MakeStore:
    """What makes a store of that name; one in SQL keeps its file in *folder*."""
    if name == "memory":
        return MemoryStore

    def make_sql() -> Any:
        from cityauth.stores.sql import SqlStore

        database = folder / "service.db"
        if not database.exists():
            database.write_bytes(empty_database())
            database.chmod(0o600)
        return SqlStore(f"sqlite:///{database}")

    return make_sql


@cache
def empty_database() -> bytes:
    """The file of a database with all tables and no row; it is made once, and every test gets a copy."""
    from cityauth.stores.sql import SqlStore

    with TemporaryDirectory() as folder:
        database = Path(folder) / "service.db"
        with SqlStore(f"sqlite:///{database}") as store:
            store.create_schema()
        return database.read_bytes()


def connections_of(store: Any) -> Any:
    """The connections of a store on SQLite."""
    from cityauth.stores.sql.sqlite import SqliteDatabase

    assert isinstance(store._database, SqliteDatabase)
    return store._database._connections


def reassign(store: Any, key: str, to: AccountId) -> None:
    """Give an identifier to another account behind the library's back: no change of its own lets one pass on."""
    if not isinstance(store, MemoryStore):
        from sqlalchemy import update

        from cityauth.stores.sql.programs import write
        from cityauth.stores.sql.tables import identifier

        moved = (
            update(identifier)
            .where(identifier.c.key == key)
            .values(account_id=to, status=IdentifierStatus.ACTIVE.value)
        )
        assert store._database.write(write(moved, {})) == 1
        return
    state = store._state
    former, account_identifier = state.holders[key]
    state.holders[key] = (to, replace(account_identifier, status=IdentifierStatus.ACTIVE))
    state.amend(former, lambda row: replace(row, keys=tuple(one for one in row.keys if one != key)))
    state.amend(to, lambda row: replace(row, keys=(*row.keys, key)))
