"""What a database's error means to the caller. No SQL text and no parameter ever gets into an exception."""

import sqlite3

from sqlalchemy.exc import DBAPIError

from cityauth.errors import CityAuthError, SchemaError, StoreError, StoreUnavailableError, UsageError

_PRIMARY_CODE = 0xFF
"""SQLite's extended codes hold the primary one in their low byte."""

_ALREADY_THERE = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}

_LOCKED = (
    "the database stayed locked past the time limit; if your own code has an open write transaction "
    "on this database, end it before you call cityauth"
)

_REFUSED = {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE}


def failure_of(error: BaseException | None, *, nothing_written: bool = True) -> CityAuthError:
    """Return what the driver's *error* means to the caller, by its code alone.

    A value of a type that cannot be stored has no code: it is the caller's mistake, and no outage.

    Args:
        error: The driver's error.
        nothing_written: Whether it is known that nothing was written; it is not when a commit failed.
    """
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError) and "binding" in str(error):
        return UsageError("a value is of a type that cannot be stored")
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    primary = None if code is None else code & _PRIMARY_CODE
    if primary == sqlite3.SQLITE_ERROR:
        return SchemaError(f"the tables do not fit ({name}); run `cityauth db upgrade`")
    if primary == sqlite3.SQLITE_BUSY:
        return StoreUnavailableError(f"{_LOCKED} ({name})", nothing_written=nothing_written)
    if primary == sqlite3.SQLITE_CANTOPEN:
        return StoreUnavailableError(
            f"the database file cannot be opened ({name}); look at its folder and permissions",
            nothing_written=nothing_written,
        )
    if primary in _REFUSED:
        return StoreError(f"the database refused a value ({name})")
    return StoreUnavailableError(f"the database cannot be used ({name})", nothing_written=nothing_written)


def is_taken(error: BaseException | None) -> bool:
    """Whether *error* says that a row of the same key is there already, and not that a value is refused."""
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    return getattr(driver_error, "sqlite_errorcode", None) in _ALREADY_THERE
