"""Signed tokens: everything cityauth signs goes through here, on itsdangerous.

A signature is HMAC-SHA-256 over a purpose and a deployment (injectively joined), always has an age, and is
capped in bytes before it is parsed. The text of a token is malleable (unused bits of base64), so what
must be single-use is keyed on an id *inside* the payload, never on the text.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from cityauth.core.secret import KeyRing

LEEWAY = timedelta(seconds=60)
"""How far ahead another node's clock may be."""

_VERSION = "v1"
_ISSUED_AT = "iat"
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_EPOCH = datetime.fromtimestamp(0, UTC)
Payload: TypeAlias = Mapping[str, str | int]


class Purpose(StrEnum):
    """What a token is for. A token of one purpose is refused for every other."""

    PENDING_LOGIN = "pending_login"
    RESET = "reset"
    INVITATION = "invitation"
    SIGN_UP = "sign_up"
    EMAIL_CHANGE = "email_change"
    EMAIL_UNDO = "email_undo"


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
