"""bcrypt, plain and as Django stores it. The library comes with the extra ``legacy``."""

import hashlib
import hmac
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Final

from cityauth.core.hashing import HashDefect, HashMatch, HashParameters
from cityauth.hashing.text import BCRYPT_DIGEST, BCRYPT_SALT, TextFormat
from cityauth.policy import HashLimits

_MOST_BYTES: Final = 72
"""bcrypt reads no more of a password."""

_LEAST_COST: Final = 4
_SALT_BYTES: Final = 16
_DIGEST_BYTES: Final = 23


@dataclass(frozen=True, slots=True)
class BcryptCosts:
    """Costs of bcrypt: 2 to the power of *cost* rounds.

    Its *ident* a, b or y tells which program made the hash. All three are run in the same way.
    """

    ident: str = field(metadata={"pattern": "[aby]"})
    cost: int = field(metadata={"pattern": "[0-9]{2}"})

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether the numbers are bcrypt's."""
        return self.cost >= _LEAST_COST and salt_bytes == _SALT_BYTES and digest_bytes == _DIGEST_BYTES

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether running this would cost more than *limits* allow."""
        return self.cost > limits.bcrypt_cost


class BcryptFormat(TextFormat[BcryptCosts]):
    """Verifies hashes that bcrypt made of the password itself.

    bcrypt reads 72 bytes of a password. A longer password does not match, so that nobody signs in with the
    beginning of a password or with another end of it. Where the old system cut passwords without saying so,
    `truncates` lets their owners in: the password is cut as well, and the match is `HashMatch.TRUNCATED`.

    bcrypt repeats the password and a NUL until it has its 72 bytes, so a password is the same key as that
    password, a NUL and the password again. Many programs also end a password at its first NUL. Therefore a
    password with a NUL matches no such hash.
    """

    __slots__ = ("truncates",)

    def __init__(self, name: str, prefix: str = "", *, truncates: bool = False) -> None:
        """Describe a format whose text is *prefix* and bcrypt's own.

        Args:
            name: The name of the format.
            prefix: What stands before bcrypt's own text.
            truncates: Whether the system that made the hashes cut passwords at 72 bytes.
        """
        super().__init__(name, prefix + "$2{ident}${cost}${salt}{digest}", BcryptCosts, BCRYPT_SALT, BCRYPT_DIGEST)
        self.truncates: bool = truncates

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[BcryptCosts] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`. Without its library no hash can be run."""
        parameters = super().parse(stored, limits)
        if isinstance(parameters, HashParameters) and not _is_installed():
            return HashDefect.NOT_INSTALLED
        return parameters

    def verify(self, password: bytes, parameters: HashParameters[BcryptCosts]) -> HashMatch:
        """Run bcrypt once; a password that is too long or has a NUL costs the same as any other."""
        same = _is_bcrypt_of(password.replace(b"\0", b"?")[:_MOST_BYTES], parameters)
        if not same or b"\0" in password:
            return HashMatch.NO
        if len(password) <= _MOST_BYTES:
            return HashMatch.YES
        return HashMatch.TRUNCATED if self.truncates else HashMatch.NO


class BcryptSha256Format(BcryptFormat):
    """Verifies hashes that bcrypt made of the password's SHA-256 in hexadecimal: every byte of it counts."""

    __slots__ = ()

    def verify(self, password: bytes, parameters: HashParameters[BcryptCosts]) -> HashMatch:
        """Run SHA-256 and bcrypt once."""
        same = _is_bcrypt_of(hashlib.sha256(password).hexdigest().encode(), parameters)
        return HashMatch.YES if same else HashMatch.NO


def _is_installed() -> bool:
    return sys.modules.get("bcrypt") is not None or find_spec("bcrypt") is not None


def _is_bcrypt_of(secret: bytes, parameters: HashParameters[BcryptCosts]) -> bool:
    """Run bcrypt once on at most 72 bytes without a NUL, and compare in constant time."""
    import bcrypt

    stored = _PLAIN.render(parameters).encode()
    return hmac.compare_digest(bcrypt.hashpw(secret, stored), stored)


_PLAIN: Final = BcryptFormat("bcrypt")
DJANGO_BCRYPT_SHA256: Final = BcryptSha256Format("django_bcrypt_sha256", "bcrypt_sha256$")


def bcrypt_formats(*, truncates: bool) -> tuple[BcryptFormat, ...]:
    """Return every format of bcrypt.

    Args:
        truncates: See `BcryptFormat`.
    """
    return (
        BcryptFormat("bcrypt", truncates=truncates),
        BcryptFormat("django_bcrypt", "bcrypt$", truncates=truncates),
        DJANGO_BCRYPT_SHA256,
    )
