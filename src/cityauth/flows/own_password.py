"""A signed-in person's password: confirm it before a sensitive change, or change it."""

from dataclasses import replace

from cityauth.core.account import Account
from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.change import (
    Change,
    Committed,
    EpochAdvanced,
    PasswordReplaced,
    SessionClosed,
    SessionOpened,
    SessionsClosed,
)
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext, RequestContext
from cityauth.core.dummy import draw
from cityauth.core.link import Declined
from cityauth.core.login import Authenticated, PasswordConfirmed, advance
from cityauth.core.password import PasswordDefect
from cityauth.core.password import read as read_password
from cityauth.core.problem import Problem
from cityauth.core.secret import SecretStr
from cityauth.core.session import TOKEN_BYTES, LiveSession, OpenedSession, open_session
from cityauth.core.throttle import Exhausted, bucket_of
from cityauth.flows.asking import Flow, ask
from cityauth.flows.context import begin
from cityauth.flows.deployment import Deployment
from cityauth.flows.links import identifiers_of
from cityauth.flows.notifications import addresses_of, notify
from cityauth.flows.passwords import PasswordRejected, hash_new, or_busy
from cityauth.flows.record import commit_with
from cityauth.flows.recovery import words_of
from cityauth.flows.sessions import check
from cityauth.messages import Mail
from cityauth.messages.codes import Code
from cityauth.ports.services import Entropy, PasswordHasher
from cityauth.ports.stores import AccountStore, ThrottleStore

_ENDED = Declined(Problem(Code.SESSION_ENDED))
_WRONG = Declined(Problem(Code.PASSWORD_WRONG_CURRENT))


def confirm(
    deployment: Deployment, token: object, password: object, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[Authenticated | Declined]:
    """Verify the signed-in person's password once more; the session is fresh then and has a new token.

    The old token dies (ASVS 7.2.4). Only this account's own password counts (B-86). Returns `Declined`
    when the session has ended, the password is wrong, or too many were tried.
    """
    live = yield from check(deployment, token)
    if live is None:
        return _ENDED
    context = yield from begin(client)
    stored = yield from _verify_own(deployment, live.account, password, context)
    if isinstance(stored, Declined):
        return stored
    opened = yield from _reopen(live, live.account, context)
    changes: list[Change] = [
        SessionClosed(live.session.digest, must_be_open=True),  # first, so that it makes room for the new one
        SessionOpened(opened.session, deployment.policy.sessions.per_account),
    ]
    event = audit_event(AuditEventType.PASSWORD_CONFIRMED, context, account_id=live.account.id)
    outcome = yield from commit_with(event, changes)
    if not isinstance(outcome, Committed):
        return _ENDED
    state = Authenticated(live.account, OpenedSession(SecretStr(str(token)), live.session))
    return advance(state, PasswordConfirmed(live.account, opened))


def change(
    deployment: Deployment, token: object, current: object, new: object, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[Authenticated | PasswordRejected | Declined]:
    """Change the signed-in person's password; the current one is required (ASVS 6.2.3).

    Ends every other session and every link, gives this session a new token, and tells every verified
    address. Returns `Declined` or `PasswordRejected` with nothing changed.
    """
    live = yield from check(deployment, token)
    if live is None:
        return _ENDED
    context = yield from begin(client)
    stored = yield from _verify_own(deployment, live.account, current, context)
    if isinstance(stored, Declined):
        return stored
    held = yield from identifiers_of(live.account.id)
    hashed = yield from hash_new(deployment, new, words_of(live.account, held), context, live.account.id)
    if isinstance(hashed, PasswordRejected):
        return hashed
    account = replace(live.account, epoch=live.account.epoch + 1)
    opened = yield from _reopen(live, account, context)
    changes: list[Change] = [
        PasswordReplaced(account.id, was=stored, now=hashed),
        SessionClosed(live.session.digest, must_be_open=True),
        EpochAdvanced(account.id),
        SessionsClosed(account.id),
        SessionOpened(opened.session, deployment.policy.sessions.per_account),
        *notify(deployment, context, Mail.PASSWORD_CHANGED, account, addresses_of(account, held)),
    ]
    event = audit_event(AuditEventType.PASSWORD_CHANGED, context, account_id=account.id)
    outcome = yield from commit_with(event, changes)
    if not isinstance(outcome, Committed):
        return _ENDED
    state = Authenticated(live.account, OpenedSession(SecretStr(str(token)), live.session))
    return advance(state, PasswordConfirmed(account, opened))


def _verify_own(
    deployment: Deployment, account: Account, password: object, context: RequestContext
) -> Flow[SecretStr | Declined]:
    """Verify *password* for *account*, counted before it is tried; return the hash that it matched."""
    bucket = bucket_of("verify", account.id, deployment.audit_secret)
    caps = deployment.policy.throttle.verify_per_account
    allowance = yield from ask(ThrottleStore.reserve, bucket, caps, context.at)
    if isinstance(allowance, Exhausted):
        return Declined(Problem(Code.THROTTLE_REQUEST))
    secret = read_password(password, deployment.policy.passwords)
    stored = yield from ask(AccountStore.password_hash, account.id)
    if not isinstance(secret, PasswordDefect):
        against = (
            stored.get_secret_value() if stored else draw(account.id, deployment.dummy_secret, deployment.hash_mix)
        )
        verdict = yield from or_busy(ask(PasswordHasher.verify, secret, against), context, account.id)
        if stored is not None and verdict.matched:
            return stored
    event = audit_event(AuditEventType.PASSWORD_NOT_CONFIRMED, context, account_id=account.id)
    yield from commit_with(event)
    return _WRONG


def _reopen(live: LiveSession, account: Account, context: RequestContext) -> Flow[OpenedSession]:
    """Return a fresh session in place of *live*, remembered if that one was."""
    entropy = yield from ask(Entropy.draw, TOKEN_BYTES)
    former = live.session
    return open_session(
        account,
        entropy,
        context,
        remember=former.remembered,
        fresh=True,
        identifier_kind=former.identifier_kind,
        method=former.method,
    )
