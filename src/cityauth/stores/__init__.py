"""Ready-made stores: `MemoryStore` for tests and first steps, `SqlStore` for a service.

`AsyncSqlStore` is `SqlStore` for asyncio. Both need the extra ``sql``. `ValkeyThrottle` and `AsyncValkeyThrottle` keep
the counts of the throttle apart from the accounts; they need the extra ``valkey``.
"""

from typing import TYPE_CHECKING

from cityauth._lazy import attach as _attach

if TYPE_CHECKING:
    from cityauth.stores.memory import MemoryStore
    from cityauth.stores.sql import AsyncSqlStore, SqlStore
    from cityauth.stores.valkey import AsyncValkeyThrottle, ValkeyThrottle

__all__ = ["AsyncSqlStore", "AsyncValkeyThrottle", "MemoryStore", "SqlStore", "ValkeyThrottle"]

if not TYPE_CHECKING:  # a type checker would take every name for a public one
    _HOMES = {
        "AsyncSqlStore": "cityauth.stores.sql",
        "AsyncValkeyThrottle": "cityauth.stores.valkey",
        "MemoryStore": "cityauth.stores.memory",
        "SqlStore": "cityauth.stores.sql",
        "ValkeyThrottle": "cityauth.stores.valkey",
    }
    __getattr__, __dir__ = _attach(__name__, _HOMES)
