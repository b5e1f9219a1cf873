"""Every store that can be made here, empty; a test that takes `make_store` runs on each."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cityauth.adapters.memory import MemoryStore

MakeStore = Callable[[], Any]


def _sql_is_there() -> bool:
    return all(importlib.util.find_spec(name) for name in ("sqlalchemy", "cityauth.adapters.sql"))


STORES = ("memory", "sql") if _sql_is_there() else ("memory",)


def maker(name: str, folder: Path) -> MakeStore:
    """What makes a store of that name; one in SQL keeps its file in *folder*."""
    if name == "memory":
        return MemoryStore

    def make_sql() -> Any:
        from cityauth.adapters.sql import SqlStore

        store = SqlStore(f"sqlite:///{folder / 'service.db'}")
        store.create_schema()
        return store

    return make_sql
