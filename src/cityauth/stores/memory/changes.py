"""The changes of a commit: each changes the state, or returns what did not hold."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from cityauth.core.accounts import Status
from cityauth.core.audit import EventSummed, one_more
from cityauth.core.changes import (
    AccountAdded,
    AccountErased,
    Change,
    ContactChanged,
    EpochAdvanced,
    EventRecorded,
    IdentifierAdded,
    IdentifierReleased,
    IdentifierRetired,
    MailQueued,
    PasswordReplaced,
    PasswordSet,
    Precondition,
    ProfileChanged,
    SessionClosed,
    SessionOpened,
    SessionRequired,
    SessionsClosed,
    StatusChanged,
    TokenIssued,
    TokensRevoked,
    TokenUsed,
    TombstonesReleased,
)
from cityauth.core.links import OneTimeToken
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.throttling import FailureCounted, FailuresCleared
from cityauth.stores.memory.state import AccountRow, State, WaitingMail, event_key, with_account


def add_account(state: State, change: AccountAdded) -> Precondition | None:
    """Add the account with its identifiers."""
    account_id, external_id = change.account.id, change.account.external_id
    if account_id in state.rows or external_id in state.external_ids:
        return Precondition.ACCOUNT_EXISTS
    keys = tuple(account_identifier.identifier.key for account_identifier in change.account_identifiers)
    taken = len(set(keys)) != len(keys) or any(key in state.holders for key in keys)
    if taken or any(digest in state.tombstones for digest in change.tombstones):
        return Precondition.IDENTIFIER_TAKEN
    state.put(state.rows, account_id, AccountRow(change.account, change.password_hash, keys, (), change.hash_kind))
    for account_identifier in change.account_identifiers:
        state.put(state.holders, account_identifier.identifier.key, (account_id, account_identifier))
    if external_id is not None:
        state.put(state.external_ids, external_id, account_id)
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
    state.put(state.rows, change.account_id, replace(row, password_hash=change.now, hash_kind=change.hash_kind))
    return None


def set_password(state: State, change: PasswordSet) -> Precondition | None:
    """Set the hash."""
    done = state.amend(
        change.account_id, lambda row: replace(row, password_hash=change.now, hash_kind=change.hash_kind)
    )
    state.drop(state.failures, change.account_id)
    return None if done else Precondition.ACCOUNT_MISSING


def count_failure(state: State, change: FailureCounted) -> Precondition | None:
    """Count one more failure; those of nobody too, so that it takes as long."""
    failures = state.failures.get(change.account_id, 0) + 1
    if change.account_id in state.rows and (failures == change.limit) != change.reaches:
        return Precondition.FAILURES_CHANGED
    state.put(state.failures, change.account_id, failures)
    return None


def clear_failures(state: State, change: FailuresCleared) -> None:
    """Forget the failures."""
    state.drop(state.failures, change.account_id)


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
    """Compare and set the contact address."""
    row = state.rows.get(change.account_id)
    if row is not None and change.was not in {..., row.account.contact}:
        return Precondition.CONTACT_CHANGED
    set_contact = with_account(
        lambda account: replace(account, contact=change.contact, contact_verified=change.verified)
    )
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
    state.drop(state.failures, change.account_id)
    if row.account.external_id is not None:
        state.drop(state.external_ids, row.account.external_id)
        state.drop(state.sources, row.account.external_id)
    for steps in state.steps.values():
        state.drop(steps, change.account_id)
    for digest in change.tombstones:
        if digest not in state.tombstones:
            state.put(state.tombstones, digest, change.at)
    return None


def open_session(state: State, change: SessionOpened) -> Precondition | None:
    """Keep the session if the account is active and of its epoch, then end the oldest others."""
    session = change.session
    row = state.rows.get(session.account_id)
    if row is None:
        return Precondition.ACCOUNT_MISSING
    if row.account.status is not Status.ACTIVE:
        return Precondition.STATUS_CHANGED
    if row.account.epoch != session.epoch:
        return Precondition.EPOCH_CHANGED
    others = [digest for digest in row.sessions if digest in state.sessions]
    for digest in others[: max(len(others) - max(change.per_account - 1, 0), 0)]:
        state.drop(state.sessions, digest)
    state.amend(session.account_id, lambda row: replace(row, sessions=(*others, session.digest)))
    state.put(state.sessions, session.digest, session)
    return None


def require_session(state: State, change: SessionRequired) -> Precondition | None:
    """Write nothing, and refuse the commit unless the session is still valid."""
    session = state.sessions.get(change.digest)
    row = state.rows.get(change.account_id)
    if session is None or row is None or session.account_id != change.account_id:
        return Precondition.SESSION_MISSING
    is_valid = (
        row.account.status is Status.ACTIVE
        and row.account.epoch == session.epoch
        and change.used_after < session.seen_at <= change.until
        and change.opened_after < session.opened_at <= change.until
    )
    return None if is_valid else Precondition.SESSION_MISSING


def close_session(state: State, change: SessionClosed) -> Precondition | None:
    """Delete the session of the family, if there is one."""
    found = [one for one in state.sessions.values() if one.family == change.family]
    for one in found:
        state.drop(state.sessions, one.digest)
    return Precondition.SESSION_MISSING if change.must_be_open and not found else None


def close_sessions(state: State, change: SessionsClosed) -> None:
    """Delete the account's sessions, but for one."""
    state.drop_where(state.sessions, lambda one: one.account_id == change.account_id and one.family != change.keep)


def issue_token(state: State, change: TokenIssued) -> None:
    """Keep the link; with `alone` it is then the account's only one of its purpose."""
    new = change.one_time_token
    if change.alone and new.account_id is not None:
        state.drop_where(
            state.one_time_tokens, lambda one: one.account_id == new.account_id and one.purpose is new.purpose
        )
    state.put(state.one_time_tokens, new.digest, new)


def use_token(state: State, change: TokenUsed) -> Precondition | None:
    """Delete the link if it may be used."""
    one_time_token = state.one_time_tokens.get(change.digest)
    if one_time_token is None or one_time_token.purpose is not change.purpose or one_time_token.expires_at <= change.at:
        return Precondition.TOKEN_USED
    if one_time_token.account_id is not None and not _stands(state, one_time_token):
        return Precondition.TOKEN_USED
    state.drop(state.one_time_tokens, change.digest)
    return None


def _stands(state: State, one_time_token: OneTimeToken) -> bool:
    """Whether the link's account is there, active and of the link's epoch."""
    row = state.rows.get(one_time_token.account_id) if one_time_token.account_id is not None else None
    if row is None or row.account.status is not Status.ACTIVE:
        return False
    return one_time_token.epoch is None or one_time_token.epoch == row.account.epoch


def revoke_tokens(state: State, change: TokensRevoked) -> None:
    """Delete the account's links of one purpose that were issued in an epoch or a later one."""
    state.drop_where(
        state.one_time_tokens,
        lambda one: (
            one.account_id == change.account_id
            and one.purpose is change.purpose
            and one.issued_epoch is not None
            and one.issued_epoch >= change.since
        ),
    )


def queue_mail(state: State, change: MailQueued) -> None:
    """Put the mail into the outbox, due at once."""
    state.put(state.mails, change.mail.id, WaitingMail(change.mail, change.mail.queued_at))


def record(state: State, change: EventRecorded) -> None:
    """Append a line to the audit trail."""
    state.put(state.events, event_key(change.event), change.event)


def sum_up(state: State, change: EventSummed) -> None:
    """Append a line to the audit trail, or count one more in the line that is there."""
    key = event_key(change.event)
    before = state.events.get(key)
    state.put(state.events, key, replace(before, detail=one_more(before.detail)) if before else change.event)


Apply: TypeAlias = Callable[[State, Any], Precondition | None]

APPLY: Final[Mapping[type[Change], Apply]] = {
    AccountAdded: add_account,
    IdentifierAdded: add_identifier,
    IdentifierRetired: retire_identifier,
    IdentifierReleased: release_identifier,
    TombstonesReleased: release_tombstones,
    PasswordReplaced: replace_password,
    PasswordSet: set_password,
    FailureCounted: count_failure,
    FailuresCleared: clear_failures,
    StatusChanged: change_status,
    EpochAdvanced: advance_epoch,
    ContactChanged: change_contact,
    ProfileChanged: change_profile,
    AccountErased: erase_account,
    SessionOpened: open_session,
    SessionRequired: require_session,
    SessionClosed: close_session,
    SessionsClosed: close_sessions,
    TokenIssued: issue_token,
    TokenUsed: use_token,
    TokensRevoked: revoke_tokens,
    MailQueued: queue_mail,
    EventRecorded: record,
    EventSummed: sum_up,
}
"""Each function changes the state and returns what did not hold, if anything."""
