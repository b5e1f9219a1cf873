"""Ready-made stores: `MemoryStore` for tests and first steps, `SqlStore` for a service.

`AsyncSqlStore` is `SqlStore` for asyncio. Both need the extra ``sql``.
"""

from typing import TYPE_CHECKING

from cityauth._lazy import attach as _attach

if TYPE_CHECKING:
    from cityauth.stores.memory import MemoryStore
    from cityauth.stores.sql import AsyncSqlStore, SqlStore

__all__ = ["AsyncSqlStore", "MemoryStore", "SqlStore"]

if not TYPE_CHECKING:  # a type checker would take every name for a public one
    _HOMES = {
        "AsyncSqlStore": "cityauth.stores.sql",
        "MemoryStore": "cityauth.stores.memory",
        "SqlStore": "cityauth.stores.sql",
    }
    __getattr__, __dir__ = _attach(__name__, _HOMES)
