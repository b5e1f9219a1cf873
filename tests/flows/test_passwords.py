"""New passwords: judged before they are hashed, with every reason told."""

from dataclasses import replace
from typing import Any

import pytest

from cityauth import Refused
from cityauth.core.secret import SecretStr
from cityauth.flows.passwords import hash_new
from cityauth.ports.services import PasswordHasher
from tests.support.deployments import deployment
from tests.support.service import PASSWORD, POLICY
from tests.support.tracing import trace

WORDS = replace(POLICY, passwords=replace(POLICY.passwords, context_words=("Esimerkkikaupunki",)))
DEPLOYMENT = deployment(policy=WORDS, common=frozenset({"salasanasalasana", "qwertyuiop"}))


def codes(password: Any, *context: str) -> list[str]:
    """What is wrong with a new password."""
    found = trace(hash_new(DEPLOYMENT, password, context), {})
    assert isinstance(found.result, Refused)
    assert found.questions == ()
    return [problem.code.value for problem in found.result.problems]


def test_a_good_password_is_hashed_once() -> None:
    """An accepted password is hashed by one question, and its hash is shown to nobody (B-74, ASVS 11.4.2)."""
    found = trace(hash_new(DEPLOYMENT, PASSWORD), {PasswordHasher.hash: "$hash$"})
    assert found.names == ["PasswordHasher.hash"]
    assert found.result == SecretStr("$hash$")


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", ["password.empty"]),
        (None, ["password.not_text"]),
        (["x" * 20], ["password.not_text"]),
        ({"x": 1}, ["password.not_text"]),
        (b"x" * 20, ["password.not_text"]),
        (12345678901234567890, ["password.not_text"]),
        ("\ud800" * 20, ["password.not_text"]),
        ("x" * 1025, ["password.too_long"]),
        ("y" * 10_000_000, ["password.too_long"]),
        ("x" * 14, ["password.too_short"]),
        ("😀" * 14, ["password.too_short"]),
        ("SalasanaSalasana", ["password.common"]),
        ("QWERTYUIOP", ["password.too_short", "password.common"]),
        ("esimerkkikaupunki", ["password.context"]),
        ("erkki.esimerkki@example.com", ["password.context"]),
        ("Erkki Esimerkki", ["password.context"]),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_what_is_wrong_is_told_and_nothing_is_hashed(password: object, expected: list[str]) -> None:
    """Every reason is told at once, and no work is done (C-45, B-62, B-63, ASVS 6.2.1, 6.2.4, 6.2.11, 15.3.5)."""
    assert codes(password, "erkki.esimerkki@example.com", "erkki esimerkki") == expected


@pytest.mark.parametrize(
    "password",
    ["x" * 15, "😀" * 15, "x" * 1024, " " * 15, "a\0" * 8, "esimerkkikaupunki on hieno", "salasanasalasana1"],
)
def test_nothing_else_is_asked_of_a_password(password: str) -> None:
    """No composition is asked for, and a listed word inside a longer password is fine (ASVS 6.2.5, 6.2.9)."""
    assert isinstance(trace(hash_new(DEPLOYMENT, password), {PasswordHasher.hash: "x"}).result, SecretStr)


def test_the_limits_are_told_in_words() -> None:
    """The text names the least or the greatest length in every language (ASVS 6.2.1)."""
    for password, number in (("x" * 14, "15"), ("x" * 2000, "1")):
        found = trace(hash_new(DEPLOYMENT, password), {}).result
        assert isinstance(found, Refused)
        for language in ("fi", "sv", "en"):
            assert number in found.problems[0].text(language)
