"""Accounts: what a host may know of a person."""

from dataclasses import FrozenInstanceError, fields

import pytest

from cityauth.core.account import Account, AccountId, Status

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
