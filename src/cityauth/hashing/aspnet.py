"""Hashes of ASP.NET Identity, versions 2 and 3: base64 of a version, the costs, the salt and a digest of PBKDF2."""

from typing import Final

from cityauth.core.hashing import HashParameters
from cityauth.hashing.computed import PackedFormat
from cityauth.hashing.pbkdf2 import Pbkdf2, Pbkdf2Costs, SizedPbkdf2Costs

_SALT: Final = 16
_SUBKEY: Final = 32
_V2_LETTERS: Final = 68
"""The length of a hash of version 2, which has no sign of its own but a first byte of zero."""

_V2_ITERATIONS: Final = 1000
_HEADER: Final = 13
"""Bytes before the salt in version 3: the version, and three numbers of four bytes."""

_FUNCTIONS: Final = ("sha1", "sha256", "sha512")
"""By the number that version 3 writes for them."""

_MOST_SALT: Final = 64


class AspnetV2Format(Pbkdf2, PackedFormat[Pbkdf2Costs]):
    """Verifies hashes of version 2: 1,000 iterations of PBKDF2 with SHA-1."""

    __slots__ = ()

    def identify(self, stored: str) -> bool:
        """Say whether *stored* has the length and the first byte of version 2."""
        return len(stored) == _V2_LETTERS and stored[0] == "A" and stored.endswith("==")

    def unpack(self, data: bytes) -> HashParameters[Pbkdf2Costs] | None:
        """Take the salt and the digest behind the first byte."""
        if len(data) != 1 + _SALT + _SUBKEY or data[0]:
            return None
        costs = SizedPbkdf2Costs("sha1", _V2_ITERATIONS, _SUBKEY)
        return HashParameters(costs, data[1 : 1 + _SALT], data[1 + _SALT :])

    def pack(self, parameters: HashParameters[Pbkdf2Costs]) -> bytes:
        """Put a zero before salt and digest."""
        return b"\0" + parameters.salt + parameters.digest


class AspnetV3Format(Pbkdf2, PackedFormat[Pbkdf2Costs]):
    """Verifies hashes of version 3, which name the digest function, the iterations and the length of the salt."""

    __slots__ = ()

    def identify(self, stored: str) -> bool:
        """Say whether *stored* begins with a one and three zeros, as only this format does."""
        return stored.startswith("AQAAAA")

    def unpack(self, data: bytes) -> HashParameters[Pbkdf2Costs] | None:
        """Read the three numbers, then salt and digest."""
        if len(data) < _HEADER or data[0] != 1:
            return None
        function, iterations, salt_bytes = (int.from_bytes(data[at : at + 4], "big") for at in (1, 5, 9))
        if function >= len(_FUNCTIONS) or iterations < 1 or salt_bytes > _MOST_SALT:
            return None
        salt, digest = data[_HEADER : _HEADER + salt_bytes], data[_HEADER + salt_bytes :]
        return HashParameters(SizedPbkdf2Costs(_FUNCTIONS[function], iterations, len(digest)), salt, digest)

    def pack(self, parameters: HashParameters[Pbkdf2Costs]) -> bytes:
        """Write the three numbers, then salt and digest."""
        costs = parameters.costs
        numbers = (_FUNCTIONS.index(costs.algorithm), costs.iterations, len(parameters.salt))
        return b"\1" + b"".join(one.to_bytes(4, "big") for one in numbers) + parameters.salt + parameters.digest


ASPNET_V2: Final = AspnetV2Format("aspnet_v2", "")
ASPNET_V3: Final = AspnetV3Format("aspnet_v3", "")
