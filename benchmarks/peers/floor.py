"""The floor: hand-written code on `sqlite3` with nothing but the statements that a job needs."""

import hashlib
import secrets
import sqlite3
import time
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import Type, hash_secret_raw, verify_secret

from benchmarks.peers import Sync
from benchmarks.population import ARGON2, PASSWORD, email, number

_SCHEMA = """
CREATE TABLE account (id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, status TEXT NOT NULL,
    epoch INTEGER NOT NULL, hash TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE identifier (key TEXT PRIMARY KEY, account_id TEXT NOT NULL, life TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE session (digest BLOB PRIMARY KEY, account_id TEXT NOT NULL, epoch INTEGER NOT NULL,
    opened_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, user_agent TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE event (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, what TEXT NOT NULL, account_id TEXT);
"""
_FIND = """
SELECT account.id, name, email, status, epoch, hash, life
FROM identifier JOIN account ON account.id = account_id WHERE key = ?
"""
_OPEN = "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)"
_RECORD = "INSERT INTO event (at, what, account_id) VALUES (?, 'login', ?)"
_CHECK = """
SELECT account.id, name, email, status, account.epoch, session.epoch, opened_at, seen_at
FROM session JOIN account ON account.id = account_id WHERE digest = ?
"""
_IDLE, _ABSOLUTE = 30 * 60 * 10**6, 12 * 3600 * 10**6


class Floor:
    """A kept connection and prepared text; no policy, no kinds of identifier, no reasons for a refusal."""

    name = "floor"

    def __init__(self, path: Path, sync: Sync) -> None:
        """Open the file."""
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = wal")
        self._database.execute(f"PRAGMA synchronous = {sync.value}")

    def populate(self, accounts: int) -> None:
        """Insert everybody with one shared hash."""
        stored = PasswordHasher(**ARGON2).hash(PASSWORD)
        now = time.time_ns() // 1000
        ids = [f"account-{number(n)}" for n in range(accounts)]
        self._database.executescript(f"PRAGMA journal_mode = off; PRAGMA cache_size = -400000; {_SCHEMA}")
        self._database.execute("BEGIN")
        self._database.executemany(
            "INSERT INTO account VALUES (?, 'Matti Meik\u00e4l\u00e4inen', ?, 'active', 0, ?)",
            ((ids[n], email(n), stored) for n in range(accounts)),
        )
        self._database.executemany(
            "INSERT INTO identifier VALUES (?, ?, 'active')", ((f"1:{email(n)}", ids[n]) for n in range(accounts))
        )
        self._database.executemany(
            _OPEN, sorted((hashlib.sha256(id_.encode()).digest(), id_, 0, now, now, "") for id_ in ids)
        )
        self._database.execute("COMMIT")

    def sign_in(self, email: str, password: str) -> str | None:
        """One look-up, one evaluation, one commit with the session and a line of the audit trail."""
        row = self._database.execute(_FIND, (f"1:{email.strip().lower()}",)).fetchone()
        if row is None or row[3] != "active" or row[6] != "active" or not _matches(row[5], password):
            return None
        token = secrets.token_urlsafe(32)
        now = time.time_ns() // 1000
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute(_OPEN, (hashlib.sha256(token.encode()).digest(), row[0], row[4], now, now, ""))
        self._database.execute(_RECORD, (now, row[0]))
        self._database.execute("COMMIT")
        return token

    def check(self, token: str) -> str | None:
        """One look-up by the digest, and both limits of time."""
        digest = hashlib.sha256(token.encode()).digest()
        row = self._database.execute(_CHECK, (digest,)).fetchone()
        if row is None or row[3] != "active" or row[4] != row[5]:
            return None
        now = time.time_ns() // 1000
        if now - row[6] >= _ABSOLUTE or now - row[7] >= _IDLE:
            return None
        address: str = row[2]
        return address

    def resolve(self, email: str) -> str | None:
        """One look-up by the key."""
        row = self._database.execute(_FIND, (f"1:{email.strip().lower()}",)).fetchone()
        return None if row is None or row[6] != "active" else row[2]

    def sessions(self) -> int:
        """Count the rows."""
        count: int = self._database.execute("SELECT count(*) FROM session").fetchone()[0]
        return count

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def evaluate(password: str, salt: bytes = bytes(16)) -> bytes:
    """Run Argon2id once with the parameters of `ARGON2` and nothing around it: the hash alone."""
    return hash_secret_raw(password.encode(), salt, hash_len=32, type=Type.ID, **ARGON2)


def _matches(stored: str, password: str) -> bool:
    try:
        return verify_secret(stored.encode(), password.encode(), Type.ID)
    except VerifyMismatchError:
        return False
