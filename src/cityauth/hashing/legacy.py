"""Verification of the formats that other systems stored: Django, Werkzeug, plain bcrypt."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import replace
from importlib.util import find_spec
from typing import Final, TypeAlias, assert_never

from cityauth.core.hash_costs import BcryptCosts, Pbkdf2Costs, ScryptCosts
from cityauth.core.hashing import SCHEMES, HashParameters, render
from cityauth.errors import MissingExtraError, PolicyError

ALL_SCHEMES: Final[frozenset[str]] = SCHEMES
"""Every format that can be read; those of bcrypt need the extra 'legacy'."""

BCRYPT_SCHEMES: Final[frozenset[str]] = frozenset({"bcrypt", "django_bcrypt", "django_bcrypt_sha256"})
"""The formats that the library bcrypt runs."""

STANDARD_SCHEMES: Final[frozenset[str]] = ALL_SCHEMES - BCRYPT_SCHEMES
"""The formats that need no extra: Argon2, PBKDF2 and scrypt, as Django and Werkzeug store them."""

_BCRYPT_BYTES: Final = 72
"""bcrypt reads no more of a password, and its library raises on more since version 5."""

LegacyCosts: TypeAlias = BcryptCosts | Pbkdf2Costs | ScryptCosts


def installed() -> frozenset[str]:
    """Return every format that can be run here: those of bcrypt where the extra 'legacy' is installed."""
    return ALL_SCHEMES if find_spec("bcrypt") else STANDARD_SCHEMES


def require(schemes: Iterable[str]) -> frozenset[str]:
    """Check that all *schemes* can be run here, and return them.

    Raises:
        PolicyError: a name is none of `ALL_SCHEMES`.
        MissingExtraError: one of `BCRYPT_SCHEMES` is asked for, and bcrypt is not installed.
    """
    asked = frozenset(schemes)
    if unknown := asked - ALL_SCHEMES:
        msg = f"unknown hash scheme {min(unknown)!r}; there are {', '.join(sorted(ALL_SCHEMES))}"
        raise PolicyError(msg)
    if asked - installed():
        raise MissingExtraError("legacy", "verifying bcrypt hashes")
    return asked


def matches(parameters: HashParameters, costs: LegacyCosts, password: bytes) -> bool:
    """Run the slow function of *parameters*, whose costs are *costs*, once, and compare in constant time."""
    match costs:
        case Pbkdf2Costs():
            digest = hashlib.pbkdf2_hmac(costs.algorithm, password, parameters.salt, costs.iterations)
            return hmac.compare_digest(digest, parameters.digest)
        case ScryptCosts():
            digest = hashlib.scrypt(
                password,
                salt=parameters.salt,
                n=costs.n,
                r=costs.r,
                p=costs.p,
                dklen=len(parameters.digest),
                maxmem=128 * costs.r * (costs.n + costs.p + 2),  # what scrypt needs, and no more
            )
            return hmac.compare_digest(digest, parameters.digest)
        case BcryptCosts():
            return _bcrypt_matches(parameters, password)
        case _:
            assert_never(costs)


def _bcrypt_matches(parameters: HashParameters, password: bytes) -> bool:
    """Run bcrypt on at most 72 bytes; more than that is run too, and is always wrong.

    Two passwords that share their first 72 bytes must not open each other's accounts, and the
    refusal must cost what a verification costs.
    """
    import bcrypt

    if parameters.scheme == "django_bcrypt_sha256":
        password = hashlib.sha256(password).hexdigest().encode()
    stored = render(replace(parameters, scheme="bcrypt")).encode()
    same = hmac.compare_digest(bcrypt.hashpw(password[:_BCRYPT_BYTES], stored), stored)
    return same and len(password) <= _BCRYPT_BYTES
