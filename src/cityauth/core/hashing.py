"""Stored password hashes as text: read strictly and judged before any of them is run.

A format is one line of `_FORMATS`: its text with named holes. Reading (`examine`) and writing
(`render`) both come from that line, so they cannot disagree.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final

from cityauth.core.hash_costs import (
    ARGON2_VERSION,
    Argon2Costs,
    BcryptCosts,
    Costs,
    Pbkdf2Costs,
    ScryptCosts,
)
from cityauth.policy import HashLimits, HashProfile

MAX_STORED_LENGTH: Final = 512
"""Characters of a stored hash; the longest known format needs about 200."""


class HashDefect(StrEnum):
    """Why a stored hash is not run. It is refused at the cost of one verification, and audited."""

    MISSING = "missing"
    """Nothing is stored: the account has no password."""

    UNUSABLE = "unusable"
    """A marker that says there is no password: "!" or "*" in front."""

    UNKNOWN_SCHEME = "unknown_scheme"
    """No known format begins like this, or the hasher was not told to run it."""

    CORRUPT = "corrupt"
    """It begins like a known format, and is not one."""

    OVER_LIMIT = "over_limit"
    """Running it would cost more than the limits allow."""


@dataclass(frozen=True, slots=True)
class HashParameters:
    """A stored hash, taken apart.

    Attributes:
        scheme: Name of its format, one of `SCHEMES`.
        costs: What running it costs.
        salt: The salt's bytes, as the function takes them.
        digest: The digest's bytes. Salt and digest never show in ``repr`` (CVE-2018-16984).
    """

    scheme: str
    costs: Costs
    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Codec:
    """How bytes stand in a stored hash."""

    characters: str
    encode: Callable[[bytes], str]
    decode: Callable[[str], bytes]


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


_BASE64_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BCRYPT_LETTERS: Final = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TO_BCRYPT: Final = str.maketrans(_BASE64_LETTERS, _BCRYPT_LETTERS)
_FROM_BCRYPT: Final = str.maketrans(_BCRYPT_LETTERS, _BASE64_LETTERS)

_TEXT = _Codec(r"[!-#%-~]{1,64}", bytes.decode, str.encode)
_HEX = _Codec(r"(?:[0-9a-f]{2}){8,64}", bytes.hex, bytes.fromhex)
_BASE64 = _Codec(r"[A-Za-z0-9+/]{11,86}", _to_base64, _from_base64)
_PADDED = _Codec(r"[A-Za-z0-9+/]{16,86}={0,2}", lambda data: base64.b64encode(data).decode(), base64.b64decode)
_CRYPT_SALT = _Codec(
    r"[./A-Za-z0-9]{22}",
    lambda data: _to_base64(data).translate(_TO_BCRYPT),
    lambda text: _from_base64(text.translate(_FROM_BCRYPT)),
)
_CRYPT_DIGEST = _Codec(r"[./A-Za-z0-9]{31}", _CRYPT_SALT.encode, _CRYPT_SALT.decode)

_NUMBER: Final = r"[1-9][0-9]{0,9}"
_HOLES: Final = {
    "variant": "id|i|d",
    "version": "16|19",
    "ident": "[aby]",
    "cost": "[0-9]{2}",
    "algorithm": "sha1|sha256|sha512",
}
"""What may stand in a hole; a number where nothing else is said."""


class _Format:
    """One way to write a hash down: a text with holes, and how salt and digest stand in it."""

    __slots__ = ("digest", "holes", "make", "pattern", "salt", "scheme", "start", "template")

    def __init__(self, scheme: str, template: str, costs: type[Costs], salt: _Codec, digest: _Codec) -> None:
        self.scheme = scheme
        self.start = template.partition("{")[0]
        self.template = template.replace("{cost}", "{cost:02d}")
        self.salt = salt
        self.digest = digest
        self.make: Callable[..., Costs] = costs
        self.holes = tuple((hole.name, int if hole.type is int else str) for hole in fields(costs))
        inside = _HOLES | {"salt": salt.characters, "digest": digest.characters}
        # Splitting at the holes gives literal text and names by turns.
        pieces = re.split(r"\{(\w+)\}", template)
        self.pattern = re.compile(
            "".join(
                f"(?P<{piece}>{inside.get(piece, _NUMBER)})" if turn % 2 else re.escape(piece)
                for turn, piece in enumerate(pieces)
            )
        )

    def read(self, stored: str, limits: HashLimits) -> HashParameters | HashDefect:
        """Take *stored*, which starts like this format, apart."""
        match = self.pattern.fullmatch(stored)
        if match is None:
            return HashDefect.CORRUPT
        try:
            salt, digest = self.salt.decode(match["salt"]), self.digest.decode(match["digest"])
        except ValueError:
            return HashDefect.CORRUPT
        costs = self.make(**{name: kind(match[name]) for name, kind in self.holes})
        if not costs.is_sound(len(salt), len(digest)):
            return HashDefect.CORRUPT
        if costs.exceeds(limits):
            return HashDefect.OVER_LIMIT
        return HashParameters(self.scheme, costs, salt, digest)

    def write(self, parameters: HashParameters) -> str:
        """Write *parameters* down in this format."""
        values = {name: getattr(parameters.costs, name) for name, _ in self.holes}
        return self.template.format(
            salt=self.salt.encode(parameters.salt), digest=self.digest.encode(parameters.digest), **values
        )


_ARGON2: Final = "argon2{variant}$v={version}$m={memory_cost},t={time_cost},p={parallelism}${salt}${digest}"
_BCRYPT: Final = "$2{ident}${cost}${salt}{digest}"
_DJANGO_PBKDF2: Final = "pbkdf2_{algorithm}${iterations}${salt}${digest}"
_WERKZEUG_PBKDF2: Final = "pbkdf2:{algorithm}:{iterations}${salt}${digest}"

_FORMATS: Final[dict[str, _Format]] = {
    form.scheme: form
    for form in (
        _Format("argon2", "$" + _ARGON2, Argon2Costs, _BASE64, _BASE64),
        _Format("bcrypt", _BCRYPT, BcryptCosts, _CRYPT_SALT, _CRYPT_DIGEST),
        _Format("django_argon2", "argon2$" + _ARGON2, Argon2Costs, _BASE64, _BASE64),
        _Format("django_bcrypt", "bcrypt$" + _BCRYPT, BcryptCosts, _CRYPT_SALT, _CRYPT_DIGEST),
        _Format("django_bcrypt_sha256", "bcrypt_sha256$" + _BCRYPT, BcryptCosts, _CRYPT_SALT, _CRYPT_DIGEST),
        _Format("django_pbkdf2", _DJANGO_PBKDF2, Pbkdf2Costs, _TEXT, _PADDED),
        _Format("django_scrypt", "scrypt${n}${salt}${r}${p}${digest}", ScryptCosts, _TEXT, _PADDED),
        _Format("werkzeug_pbkdf2", _WERKZEUG_PBKDF2, Pbkdf2Costs, _TEXT, _HEX),
        _Format("werkzeug_scrypt", "scrypt:{n}:{r}:{p}${salt}${digest}", ScryptCosts, _TEXT, _HEX),
    )
}

SCHEMES: Final[frozenset[str]] = frozenset(_FORMATS)
"""Names of the formats that can be read. All but "argon2" are other systems' formats."""


def examine(stored: str, limits: HashLimits) -> HashParameters | HashDefect:
    """Read a stored hash and judge whether it may be run, without running anything.

    Args:
        stored: The text as stored; empty where the account has no password.
        limits: What running it may cost at most.
    """
    if not stored:
        return HashDefect.MISSING
    if len(stored) > MAX_STORED_LENGTH:
        return HashDefect.CORRUPT
    for form in _FORMATS.values():
        if stored.startswith(form.start):
            return form.read(stored, limits)
    return HashDefect.UNUSABLE if stored[0] in "!*" else HashDefect.UNKNOWN_SCHEME


def render(parameters: HashParameters) -> str:
    """Write a hash down as it is stored: what `examine` reads back.

    Raises:
        KeyError: the scheme is none of `SCHEMES`.
    """
    return _FORMATS[parameters.scheme].write(parameters)


def costs_of(profile: HashProfile) -> Argon2Costs:
    """Return what a hash made at *profile* costs."""
    return Argon2Costs("id", ARGON2_VERSION, profile.memory_cost, profile.time_cost, profile.parallelism)


def parameters_of(profile: HashProfile, salt: bytes, digest: bytes) -> HashParameters:
    """Describe a hash made at *profile*."""
    return HashParameters("argon2", costs_of(profile), salt, digest)


def may_replace(stored: HashParameters, target: HashProfile) -> bool:
    """Say whether a new hash at *target* would be nowhere weaker than the *stored* one.

    Between Argon2 hashes neither the memory nor the work (memory times passes) may sink, so that a
    configuration rolled back does not weaken what is stored. Any other scheme may be replaced:
    Argon2id is what it is moved to.
    """
    costs = stored.costs
    if not isinstance(costs, Argon2Costs):
        return True
    return (
        target.memory_cost >= costs.memory_cost
        and target.memory_cost * target.time_cost >= costs.memory_cost * costs.time_cost
    )


def is_weaker(stored: HashParameters, target: HashProfile) -> bool:
    """Say whether *stored* should be replaced by a hash at *target*: weaker somewhere, stronger nowhere.

    Weaker is: another function, Argon2i or Argon2d, an older version of Argon2, less memory or work, a
    shorter salt or digest. A stored hash that is stronger in memory or work is never weaker.
    """
    costs = stored.costs
    if not isinstance(costs, Argon2Costs):
        return True
    return may_replace(stored, target) and (
        (costs.variant, costs.version) != ("id", ARGON2_VERSION)
        or costs.memory_cost < target.memory_cost
        or costs.memory_cost * costs.time_cost < target.memory_cost * target.time_cost
        or len(stored.salt) < target.salt_bytes
        or len(stored.digest) < target.hash_bytes
    )
