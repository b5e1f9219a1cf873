"""Hashes of Windows systems, which hash UTF-16: SQL Server's logins, and NT hashes. NT needs the extra ``legacy``."""

import hashlib
from typing import Final

from cityauth.core.hashing import HashDefect, HashParameters
from cityauth.hashing.computed import Computed, NoCosts, utf16
from cityauth.hashing.text import NO_SALT, Codec, TextFormat, hex_of
from cityauth.policy import HashLimits


class MssqlFormat(Computed[NoCosts], TextFormat[NoCosts]):
    """Verifies hashes of SQL Server: a digest of the password in UTF-16 and four bytes of salt.

    SQL Server 2000 wrote a second digest, of the password in capitals. It does not count.
    """

    __slots__ = ("_algorithm",)

    reads_unicode: Final = True

    def __init__(self, name: str, tag: str, algorithm: str, digest: Codec) -> None:
        """Describe hashes that begin with *tag*."""
        super().__init__(name, tag + "{salt}{digest}", NoCosts, hex_of(8, capitals=True), digest)
        self._algorithm = algorithm

    def digest_of(self, password: bytes, parameters: HashParameters[NoCosts]) -> bytes:
        """Return the digest of the password in UTF-16 and the salt behind it."""
        return hashlib.new(self._algorithm, utf16(password) + parameters.salt, usedforsecurity=False).digest()


class NtFormat(Computed[NoCosts], TextFormat[NoCosts]):
    """Verifies NT hashes, which are MD4 of the password in UTF-16, without a salt."""

    __slots__ = ()

    reads_unicode: Final = True

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[NoCosts] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`. Without its library no hash can be run."""
        parameters = super().parse(stored, limits)
        return parameters if isinstance(parameters, HashDefect) or has_libpass() else HashDefect.NOT_INSTALLED

    def digest_of(self, password: bytes, parameters: HashParameters[NoCosts]) -> bytes:  # noqa: ARG002 - no salt
        """Return MD4 of the password in UTF-16."""
        from passlib.crypto.digest import lookup_hash

        digest: bytes = lookup_hash("md4").const(utf16(password)).digest()
        return digest


def has_libpass() -> bool:
    """Say whether libpass is installed."""
    try:
        import passlib  # noqa: F401 - whether it is there is the question
    except ImportError:
        return False
    return True


MSSQL_2005: Final = MssqlFormat("mssql_2005", "0x0100", "sha1", hex_of(40, "(?:[0-9A-Fa-f]{40})?", capitals=True))
MSSQL_2012: Final = MssqlFormat("mssql_2012", "0x0200", "sha512", hex_of(128, capitals=True))
NT: Final = NtFormat("nt", "$3$${salt}{digest}", NoCosts, NO_SALT, hex_of(32))
