"""Hashes of crypt(3): of Unix password files, Apache and LDAP's ``{CRYPT}``. They need the extra ``legacy``."""

from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from cityauth.core.hashing import HashDefect, HashMatch, HashParameters
from cityauth.hashing.computed import Computed, NoCosts
from cityauth.hashing.text import Codec, Costs, TextFormat, crypt64
from cityauth.hashing.windows import has_libpass
from cityauth.policy import HashLimits

_DEFAULT_ROUNDS: Final = 5000
_LEAST_ROUNDS: Final = 1000
_MOST_ROUNDS: Final = 999_999_999
_MD5_ROUNDS: Final = 1000
_DES_BYTES: Final = 8
"""DES crypt reads no more of a password, and only seven bits of each byte."""

_FIRST_HIGH_BYTE: Final = 0x80
_DES_ROUNDS: Final = 25

_ROUNDS: Final = "rounds="
_LDAP: Final = "{CRYPT}"
_DJANGO: Final = "crypt$$"
_PREFIXES: Final = {"": "", _LDAP: "ldap_", _DJANGO: "django_"}
"""What stands before the text, and before the name of the format."""

C = TypeVar("C", bound=Costs)


@dataclass(frozen=True, slots=True)
class CryptCosts:
    """Costs of a function of crypt: *rounds* of its digest. A text that does not name them has fixed ones."""

    rounds: int = field(default=_DEFAULT_ROUNDS, metadata={"pattern": "(?:[1-9][0-9]{3,8})"})

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:  # noqa: ARG002 - the pattern has the lengths
        """Say whether crypt takes this number of rounds."""
        return _LEAST_ROUNDS <= self.rounds <= _MOST_ROUNDS

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether there are more rounds than *limits* allow."""
        return self.rounds > limits.digest_rounds


@dataclass(frozen=True, slots=True)
class CryptFunction:
    """One function of crypt.

    Attributes:
        name: Its name in libpass.
        template: Its text; see `TextFormat`.
        salt: How many letters the salt has, as a regular expression.
        letters: How many letters the digest has.
    """

    name: str
    template: str
    salt: str
    letters: int


_MD5: Final = (
    CryptFunction("md5_crypt", "$1${salt}${digest}", "{0,8}", 22),
    CryptFunction("apr_md5_crypt", "$apr1${salt}${digest}", "{0,8}", 22),
)
_SHA: Final = (
    CryptFunction("sha256_crypt", "$5$rounds={rounds}${salt}${digest}", "{0,16}", 43),
    CryptFunction("sha512_crypt", "$6$rounds={rounds}${salt}${digest}", "{0,16}", 86),
)
_DES: Final = CryptFunction("des_crypt", "{salt}{digest}", "{2}", 11)


class CryptFormat(Computed[C], TextFormat[C]):
    """Verifies hashes of one function of crypt, by libpass.

    Programs in C end a password at its first NUL, so a password with a NUL matches no such hash.
    """

    __slots__ = ("_function",)

    def __init__(self, function: CryptFunction, costs: type[C], prefix: str = "") -> None:
        """Describe the hashes of *function* with *prefix* before them."""
        salts = Codec(f"[./0-9A-Za-z]{function.salt}", bytes.decode, str.encode)
        name = _PREFIXES[prefix] + function.name
        super().__init__(name, function.template, costs, salts, crypt64(function.letters), prefix=prefix)
        self._function = function

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[C] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`. Without its library no hash can be run."""
        parameters = super().parse(stored, limits)
        return parameters if isinstance(parameters, HashDefect) or has_libpass() else HashDefect.NOT_INSTALLED

    def match_of(self, password: bytes, parameters: HashParameters[C]) -> HashMatch:  # noqa: ARG002 - the protocol's signature
        """Return no for a password with a NUL, yes for any other."""
        return HashMatch.NO if b"\0" in password else HashMatch.YES

    def digest_of(self, password: bytes, parameters: HashParameters[C]) -> bytes:
        """Run the function once."""
        import passlib.hash

        settings: dict[str, Any] = {"salt": parameters.salt.decode(), **self.settings_of(parameters)}
        made: str = getattr(passlib.hash, self._function.name).using(**settings).hash(password.replace(b"\0", b"?"))
        return self.digest.decode(made[-self._function.letters :])

    def settings_of(self, parameters: HashParameters[C]) -> dict[str, Any]:  # noqa: ARG002 - for those that have some
        """Return what libpass needs to know besides the salt."""
        return {}

    def rounds_of(self, parameters: HashParameters[C]) -> int:  # noqa: ARG002 - for those that differ
        """Return the rounds of the function: 1,000 of MD5."""
        return _MD5_ROUNDS


class ShaCryptFormat(CryptFormat[CryptCosts]):
    """Verifies SHA-256-crypt and SHA-512-crypt. A text that does not name its rounds has 5,000."""

    __slots__ = ()

    def body_of(self, stored: str) -> str:
        """Return *stored* without the prefix, with its rounds written out."""
        tag, rounds = self._start.removesuffix(_ROUNDS), f"{_ROUNDS}{_DEFAULT_ROUNDS}$"
        body = super().body_of(stored)
        plain = body.startswith(tag) and not body.startswith(self._start)
        return tag + rounds + body.removeprefix(tag) if plain else body

    def settings_of(self, parameters: HashParameters[CryptCosts]) -> dict[str, Any]:
        """Return the rounds."""
        return {"rounds": parameters.costs.rounds}

    def rounds_of(self, parameters: HashParameters[CryptCosts]) -> int:
        """Return the rounds."""
        return parameters.costs.rounds


class DesCryptFormat(CryptFormat[NoCosts]):
    """Verifies DES crypt, which reads eight bytes of a password and seven bits of each.

    A longer password, or one with a letter that is not ASCII, is matched only where the system that made the
    hashes let it be cut; then the match is `HashMatch.TRUNCATED`.
    """

    __slots__ = ("truncates",)

    def __init__(self, prefix: str, *, truncates: bool) -> None:
        """Describe the hashes with *prefix*; *truncates* says whether the old system cut passwords."""
        super().__init__(_DES, NoCosts, prefix)
        self.truncates: bool = truncates

    def identify(self, stored: str) -> bool:
        """Say whether *stored* has the prefix, and no other function's tag after it."""
        return super().identify(stored) and "$" not in self.body_of(stored)

    def truncating(self, *, truncates: bool) -> "DesCryptFormat":
        """Return this format for the hashes of a system that cut passwords, or did not."""
        return DesCryptFormat(self._prefix, truncates=truncates)

    def rounds_of(self, parameters: HashParameters[NoCosts]) -> int:  # noqa: ARG002 - the protocol's signature
        """Return the rounds of DES."""
        return _DES_ROUNDS

    def match_of(self, password: bytes, parameters: HashParameters[NoCosts]) -> HashMatch:
        """Return what a match means: see the class."""
        if len(password) <= _DES_BYTES and max(password, default=0) < _FIRST_HIGH_BYTE:
            return super().match_of(password, parameters)
        return HashMatch.TRUNCATED if self.truncates and b"\0" not in password else HashMatch.NO


def crypt_formats(*, truncates: bool) -> tuple[CryptFormat[Any], ...]:
    """Return every format of crypt; *truncates* says whether DES crypt cut passwords."""
    return (
        *(CryptFormat(function, NoCosts, prefix) for function in _MD5 for prefix in ("", _LDAP)),
        *(ShaCryptFormat(function, CryptCosts, prefix) for function in _SHA for prefix in ("", _LDAP)),
        *(DesCryptFormat(prefix, truncates=truncates) for prefix in (_LDAP, _DJANGO)),
    )
