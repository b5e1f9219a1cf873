"""Values that are shown to nobody, whatever formats them."""

import copy
import json
import logging
import pickle
import traceback

import pytest

from cityauth.core.secret import SecretStr

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
