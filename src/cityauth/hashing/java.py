"""Hashes of programs in Java: Spring Security's and Atlassian's PBKDF2, and Keycloak's credentials in JSON."""

import base64
import binascii
import json
from typing import Any, Final

from cityauth.core.hashing import HashDefect, HashParameters
from cityauth.hashing.computed import PackedFormat
from cityauth.hashing.pbkdf2 import Pbkdf2, Pbkdf2Costs, SizedPbkdf2Costs
from cityauth.policy import HashLimits, HashProfile

_SUBKEY: Final = 32
_MOST_SALT: Final = 64


class FixedPbkdf2Format(Pbkdf2, PackedFormat[Pbkdf2Costs]):
    """Verifies hashes of fixed costs: the salt, then 32 bytes of digest, in base64 or hexadecimal digits."""

    __slots__ = ("_costs", "_in_hex", "_salt_bytes")

    def __init__(self, name: str, tag: str, costs: SizedPbkdf2Costs, salt_bytes: int, *, in_hex: bool) -> None:
        """Describe hashes that begin with *tag* and have these costs."""
        super().__init__(name, tag)
        self._costs, self._salt_bytes, self._in_hex = costs, salt_bytes, in_hex

    def decode(self, text: str) -> bytes:
        """Read hexadecimal digits or base64."""
        return bytes.fromhex(text) if self._in_hex and text.isalnum() else super().decode(text)

    def unpack(self, data: bytes) -> HashParameters[Pbkdf2Costs] | None:
        """Take salt and digest."""
        salt, digest = data[: self._salt_bytes], data[self._salt_bytes :]
        return HashParameters(self._costs, salt, digest) if len(digest) == _SUBKEY else None

    def pack(self, parameters: HashParameters[Pbkdf2Costs]) -> bytes:
        """Put the digest behind the salt."""
        return parameters.salt + parameters.digest

    def render(self, parameters: HashParameters[Pbkdf2Costs]) -> str:
        """Write *parameters* down in this format."""
        return self._tag + self.pack(parameters).hex() if self._in_hex else super().render(parameters)


class KeycloakFormat(Pbkdf2):
    """Verifies Keycloak's credentials of PBKDF2: a JSON object with ``credentialData`` and ``secretData``.

    Both may be JSON in a string, as an export has them, or objects. Other keys of the credential do not count.
    """

    __slots__ = ()

    name: Final = "keycloak"

    def identify(self, stored: str) -> bool:
        """Say whether *stored* is a JSON object that names one of the two parts."""
        return stored.startswith("{") and ('"credentialData"' in stored or '"secretData"' in stored)

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[Pbkdf2Costs] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`."""
        try:
            parameters = _read(json.loads(stored))
        except (ValueError, binascii.Error, KeyError, TypeError, RecursionError):
            return HashDefect.CORRUPT
        sound = parameters.costs.is_sound(len(parameters.salt), len(parameters.digest))
        if not sound or len(parameters.salt) > _MOST_SALT:
            return HashDefect.CORRUPT
        return HashDefect.OVER_LIMIT if parameters.costs.exceeds(limits) else parameters

    def needs_rehash(self, parameters: HashParameters[Pbkdf2Costs], profile: HashProfile) -> bool:  # noqa: ARG002 - the protocol's signature
        """Say yes: new hashes are Argon2id."""
        return True

    def render(self, parameters: HashParameters[Pbkdf2Costs]) -> str:
        """Write *parameters* down as Keycloak exports them."""
        costs = parameters.costs
        data = {"hashIterations": costs.iterations, "algorithm": _NAMES[costs.algorithm]}
        secret = {"value": _base64(parameters.digest), "salt": _base64(parameters.salt)}
        return json.dumps({"credentialData": json.dumps(data), "secretData": json.dumps(secret)})


_NAMES: Final = {"sha1": "pbkdf2", "sha256": "pbkdf2-sha256", "sha512": "pbkdf2-sha512"}
"""What Keycloak calls PBKDF2 with each digest function."""

_ALGORITHMS: Final = {name: algorithm for algorithm, name in _NAMES.items()}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _read(credential: dict[str, Any]) -> HashParameters[Pbkdf2Costs]:
    """Read a credential.

    Raises:
        ValueError, KeyError, TypeError: a part is missing or of another kind.
    """
    data, secret = (_object(credential[name]) for name in ("credentialData", "secretData"))
    iterations, algorithm = data["hashIterations"], _ALGORITHMS[data["algorithm"]]
    if type(iterations) is not int or iterations < 1:
        raise ValueError(iterations)
    digest = base64.b64decode(secret["value"], validate=True)
    salt = base64.b64decode(secret["salt"], validate=True)
    return HashParameters(SizedPbkdf2Costs(algorithm, iterations, len(digest)), salt, digest)


def _object(part: str | dict[str, Any]) -> dict[str, Any]:
    """Read JSON in a string, or take what is an object already."""
    made: dict[str, Any] = json.loads(part) if isinstance(part, str) else part
    return made


JAVA_FORMATS: Final = (
    FixedPbkdf2Format("atlassian", "{PKCS5S2}", SizedPbkdf2Costs("sha1", 10_000, _SUBKEY), 16, in_hex=False),
    FixedPbkdf2Format(
        "spring_pbkdf2_5_8",
        "{pbkdf2@SpringSecurity_v5_8}",
        SizedPbkdf2Costs("sha256", 310_000, _SUBKEY),
        16,
        in_hex=True,
    ),
    FixedPbkdf2Format("spring_pbkdf2", "{pbkdf2}", SizedPbkdf2Costs("sha1", 185_000, _SUBKEY), 8, in_hex=True),
    KeycloakFormat(),
)
