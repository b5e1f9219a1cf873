"""Session check on PostgreSQL: what cityauth adds to its one statement."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.harness import Contender, interleave
from benchmarks.population import PASSWORD
from benchmarks.result import Goal, Result, tabulate

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

ROUNDS = 40
ACCOUNTS = 2_000
CALLS = 100
FLOOR, AGAIN, OURS = "the statement through psycopg", "the statement again", "cityauth"
ABOUT = (
    "The value of a session cookie is checked and its account loaded, on a PostgreSQL server of the same machine, over its socket. "
    "The base takes a connection from the same pool, runs the same statement by psycopg and fetches the row."
)
KEY = bytes(range(32))


def measure(rounds: int, accounts: int) -> Result:
    """Start a server, sign people in, and time the check of their sessions."""
    from cityauth import Authenticated, CityAuth, ClientContext, NewAccount, PasswordRequired
    from cityauth.core.sessions import digest_of
    from cityauth.policy import HashProfile, Policy
    from cityauth.stores import SqlStore
    from servers import PostgresqlServer

    with PostgresqlServer() as server, SqlStore(server.url()) as store:
        store.create_schema()
        auth = CityAuth(store, [KEY], policy=Policy(hashing=HashProfile.SMALL))
        hashed = auth.passwords.hash(PASSWORD).get_secret_value()  # type: ignore[union-attr]
        tokens: list[tuple[str, str]] = []
        for number in range(min(accounts, 200)):
            name = f"p{number}@example.com"
            auth.accounts.add(NewAccount(name, email=name, password_hash=hashed))
            client = ClientContext(f"10.0.0.{number}")
            step = auth.login.identify(name)
            assert isinstance(step, PasswordRequired)
            done = auth.login.submit_password(step.pending, PASSWORD, client=client)
            assert isinstance(done, Authenticated)
            tokens.append((done.session.token.get_secret_value(), name))
        statement, engine = _statement(), store._database.engine  # noqa: SLF001 - the same pool is wanted

        def floor(token: str) -> str | None:
            borrowed: Any = engine.raw_connection()
            with closing(borrowed), borrowed.cursor() as cursor:
                row = cursor.execute(statement, {"digest": digest_of(token)}).fetchone()
            return row[_NAME] if row else None

        def ours(token: str) -> str | None:
            live = auth.sessions.check(token)
            return live.account.display_name if live else None

        contenders = [
            Contender(name, call, tokens, CALLS) for name, call in ((FLOOR, floor), (AGAIN, floor), (OURS, ours))
        ]
        table = tabulate(f"{len(tokens)} sessions", interleave(contenders, rounds), FLOOR)
    goals = [Goal("cityauth, times the statement", table.ratio(OURS), 1.3)]
    return Result("postgresql_check", ABOUT, [table], goals)


_NAME = 14
"""Where the account's name stands in the row."""


def _statement() -> bytes:
    from cityauth.stores.sql.postgresql_driver import TEXTS
    from cityauth.stores.sql.sessions import find_session

    program: Any = find_session(bytes(32))
    text, _ = TEXTS.of(program.statement, program.values)
    return text.encode()
