"""What a job costs, counted: evaluations of the hash, statements and commits. Times are for the lab."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2.low_level import hash_secret_raw
from sqlalchemy import Engine, event

from cityauth import (
    Account,
    Authenticated,
    CityAuth,
    HashProfile,
    NewAccount,
    PasswordRequired,
    Policy,
    SecretStr,
)
from cityauth.hashing import argon2
from cityauth.stores.sql import SqlStore

CHEAP = HashProfile(memory_cost=8, time_cost=1, parallelism=1)
SECRET = "wZ5cVY1sQ7uVbq0m3nJXo8dGkTfHyRLeKtP2AaUjNiM"
RIGHT, WRONG = "vanha salasana vuodelta 1998", "vanha salasana vuodelta 1999"


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Every statement that SQLite runs, with its values, whoever ran it."""
    seen: list[str] = []

    def trace(driver: sqlite3.Connection, _: object) -> None:
        driver.set_trace_callback(seen.append)

    event.listen(Engine, "connect", trace)
    yield seen
    event.remove(Engine, "connect", trace)


@pytest.fixture
def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The passes of every evaluation of Argon2, in order."""
    seen: list[int] = []

    def spy(password: bytes, salt: bytes, **costs: Any) -> bytes:
        seen.append(costs["time_cost"])
        return hash_secret_raw(password, salt, **costs)

    monkeypatch.setattr(argon2, "hash_secret_raw", spy)
    return seen


@pytest.fixture
def auth(tmp_path: Path, statements: list[str]) -> Iterator[CityAuth]:
    """A deployment on SQLite with a few people, warm, and nothing counted yet."""
    path = tmp_path / "service.db"
    with SqlStore(f"sqlite:///{path}") as store:
        store.create_schema()
        auth = CityAuth(store, [SECRET], policy=Policy(hashing=CHEAP))
        hashed = auth.passwords.hash(RIGHT)
        assert isinstance(hashed, SecretStr)
        stored = hashed.get_secret_value()
        people = [
            NewAccount("Aino", email="aino@example.com", usernames=["aino"], password_hash=stored),
            NewAccount("Olga", email="olga@example.com", retired_usernames=["olga"], password_hash=stored),
            NewAccount("Pia", email="pia@example.com"),
            NewAccount("Eero", email="eero@example.com", password_hash=stored),
        ]
        added = [auth.accounts.add(one) for one in people]
        assert isinstance(added[3], Account)
        auth.accounts.disable(added[3].id)
        attempt(auth, "aino@example.com", RIGHT)
        statements.clear()
        yield auth


def attempt(auth: CityAuth, entered: str, password: str) -> object:
    """Take both steps of a sign-in."""
    step = auth.login.identify(entered)
    assert isinstance(step, PasswordRequired)
    return auth.login.submit_password(step.pending, password)


def verbs(statements: list[str]) -> list[str]:
    """The first word of each statement."""
    return [statement.split(maxsplit=1)[0].upper() for statement in statements]


@pytest.mark.parametrize(
    ("entered", "password"),
    [
        ("aino@example.com", RIGHT),
        ("aino@example.com", WRONG),
        ("aino", RIGHT),
        ("nobody@example.com", RIGHT),
        ("nobody", RIGHT),
        ("olga", RIGHT),
        ("olga", WRONG),
        ("pia@example.com", RIGHT),
        ("eero@example.com", RIGHT),
    ],
)
def test_an_attempt_evaluates_one_hash(auth: CityAuth, evaluations: list[int], entered: str, password: str) -> None:
    """Right, wrong, unknown, retired, without a password, disabled: one evaluation of the hash (B-15, B-16, F6)."""
    evaluations.clear()
    attempt(auth, entered, password)
    assert evaluations == [1]


def test_a_rehash_adds_one_evaluation(tmp_path: Path, evaluations: list[int]) -> None:
    """The first sign-in after the profile was raised evaluates the old hash once and makes a new one (ASVS 11.2.2)."""
    with SqlStore(f"sqlite:///{tmp_path / 'service.db'}") as store:
        store.create_schema()
        old = CityAuth(store, [SECRET], policy=Policy(hashing=CHEAP))
        hashed = old.passwords.hash(RIGHT)
        assert isinstance(hashed, SecretStr)
        old.accounts.add(NewAccount("Aino", email="aino@example.com", password_hash=hashed.get_secret_value()))
        new = CityAuth(store, [SECRET], policy=Policy(hashing=HashProfile(memory_cost=16, time_cost=2, parallelism=1)))
        evaluations.clear()
        assert isinstance(attempt(new, "aino@example.com", RIGHT), Authenticated)
        assert evaluations == [1, 2]
        assert isinstance(attempt(new, "aino@example.com", RIGHT), Authenticated)
        assert evaluations == [1, 2, 2]


def test_a_session_check_is_one_query_and_no_write(auth: CityAuth, statements: list[str]) -> None:
    """A request of a signed-in person costs one look-up; of a token that can be none, nothing (B-55)."""
    done = attempt(auth, "aino@example.com", RIGHT)
    assert isinstance(done, Authenticated)
    statements.clear()
    live = auth.sessions.check(done.session.token.get_secret_value())
    assert live is not None
    assert verbs(statements) == ["SELECT"]
    assert auth.sessions.check("x" * 43) is None
    assert auth.sessions.check("no token") is None
    assert verbs(statements) == ["SELECT", "SELECT"]


RESOLVED = ["SELECT"]
COUNTED = ["BEGIN", "SELECT", "INSERT", "COMMIT"]
"""The attempt is counted before the password is verified, in a transaction of its own: nothing is held over a hash."""


def test_a_sign_in_is_one_query_and_one_commit(auth: CityAuth, statements: list[str]) -> None:
    """Audit line, session and the cap on sessions are written in one transaction after one query (C-16, ASVS 2.3.3)."""
    assert isinstance(attempt(auth, "aino@example.com", RIGHT), Authenticated)
    committed = ["BEGIN", "INSERT", "SELECT", "INSERT", "COMMIT"]
    refunded = ["BEGIN", "DELETE", "COMMIT"]
    assert verbs(statements) == RESOLVED + COUNTED + committed + refunded


@pytest.mark.parametrize("entered", ["aino@example.com", "nobody@example.com", "pia@example.com", "eero@example.com"])
def test_a_refusal_is_one_query_and_one_commit(auth: CityAuth, statements: list[str], entered: str) -> None:
    """A refused attempt costs the database the same whatever the identifier is (B-15, B-16)."""
    assert isinstance(attempt(auth, entered, WRONG), PasswordRequired)
    recorded_or_summed = COUNTED  # the failures of this minute are counted, so that a flood is summed up
    committed = ["BEGIN", "INSERT", "UPDATE", "COMMIT"]
    assert verbs(statements) == RESOLVED + COUNTED + recorded_or_summed + committed


def test_an_identifier_is_resolved_by_one_query(auth: CityAuth, statements: list[str]) -> None:
    """Resolving asks once, known or not."""
    assert auth.identifiers.resolve("aino").account is not None
    assert auth.identifiers.resolve("nobody").account is None
    assert verbs(statements) == ["SELECT", "SELECT"]


def test_no_statement_reads_a_whole_table(auth: CityAuth, statements: list[str], tmp_path: Path) -> None:
    """Every plan of a sign-in, a session check and a resolve goes by an index, so a million accounts cost as ten do."""
    done = attempt(auth, "aino@example.com", RIGHT)
    assert isinstance(done, Authenticated)
    auth.sessions.check(done.session.token.get_secret_value())
    auth.identifiers.resolve("aino")
    asked = [one for one in statements if one.split(maxsplit=1)[0].upper() in {"SELECT", "INSERT", "DELETE"}]
    assert len(asked) == 9
    with sqlite3.connect(tmp_path / "service.db") as database:
        plans = [row[3] for one in asked for row in database.execute(f"EXPLAIN QUERY PLAN {one}")]
    database.close()
    assert plans
    assert not [step for step in plans if step.startswith("SCAN") and "CONSTANT" not in step]
