"""The key of an e-mail address, against a plain check and the full validator."""

import re

from email_validator import validate_email

from benchmarks.harness import Contender, interleave
from benchmarks.population import email
from benchmarks.result import Goal, Result, tabulate
from cityauth.core.identifiers import Malformed, look_up

ROUNDS = 30
ACCOUNTS = 1000
CALLS = 500
_PLAIN = re.compile(r"[\w.+-]+@(?:[a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}")
ABOUT = (
    "A plain ASCII address is checked and its key computed, without a database. The floor is a regular expression and "
    "`lower()`. cityauth gives the same answers as email-validator. It asks email-validator only about addresses that "
    "the rules for ASCII cannot decide."
)


def measure(rounds: int, accounts: int) -> Result:
    """Time it over so many addresses."""
    people = [(email(n), f"1:{email(n)}") for n in range(accounts)]
    contenders = [
        Contender("floor", _plain, people, CALLS),
        Contender("floor again", _plain, people, CALLS),
        Contender("cityauth", _ours, people, CALLS),
        Contender("email-validator", _full, people, CALLS // 10),
    ]
    table = tabulate("plain ASCII addresses", interleave(contenders, rounds), "floor")
    ours = next(row.time.median for row in table.rows if row.name == "cityauth")
    return Result("identifier_key", ABOUT, [table], [Goal("cityauth, µs for an address", ours, 5)])


def _plain(text: str) -> str | None:
    return f"1:{text.lower()}" if _PLAIN.fullmatch(text.strip()) else None


def _ours(text: str) -> str | None:
    readings = look_up(text)
    return None if isinstance(readings, Malformed) else readings[0].key


def _full(text: str) -> str | None:
    return f"1:{validate_email(text, check_deliverability=False).normalized}"
