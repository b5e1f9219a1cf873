"""PBKDF2 of fixed costs, as Spring Security and Atlassian's programs store it."""

from typing import Final

from cityauth.core.hashing import HashParameters
from cityauth.hashing.computed import PackedFormat
from cityauth.hashing.pbkdf2 import Pbkdf2, Pbkdf2Costs, SizedPbkdf2Costs

_SUBKEY: Final = 32


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
)
