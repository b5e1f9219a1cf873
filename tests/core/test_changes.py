"""Changes: what a commit writes, and what it answers."""

from dataclasses import FrozenInstanceError, is_dataclass
from typing import get_args

import pytest

from cityauth.core.accounts import AccountId
from cityauth.core.changes import Change, CommitOutcome, Committed, PasswordReplaced, Precondition, Rejected
from cityauth.core.secret import SecretStr

REPLACED = PasswordReplaced(AccountId("erkki"), SecretStr("old-canary"), SecretStr("new-canary"))


def test_a_change_is_a_frozen_record() -> None:
    """No change can be altered between the flow that makes it and the store that applies it (ASVS 2.3.3)."""
    changes = get_args(Change)
    assert changes
    frozen = [one for one in changes if is_dataclass(one) and vars(one)["__dataclass_params__"].frozen]
    assert frozen == list(changes)


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
