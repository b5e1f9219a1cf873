"""The contract finds what it is there to find: stores with planted faults fail, each at its promise."""

import inspect
from collections.abc import Callable

import pytest

from cityauth.stores.memory import MemoryStore
from cityauth.testing import StoreContract
from tests.testing import faults

FAULTS: list[tuple[type[faults.Faulty], Callable[..., None]]] = [
    (faults.FoldsKeys, StoreContract.test_keys_are_compared_byte_for_byte),
    (faults.NotAtomic, StoreContract.test_a_commit_applies_all_or_nothing),
    (faults.NotAtomic, StoreContract.test_a_refused_commit_uses_no_token_up),
    (faults.NotAtomic, StoreContract.test_no_mail_leaves_without_its_commit),
    (faults.ForgetsWas, StoreContract.test_a_password_is_replaced_only_if_it_is_still_the_same),
    (faults.ForgetsWas, StoreContract.test_a_missing_password_is_a_value_to_compare_with),
    (faults.ForgetsWas, StoreContract.test_one_of_many_replaces_a_password),
    (faults.ChecksFirst, StoreContract.test_one_of_many_replaces_a_password),
    (faults.ChecksFirst, StoreContract.test_one_of_many_uses_a_token),
    (faults.LosesAdvances, StoreContract.test_every_advance_of_an_epoch_counts),
    (faults.Applies, StoreContract.test_a_commit_that_is_repeated_is_applied_once),
    (faults.Applies, StoreContract.test_a_repeated_commit_is_applied_once_under_any_concurrency),
    (faults.NotAtomic, StoreContract.test_a_commit_that_raises_writes_nothing),
    (faults.KeepsEverySession, StoreContract.test_the_oldest_sessions_end_beyond_the_number_per_account),
    (faults.KeepsEverySession, StoreContract.test_the_number_of_sessions_holds_under_any_concurrency),
    (faults.RevivesSessions, StoreContract.test_a_closed_session_stays_closed),
    (faults.TouchesBackward, StoreContract.test_a_touch_moves_the_last_use_forward_only),
    (faults.CutsMicroseconds, StoreContract.test_a_session_comes_back_whole_with_its_account),
    (faults.OpensForAnyone, StoreContract.test_a_session_opens_only_in_an_active_account_of_its_epoch),
    (faults.NoTombstones, StoreContract.test_an_erased_account_is_gone_and_its_identifiers_pass_to_nobody),
    (faults.Truncates, StoreContract.test_the_longest_key_is_found),
    (faults.GivesAnothersBack, StoreContract.test_a_retired_identifier_passes_to_nobody),
    (faults.GivesAnothersBack, StoreContract.test_one_of_many_accounts_is_given_an_identifier),
    (faults.AnyPurpose, StoreContract.test_a_token_is_good_for_its_purpose_alone),
    (faults.PurgesAll, StoreContract.test_only_expired_tokens_are_purged),
    (faults.PurgesAll, StoreContract.test_old_sessions_are_purged),
    (faults.LeasesTwice, StoreContract.test_no_mail_is_leased_twice),
    (faults.LeasesTwice, StoreContract.test_a_lease_ends),
    (faults.ShowsDummies, StoreContract.test_a_dummy_is_dropped_and_never_counted),
    (faults.CountsAfter, StoreContract.test_no_more_than_the_limit_pass_at_once),
    (faults.TornReads, StoreContract.test_readers_see_whole_commits_only),
]


@pytest.mark.parametrize(("fault", "promise"), FAULTS, ids=lambda one: one.__name__)
def test_a_planted_fault_breaks_its_promise(fault: type[faults.Faulty], promise: Callable[..., None]) -> None:
    """Each fault that a store may have is found by the promise that it breaks (C-01, C-04, C-09, C-14, C-15, B-39)."""
    promise(StoreContract(), MemoryStore())
    with pytest.raises((AssertionError, ValueError)):
        promise(StoreContract(), fault())


def test_every_promise_is_told_in_a_sentence() -> None:
    """Whoever fails a promise reads which one it was."""
    promises = {name: one for name, one in inspect.getmembers(StoreContract) if name.startswith("test_")}
    assert len(promises) > 70
    assert all((one.__doc__ or "").strip().endswith(".") for one in promises.values())


def test_reopening_is_up_to_the_store() -> None:
    """A store that lives in its process alone is its own reopening."""
    store = MemoryStore()
    assert StoreContract().reopen(store) is store
