"""Keycloak's credentials: a JSON object with ``credentialData`` and ``secretData``, of PBKDF2 or Argon2.

Both parts may be JSON in a string, as an export has them, or objects. Other keys of the credential do not count.
"""

import base64
import binascii
import hmac
import json
from typing import Any, Final

from cityauth.core.hashing import HashDefect, HashMatch, HashParameters
from cityauth.hashing.argon2 import Argon2Costs, may_replace, run_argon2
from cityauth.hashing.pbkdf2 import Pbkdf2, Pbkdf2Costs, SizedPbkdf2Costs
from cityauth.policy import HashLimits, HashProfile

_MOST_SALT: Final = 64
_MOST_DIGEST: Final = 64
_NAMES: Final = {"sha1": "pbkdf2", "sha256": "pbkdf2-sha256", "sha512": "pbkdf2-sha512"}
"""What Keycloak calls PBKDF2 with each digest function."""

_ALGORITHMS: Final = {name: algorithm for algorithm, name in _NAMES.items()}
_VERSIONS: Final = {"1.0": 16, "1.3": 19}
"""The versions of Argon2 as Keycloak writes them."""

_DAMAGE: Final = (ValueError, binascii.Error, KeyError, TypeError, AttributeError, IndexError, RecursionError)
"""What reading a credential raises where a part is missing or of another kind."""


class KeycloakFormat(Pbkdf2):
    """Verifies credentials of PBKDF2."""

    __slots__ = ()

    name: Final = "keycloak"

    def identify(self, stored: str) -> bool:
        """Say whether *stored* is a JSON object that names one of the two parts, and not Argon2."""
        return _is_credential(stored) and not _is_argon2(stored)

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[Pbkdf2Costs] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`."""
        try:
            data, salt, digest = _read(stored)
            costs = SizedPbkdf2Costs(_ALGORITHMS[data["algorithm"]], _number(data["hashIterations"]), len(digest))
        except _DAMAGE:
            return HashDefect.CORRUPT
        if not costs.is_sound(len(salt), len(digest)) or len(salt) > _MOST_SALT:
            return HashDefect.CORRUPT
        return HashDefect.OVER_LIMIT if costs.exceeds(limits) else HashParameters(costs, salt, digest)

    def needs_rehash(self, parameters: HashParameters[Pbkdf2Costs], profile: HashProfile) -> bool:  # noqa: ARG002 - the protocol's signature
        """Say yes: new hashes are Argon2id."""
        return True

    def render(self, parameters: HashParameters[Pbkdf2Costs]) -> str:
        """Write *parameters* down as Keycloak exports them."""
        costs = parameters.costs
        return _write({"hashIterations": costs.iterations, "algorithm": _NAMES[costs.algorithm]}, parameters)


class KeycloakArgon2Format:
    """Verifies credentials of Argon2, which Keycloak makes since version 25."""

    __slots__ = ()

    name: Final = "keycloak_argon2"

    def identify(self, stored: str) -> bool:
        """Say whether *stored* is a JSON object that names one of the two parts, and Argon2."""
        return _is_credential(stored) and _is_argon2(stored)

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[Argon2Costs] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`."""
        try:
            data, salt, digest = _read(stored)
            more = {name: values[0] for name, values in data["additionalParameters"].items()}
            memory, parallelism = int(more["memory"]), int(more["parallelism"])
            version, passes = _VERSIONS[more["version"]], _number(data["hashIterations"])
            costs = Argon2Costs(more["type"], version, memory, passes, parallelism)
            whole = data["algorithm"] == "argon2" and int(more["hashLength"]) == len(digest) and parallelism > 0
        except _DAMAGE:
            return HashDefect.CORRUPT
        sound = costs.is_sound(len(salt), len(digest)) and len(salt) <= _MOST_SALT and len(digest) <= _MOST_DIGEST
        if not whole or not sound:
            return HashDefect.CORRUPT
        return HashDefect.OVER_LIMIT if costs.exceeds(limits) else HashParameters(costs, salt, digest)

    def verify(self, password: bytes, parameters: HashParameters[Argon2Costs]) -> HashMatch:
        """Run Argon2 once.

        Raises:
            HasherBusyError: there is not enough memory now.
        """
        digest = run_argon2(password, parameters.salt, parameters.costs, len(parameters.digest))
        return HashMatch.YES if hmac.compare_digest(digest, parameters.digest) else HashMatch.NO

    def needs_rehash(self, parameters: HashParameters[Argon2Costs], profile: HashProfile) -> bool:
        """Say yes, unless a new hash would be weaker."""
        return may_replace(parameters, profile)

    def render(self, parameters: HashParameters[Argon2Costs]) -> str:
        """Write *parameters* down as Keycloak exports them."""
        costs = parameters.costs
        more = {
            "hashLength": [str(len(parameters.digest))],
            "memory": [str(costs.memory_cost)],
            "type": [costs.variant],
            "version": [next(text for text, number in _VERSIONS.items() if number == costs.version)],
            "parallelism": [str(costs.parallelism)],
        }
        data = {"hashIterations": costs.time_cost, "algorithm": "argon2", "additionalParameters": more}
        return _write(data, parameters)


def _is_credential(stored: str) -> bool:
    return stored.startswith("{") and ('"credentialData"' in stored or '"secretData"' in stored)


def _is_argon2(stored: str) -> bool:
    """Say whether the algorithm is Argon2. JSON in a string has backslashes before its quotes."""
    return '"argon2"' in stored.replace("\\", "")


def _read(stored: str) -> tuple[dict[str, Any], bytes, bytes]:
    """Return the data, the salt and the digest of a credential; see `_DAMAGE` for what it raises."""
    credential = json.loads(stored)
    data, secret = (_object(credential[name]) for name in ("credentialData", "secretData"))
    salt, digest = (base64.b64decode(secret[name], validate=True) for name in ("salt", "value"))
    return data, salt, digest


def _object(part: str | dict[str, Any]) -> dict[str, Any]:
    """Read JSON in a string, or take what is an object already."""
    made: dict[str, Any] = json.loads(part) if isinstance(part, str) else part
    return made


def _number(value: object) -> int:
    """Return *value*, which must be a whole number above zero."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("no number")
    return value


def _write(data: dict[str, Any], parameters: HashParameters[Any]) -> str:
    """Write a credential down."""
    parts = {"value": parameters.digest, "salt": parameters.salt}
    secret = {name: base64.b64encode(one).decode() for name, one in parts.items()}
    return json.dumps({"credentialData": json.dumps(data), "secretData": json.dumps(secret)})


KEYCLOAK_FORMATS: Final = (KeycloakFormat(), KeycloakArgon2Format())
