"""Display names: what may stand in one, and what is taken off its ends."""

from dataclasses import FrozenInstanceError, fields

import pytest

from cityauth.core.accounts import MAX_NAME, Account, AccountId, Status, read_name
from cityauth.core.answers import Problem

ERKKI = Account(AccountId("erkki"), "citizen", "Erkki Esimerkki")


def test_an_account_has_no_password() -> None:
    """No field holds a hash, so nothing that shows an account can show one; nor a hint or a question (B-74, ASVS 6.4.2)."""
    assert {field.name for field in fields(Account)} == {
        "id",
        "realm",
        "display_name",
        "language",
        "status",
        "epoch",
        "contact",
        "contact_verified",
        "external_id",
        "phase",
    }


def test_an_account_is_active_in_its_first_epoch() -> None:
    """A new account may sign in, in Finnish, by its realm's phase, and has no address of its own yet."""
    assert (ERKKI.status, ERKKI.epoch, ERKKI.language) == (Status.ACTIVE, 0, "fi")
    assert ERKKI.contact is ERKKI.phase is None


def test_an_account_cannot_be_changed_in_place() -> None:
    """A change is a commit, never an assignment to what was read (ASVS 15.4.2)."""
    with pytest.raises(FrozenInstanceError):
        ERKKI.status = Status.DISABLED  # type: ignore[misc]


@pytest.mark.parametrize(
    "name",
    [
        "علی\u200cرضا", "می\u200cنا رضایی", "ශ්\u200dරී", "क्\u200dष", "कृष्\u200cण", "കൃഷ്ണന്\u200d", "നന്\u200d കുമാർ",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_joiner_within_a_word_is_part_of_the_name(name: str) -> None:
    """Persian and many Indian names are spelled with joiners, and stay as they are (B-9)."""
    assert read_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "Erkki \u200dEsimerkki",
        "Er1\u200dkki",
        "\u200d\u200d",
        "Er\u202ekki",
        "Er\u200bkki",
        "a\u200d\u200db",
        "\u0661\u200c\u0662",
    ],
    ids=ascii,
)
def test_a_joiner_elsewhere_and_any_other_hidden_character_is_refused(name: str) -> None:
    """What joins no letters, reorders or hides is refused inside a name (B-9, B-92)."""
    refused = read_name(name)
    assert isinstance(refused, Problem)
    assert refused.code in {"name.forbidden_character", "name.empty"}


@pytest.mark.parametrize(
    "entered", ["\u00a0Åsa Öhman\u200b", "\ufeffÅsa Öhman\u202c", " Åsa Öhman\r\n", "A\u030asa Öhman"], ids=ascii
)
def test_what_is_invisible_at_the_ends_is_taken_off(entered: str) -> None:
    """A name that was copied from a document is stored without what came along (ASVS 1.1.1)."""
    assert read_name(entered) == "Åsa Öhman"


def test_a_name_has_a_length() -> None:
    """The cap is counted in characters, on the name as it is stored."""
    assert read_name("é" * MAX_NAME) == "é" * MAX_NAME
    for entered in ("é" * (MAX_NAME + 1), "e\u0301" * 10_000):
        refused = read_name(entered)
        assert isinstance(refused, Problem)
        assert refused.code == "name.too_long"
