"""What a database's error means to the caller. No SQL text and no parameter ever gets into an exception (B-74)."""

import sqlite3

from sqlalchemy.exc import DBAPIError, ProgrammingError

from cityauth.errors import SchemaError, StoreError, StoreUnavailableError, UsageError

_PRIMARY_CODE = 0xFF
"""SQLite's extended codes hold the primary one in their low byte."""


def failure_of(error: DBAPIError) -> StoreError:
    """Return the `StoreError` that tells what *error* means, by its code alone."""
    cause = error.orig
    code = getattr(cause, "sqlite_errorcode", None)
    name = getattr(cause, "sqlite_errorname", type(cause).__name__)
    if isinstance(error, ProgrammingError) or code == sqlite3.SQLITE_ERROR:
        return SchemaError(f"the tables do not fit ({name}); run `cityauth db upgrade`")
    if code is not None and code & _PRIMARY_CODE == sqlite3.SQLITE_BUSY:
        return StoreUnavailableError(f"the database stayed locked past the time limit ({name})")
    return StoreUnavailableError(f"the database cannot be used ({name})")


def unstorable() -> UsageError:
    """Return the error for text that is no Unicode, such as half of a surrogate pair."""
    return UsageError("text with a lone surrogate cannot be stored")
