"""Hash formats whose text is a fixed pattern: one line describes how a hash is both read and written."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Final, Generic, Protocol, TypeVar

from cityauth.core.hashing import HashDefect, HashParameters
from cityauth.policy import HashLimits, HashProfile


class Costs(Protocol):
    """What running a hash costs: a frozen dataclass whose fields stand in the text."""

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether the function can compute this, with a salt and a digest of these lengths."""
        ...

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether running this would cost more than *limits* or the function itself allow."""
        ...


C = TypeVar("C", bound=Costs)


@dataclass(frozen=True, slots=True)
class Codec:
    """How bytes are written in a stored hash.

    Attributes:
        pattern: A regular expression for the text.
        encode: Writes bytes as text.
        decode: Reads them back; raises ValueError for text that it cannot read.
    """

    pattern: str
    encode: Callable[[bytes], str]
    decode: Callable[[str], bytes]


def _from_base64(text: str) -> bytes:
    """Read base64 without padding, or with all of its padding."""
    padding = "" if text.endswith("=") else "=" * (-len(text) % 4)
    return binascii.a2b_base64(text + padding, strict_mode=True)


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def hex_of(digits: int, ignored: str = "", *, capitals: bool = False) -> Codec:
    """Return the codec of *digits* hexadecimal digits, read in any case. What matches *ignored* may follow them."""
    return Codec(
        rf"[0-9A-Fa-f]{{{digits}}}{ignored}",
        lambda data: data.hex().upper() if capitals else data.hex(),
        lambda text: bytes.fromhex(text[:digits]),
    )


CRYPT_LETTERS: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _to_crypt64(data: bytes) -> str:
    """Write six bits a letter, the lowest first, as crypt and phpass do."""
    number, letters = int.from_bytes(data, "little"), -(-len(data) * 8 // 6)
    return "".join(CRYPT_LETTERS[number >> 6 * index & 63] for index in range(letters))


def _from_crypt64(text: str) -> bytes:
    """Read what `_to_crypt64` writes; bits that make no whole byte do not count."""
    number = sum(CRYPT_LETTERS.index(letter) << 6 * index for index, letter in enumerate(text))
    size = len(text) * 6 // 8
    return (number & (1 << 8 * size) - 1).to_bytes(size, "little")


def crypt64(letters: int) -> Codec:
    """Return the codec of a digest that takes *letters* letters in crypt's base64."""
    return Codec(rf"[./0-9A-Za-z]{{{letters}}}", _to_crypt64, _from_crypt64)


_BASE64_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BCRYPT_LETTERS: Final = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TO_BCRYPT: Final = str.maketrans(_BASE64_LETTERS, _BCRYPT_LETTERS)
_FROM_BCRYPT: Final = str.maketrans(_BCRYPT_LETTERS, _BASE64_LETTERS)


def _to_bcrypt64(data: bytes) -> str:
    return _to_base64(data).translate(_TO_BCRYPT)


def _from_bcrypt64(text: str) -> bytes:
    return _from_base64(text.translate(_FROM_BCRYPT))


TEXT: Final = Codec(r"[!-#%-~]{1,64}", bytes.decode, str.encode)
"""A salt that is printable text without "$"."""

HEX: Final = Codec(r"(?:[0-9a-f]{2}){8,64}", bytes.hex, bytes.fromhex)
BASE64: Final = Codec(r"[A-Za-z0-9+/]{11,86}={0,2}", _to_base64, _from_base64)
"""Base64 that is written without padding, and read with or without it."""

PADDED_BASE64: Final = Codec(
    r"[A-Za-z0-9+/]{16,86}={0,2}", lambda data: base64.b64encode(data).decode(), base64.b64decode
)
FREE_TEXT: Final = Codec(r"[!-#%-~]{0,64}", bytes.decode, str.encode)
"""A salt like `TEXT` that may be empty: then the hash has no salt."""

NO_SALT: Final = Codec("", bytes.decode, str.encode)
ADAPTED_BASE64: Final = Codec(
    r"[A-Za-z0-9./]{2,90}",
    lambda data: _to_base64(data).replace("+", "."),
    lambda text: _from_base64(text.replace(".", "+")),
)
"""Base64 as passlib writes it: "." for "+", and no padding."""

BCRYPT_SALT: Final = Codec(r"[./A-Za-z0-9]{22}", _to_bcrypt64, _from_bcrypt64)
BCRYPT_DIGEST: Final = Codec(r"[./A-Za-z0-9]{31}", _to_bcrypt64, _from_bcrypt64)

NUMBER: Final = r"[1-9][0-9]{0,9}"


class TextFormat(Generic[C]):
    """A `HashFormat` without its `verify`: its text is a template with named holes.

    Every hole but ``salt`` and ``digest`` has the name of a field of the costs. A hash of such a format is
    always outdated: new hashes are Argon2id.
    """

    __slots__ = (
        "_holes",
        "_lead",
        "_make",
        "_pattern",
        "_prefix",
        "_readers",
        "_start",
        "_template",
        "digest",
        "name",
        "salt",
    )

    def __init__(
        self, name: str, template: str, costs: type[C], salt: Codec, digest: Codec, *, prefix: str = ""
    ) -> None:
        """Describe the format.

        Args:
            name: The name of the format.
            template: The text of a hash, such as ``"pbkdf2_{algorithm}${iterations}${salt}${digest}"``.
            costs: The dataclass of the costs. A field that is no plain number has its regular expression under
                ``pattern`` in the field's metadata.
            salt: How the salt is written.
            digest: How the digest is written.
            prefix: What another system writes before the text. A scheme in braces may be in capitals or not.
        """
        self.name: str = name
        self._prefix: str = prefix
        self.salt: Codec = salt
        self.digest: Codec = digest
        self._make: Callable[..., C] = costs
        columns = fields(costs)  # type: ignore[arg-type] # a bound cannot say "dataclass"
        self._readers = tuple(int if one.type is int else str for one in columns)
        self._holes = (*(one.name for one in columns), "salt", "digest")
        self._start = template.partition("{")[0]
        self._lead = prefix + self._start
        self._template = _template_of(prefix, template)
        holes = {one.name: one.metadata.get("pattern", NUMBER) for one in columns}
        self._pattern = _compile(template, {**holes, "salt": salt.pattern, "digest": digest.pattern})

    def identify(self, stored: str) -> bool:
        """Say whether *stored* begins like this format."""
        if not self._prefix:
            return self.body_of(stored).startswith(self._start)  # a format may write out what its texts leave out
        if self._lead[:1] != stored[:1]:
            return False  # the common case, at little cost
        prefix = stored[: len(self._prefix)]
        same = prefix == self._prefix or (prefix[:1] == "{" and prefix.upper() == self._prefix.upper())
        return same and self.body_of(stored).startswith(self._start)

    def body_of(self, stored: str) -> str:
        """Return *stored* without the prefix."""
        return stored[len(self._prefix) :] if self._prefix else stored

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[C] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`."""
        match = self._pattern.fullmatch(self.body_of(stored))
        if match is None:
            return HashDefect.CORRUPT
        *values, salt, digest = match.group(*self._holes)
        costs = self._make(*[read(value) for read, value in zip(self._readers, values, strict=True)])
        return self.judge(costs, salt, digest, limits)

    def judge(self, costs: C, salt: str, digest: str, limits: HashLimits) -> HashParameters[C] | HashDefect:
        """Return the parameters, or why a hash with these parts must not be run."""
        try:
            parameters = HashParameters(costs, self.salt.decode(salt), self.digest.decode(digest))
        except ValueError:
            return HashDefect.CORRUPT
        if not costs.is_sound(len(parameters.salt), len(parameters.digest)):
            return HashDefect.CORRUPT
        return HashDefect.OVER_LIMIT if costs.exceeds(limits) else parameters

    def needs_rehash(self, parameters: HashParameters[C], profile: HashProfile) -> bool:  # noqa: ARG002 - the protocol's signature
        """Say yes: new hashes are Argon2id."""
        return True

    def render(self, parameters: HashParameters[C]) -> str:
        """Write *parameters* down in this format."""
        return self._template.format(
            parameters.costs, salt=self.salt.encode(parameters.salt), digest=self.digest.encode(parameters.digest)
        )


def _template_of(prefix: str, template: str) -> str:
    """Return what `str.format` fills in: the costs come first, then salt and digest by name. A cost has two digits."""
    literal = prefix.replace("{", "{{").replace("}", "}}")
    holes = re.sub(r"\{(?!(?:salt|digest)\})(\w+)\}", r"{0.\1}", template)
    return literal + holes.replace("{0.cost}", "{0.cost:02d}")


def _compile(template: str, holes: Mapping[str, str]) -> re.Pattern[str]:
    """Return the regular expression of *template*: the text between the holes stands for itself."""
    pieces = re.split(r"\{(\w+)\}", template)  # literal text and names of holes by turns
    return re.compile(
        "".join(f"(?P<{piece}>{holes[piece]})" if index % 2 else re.escape(piece) for index, piece in enumerate(pieces))
    )


def is_zero_padded(password: bytes, block_bytes: int) -> bool:
    """Say whether HMAC takes *password* for the same key as a shorter password.

    HMAC fills a key with zeros up to the block of its digest function, so NULs at the end of a password do not
    count. The password without them is the one that was set, since people cannot type a NUL. A password that is
    longer than a block is not filled up.
    """
    return password.endswith(b"\0") and len(password) <= block_bytes
