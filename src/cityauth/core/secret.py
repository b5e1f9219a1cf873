"""Values that must never be shown, and the ring of signing secrets."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, final

from cityauth.errors import SecretError

MIN_SECRET_BYTES = 32
"""A signing secret has at least 256 bits (SHA-256's key length; CVE-2019-13177, itsdangerous accepts '')."""

_FEWEST_DISTINCT_BYTES = 10
"""Thirty-two random bytes, or their text in hexadecimal, hold fewer than this in about one of 10^6 draws."""

_SAMPLES = (
    b"secret",
    b"change",
    b"example",
    b"password",
    b"insecure",
    b"default",
    b"sample",
    b"develop",
    b"testing",
    b"abcdef",
    b"123456",
    b"qwerty",
    b"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",  # FastAPI's tutorial
    b"192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",  # Flask's documentation
)
"""Words of sample keys, and keys, in tutorials and default configurations (CVE-2020-17526, CVE-2023-27524).

At least six characters each: a random key in base64 holds one of them in fewer than one of 10^6 draws.
"""


@final
class SecretStr:
    """A string that is not shown by accident, such as a password hash or a session token.

    It is a class so that ``repr``, ``str``, f-strings and logs cannot show it; the value is read
    by calling `get_secret_value`, which a reviewer can search for.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Keep *value*."""
        self._value = value

    def get_secret_value(self) -> str:
        """Return the secret string."""
        return self._value

    def __repr__(self) -> str:
        """Show nothing of the value, not even its length."""
        return "SecretStr(***)"

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        if not isinstance(other, SecretStr):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        """Hash by value, so that equal secret values are equal keys."""
        return hash((SecretStr, self._value))

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied into a report."""
        msg = "a secret value cannot be pickled"
        raise TypeError(msg)


def _bytes_of(secret: str | bytes) -> bytes | None:
    """Return the bytes of *secret*; ``None`` for surrogates, whose error would hold the secret itself."""
    if isinstance(secret, bytes):
        return secret
    try:
        return secret.encode()
    except UnicodeEncodeError:
        return None


def _weakness(secret: bytes) -> str | None:
    """Say why *secret* may not sign, or ``None``."""
    if len(secret) < MIN_SECRET_BYTES:
        return f"is shorter than {MIN_SECRET_BYTES} bytes"
    if len(set(secret)) < _FEWEST_DISTINCT_BYTES:
        return "repeats too few different bytes to be random"
    if any(sample in secret.lower() for sample in _SAMPLES):
        return "looks like a sample from a tutorial"
    return None


@final
@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """The signing secrets of a deployment: sign with the newest, verify with all.

    Attributes:
        keys: The secrets, oldest first, newest last.
    """

    keys: tuple[bytes, ...]

    @classmethod
    def of(cls, secrets: Sequence[str | bytes]) -> "KeyRing":
        """Check and take over *secrets*, oldest first.

        Raises:
            SecretError: when there is none, or one is short or a known sample. The message names
                its position, never its value. ``cityauth keys generate`` prints a good one.
        """
        values: Any = secrets
        if isinstance(values, str | bytes) or not isinstance(values, Sequence) or not values:
            msg = "secrets must be a non-empty list, oldest first; `cityauth keys generate` makes one"
            raise SecretError(msg)
        keys: list[bytes] = []
        for position, secret in enumerate(values, start=1):
            if not isinstance(secret, str | bytes):
                msg = f"secret {position} is neither text nor bytes"
                raise SecretError(msg)
            key = _bytes_of(secret)
            if key is None:
                msg = f"secret {position} is text that is not Unicode"
                raise SecretError(msg)
            if weakness := _weakness(key):
                msg = f"secret {position} {weakness}; `cityauth keys generate` makes a good one"
                raise SecretError(msg)
            keys.append(key)
        return cls(tuple(keys))

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes for *purpose* from the oldest key: stable while the ring only grows."""
        return hmac.digest(self.keys[0], b"cityauth.derive.v1:" + purpose.encode(), hashlib.sha256)

    def __repr__(self) -> str:
        """Show how many keys there are, and nothing of them."""
        return f"KeyRing({len(self.keys)} keys)"
