"""Signed tokens and the secrets that sign them. Everything cityauth signs goes through here, on itsdangerous.

One ring of secrets, a `KeyRing`, signs the tokens of every `Purpose`: the newest secret signs, and all of them verify.
The keys of the digests in the audit trail and of dummies are derived from the ring's oldest secret. So are the keys of
tombstones where the host gives no secret for them (`cityauth.core.tombstones`).

A signature is an HMAC with SHA-256 over the purpose, the deployment and the payload. A token always has an age, and its
length is checked before it is parsed. The text of a token can be changed without changing its meaning, because base64
leaves some bits unused. So what may be used only once is found by an id *inside* the payload, never by the text.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias, final

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode

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

LEEWAY = timedelta(seconds=60)
"""How far ahead another node's clock may be."""

_VERSION = "v1"
_ISSUED_AT = "iat"
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_EPOCH = datetime.fromtimestamp(0, UTC)
Payload: TypeAlias = Mapping[str, str | int]


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


class Purpose(StrEnum):
    """What a token is for. A token of one purpose is refused for every other."""

    PENDING_LOGIN = "pending_login"
    RESET = "reset"
    INVITATION = "invitation"
    SIGN_UP = "sign_up"
    EMAIL_CHANGE = "email_change"
    EMAIL_UNDO = "email_undo"
    DEVICE = "device"


MAX_BYTES: Mapping[Purpose, int] = {purpose: 3072 if purpose is Purpose.PENDING_LOGIN else 1024 for purpose in Purpose}
"""Cap per purpose; a pending login holds an identifier of up to 1,024 bytes, escaped and in base64."""


class TokenDefect(StrEnum):
    """Why a token was not opened."""

    INVALID = "invalid"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class SignedPayload:
    """A genuine token within its age: what was signed, and when."""

    payload: Payload
    signed_at: datetime


class TokenSigner:
    """Signs and opens tokens with a key ring.

    It is a class because the signers are derived once from the keys and the deployment.
    """

    def __init__(self, keys: KeyRing, deployment: str) -> None:
        """Derive a signer for each purpose; tokens of another *deployment* do not open."""
        self._signers = {
            purpose: _signer(keys, f"cityauth:{_VERSION}:{len(deployment)}:{deployment}:{purpose.value}")
            for purpose in Purpose
        }

    def sign(self, purpose: Purpose, payload: Payload, now: datetime) -> str:
        """Return *payload* signed for *purpose* at *now*, as URL-safe ASCII."""
        body = {**payload, _ISSUED_AT: int(now.timestamp())}
        return self._signers[purpose].sign(base64_encode(_JSON.encode(body))).decode("ascii")

    def open(self, purpose: Purpose, token: object, now: datetime, max_age: timedelta) -> SignedPayload | TokenDefect:
        """Open *token*, or say why not. Never raises for any *token*, of any type or size."""
        if not isinstance(token, str) or not token.isascii() or len(token) > MAX_BYTES[purpose]:
            return TokenDefect.INVALID
        try:
            opened = _unpack(json.loads(base64_decode(self._signers[purpose].unsign(token)).decode()))
        except (BadData, ValueError, OverflowError, RecursionError):
            return TokenDefect.INVALID
        if opened is None:
            return TokenDefect.INVALID
        age = now - opened.signed_at
        return TokenDefect.EXPIRED if age < -LEEWAY or age >= max_age else opened


def _unpack(body: object) -> SignedPayload | None:
    """Read the content of a genuine token. The signature says who wrote it, not that it is well formed."""
    if not isinstance(body, dict):
        return None
    issued_at = body.pop(_ISSUED_AT, None)
    if type(issued_at) is not int or not all(isinstance(value, str | int) for value in body.values()):
        return None
    return SignedPayload(body, _EPOCH + timedelta(seconds=issued_at))


def _signer(keys: KeyRing, salt: str) -> Signer:
    """Return a signer whose keys are derived once; itsdangerous would derive them, the same way, at each call."""
    derived = [hmac.digest(key, salt.encode(), hashlib.sha256) for key in keys.keys]
    return Signer(derived, salt=salt, key_derivation="none", digest_method=hashlib.sha256)
