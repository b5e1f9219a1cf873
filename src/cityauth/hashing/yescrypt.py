"""yescrypt, as Linux systems store passwords since 2021, by the C library of the system itself (libxcrypt).

No Python package brings it. Where the system's libcrypt has it, as on Debian, Ubuntu and Fedora, its hashes are
verified; elsewhere they are `HashDefect.NOT_INSTALLED`.
"""

import ctypes
import hmac
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from cityauth.core.hashing import HashDefect, HashMatch, HashParameters
from cityauth.errors import HasherBusyError
from cityauth.hashing.text import CRYPT_LETTERS, Codec, TextFormat, crypt64
from cityauth.policy import HashLimits

_LIBRARIES: Final = ("libcrypt.so.1", "libcrypt.so.2")
_WORK_BYTES: Final = 32_768
"""The size of the memory that crypt_rn() works in, as crypt.h has it."""

_PROBE: Final = "$y$j75$suolasuolasuola.$"
_DIGEST_LETTERS: Final = 43
_MOST_BYTES: Final = 511
"""libcrypt takes no longer password, so there is no hash of one."""

_CODEC: Final = crypt64(_DIGEST_LETTERS)


def _salt(text: str) -> bytes:
    """Read a salt.

    Raises:
        ValueError: its last letter has bits that yescrypt does not take.
    """
    salt = _CODEC.decode(text)
    if _CODEC.encode(salt) != text:
        raise ValueError("bits that belong to no byte")
    return salt


@dataclass(frozen=True, slots=True)
class YescryptCosts:
    """Costs of yescrypt as passwd writes them: letters for the binary logarithm of N, and for r."""

    n_letter: str = field(metadata={"pattern": "[7-9A-Z]"})
    r_letter: str = field(metadata={"pattern": "[5T]"})

    @property
    def memory_cost(self) -> int:
        """The KiB that running it needs: N blocks of 128 * r bytes."""
        n, r = (CRYPT_LETTERS.index(letter) + 1 for letter in (self.n_letter, self.r_letter))
        return (128 * r << n) // 1024

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:  # noqa: ARG002 - the pattern has the lengths
        """Say yes: the pattern takes only what yescrypt can compute."""
        return True

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether it needs more memory than *limits* allow Argon2."""
        return self.memory_cost > limits.argon2_memory_cost


class YescryptFormat(TextFormat[YescryptCosts]):
    """Verifies yescrypt. C ends a password at its first NUL, so a password with a NUL matches no such hash."""

    __slots__ = ()

    def __init__(self, name: str, prefix: str = "") -> None:
        """Describe the hashes with *prefix*."""
        template, salt = "$y$j{n_letter}{r_letter}${salt}${digest}", Codec("[./0-9A-Za-z]{2,86}", _CODEC.encode, _salt)
        super().__init__(name, template, YescryptCosts, salt, _CODEC, prefix=prefix)

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[YescryptCosts] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`. Without its library no hash can be run."""
        parameters = super().parse(stored, limits)
        return parameters if isinstance(parameters, HashDefect) or _library() else HashDefect.NOT_INSTALLED

    def verify(self, password: bytes, parameters: HashParameters[YescryptCosts]) -> HashMatch:
        """Run yescrypt once.

        Raises:
            HasherBusyError: there is not enough memory now.
        """
        costs = parameters.costs
        setting = f"$y$j{costs.n_letter}{costs.r_letter}${self.salt.encode(parameters.salt)}$"
        made = _crypt(password.replace(b"\0", b"?")[:_MOST_BYTES], setting)
        if made is None:
            raise HasherBusyError("there is not enough memory to run yescrypt now")
        same = hmac.compare_digest(self.digest.decode(made[-_DIGEST_LETTERS:]), parameters.digest)
        whole = b"\0" not in password and len(password) <= _MOST_BYTES
        return HashMatch.YES if same and whole else HashMatch.NO


@cache
def _library() -> ctypes.CDLL | None:
    """Return the system's libcrypt if it has yescrypt."""
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
            library.crypt_rn.restype = ctypes.c_char_p
        except (OSError, AttributeError):
            continue
        if _run(library, b"x", _PROBE) is not None:
            return library
    return None


def _crypt(password: bytes, setting: str) -> str | None:
    library = _library()
    return None if library is None else _run(library, password, setting)


def _run(library: ctypes.CDLL, password: bytes, setting: str) -> str | None:
    """Run crypt_rn() once; ``None`` where it fails. Each call has its own memory, so threads may share it."""
    work = ctypes.create_string_buffer(_WORK_BYTES)
    made: bytes | None = library.crypt_rn(password, setting.encode(), work, _WORK_BYTES)
    text = made.decode("ascii", "replace") if made else ""
    return text if text.startswith(setting) and len(text) == len(setting) + _DIGEST_LETTERS else None


YESCRYPT_FORMATS: Final = (YescryptFormat("yescrypt"), YescryptFormat("ldap_yescrypt", "{CRYPT}"))
