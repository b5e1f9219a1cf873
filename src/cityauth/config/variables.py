"""The variables of the environment that cityauth reads."""

import difflib
from collections.abc import Mapping
from typing import Final

from cityauth.config.sections import PROFILES, read_one_of
from cityauth.errors import ConfigurationError, SecretError

CONFIG: Final = "CITYAUTH_CONFIG"
DATABASE: Final = "CITYAUTH_DATABASE"
SECRETS: Final = "CITYAUTH_SECRETS"
SECRETS_FILE: Final = "CITYAUTH_SECRETS_FILE"
TOMBSTONE_SECRET: Final = "CITYAUTH_TOMBSTONE_SECRET"  # noqa: S105 - a variable's name
DEPLOYMENT: Final = "CITYAUTH_DEPLOYMENT"
HASHING_PROFILE: Final = "CITYAUTH_HASHING_PROFILE"
GENERATION: Final = "CITYAUTH_GENERATION"
SMTP_PASSWORD: Final = "CITYAUTH_SMTP_PASSWORD"  # noqa: S105 - a variable's name
VARIABLES: Final = (
    CONFIG,
    DATABASE,
    SECRETS,
    SECRETS_FILE,
    TOMBSTONE_SECRET,
    DEPLOYMENT,
    GENERATION,
    HASHING_PROFILE,
    SMTP_PASSWORD,
)
"""Variables of the environment; each wins over the file."""

_SIMILAR: Final = 0.75
"""How similar to one of cityauth's names a variable must be to count as mistyped; others are the host's own."""


def read_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of cityauth that are set; an empty one counts as not set.

    Raises:
        ConfigurationError: a variable is nearly one of cityauth's, two of them exclude each other, or the hashing
            profile does not exist.
    """
    _refuse_slips(environment)
    given = {name: environment[name] for name in VARIABLES if environment.get(name, "").strip()}
    if SECRETS in given and SECRETS_FILE in given:
        raise SecretError(f"{SECRETS} and {SECRETS_FILE} are both set: unset one of them")
    if HASHING_PROFILE in given:
        read_one_of(PROFILES["hashing"], given[HASHING_PROFILE], HASHING_PROFILE)
    return given


def _refuse_slips(environment: Mapping[str, str]) -> None:
    """Refuse a variable that is nearly one of cityauth's: its value would be ignored without a word."""
    prefix = "CITYAUTH_"
    known = [name.removeprefix(prefix) for name in VARIABLES]
    for name in environment:
        if name.startswith(prefix) and name not in VARIABLES:
            near = difflib.get_close_matches(name.removeprefix(prefix), known, n=1, cutoff=_SIMILAR)
            if near:
                raise ConfigurationError(f"unknown variable {name}; the nearest known one is {prefix}{near[0]}")
