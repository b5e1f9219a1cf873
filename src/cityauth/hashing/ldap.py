"""Hashes of LDAP servers: a scheme in braces, then base64 of the digest and its salt (RFC 2307)."""

import hashlib
from typing import Final

from cityauth.core.hashing import HashParameters
from cityauth.hashing.computed import DIGEST_BYTES, NoCosts, PackedFormat

_MOST_SALT_BYTES: Final = 64
_PLAIN: Final = {"MD5": "md5", "SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
_SALTED: Final = {"SMD5": "md5", "SSHA": "sha1", "SSHA256": "sha256", "SSHA384": "sha384", "SSHA512": "sha512"}


class LdapFormat(PackedFormat[NoCosts]):
    """Verifies the digest of a password, and the digest of a password with a salt behind it."""

    __slots__ = ("_algorithm", "_salted", "_size")

    def __init__(self, scheme: str, algorithm: str, *, salted: bool) -> None:
        """Describe the hashes of *scheme*, such as ``SSHA``.

        Args:
            scheme: What stands in the braces.
            algorithm: The digest function.
            salted: Whether a salt stands behind the digest.
        """
        super().__init__(f"ldap_{scheme.lower()}", f"{{{scheme}}}")
        self._algorithm = algorithm
        self._salted = salted
        self._size = DIGEST_BYTES[algorithm]

    def decode(self, text: str) -> bytes:
        """Read base64, or the hexadecimal digits that some servers write for a digest without a salt."""
        if not self._salted and len(text) == 2 * self._size:
            return bytes.fromhex(text)
        return super().decode(text)

    def unpack(self, data: bytes) -> HashParameters[NoCosts] | None:
        """Take a digest and what is behind it."""
        salt = data[self._size :]
        fits = len(data) >= self._size and (1 <= len(salt) <= _MOST_SALT_BYTES if self._salted else not salt)
        return HashParameters(NoCosts(), salt, data[: self._size]) if fits else None

    def pack(self, parameters: HashParameters[NoCosts]) -> bytes:
        """Put the salt behind the digest."""
        return parameters.digest + parameters.salt

    def digest_of(self, password: bytes, parameters: HashParameters[NoCosts]) -> bytes:
        """Return the digest of the password and the salt behind it."""
        return hashlib.new(self._algorithm, password + parameters.salt, usedforsecurity=False).digest()


LDAP_FORMATS: Final = (
    *(LdapFormat(scheme, algorithm, salted=False) for scheme, algorithm in _PLAIN.items()),
    *(LdapFormat(scheme, algorithm, salted=True) for scheme, algorithm in _SALTED.items()),
)
