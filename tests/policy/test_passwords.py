"""The bundled list of common passwords."""

import runpy
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from cityauth.core.passwords import Password, PasswordProblem, comparison_key, judge_new, read
from cityauth.policy import PasswordPolicy
from cityauth.policy.passwords import common_passwords

POLICY = PasswordPolicy()
MAKER = Path(__file__).parents[2] / "tools/make_blocklist.py"


def problems(text: str, policy: PasswordPolicy = POLICY) -> tuple[PasswordProblem, ...]:
    """What is wrong with *text* as a new password."""
    found = read(text, policy)
    assert isinstance(found, Password)
    return judge_new(found, policy, (), common_passwords())


def test_thousands_of_long_common_passwords_are_refused() -> None:
    """At least 3,000 entries meet the minimum of 15, and each is refused for standing on the list (ASVS 6.2.4)."""
    long = [entry for entry in common_passwords() if len(entry) >= POLICY.min_length]
    assert len(long) >= 3000
    assert {problems(entry) for entry in long} == {(PasswordProblem.COMMON,)}


@pytest.mark.parametrize("minimum", range(8, 15))
def test_shorter_minimums_have_their_three_thousand(minimum: int) -> None:
    """For each minimum that a policy may set, 3,000 entries of less than 15 characters meet it (ASVS 6.2.4)."""
    meeting = [entry for entry in common_passwords() if minimum <= len(entry)]
    assert len(meeting) >= 3000
    assert {problems(entry, PasswordPolicy(min_length=minimum)) for entry in meeting} == {(PasswordProblem.COMMON,)}


@pytest.mark.parametrize(
    "text",
    [
        "1qaz2wsx3edc4rfv",
        "123456789987654321",
        "1q2w3e4r5t6y7u8i9o0p",
        "passwordpassword",
        "password1234567",
        "111111111111111",
        "aaaaaaaaaaaaaaaaaaaa",
        "qwertyuiopåasdfgh",
        "salasanasalasana",
        "Salasana1234567",
        "salasana2026salasana2026",
        "kesäkesäkesäkesä",
        "lösenordlösenord",
        "sommar2026sommar2026",
    ],
)
def test_what_people_do_to_reach_fifteen_is_refused(text: str) -> None:
    """Known leaked passwords, and short ones made long in Finnish and Swedish, are on the list (ASVS 6.2.4, NIST 3.1.1.2)."""
    assert problems(text) == (PasswordProblem.COMMON,)


@pytest.mark.parametrize(
    "text", ["vanha salasana vuodelta 1998", "lösenordet från sommaren 2011", "virkamiehen pitkä salasana"]
)
def test_an_honest_passphrase_is_accepted(text: str) -> None:
    """A sentence that contains listed words is no listed password (ASVS 6.2.5)."""
    assert problems(text) == ()


def test_the_file_holds_what_its_maker_makes() -> None:
    """All entries that follow from rules alone are in the file, so the file was made by the script (ASVS 6.2.4)."""
    maker: dict[str, Any] = runpy.run_path(str(MAKER))
    ranked = maker["ranked"](
        ["Passw\u00f6rd\n", "passwo\u0308rd\n", "erkki@example.com\n", "bad\u0000\n", "erittäinpitkäsana\n"]
    )
    assert ranked == ["passwörd", "erittäinpitkäsana"]
    made = maker["blocklist"](ranked)
    assert made == sorted(set(made))
    assert {"passwörd", "passwördpasswörd", "passwörd1234567", "erittäinpitkäsana"} <= set(made)
    assert set(map(comparison_key, maker["made_up"]())) <= common_passwords()


def test_every_entry_is_a_comparison_key_of_no_person() -> None:
    """Entries are keys, so each can be met, and none is an e-mail address (ASVS 6.2.4)."""
    assert all(comparison_key(entry) == entry for entry in common_passwords())
    assert "@" not in set(chain.from_iterable(common_passwords()))


def test_the_list_is_read_once() -> None:
    """The second call gives the same object."""
    assert common_passwords() is common_passwords()
