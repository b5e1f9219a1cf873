"""What a database's error means to the caller. No SQL text and no parameter ever gets into an exception (B-74)."""

import sqlite3

from cityauth.errors import CityAuthError, SchemaError, StoreError, StoreUnavailableError, UsageError

_PRIMARY_CODE = 0xFF
"""SQLite's extended codes hold the primary one in their low byte."""

_REFUSED = {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE}


def failure_of(error: BaseException | None) -> CityAuthError:
    """Return what the driver's *error* means to the caller, by its code alone.

    A value of a type that cannot be stored has no code: it is the caller's mistake, and no outage.
    """
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError) and "binding" in str(error):
        return UsageError("a value is of a type that cannot be stored")
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    primary = None if code is None else code & _PRIMARY_CODE
    if primary == sqlite3.SQLITE_ERROR:
        return SchemaError(f"the tables do not fit ({name}); run `cityauth db upgrade`")
    if primary == sqlite3.SQLITE_BUSY:
        return StoreUnavailableError(f"the database stayed locked past the time limit ({name})")
    if primary == sqlite3.SQLITE_CANTOPEN:
        return StoreUnavailableError(f"the database file cannot be opened ({name}); look at its folder and permissions")
    if primary in _REFUSED:
        return StoreError(f"the database refused a value ({name})")
    return StoreUnavailableError(f"the database cannot be used ({name})")
