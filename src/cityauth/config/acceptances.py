"""The tables ``[accept.CA...]`` of the configuration file: findings of a check that the operator accepts for a time."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from cityauth.config.sections import read_text, refuse_unknown
from cityauth.core.check import Acceptance
from cityauth.core.check_rules import CODES
from cityauth.errors import ConfigurationError

ACCEPT: Final = "accept"
"""The name of the table that holds them."""

_KEYS: Final = ("reason", "until")


def read_acceptances(value: object) -> tuple[Acceptance, ...]:
    """Read the table of all acceptances.

    Raises:
        ConfigurationError: a number is none of a finding, a key is unknown or missing, or a value is not what its key
            takes.
    """
    tables = _table(value, ACCEPT)
    refuse_unknown(tables, CODES, ACCEPT)
    return tuple(_read_acceptance(code, _table(one, f"{ACCEPT}.{code}")) for code, one in tables.items())


def _read_acceptance(code: str, table: Mapping[str, object]) -> Acceptance:
    where = f"{ACCEPT}.{code}"
    refuse_unknown(table, _KEYS, where)
    for key in _KEYS:
        if key not in table:
            raise ConfigurationError(f"[{where}] needs the key {key!r}")
    until = table["until"]
    if not isinstance(until, date) or isinstance(until, datetime):
        raise ConfigurationError(f"{where}.until must be a day without quotes, such as 2027-06-30")
    return Acceptance(code, read_text(table["reason"], f"{where}.reason"), until)


def _table(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} must be a table: put its keys under [{where}]")
    return value
