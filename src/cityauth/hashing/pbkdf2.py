"""PBKDF2 (RFC 8018), as Django, Werkzeug, passlib, LDAP, Spring Security, Atlassian and PostgreSQL store it."""

import hashlib
import hmac
import re
import stringprep
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from cityauth.core.hashing import HashDefect, HashMatch, HashParameters
from cityauth.hashing.computed import DIGEST_BYTES, Computed, PackedFormat
from cityauth.hashing.text import ADAPTED_BASE64, HEX, PADDED_BASE64, TEXT, TextFormat, is_zero_padded
from cityauth.policy import HashLimits

_ALGORITHMS: Final = "sha1|sha224|sha256|sha384|sha512"
BLOCK_BYTES: Final = {"sha1": 64, "sha224": 64, "sha256": 64, "sha384": 128, "sha512": 128}
_SIZES: Final = (16, 20, 32, 64)
"""The lengths that digests are cut to, so that a hash that lost its end is damaged."""

_MOST_ITERATIONS: Final = 2**31 - 1
"""OpenSSL takes no more."""


@dataclass(frozen=True, slots=True)
class Pbkdf2Costs:
    """Costs of PBKDF2: HMAC with *algorithm* sha1, sha224, sha256, sha384 or sha512, run *iterations* times."""

    algorithm: str = field(metadata={"pattern": _ALGORITHMS})
    iterations: int

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether there is a salt, and a digest of exactly one block: each further block costs as much again."""
        return salt_bytes > 0 and digest_bytes == DIGEST_BYTES[self.algorithm]

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether there are more iterations than *limits* or OpenSSL allow."""
        return self.iterations > min(limits.pbkdf2_iterations, _MOST_ITERATIONS)


@dataclass(frozen=True, slots=True)
class SizedPbkdf2Costs(Pbkdf2Costs):
    """Costs of PBKDF2 for a digest of *size* bytes. If it has several blocks, each block costs the same."""

    size: int

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether there is a salt, and a digest that cannot be guessed by chance."""
        return salt_bytes > 0 and digest_bytes == self.size and self.size in _SIZES

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether all blocks together have more iterations than *limits* or OpenSSL allow."""
        blocks = -(-self.size // DIGEST_BYTES[self.algorithm])
        return self.iterations * blocks > min(limits.pbkdf2_iterations, _MOST_ITERATIONS)


class Pbkdf2(Computed[Pbkdf2Costs]):
    """Verifies PBKDF2 hashes, whatever their text."""

    __slots__ = ()

    def digest_of(self, password: bytes, parameters: HashParameters[Pbkdf2Costs]) -> bytes:
        """Run PBKDF2 once."""
        costs, size = parameters.costs, len(parameters.digest)
        longer = (size,) if size != DIGEST_BYTES[costs.algorithm] else ()
        return hashlib.pbkdf2_hmac(costs.algorithm, password, parameters.salt, costs.iterations, *longer)

    def match_of(self, password: bytes, parameters: HashParameters[Pbkdf2Costs]) -> HashMatch:
        """Return no for a password that HMAC takes for a shorter one; see `is_zero_padded`."""
        padded = is_zero_padded(password, BLOCK_BYTES[parameters.costs.algorithm])
        return HashMatch.NO if padded else HashMatch.YES

    def rounds_of(self, parameters: HashParameters[Pbkdf2Costs]) -> int:
        """Return the iterations."""
        return parameters.costs.iterations


class Pbkdf2Format(Pbkdf2, TextFormat[Pbkdf2Costs]):
    """Verifies PBKDF2 hashes whose text is a template."""

    __slots__ = ()


class PasslibPbkdf2Format(Pbkdf2Format):
    """Verifies passlib's hashes. Those of SHA-1 begin with ``$pbkdf2$``; they are read as ``$pbkdf2-sha1$``."""

    __slots__ = ()

    def body_of(self, stored: str) -> str:
        """Return *stored* with its digest function written out."""
        return stored.replace("$pbkdf2$", "$pbkdf2-sha1$", 1) if stored.startswith("$pbkdf2$") else stored


class LdapPbkdf2Format(PasslibPbkdf2Format):
    """Verifies the hashes of LDAP servers: a scheme such as ``{PBKDF2-SHA256}``, then the rest of passlib's text.

    ``{PBKDF2}`` alone means SHA-1.
    """

    __slots__ = ()

    def identify(self, stored: str) -> bool:
        """Say whether *stored* begins with the scheme and the iterations. Spring's ``{pbkdf2}`` has no ``$``."""
        return _LDAP_PBKDF2.match(stored) is not None

    def body_of(self, stored: str) -> str:
        """Return *stored* as passlib writes it without the scheme."""
        found = _LDAP_PBKDF2.match(stored)
        return f"$pbkdf2-{(found[1] or 'sha1').lower()}${stored[found.end() :]}" if found else ""

    def render(self, parameters: HashParameters[Pbkdf2Costs]) -> str:
        """Write *parameters* down in this format."""
        algorithm, rest = super().render(parameters).removeprefix("$pbkdf2-").split("$", 1)
        return f"{{PBKDF2-{algorithm.upper()}}}{rest}"


@dataclass(frozen=True, slots=True)
class ScramCosts:
    """Costs of SCRAM: PBKDF2 with HMAC-SHA-256, run *iterations* times."""

    iterations: int

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether there is a salt, and a digest of one block."""
        return salt_bytes > 0 and digest_bytes == DIGEST_BYTES["sha256"]

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether there are more iterations than *limits* or OpenSSL allow."""
        return self.iterations > min(limits.pbkdf2_iterations, _MOST_ITERATIONS)


class ScramFormat(Computed[ScramCosts], TextFormat[ScramCosts]):
    """Verifies the SCRAM verifiers of PostgreSQL (RFC 5803): the client's stored key, and the server's key behind it.

    The server's key proves nothing more of the password. It is dropped where a hash is written down anew.
    """

    __slots__ = ()

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[ScramCosts] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`."""
        body, _, server_key = stored.rpartition(":")
        return super().parse(body, limits) if _SERVER_KEY.fullmatch(server_key) else HashDefect.CORRUPT

    def render(self, parameters: HashParameters[ScramCosts]) -> str:
        """Write *parameters* down in this format, with a blank for the server's key."""
        return f"{super().render(parameters)}:{PADDED_BASE64.encode(bytes(DIGEST_BYTES['sha256']))}"

    def digest_of(self, password: bytes, parameters: HashParameters[ScramCosts]) -> bytes:
        """Run PBKDF2 once, and make the stored key of it."""
        iterations = parameters.costs.iterations
        salted = hashlib.pbkdf2_hmac("sha256", saslprep(password), parameters.salt, iterations)
        return hashlib.sha256(hmac.digest(salted, b"Client Key", hashlib.sha256)).digest()

    def match_of(self, password: bytes, parameters: HashParameters[ScramCosts]) -> HashMatch:  # noqa: ARG002 - the protocol's signature
        """Return no for a password with a NUL, which PostgreSQL takes from nobody."""
        return HashMatch.NO if b"\0" in password else HashMatch.YES

    def rounds_of(self, parameters: HashParameters[ScramCosts]) -> int:
        """Return the iterations."""
        return parameters.costs.iterations


def saslprep(password: bytes) -> bytes:
    """Return *password* as SASLprep (RFC 4013) writes it; as it is, where that refuses it, as PostgreSQL does."""
    try:
        text = password.decode()
    except UnicodeDecodeError:
        return password
    mapped = (" " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char))
    made = unicodedata.normalize("NFKC", "".join(mapped))
    rtl = [stringprep.in_table_d1(char) for char in made]
    is_mixed = any(rtl) and not (rtl[0] and rtl[-1] and not any(map(stringprep.in_table_d2, made)))
    forbidden = any(is_in(char) for is_in in _FORBIDDEN for char in made)
    return password if forbidden or is_mixed or not made else made.encode()


_FORBIDDEN: Final = (
    stringprep.in_table_a1,
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)
_SERVER_KEY: Final = re.compile("[A-Za-z0-9+/]{43}=")
_LDAP_PBKDF2: Final = re.compile(r"\{PBKDF2(?:-(SHA[0-9]+))?\}(?=[0-9]+\$)", re.IGNORECASE)

DJANGO_PBKDF2: Final = Pbkdf2Format(
    "django_pbkdf2", "pbkdf2_{algorithm}${iterations}${salt}${digest}", Pbkdf2Costs, TEXT, PADDED_BASE64
)
WERKZEUG_PBKDF2: Final = Pbkdf2Format(
    "werkzeug_pbkdf2", "pbkdf2:{algorithm}:{iterations}${salt}${digest}", Pbkdf2Costs, TEXT, HEX
)
PASSLIB_PBKDF2: Final = PasslibPbkdf2Format(
    "passlib_pbkdf2", "$pbkdf2-{algorithm}${iterations}${salt}${digest}", Pbkdf2Costs, ADAPTED_BASE64, ADAPTED_BASE64
)
LDAP_PBKDF2: Final = LdapPbkdf2Format(
    "ldap_pbkdf2", "$pbkdf2-{algorithm}${iterations}${salt}${digest}", Pbkdf2Costs, ADAPTED_BASE64, ADAPTED_BASE64
)
SCRAM: Final = ScramFormat(
    "scram_sha256", "SCRAM-SHA-256${iterations}:{salt}${digest}", ScramCosts, PADDED_BASE64, PADDED_BASE64
)

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
