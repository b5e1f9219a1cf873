"""The people that every contender serves: the same names, password and hash parameters for all."""

import random
from collections.abc import Mapping
from typing import Final

PASSWORD: Final = "hevonen akku niitti oikein"
WRONG_PASSWORD: Final = "hevonen akku niitti vaarin"

ARGON2: Final[Mapping[str, int]] = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
"""Argon2id as cheap as it goes, 8 KiB and one pass: what is measured is the work around the hash."""

DIGITS: Final = 7
"""Every person has a number of so many digits, in the address and in the id."""


def number(n: int) -> str:
    """Return the digits of person *n*."""
    return f"{n:0{DIGITS}d}"


def email(n: int) -> str:
    """Return the address with which person *n* signs in."""
    return f"person{number(n)}@example.com"


def sample(accounts: int, count: int) -> list[int]:
    """Draw *count* persons of *accounts*, the same ones in every run."""
    return random.Random(accounts).sample(range(accounts), min(count, accounts))
