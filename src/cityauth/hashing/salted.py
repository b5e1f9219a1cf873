"""Hashes of one or two digests: salt and password in old versions of Django, and MySQL's PASSWORD()."""

import hashlib
from typing import Final

from cityauth.core.hashing import HashParameters
from cityauth.hashing.computed import DIGEST_BYTES, Computed, NoCosts
from cityauth.hashing.text import FREE_TEXT, NO_SALT, TextFormat, hex_of


class SaltedDigestFormat(Computed[NoCosts], TextFormat[NoCosts]):
    """Verifies the digest of a salt and the password behind it; the salt may be empty."""

    __slots__ = ("_algorithm",)

    def __init__(self, algorithm: str) -> None:
        """Describe Django's hashes of *algorithm*."""
        digest = hex_of(2 * DIGEST_BYTES[algorithm])
        super().__init__(f"django_{algorithm}", algorithm + "${salt}${digest}", NoCosts, FREE_TEXT, digest)
        self._algorithm = algorithm

    def digest_of(self, password: bytes, parameters: HashParameters[NoCosts]) -> bytes:
        """Return the digest of the salt and the password."""
        return hashlib.new(self._algorithm, parameters.salt + password, usedforsecurity=False).digest()


class MysqlFormat(Computed[NoCosts], TextFormat[NoCosts]):
    """Verifies hashes of MySQL 4.1 to 5.7: SHA-1 of SHA-1 of the password, without a salt."""

    __slots__ = ()

    def identify(self, stored: str) -> bool:
        """Say whether *stored* is a star and the digest: a star alone says "no password"."""
        return self._pattern.fullmatch(stored) is not None

    def digest_of(self, password: bytes, parameters: HashParameters[NoCosts]) -> bytes:  # noqa: ARG002 - no salt
        """Run SHA-1 twice."""
        once = hashlib.sha1(password, usedforsecurity=False).digest()
        return hashlib.sha1(once, usedforsecurity=False).digest()


DJANGO_MD5: Final = SaltedDigestFormat("md5")
DJANGO_SHA1: Final = SaltedDigestFormat("sha1")
MYSQL: Final = MysqlFormat("mysql", "*{salt}{digest}", NoCosts, NO_SALT, hex_of(40, capitals=True))
