"""Values that are shown to nobody, and the ring of signing secrets."""

import copy
import hashlib
import hmac
import json
import logging
import pickle
import secrets
import traceback
from typing import Any

import pytest

from cityauth.core.secret import MIN_SECRET_BYTES, KeyRing, SecretStr
from cityauth.errors import SecretError
from tests.support.service import KEY, OTHER_KEY

CANARY = "canary-5d41402abc4b2a76b9719d911017c592"


def test_a_secret_value_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """No formatting, log or traceback shows it (B-74, B-77, ASVS 16.2.5)."""
    secret = SecretStr(CANARY)
    logging.getLogger("test").warning("%s %r", secret, [secret])
    shown = "".join(traceback.format_exception(ValueError(secret)))
    shown += f"{secret} {secret!r} {secret!s} {(secret,)} {caplog.text}"
    assert CANARY not in shown
    assert repr(secret) == "SecretStr(***)"
    assert secret.get_secret_value() == CANARY


def test_a_secret_value_is_not_copied_out() -> None:
    """It is not pickled, copied into a report or written as JSON, and has no __dict__ (B-74, B-77)."""
    for leave in (pickle.dumps, copy.deepcopy, copy.copy, json.dumps, vars):
        with pytest.raises(TypeError) as caught:
            leave(SecretStr(CANARY))
        assert CANARY not in str(caught.value)


def test_secret_values_are_equal_by_value() -> None:
    """Equal values are equal and hash alike, so that a compare-and-set can compare them; a plain text is never equal."""
    assert SecretStr(CANARY) == SecretStr(CANARY)
    assert SecretStr(CANARY) != SecretStr("other")
    assert SecretStr(CANARY) != CANARY
    assert len({SecretStr(CANARY), SecretStr(CANARY), SecretStr("ä")}) == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "non-empty list"),
        (None, "non-empty list"),
        (KEY, "non-empty list"),
        (KEY.hex(), "non-empty list"),
        ({KEY}, "non-empty list"),
        (7, "non-empty list"),
        ([KEY, 7], "secret 2 is neither text nor bytes"),
        ([None], "secret 1 is neither text nor bytes"),
        ([b""], "secret 1 is shorter than 32 bytes"),
        ([""], "secret 1 is shorter than 32 bytes"),
        ([KEY, KEY[:31]], "secret 2 is shorter than 32 bytes"),
        ([KEY, OTHER_KEY, "x" * 31], "secret 3 is shorter than 32 bytes"),
        (["a" * 64], "secret 1 repeats too few"),
        ([bytes(32)], "secret 1 repeats too few"),
        (
            ["\x02\x01thisismyscretkey\x01\x02\\e\\y\\y\\h" * 2, "temporary_key_change_me_0987654321"],
            "secret 2 looks like a sample",
        ),
        (["my-SECRET-key-please-replace-0123456789"], "secret 1 looks like a sample"),
        (["django-insecure-x1y2z3w4v5u6t7s8r9q0p1o2n3"], "secret 1 looks like a sample"),
        (["correct-horse-qwertyuiop-battery-staple"], "secret 1 looks like a sample"),
        (["09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"], "secret 1 looks like a sample"),
        (["192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"], "secret 1 looks like a sample"),
        ([KEY, "\udcff\udcfe" * 40], "secret 2 is text that is not Unicode"),
    ],
)
def test_a_weak_secret_does_not_start(given: Any, said: str) -> None:
    """None, short, repeating or known secrets are refused at once, told by position and never by value (B-35, B-36)."""
    with pytest.raises(SecretError, match=said) as caught:
        KeyRing.of(given)
    parts = [part for part in (given if isinstance(given, list) else [given]) if isinstance(part, str | bytes) and part]
    for part in parts:
        text = part if isinstance(part, str) else part.hex()
        assert text not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_good_secrets_start() -> None:
    """Random keys as bytes, hexadecimal or base64 are taken, 200 draws of each without a refusal (B-35, B-36)."""
    for _ in range(200):
        ring = KeyRing.of([secrets.token_bytes(MIN_SECRET_BYTES), secrets.token_hex(32), secrets.token_urlsafe(32)])
        assert len(ring.keys) == 3


def test_the_ring_keeps_the_order() -> None:
    """The newest key stands last, which is the one that signs (B-37)."""
    assert KeyRing.of([KEY, OTHER_KEY.hex()]).keys == (KEY, OTHER_KEY.hex().encode())


def test_a_ring_shows_no_key() -> None:
    """Its repr tells how many keys there are and nothing of them (B-77, ASVS 16.2.5)."""
    assert repr(KeyRing.of([KEY, OTHER_KEY])) == "KeyRing(2 keys)"


def test_derived_keys_are_stable_and_apart() -> None:
    """A derived key depends on its purpose and the oldest key alone, so appending a key changes none."""
    one, grown = KeyRing((KEY,)), KeyRing((KEY, OTHER_KEY))
    assert one.derive("audit") == grown.derive("audit") != one.derive("dummy")
    assert one.derive("audit") != KeyRing((OTHER_KEY,)).derive("audit")
    assert one.derive("audit") == hmac.digest(KEY, b"cityauth.derive.v1:audit", hashlib.sha256)
