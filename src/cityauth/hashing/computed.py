"""Formats that are verified by computing a digest, so that their hashes can be wrapped in Argon2id.

The simplest of them stand at the end: hashes of a few digests, as old versions of Django, Werkzeug and Spring Security
made them, and MySQL's PASSWORD().
"""

import base64
import binascii
import hashlib
import hmac
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from cityauth.core.hashing import HashDefect, HashMatch, HashParameters
from cityauth.hashing.text import FREE_TEXT, HEX, NO_SALT, TEXT, Costs, TextFormat, hex_of
from cityauth.policy import HashLimits, HashProfile

FAST_ROUNDS: Final = 5000
"""A hash of fewer rounds of a fast digest is wrapped at an import."""

DIGEST_BYTES: Final = {"md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}

C = TypeVar("C", bound=Costs)


class Computed(ABC, Generic[C]):
    """Verifies by comparing digests. See `WrappableFormat` for the methods that a format adds."""

    __slots__ = ()

    @abstractmethod
    def digest_of(self, password: bytes, parameters: HashParameters[C]) -> bytes:
        """Return the digest of *password* with this salt and these costs."""

    def match_of(self, password: bytes, parameters: HashParameters[C]) -> HashMatch:  # noqa: ARG002 - for those that differ
        """Return what an equal digest means: every byte of the password counts."""
        return HashMatch.YES

    def rounds_of(self, parameters: HashParameters[C]) -> int:  # noqa: ARG002 - for those that differ
        """Return how many fast digests one verification is."""
        return 1

    def is_fast(self, parameters: HashParameters[C]) -> bool:
        """Say whether there is no salt, or a verification has fewer than `FAST_ROUNDS` rounds."""
        return not parameters.salt or self.rounds_of(parameters) < FAST_ROUNDS

    def verify(self, password: bytes, parameters: HashParameters[C]) -> HashMatch:
        """Compute the digest once, and compare in constant time."""
        same = hmac.compare_digest(self.digest_of(password, parameters), parameters.digest)
        return self.match_of(password, parameters) if same else HashMatch.NO


@dataclass(frozen=True, slots=True)
class NoCosts:
    """Costs of a hash that is one fast digest of a fixed function."""

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:  # noqa: ARG002 - the pattern has fixed lengths
        """Say yes: the text itself has fixed lengths."""
        return True

    def exceeds(self, limits: HashLimits) -> bool:  # noqa: ARG002 - it is always cheap
        """Say no: one digest is never too much."""
        return False


class PackedFormat(Computed[C]):
    """A format whose text is a tag and the base64 of salt, digest and perhaps costs in one row of bytes.

    A format of this kind says how the bytes are taken apart and put together again.
    """

    __slots__ = ("_tag", "name")

    def __init__(self, name: str, tag: str) -> None:
        """Describe a format whose text is *tag*, in capitals or not, and base64."""
        self.name: str = name
        self._tag: str = tag

    @abstractmethod
    def unpack(self, data: bytes) -> HashParameters[C] | None:
        """Take the bytes apart; ``None`` where they are too short or too long."""

    @abstractmethod
    def pack(self, parameters: HashParameters[C]) -> bytes:
        """Put the bytes together as `unpack` takes them apart."""

    def decode(self, text: str) -> bytes:
        """Read the text behind the tag.

        Raises:
            ValueError: it is not base64.
        """
        return base64.b64decode(text, validate=True)

    def identify(self, stored: str) -> bool:
        """Say whether *stored* begins with the tag."""
        return stored[: len(self._tag)].upper() == self._tag.upper()

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[C] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`."""
        try:
            parameters = self.unpack(self.decode(stored[len(self._tag) :]))
        except (ValueError, binascii.Error):
            return HashDefect.CORRUPT
        if parameters is None or not parameters.costs.is_sound(len(parameters.salt), len(parameters.digest)):
            return HashDefect.CORRUPT
        return HashDefect.OVER_LIMIT if parameters.costs.exceeds(limits) else parameters

    def needs_rehash(self, parameters: HashParameters[C], profile: HashProfile) -> bool:  # noqa: ARG002 - the protocol's signature
        """Say yes: new hashes are Argon2id."""
        return True

    def render(self, parameters: HashParameters[C]) -> str:
        """Write *parameters* down in this format."""
        return self._tag + base64.b64encode(self.pack(parameters)).decode()


def utf16(password: bytes) -> bytes:
    """Return *password*, which is UTF-8, as the systems of Windows hash it."""
    return password.decode().encode("utf-16-le")


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


@dataclass(frozen=True, slots=True)
class HmacCosts(NoCosts):
    """Costs of one HMAC with *algorithm*."""

    algorithm: str = field(metadata={"pattern": "md5|sha1|sha224|sha256|sha384|sha512"})

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:  # noqa: ARG002 - the pattern has the salt
        """Say whether the digest is one of *algorithm*."""
        return digest_bytes == DIGEST_BYTES[self.algorithm]


class WerkzeugHmacFormat(Computed[HmacCosts], TextFormat[HmacCosts]):
    """Verifies the hashes of Werkzeug before PBKDF2: HMAC of the password, with the salt as its key.

    Their text is that of Django's ``sha1$`` too, so an import must name the format, and ``{werkzeug}`` stands before
    the text that is stored.
    """

    __slots__ = ()

    def digest_of(self, password: bytes, parameters: HashParameters[HmacCosts]) -> bytes:
        """Run HMAC once."""
        return hmac.digest(parameters.salt, password, parameters.costs.algorithm)


_SPRING_ROUNDS: Final = 1024


class SpringSha256Format(Computed[NoCosts], TextFormat[NoCosts]):
    """Verifies Spring Security's ``{sha256}``: 1,024 rounds of SHA-256, begun with the salt and the password."""

    __slots__ = ()

    def identify(self, stored: str) -> bool:
        """Say whether *stored* is the scheme in small letters and hexadecimal digits; LDAP's has base64."""
        return _SPRING_SHA256.fullmatch(stored) is not None

    def digest_of(self, password: bytes, parameters: HashParameters[NoCosts]) -> bytes:
        """Run SHA-256 1,024 times."""
        value = parameters.salt + password
        for _ in range(_SPRING_ROUNDS):
            value = hashlib.sha256(value).digest()
        return value

    def rounds_of(self, parameters: HashParameters[NoCosts]) -> int:  # noqa: ARG002 - the protocol's signature
        """Return the rounds of the function."""
        return _SPRING_ROUNDS


_SPRING_SHA256: Final = re.compile(r"\{sha256\}[0-9a-f]*")

DJANGO_MD5: Final = SaltedDigestFormat("md5")
DJANGO_SHA1: Final = SaltedDigestFormat("sha1")
MYSQL: Final = MysqlFormat("mysql", "*{salt}{digest}", NoCosts, NO_SALT, hex_of(40, capitals=True))
WERKZEUG_HMAC: Final = WerkzeugHmacFormat(
    "werkzeug_hmac", "{algorithm}${salt}${digest}", HmacCosts, TEXT, HEX, prefix="{werkzeug}"
)
SPRING_SHA256: Final = SpringSha256Format(
    "spring_sha256", "{salt}{digest}", NoCosts, hex_of(16), hex_of(64), prefix="{sha256}"
)
