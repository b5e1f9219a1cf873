"""Check, list and end sessions."""

from cityauth.core.account import AccountId
from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.change import Change, Committed, EpochAdvanced, SessionClosed, SessionsClosed
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.login import Authenticated, LoggedOut, advance
from cityauth.core.secret import SecretStr
from cityauth.core.session import (
    LiveSession,
    OpenedSession,
    Session,
    digest_of,
    is_due_for_touch,
    is_live,
    touched,
)
from cityauth.errors import StoreUnavailableError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.context import begin
from cityauth.flows.deployment import Deployment
from cityauth.flows.record import commit_with
from cityauth.ports.services import Clock
from cityauth.ports.stores import AccountStore, SessionStore


def check(deployment: Deployment, token: object) -> Flow[LiveSession | None]:
    """Return the live session of *token*, or ``None`` for nobody: unknown, ended or timed out.

    One query; a write at most once a minute and session, skipped while the store is locked.
    """
    digest = digest_of(token)
    if digest is None:
        return None
    now = yield from ask(Clock.now)
    live = yield from ask(SessionStore.find_session, digest)
    if live is None or not is_live(live.session, live.account, now, deployment.policy.sessions):
        return None
    if not is_due_for_touch(live.session, now, deployment.policy.sessions):
        return live
    try:
        yield from ask(SessionStore.touch_session, digest, now)
    except StoreUnavailableError:
        return live  # pages stay readable while nothing can be written; the next check touches it
    return LiveSession(touched(live.session, now), live.account)


def list_live(deployment: Deployment, account_id: AccountId) -> Flow[tuple[Session, ...]]:
    """Return the account's sessions that are alive, the last used first; empty for an unknown account."""
    now = yield from ask(Clock.now)
    account = yield from ask(AccountStore.load, account_id)
    if account is None:
        return ()
    stored = yield from ask(SessionStore.list_sessions, account_id)
    return tuple(one for one in stored if is_live(one, account, now, deployment.policy.sessions))


def sign_out(token: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[bool]:
    """End the session of *token*; return whether there was one.

    A stranger's sign-out writes nothing (B-55).
    """
    digest = digest_of(token)
    if digest is None:
        return False
    live = yield from ask(SessionStore.find_session, digest)
    if live is None:
        return False
    context = yield from begin(client)
    event = audit_event(AuditEventType.SESSION_CLOSED, context, account_id=live.account.id, reason="signed_out")
    advance(Authenticated(live.account, OpenedSession(SecretStr(str(token)), live.session)), LoggedOut())
    yield from commit_with(event, [SessionClosed(digest)])
    return True


def close(account_id: AccountId, handle: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[bool]:
    """End the one of the account's own sessions that *handle* names; return whether there was one."""
    stored = yield from ask(SessionStore.list_sessions, account_id)
    chosen = next((one for one in stored if one.handle == handle), None)
    if chosen is None:
        return False
    context = yield from begin(client)
    event = audit_event(AuditEventType.SESSION_CLOSED, context, account_id=account_id, reason="closed")
    yield from commit_with(event, [SessionClosed(chosen.digest)])
    return True


def close_all(account_id: AccountId, *, keep: object = None, client: ClientContext = UNKNOWN_CLIENT) -> Flow[bool]:
    """End all sessions of the account; all but the one whose token is *keep*, when given.

    Without *keep* the account's epoch advances, so a session that is just being opened dies as well.
    Returns whether there is such an account.
    """
    context = yield from begin(client)
    kept = digest_of(keep)
    if kept is not None and (yield from ask(AccountStore.load, account_id)) is None:
        return False  # that nothing ended would not tell: ending sessions is never refused
    reason = "kept_one" if kept else ""
    event = audit_event(AuditEventType.SESSIONS_CLOSED, context, account_id=account_id, reason=reason)
    ending: list[Change] = (
        [SessionsClosed(account_id, keep=kept)] if kept else [EpochAdvanced(account_id), SessionsClosed(account_id)]
    )
    outcome = yield from commit_with(event, ending)
    return isinstance(outcome, Committed)
