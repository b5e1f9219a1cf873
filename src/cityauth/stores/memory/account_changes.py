"""Changes to accounts and their identifiers: each applies itself, or says what did not hold."""

from dataclasses import replace

from cityauth.core.changes import (
    AccountAdded,
    AccountErased,
    ContactChanged,
    EpochAdvanced,
    IdentifierAdded,
    IdentifierReleased,
    IdentifierRetired,
    PasswordReplaced,
    PasswordSet,
    Precondition,
    ProfileChanged,
    StatusChanged,
    TombstonesReleased,
)
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.stores.memory.state import AccountRow, State, with_account


def add_account(state: State, change: AccountAdded) -> Precondition | None:
    """Add the account with its identifiers."""
    account_id = change.account.id
    if account_id in state.rows:
        return Precondition.ACCOUNT_EXISTS
    keys = tuple(account_identifier.identifier.key for account_identifier in change.account_identifiers)
    taken = len(set(keys)) != len(keys) or any(key in state.holders for key in keys)
    if taken or any(digest in state.tombstones for digest in change.tombstones):
        return Precondition.IDENTIFIER_TAKEN
    state.put(state.rows, account_id, AccountRow(change.account, change.password_hash, keys))
    for account_identifier in change.account_identifiers:
        state.put(state.holders, account_identifier.identifier.key, (account_id, account_identifier))
    return None


def add_identifier(state: State, change: IdentifierAdded) -> Precondition | None:
    """Give the account a new identifier, or one of its own back."""
    key = change.identifier.key
    if change.account_id not in state.rows:
        return Precondition.ACCOUNT_MISSING
    holder, account_identifier = state.holders.get(key, (None, None))
    if account_identifier is None:
        if any(digest in state.tombstones for digest in change.tombstones):
            return Precondition.IDENTIFIER_TAKEN
        state.amend(change.account_id, lambda row: replace(row, keys=(*row.keys, key)))
    elif holder != change.account_id or account_identifier.status is IdentifierStatus.CONTESTED:
        return Precondition.IDENTIFIER_TAKEN
    state.put(state.holders, key, (change.account_id, AccountIdentifier(change.identifier)))
    return None


def release_identifier(state: State, change: IdentifierReleased) -> Precondition | None:
    """Delete the identifier if it is retired and this account's."""
    holder, found = state.holders.get(change.key, (None, None))
    if found is None or holder != change.account_id or found.status is not IdentifierStatus.RETIRED:
        return Precondition.IDENTIFIER_CHANGED
    state.drop(state.holders, change.key)
    state.amend(change.account_id, lambda row: replace(row, keys=tuple(key for key in row.keys if key != change.key)))
    return None


def release_tombstones(state: State, change: TombstonesReleased) -> Precondition | None:
    """Delete the tombstones, one of which must be there."""
    if not any(digest in state.tombstones for digest in change.tombstones):
        return Precondition.IDENTIFIER_CHANGED
    for digest in change.tombstones:
        state.drop(state.tombstones, digest)
    return None


def retire_identifier(state: State, change: IdentifierRetired) -> Precondition | None:
    """Retire the identifier if it is active and this account's."""
    holder, account_identifier = state.holders.get(change.key, (None, None))
    if (
        account_identifier is None
        or holder != change.account_id
        or account_identifier.status is not IdentifierStatus.ACTIVE
    ):
        return Precondition.IDENTIFIER_CHANGED
    state.put(
        state.holders, change.key, (change.account_id, replace(account_identifier, status=IdentifierStatus.RETIRED))
    )
    return None


def replace_password(state: State, change: PasswordReplaced) -> Precondition | None:
    """Compare and set the hash."""
    row = state.rows.get(change.account_id)
    if row is None:
        return Precondition.ACCOUNT_MISSING
    if row.password_hash != change.was:
        return Precondition.PASSWORD_CHANGED
    state.put(state.rows, change.account_id, replace(row, password_hash=change.now))
    return None


def set_password(state: State, change: PasswordSet) -> Precondition | None:
    """Set the hash."""
    done = state.amend(change.account_id, lambda row: replace(row, password_hash=change.now))
    return None if done else Precondition.ACCOUNT_MISSING


def change_status(state: State, change: StatusChanged) -> Precondition | None:
    """Compare and set the status."""
    row = state.rows.get(change.account_id)
    if row is None:
        return Precondition.ACCOUNT_MISSING
    if row.account.status is not change.was:
        return Precondition.STATUS_CHANGED
    state.amend(change.account_id, with_account(lambda account: replace(account, status=change.now)))
    return None


def advance_epoch(state: State, change: EpochAdvanced) -> Precondition | None:
    """Count the epoch up."""
    advance = with_account(lambda account: replace(account, epoch=account.epoch + 1))
    return None if state.amend(change.account_id, advance) else Precondition.ACCOUNT_MISSING


def change_contact(state: State, change: ContactChanged) -> Precondition | None:
    """Set the contact address."""
    set_contact = with_account(lambda account: replace(account, contact=change.contact))
    return None if state.amend(change.account_id, set_contact) else Precondition.ACCOUNT_MISSING


def change_profile(state: State, change: ProfileChanged) -> Precondition | None:
    """Set display name, language, or both."""
    set_profile = with_account(
        lambda account: replace(
            account,
            display_name=account.display_name if change.display_name is None else change.display_name,
            language=account.language if change.language is None else change.language,
        )
    )
    return None if state.amend(change.account_id, set_profile) else Precondition.ACCOUNT_MISSING


def erase_account(state: State, change: AccountErased) -> Precondition | None:
    """Delete all that is the account's, and enter its identifiers in the tombstones."""
    row = state.rows.get(change.account_id)
    if row is None:
        return Precondition.ACCOUNT_MISSING
    if row.account.epoch != change.epoch:
        return Precondition.EPOCH_CHANGED
    for key in row.keys:
        state.drop(state.holders, key)
    state.drop_where(state.sessions, lambda session: session.account_id == change.account_id)
    state.drop_where(state.one_time_tokens, lambda one_time_token: one_time_token.account_id == change.account_id)
    state.drop(state.rows, change.account_id)
    for digest in change.tombstones:
        if digest not in state.tombstones:
            state.put(state.tombstones, digest, change.at)
    return None
