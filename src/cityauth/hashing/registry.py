"""The formats that one deployment can verify: which one a stored hash is written in, and whether it may be run."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cityauth.core.characters import strip_invisible
from cityauth.core.hash_kinds import HashOrigin
from cityauth.core.hashing import MAX_STORED_LENGTH, HashDefect, HashFormat, HashMix, StoredHash, WrappableFormat
from cityauth.errors import PolicyError
from cityauth.hashing.argon2 import (
    ARGON2,
    DJANGO_ARGON2,
    NEXTCLOUD_ARGON2I,
    NEXTCLOUD_ARGON2ID,
    SPRING_ARGON2,
    SPRING_ARGON2_5_8,
)
from cityauth.hashing.aspnet import ASPNET_V2, ASPNET_V3
from cityauth.hashing.bcrypt import bcrypt_formats
from cityauth.hashing.computed import DJANGO_MD5, DJANGO_SHA1, MYSQL, SPRING_SHA256, WERKZEUG_HMAC
from cityauth.hashing.keycloak import KEYCLOAK_FORMATS
from cityauth.hashing.ldap import LDAP_FORMATS
from cityauth.hashing.marked import MARK, MarkedFormat, read_mark, truncating
from cityauth.hashing.pbkdf2 import DJANGO_PBKDF2, JAVA_FORMATS, LDAP_PBKDF2, PASSLIB_PBKDF2, SCRAM, WERKZEUG_PBKDF2
from cityauth.hashing.php import PHPASS_FORMATS
from cityauth.hashing.recipe_format import HashRecipe
from cityauth.hashing.scrypt import SCRYPT_FORMATS
from cityauth.hashing.unix import crypt_formats
from cityauth.hashing.windows import MSSQL_2005, MSSQL_2012, NT
from cityauth.hashing.wrapped import WrappedFormat, inner_text, is_wrapped
from cityauth.hashing.yescrypt import YESCRYPT_FORMATS
from cityauth.policy import HashLimits

_PLAIN_TEXT: Final = ("{noop}", "{cleartext}", "{clear}", "{plain}", "{plaintext}", "plain$$")
"""How Spring, LDAP servers, mail servers and Werkzeug mark a password that is not hashed."""


def built_in_formats(
    *, bcrypt_truncates: bool = False, recipes: Mapping[str, str] | None = None
) -> tuple[HashFormat[Any], ...]:
    """Return the formats that come with cityauth; those of bcrypt, crypt and NT need the extra ``legacy``.

    Args:
        bcrypt_truncates: See `cityauth.policy.LegacyHashPolicy`.
        recipes: Recipes of home-made formats by their names; see `HashRecipe`.

    Raises:
        PolicyError: a recipe is wrong.
    """
    return (
        ARGON2,
        DJANGO_ARGON2,
        SPRING_ARGON2,
        SPRING_ARGON2_5_8,
        NEXTCLOUD_ARGON2I,
        NEXTCLOUD_ARGON2ID,
        *bcrypt_formats(truncates=bcrypt_truncates),
        DJANGO_PBKDF2,
        DJANGO_MD5,
        DJANGO_SHA1,
        WERKZEUG_PBKDF2,
        WERKZEUG_HMAC,
        *SCRYPT_FORMATS,
        PASSLIB_PBKDF2,
        LDAP_PBKDF2,
        SCRAM,
        SPRING_SHA256,
        *PHPASS_FORMATS,
        *crypt_formats(truncates=bcrypt_truncates),
        *YESCRYPT_FORMATS,
        *LDAP_FORMATS,
        *JAVA_FORMATS,
        *KEYCLOAK_FORMATS,
        ASPNET_V2,
        ASPNET_V3,
        MSSQL_2005,
        MSSQL_2012,
        MYSQL,
        NT,
        *(HashRecipe(name, recipe) for name, recipe in (recipes or {}).items()),
    )


class HashFormats:
    """The registered formats, and the limits that a stored hash must keep."""

    __slots__ = ("_formats", "_limits", "names")

    def __init__(self, formats: Iterable[HashFormat[Any]], limits: HashLimits) -> None:
        """Register *formats*; the first one that identifies a hash reads it.

        Raises:
            PolicyError: two formats have one name.
        """
        self._formats = tuple(formats)
        self._limits = limits
        self.names: tuple[str, ...] = tuple(one.name for one in self._formats)
        if twice := {name for name in self.names if self.names.count(name) > 1}:
            raise PolicyError(f"two hash formats have the name {min(twice)!r}")

    def examine(self, stored: str | None) -> StoredHash | HashDefect:
        """Take a stored hash apart, or say why it must not be run. Nothing is run here.

        Args:
            stored: The text as stored; empty or ``None`` where the account has no password. Blanks and
                invisible characters around it, as exports and columns of a fixed width leave them, do not count.
        """
        text = strip_invisible(stored or "")
        if not text:
            return HashDefect.MISSING
        if len(text) > MAX_STORED_LENGTH:
            return HashDefect.CORRUPT
        if not text.startswith(MARK):
            return self._examine_unmarked(text)
        marked = read_mark(text)
        return HashDefect.CORRUPT if marked is None else self._examine_marked(*marked)

    def named(self, name: str) -> HashFormat[Any] | None:
        """Return the format of this name; ``None`` if there is none."""
        return next((one for one in self._formats if one.name == name), None)

    def _examine_marked(self, origin: HashOrigin, text: str) -> StoredHash | HashDefect:
        """Take the text behind a mark apart."""
        found = self._examine_unmarked(text) if text else HashDefect.CORRUPT
        if isinstance(found, HashDefect):
            return found
        inner = truncating(found.format, origin)
        return StoredHash(MarkedFormat(inner, origin), found.parameters) if inner else HashDefect.CORRUPT

    def _examine_unmarked(self, text: str) -> StoredHash | HashDefect:
        """Take a text without a mark apart, which may be a wrapped hash."""
        if not is_wrapped(text):
            return self._examine_plain(text)
        inner = self._examine_plain(inner_text(text) or "?")
        if isinstance(inner, HashDefect) or not isinstance(inner.format, WrappableFormat):
            return inner if isinstance(inner, HashDefect) and inner_text(text) else HashDefect.CORRUPT
        wrapped = WrappedFormat(inner.format)
        parameters = wrapped.parse(text, self._limits)
        return parameters if isinstance(parameters, HashDefect) else StoredHash(wrapped, parameters)

    def _examine_plain(self, text: str) -> StoredHash | HashDefect:
        """Take a text apart that may be a hash of one of the formats."""
        for one in self._formats:
            if one.identify(text):
                parameters = one.parse(text, self._limits)
                return parameters if isinstance(parameters, HashDefect) else StoredHash(one, parameters)
        if text.lower().startswith(_PLAIN_TEXT):
            return HashDefect.PLAIN_TEXT
        return HashDefect.UNUSABLE if text[0] in "!*" else HashDefect.UNKNOWN_SCHEME

    def mix(self, population: Mapping[str, int]) -> HashMix:
        """Return the mix of hashes that *population* describes; see `Argon2Hasher.mix`."""
        models = []
        for sample in population:
            found = self.examine(sample)
            if isinstance(found, HashDefect):
                raise PolicyError(f"a sample of the mix of hashes cannot be verified here: {found}")
            models.append(found)
        return HashMix(tuple(models), tuple(population.values()))
