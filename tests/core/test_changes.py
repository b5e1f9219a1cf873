"""Changes: what a commit writes, and what it answers."""

from dataclasses import FrozenInstanceError, is_dataclass
from typing import get_args

import pytest

from cityauth.core.accounts import AccountId
from cityauth.core.changes import Change, CommitOutcome, Committed, PasswordReplaced, Precondition, Rejected
from cityauth.core.secret import SecretStr

REPLACED = PasswordReplaced(AccountId("erkki"), SecretStr("old-canary"), SecretStr("new-canary"))


@pytest.mark.parametrize("change", get_args(Change), ids=lambda change: change.__name__)
def test_a_change_is_a_value_in_the_past_tense(change: type) -> None:
    """Every change is a frozen record that says what was done and when it is refused (ASVS 2.3.3)."""
    assert is_dataclass(change)
    assert change.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert change.__name__.endswith(("ed", "Set"))
    assert "efused" in (change.__doc__ or "")


def test_a_change_shows_no_hash() -> None:
    """What a report or a log shows of a change has neither hash in it (B-74, B-77)."""
    assert "canary" not in repr(Rejected(REPLACED, Precondition.PASSWORD_CHANGED))


def test_an_outcome_is_looked_at() -> None:
    """A commit answers one of two values, and a rejection names the change and the precondition (ASVS 2.3.3)."""
    assert set(get_args(CommitOutcome)) == {Committed, Rejected}
    rejected = Rejected(REPLACED, Precondition.PASSWORD_CHANGED)
    assert (rejected.change, rejected.why) == (REPLACED, "password_changed")
    with pytest.raises(FrozenInstanceError):
        rejected.why = Precondition.ACCOUNT_MISSING  # type: ignore[misc]
