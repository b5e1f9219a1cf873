"""What a database's error means to the caller. No SQL text and no parameter ever gets into an exception (B-74)."""

import sqlite3

from cityauth.errors import SchemaError, StoreError, StoreUnavailableError

_PRIMARY_CODE = 0xFF
"""SQLite's extended codes hold the primary one in their low byte."""

_REFUSED = {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE}


def failure_of(error: BaseException | None) -> StoreError:
    """Return the `StoreError` that tells what the driver's *error* means, by its code alone."""
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    primary = None if code is None else code & _PRIMARY_CODE
    if primary == sqlite3.SQLITE_ERROR:
        return SchemaError(f"the tables do not fit ({name}); run `cityauth db upgrade`")
    if primary == sqlite3.SQLITE_BUSY:
        return StoreUnavailableError(f"the database stayed locked past the time limit ({name})")
    if primary in _REFUSED:
        return StoreError(f"the database refused a value ({name})")
    return StoreUnavailableError(f"the database cannot be used ({name})")
