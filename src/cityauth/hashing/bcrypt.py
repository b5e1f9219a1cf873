"""bcrypt, plain and as Django, passlib and WordPress store it. The library comes with the extra ``legacy``."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from cityauth.core.hashing import HashDefect, HashFormat, HashMatch, HashParameters
from cityauth.hashing.text import BCRYPT_DIGEST, BCRYPT_SALT, TextFormat
from cityauth.policy import HashLimits

_MOST_BYTES: Final = 72
"""bcrypt reads no more of a password."""

_PHP_BLANKS: Final = b" \t\n\r\v\0"
"""What PHP's trim() takes away."""

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


class TextOfBcrypt(TextFormat[BcryptCosts]):
    """A `HashFormat` without its `verify`: its text is *prefix* and bcrypt's own."""

    __slots__ = ()

    def __init__(self, name: str, prefix: str = "") -> None:
        """Describe a format.

        Args:
            name: The name of the format.
            prefix: What stands before bcrypt's own text.
        """
        super().__init__(
            name, "$2{ident}${cost}${salt}{digest}", BcryptCosts, BCRYPT_SALT, BCRYPT_DIGEST, prefix=prefix
        )

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[BcryptCosts] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`. Without its library no hash can be run."""
        parameters = super().parse(stored, limits)
        if isinstance(parameters, HashParameters) and not _is_installed():
            return HashDefect.NOT_INSTALLED
        return parameters


class BcryptFormat(TextOfBcrypt):
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
        super().__init__(name, prefix)
        self.truncates: bool = truncates

    def truncating(self, *, truncates: bool) -> "BcryptFormat":
        """Return this format for the hashes of a system that cut passwords, or did not."""
        return BcryptFormat(self.name, self._prefix, truncates=truncates)

    def verify(self, password: bytes, parameters: HashParameters[BcryptCosts]) -> HashMatch:
        """Run bcrypt once; a password that is too long or has a NUL costs the same as any other."""
        same = _is_bcrypt_of(password.replace(b"\0", b"?")[:_MOST_BYTES], parameters)
        if not same or b"\0" in password:
            return HashMatch.NO
        if len(password) <= _MOST_BYTES:
            return HashMatch.YES
        return HashMatch.TRUNCATED if self.truncates else HashMatch.NO


class BcryptSha256Format(TextOfBcrypt):
    """Verifies hashes that bcrypt made of the password's SHA-256 in hexadecimal: every byte of it counts."""

    __slots__ = ()

    def verify(self, password: bytes, parameters: HashParameters[BcryptCosts]) -> HashMatch:
        """Run SHA-256 and bcrypt once."""
        same = _is_bcrypt_of(hashlib.sha256(password).hexdigest().encode(), parameters)
        return HashMatch.YES if same else HashMatch.NO


@dataclass(frozen=True, slots=True)
class PasslibBcryptCosts(BcryptCosts):
    """Costs of bcrypt as passlib writes them: a cost below 10 has one digit."""

    cost: int = field(metadata={"pattern": "[0-9]{1,2}"})


class PasslibSha256Format(TextOfBcrypt):
    """Verifies passlib's ``bcrypt_sha256``: every byte of the password counts.

    bcrypt runs on base64 of the password's SHA-256, or, since version 2, of its HMAC-SHA-256 with the salt.
    """

    __slots__ = ("_with_salt",)

    def __init__(self, name: str, template: str, *, with_salt: bool) -> None:
        """Describe the hashes of one version.

        Args:
            name: The name of the format.
            template: The text of a hash.
            with_salt: Whether the salt is the key of an HMAC.
        """
        TextFormat.__init__(self, name, template, PasslibBcryptCosts, BCRYPT_SALT, BCRYPT_DIGEST)
        self._with_salt = with_salt

    def verify(self, password: bytes, parameters: HashParameters[BcryptCosts]) -> HashMatch:
        """Run the digest and bcrypt once."""
        if self._with_salt:
            key = BCRYPT_SALT.encode(parameters.salt).encode()
            digest = hmac.digest(key, password, hashlib.sha256)
        else:
            digest = hashlib.sha256(password).digest()
        return HashMatch.YES if _is_bcrypt_of(base64.b64encode(digest), parameters) else HashMatch.NO


class WordpressFormat(TextOfBcrypt):
    """Verifies hashes of WordPress since 6.8: bcrypt of HMAC-SHA-384 of the password without blanks around it.

    A password that was typed with blanks around it matches as in WordPress; then the match is
    `HashMatch.TRUNCATED`, so that a hash of the whole password takes its place.
    """

    __slots__ = ()

    def verify(self, password: bytes, parameters: HashParameters[BcryptCosts]) -> HashMatch:
        """Run HMAC and bcrypt once."""
        trimmed = password.strip(_PHP_BLANKS)
        digest = hmac.digest(b"wp-sha384", trimmed, hashlib.sha384)
        if not _is_bcrypt_of(base64.b64encode(digest), parameters) or b"\0" in (password[:1], password[-1:]):
            return HashMatch.NO
        return HashMatch.YES if trimmed == password else HashMatch.TRUNCATED


def _is_installed() -> bool:
    try:
        import bcrypt  # noqa: F401 - whether it is there is the question
    except ImportError:
        return False
    return True


def _is_bcrypt_of(secret: bytes, parameters: HashParameters[BcryptCosts]) -> bool:
    """Run bcrypt once on at most 72 bytes without a NUL, and compare in constant time."""
    import bcrypt

    stored = _PLAIN.render(parameters).encode()
    return hmac.compare_digest(bcrypt.hashpw(secret, stored), stored)


_PLAIN: Final = BcryptFormat("bcrypt")
_DJANGO_SHA256: Final = BcryptSha256Format("django_bcrypt_sha256", "bcrypt_sha256$")
_PASSLIB_SHA256: Final = (
    PasslibSha256Format(
        "passlib_bcrypt_sha256", "$bcrypt-sha256$v=2,t=2{ident},r={cost}${salt}${digest}", with_salt=True
    ),
    PasslibSha256Format("passlib_bcrypt_sha256_v1", "$bcrypt-sha256$2{ident},{cost}${salt}${digest}", with_salt=False),
)
_WORDPRESS: Final = WordpressFormat("wordpress_bcrypt", "$wp")
_PREFIXES: Final = {"": "", "django_": "bcrypt$", "spring_": "{bcrypt}", "ldap_": "{CRYPT}", "nextcloud_": "1|"}
"""What other systems write before bcrypt's own text, by what stands before the name of the format."""


def bcrypt_formats(*, truncates: bool) -> tuple[HashFormat[BcryptCosts], ...]:
    """Return every format of bcrypt.

    Args:
        truncates: See `BcryptFormat`.
    """
    plain = (BcryptFormat(f"{of}bcrypt", prefix, truncates=truncates) for of, prefix in _PREFIXES.items())
    return (*plain, _DJANGO_SHA256, *_PASSLIB_SHA256, _WORDPRESS)
