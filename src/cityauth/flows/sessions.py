"""Check, list and end sessions."""

from cityauth.core.accounts import AccountId
from cityauth.core.answers import Done, Problem, Refused
from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.changes import Change, Committed, EpochAdvanced, SessionClosed, SessionRequired, SessionsClosed
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext, RequestContext
from cityauth.core.login import Authenticated, LoggedOut, advance
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import (
    LiveSession,
    OpenedSession,
    Session,
    digest_of,
    family_of,
    is_due_for_touch,
    is_live,
    require_live,
    touched,
)
from cityauth.core.signing import LEEWAY
from cityauth.errors import StoreUnavailableError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, begin, commit_with
from cityauth.messages.codes import Code
from cityauth.ports.services import Clock
from cityauth.ports.stores import AccountStore, SessionStore

ENDED = Refused(Problem(Code.SESSION_ENDED))
"""The answer to a signed-in person whose session has ended. Nothing was written."""


def check(deployment: Deployment, token: object) -> Flow[LiveSession | None]:
    """Return the live session of *token*, or ``None`` for nobody: unknown, ended or timed out.

    This is one query. The last use is written at most once a minute for each session, and not while the store is
    locked.
    """
    return _check(deployment, digest_of(token))


def check_again(deployment: Deployment, live: LiveSession) -> Flow[LiveSession | None]:
    """Return *live* as it is stored now, or ``None`` when it has ended since it was checked.

    Raises:
        UsageError: *live* is no `LiveSession`.
    """
    return _check(deployment, require_live(live).session.digest)


def _check(deployment: Deployment, digest: bytes | None) -> Flow[LiveSession | None]:
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


def still_live(deployment: Deployment, live: LiveSession, context: RequestContext) -> SessionRequired:
    """Return the precondition of everything that a signed-in person writes: that *live* has not ended.

    It goes into the same commit as the change, so that a sign-out or an expiry in between refuses the change.

    Raises:
        UsageError: *live* is no `LiveSession`.
    """
    session = require_live(live).session
    policy, now = deployment.policy.sessions, context.at
    idle = policy.remembered_idle if session.remembered else policy.idle
    absolute = policy.remembered_absolute if session.remembered else policy.absolute
    return SessionRequired(session.digest, live.account.id, now - idle, now - absolute, now + LEEWAY)


def list_own(deployment: Deployment, live: LiveSession) -> Flow[tuple[Session, ...]]:
    """Return the signed-in person's live sessions, the last used first; empty when *live* itself has ended.

    Raises:
        UsageError: *live* is no `LiveSession`.
    """
    current = yield from check_again(deployment, live)
    return () if current is None else (yield from list_of_account(deployment, current.account.id))


def list_of_account(deployment: Deployment, account_id: AccountId) -> Flow[tuple[Session, ...]]:
    """Return the account's live sessions, the last used first; empty for an unknown account."""
    now = yield from ask(Clock.now)
    account = yield from ask(AccountStore.load, account_id)
    if account is None:
        return ()
    stored = yield from ask(SessionStore.list_sessions, account_id)
    return tuple(one for one in stored if is_live(one, account, now, deployment.policy.sessions))


def sign_out(token: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[bool]:
    """End what the browser holds: the session of *token*, also when it has got another token meanwhile.

    Returns whether this call ended a session; only then the audit trail records it. A stranger's sign-out writes
    nothing.
    """
    family = family_of(token)
    if family is None:
        return False
    live = yield from ask(SessionStore.find_family, family)
    if live is None:
        return False
    context = yield from begin(client)
    event = audit_event(AuditEventType.SESSION_CLOSED, context, account_id=live.account.id, reason="signed_out")
    advance(Authenticated(live.account, OpenedSession(SecretStr(str(token)), live.session)), LoggedOut())
    outcome = yield from commit_with(event, [SessionClosed(family, must_be_open=True)])
    return isinstance(outcome, Committed)


def close(
    deployment: Deployment, live: LiveSession, handle: object, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[Done | Refused]:
    """End the session that *handle* names among the signed-in person's own ones.

    Returns `Done` when it is closed, also when it had ended before; the audit trail says only what this call
    ended. Returns `Refused` (``session.ended``) when *live* itself has ended.

    Raises:
        UsageError: *live* is no `LiveSession`.
    """
    context = yield from begin(client)
    required = still_live(deployment, live, context)
    stored = yield from ask(SessionStore.list_sessions, live.account.id)
    chosen = next((one for one in stored if one.handle == handle), None)
    if chosen is not None:
        event = audit_event(AuditEventType.SESSION_CLOSED, context, account_id=live.account.id, reason="closed")
        outcome = yield from commit_with(event, [required, SessionClosed(chosen.family, must_be_open=True)])
        if isinstance(outcome, Committed):
            return Done(Problem(Code.SESSION_CLOSED))
    now_live = yield from check_again(deployment, live)
    return ENDED if now_live is None else Done(Problem(Code.SESSION_CLOSED))


def close_all(
    deployment: Deployment, live: LiveSession, *, keep: bool, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[Done | Refused]:
    """End all sessions of the signed-in person, but *live* itself where *keep* is true.

    Without *keep* the account's epoch advances, so a session that is just being opened ends as well.
    Returns `Done`, or `Refused` (``session.ended``) when *live* itself has ended.

    Raises:
        UsageError: *live* is no `LiveSession`.
    """
    account_id = require_live(live).account.id
    context = yield from begin(client)
    reason = "kept_one" if keep else ""
    event = audit_event(AuditEventType.SESSIONS_CLOSED, context, account_id=account_id, reason=reason)
    required = still_live(deployment, live, context)
    ending = [SessionsClosed(account_id, keep=live.session.family)] if keep else _end_all(account_id)
    outcome = yield from commit_with(event, [required, *ending])
    notice = Code.SESSION_OTHERS_CLOSED if keep else Code.SESSION_ENDED
    return Done(Problem(notice)) if isinstance(outcome, Committed) else ENDED


def close_of_account(account_id: AccountId, handle: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[bool]:
    """End the one of the account's sessions that *handle* names, for customer service.

    Returns whether this call ended a session; only then the audit trail says so.
    """
    stored = yield from ask(SessionStore.list_sessions, account_id)
    chosen = next((one for one in stored if one.handle == handle), None)
    if chosen is None:
        return False
    context = yield from begin(client)
    event = audit_event(AuditEventType.SESSION_CLOSED, context, account_id=account_id, reason="closed")
    outcome = yield from commit_with(event, [SessionClosed(chosen.family, must_be_open=True)])
    return isinstance(outcome, Committed)


def close_all_of_account(account_id: AccountId, client: ClientContext = UNKNOWN_CLIENT) -> Flow[bool]:
    """End all sessions of the account, for customer service.

    The account's epoch advances, so a session that is just being opened and every mailed link end as well.
    Returns whether there is such an account.
    """
    context = yield from begin(client)
    event = audit_event(AuditEventType.SESSIONS_CLOSED, context, account_id=account_id)
    outcome = yield from commit_with(event, _end_all(account_id))
    return isinstance(outcome, Committed)


def _end_all(account_id: AccountId) -> list[Change]:
    return [EpochAdvanced(account_id), SessionsClosed(account_id)]
