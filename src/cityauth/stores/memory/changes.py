"""Changes to sessions, links and the outbox, and the table that says which function applies which change."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, TypeAlias

from cityauth.core.accounts import Status
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
from cityauth.core.sessions import Session
from cityauth.stores.memory import account_changes
from cityauth.stores.memory.state import State, WaitingMail, event_key

_by_age: Callable[[Session], Any] = attrgetter("opened_at", "digest")


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
    others = [one for one in state.sessions.values() if one.account_id == session.account_id]
    others.sort(key=_by_age, reverse=True)
    for one in others[max(change.per_account - 1, 0) :]:
        state.drop(state.sessions, one.digest)
    state.put(state.sessions, session.digest, session)
    return None


def require_session(state: State, change: SessionRequired) -> Precondition | None:
    """Write nothing, and refuse the commit unless the session lives."""
    session = state.sessions.get(change.digest)
    row = state.rows.get(change.account_id)
    if session is None or row is None or session.account_id != change.account_id:
        return Precondition.SESSION_MISSING
    lives = (
        row.account.status is Status.ACTIVE
        and row.account.epoch == session.epoch
        and change.used_after < session.seen_at <= change.until
        and change.opened_after < session.opened_at <= change.until
    )
    return None if lives else Precondition.SESSION_MISSING


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


Apply: TypeAlias = Callable[[State, Any], Precondition | None]

APPLY: Final[Mapping[type[Change], Apply]] = {
    AccountAdded: account_changes.add_account,
    IdentifierAdded: account_changes.add_identifier,
    IdentifierRetired: account_changes.retire_identifier,
    IdentifierReleased: account_changes.release_identifier,
    TombstonesReleased: account_changes.release_tombstones,
    PasswordReplaced: account_changes.replace_password,
    PasswordSet: account_changes.set_password,
    StatusChanged: account_changes.change_status,
    EpochAdvanced: account_changes.advance_epoch,
    ContactChanged: account_changes.change_contact,
    ProfileChanged: account_changes.change_profile,
    AccountErased: account_changes.erase_account,
    SessionOpened: open_session,
    SessionRequired: require_session,
    SessionClosed: close_session,
    SessionsClosed: close_sessions,
    TokenIssued: issue_token,
    TokenUsed: use_token,
    TokensRevoked: revoke_tokens,
    MailQueued: queue_mail,
    EventRecorded: record,
}
"""Each function changes the state and returns what did not hold, if anything."""
