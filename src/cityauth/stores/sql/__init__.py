"""`SqlStore` and `AsyncSqlStore`: accounts, sessions and the audit trail in a SQL database. Needs the extra ``sql``."""

from cityauth.errors import MissingExtraError

try:
    import sqlalchemy as _sqlalchemy  # noqa: F401 - asked for first, so that its absence has a clear message
except ImportError:
    raise MissingExtraError("sql", "SqlStore") from None

from cityauth.stores.sql.async_store import AsyncSqlStore
from cityauth.stores.sql.store import SqlStore

__all__ = ["AsyncSqlStore", "SqlStore"]
