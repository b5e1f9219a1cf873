"""PostgreSQL's errors: what each means to the caller, by its code alone.

No SQL text, no parameter and nothing of the URL ever gets into an exception.
"""

from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from cityauth.errors import CityAuthError, SchemaError, StoreError, StoreUnavailableError, UsageError

_RETRYABLE: Final = {"40001", "40P01"}
_NOT_WRITTEN: Final = ("23", "25", "40", "55", "57014")
"""Codes of a failed commit after which it is known that nothing was written."""

_LOCKED: Final = {"55P03", "57014"}
_SENTENCES: Final = {
    "25006": "the database is open for reading alone",
    "3F000": "the schema of the tables is missing",
    "3D000": "the server has no such database; make it, or correct the URL",
    "28000": "the server refused the role; look at its pg_hba.conf and at the URL",
    "28P01": "the server refused the password of the role; correct it in the URL",
    "42501": "the role has too few rights on the tables of cityauth",
    "53100": "the disk of the server is full",
    "53300": "the server has too many connections",
}
_AT_CONNECTING: Final = (
    ("password authentication failed", "28P01"),
    ("no password supplied", "28P01"),
    ("no pg_hba.conf entry", "28000"),
    ("permission denied for database", "28000"),
    ("role ", "28000"),
    ("database ", "3D000"),
    ("too many", "53300"),
    ("remaining connection slots", "53300"),
)


class CommitError(Exception):
    """The server failed while it committed. Its cause is the error."""


def is_retryable(error: BaseException | None) -> bool:
    """Whether the server has ended the transaction because of another one, so that it may be run again."""
    if isinstance(error, CommitError):
        error = error.__cause__
    return isinstance(error, psycopg.Error) and error.sqlstate in _RETRYABLE


def failure_of(error: Exception) -> CityAuthError:
    """Return what an *error* of Python's, psycopg's or SQLAlchemy's means to the caller."""
    match error:
        case UnicodeDecodeError():
            return StoreError("the database holds text that cannot be read")
        case UnicodeError():
            return UsageError("text with a lone surrogate cannot be stored")
        case OverflowError():
            return UsageError("a number is too large to be stored")
        case CommitError():
            cause = error.__cause__
            code = getattr(cause, "sqlstate", None) or ""
            return _failure_of(cause, nothing_written=code.startswith(_NOT_WRITTEN))
        case PoolTimeoutError():
            return StoreUnavailableError(
                "every connection of the pool stayed busy past pool_timeout", nothing_written=True
            )
        case DBAPIError():
            return _failure_of(error.orig)
        case psycopg.Error():
            return _failure_of(error)
        case _:
            return StoreError(f"the database holds what cannot be read ({type(error).__name__})")


def _failure_of(error: BaseException | None, *, nothing_written: bool = True) -> CityAuthError:
    """Return what psycopg's *error* means. *nothing_written*: whether it is known that nothing was written."""
    code = getattr(error, "sqlstate", None)
    if code is None:
        return _failure_without_code(error, nothing_written=nothing_written)
    if code.startswith("42") and code not in _SENTENCES:
        return SchemaError(f"the tables do not fit ({code}); run `cityauth db upgrade`")
    if code in _LOCKED:
        return StoreUnavailableError(
            "the database stayed locked or busy past statement_timeout; if your own code has an open write transaction "
            f"on this database, end it before you call cityauth ({code})",
            nothing_written=nothing_written,
        )
    if code == "22003":
        return UsageError("a number is too large to be stored")
    if code.startswith(("22", "23")):
        return StoreError(f"the database refused a value ({code})")
    sentence = _SENTENCES.get(code, "the database cannot be used")
    return StoreUnavailableError(f"{sentence} ({code})", nothing_written=nothing_written)


def _failure_without_code(error: BaseException | None, *, nothing_written: bool) -> CityAuthError:
    """Return what an error means that psycopg raised by itself, or the server while connecting."""
    if isinstance(error, psycopg.DataError):
        return UsageError("text with a NUL character, or a number that is too large, cannot be stored")
    if isinstance(error, psycopg.ProgrammingError):
        return UsageError("a value is of a type that cannot be stored")
    text = str(error)
    if "FATAL" in text:
        said = text.partition("FATAL:")[2]
        code = next((code for words, code in _AT_CONNECTING if words in said), None)
        if code is not None:
            return StoreUnavailableError(f"{_SENTENCES[code]} ({code})", nothing_written=nothing_written)
    if "SSL" in text or "certificate" in text:
        return StoreUnavailableError(
            "no encrypted connection to the database server could be made; look at sslmode and sslrootcert in the URL",
            nothing_written=nothing_written,
        )
    return StoreUnavailableError(
        "the database server cannot be reached or does not answer; look at the host and port of the URL",
        nothing_written=nothing_written,
    )
