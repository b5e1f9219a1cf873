"""Which work a stored hash is, which system made it, and which stored hashes a population has."""

import base64
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Self


class PasswordEncoding(StrEnum):
    """How an old system wrote a password as bytes before it hashed them."""

    UTF_8 = "utf-8"
    """UTF-8 of the NFC, and of the text as received. It is what a hash without a mark is verified with."""

    UTF_8_NFD = "utf-8-nfd"
    """UTF-8 of the NFD: ä is a and two dots. Some systems on macOS wrote this."""

    LATIN_1 = "latin-1"
    """ISO 8859-1."""

    WINDOWS_1252 = "windows-1252"
    """Latin-1 with € and typographic quotes: what browsers send for a page that says ISO-8859-1."""

    LATIN_9 = "iso-8859-15"
    """Latin-1 with € and š."""

    CP850 = "cp850"
    """The code page of DOS in Western Europe."""

    @classmethod
    def named(cls, text: str) -> Self | None:
        """Return the encoding that *text* names in any usual spelling, UTF-8 for no text, ``None`` if unknown."""
        key = re.sub(r"[-_ ]", "", text.strip().lower())
        return cls(_ENCODINGS[key]) if key in _ENCODINGS else None


_ENCODINGS: Final = {
    **dict.fromkeys(("", "utf8", "utf8nfc", "utf8mb4", "unicode"), "utf-8"),
    "utf8nfd": "utf-8-nfd",
    **dict.fromkeys(("latin1", "l1", "iso88591", "88591"), "latin-1"),
    **dict.fromkeys(("windows1252", "win1252", "cp1252", "1252", "ansi"), "windows-1252"),
    **dict.fromkeys(("iso885915", "latin9", "l9", "885915"), "iso-8859-15"),
    **dict.fromkeys(("cp850", "ibm850", "850"), "cp850"),
}
"""Spellings without "-", "_" and blanks."""


@dataclass(frozen=True, slots=True)
class HashOrigin:
    """What an import declares about the system that made a hash. The stored text carries it as a mark before it.

    Attributes:
        format: The name of the format or recipe; empty to let the text say it. Texts that do not say what they
            are, such as 32 hexadecimal digits, need it.
        encoding: How that system wrote passwords as bytes.
        truncates: Whether that system let a long password be cut where bcrypt (72 bytes) or DES crypt (8 bytes)
            stops reading; ``None`` leaves it to `cityauth.policy.LegacyHashPolicy`. It changes no other format.
        nul_ends: Whether that system ended a password at its first NUL, as programs in C do.
    """

    format: str = ""
    encoding: PasswordEncoding = PasswordEncoding.UTF_8
    truncates: bool | None = None
    nul_ends: bool = False


_POSTGRES_MD5: Final = re.compile("md5[0-9a-f]{32}")
_MOST_NAME_BYTES: Final = 63
"""PostgreSQL cuts longer names."""


def is_salted_by_username(exported: str, declared: str) -> bool:
    """Whether *exported* is PostgreSQL's ``md5`` and 32 digits, whose salt is the username that another column has.

    Args:
        exported: The stored hash.
        declared: The name of its format as the import declares it; empty for none.
    """
    return declared.strip().lower() in {"", *_POSTGRES_NAMES} and _POSTGRES_MD5.fullmatch(exported) is not None


_POSTGRES_NAMES: Final = frozenset({"md5", "postgres", "postgresql", "postgres_md5", "postgresql_md5"})


def salted_by_username(exported: str, username: str) -> str | None:
    """Return such a hash with its salt behind it, as LDAP servers write it; ``None`` where *username* is no name."""
    salt = username.encode("utf-8", "surrogateescape")
    if not 1 <= len(salt) <= _MOST_NAME_BYTES:
        return None
    return "{SMD5}" + base64.b64encode(bytes.fromhex(exported.removeprefix("md5")) + salt).decode()


@dataclass(frozen=True, slots=True)
class HashKind:
    """Which work a stored hash is, without anything that is secret. Equal kinds take equal work.

    Attributes:
        format: The name of the format; "wrapped" before it for a wrapped hash.
        cost: The parameters of the work as text, such as ``memory_cost=65536, time_cost=3``; empty for none.
        sample: A hash of this kind whose salt and digest are blanked. No password matches it.
    """

    format: str
    cost: str
    sample: str


class StoredKind(NamedTuple):
    """One kind of stored hashes.

    Attributes:
        format: The name of the format, "wrapped" before it for a wrapped one; "unknown" where it has no name here.
        cost: What verifying one takes, as text; empty for none.
        accounts: How many accounts have such a hash.
        is_weak: Whether such hashes should be wrapped: whoever reads one could try passwords at the speed of a fast
            function.
    """

    format: str
    cost: str
    accounts: int
    is_weak: bool


@dataclass(frozen=True, slots=True)
class WrapReport:
    """What the wrapping of weak hashes came to.

    Attributes:
        found: How many weak hashes there were at the beginning.
        wrapped: How many were wrapped.
        overtaken: How many were replaced meanwhile by somebody else: by the person's sign-in or new password, or by
            another worker.
        left: How many could not be wrapped, although they are weak by their kind; they stay as they are.
    """

    found: int = 0
    wrapped: int = 0
    overtaken: int = 0
    left: int = 0
