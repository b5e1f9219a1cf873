"""A signed-in person's password: confirm it before a sensitive change, or change it."""

from dataclasses import replace

from cityauth.core.account import Account
from cityauth.core.audit import Happening, report
from cityauth.core.change import (
    Change,
    Committed,
    EpochAdvanced,
    PasswordReplaced,
    SessionClosed,
    SessionOpened,
    SessionsClosed,
)
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext, Occasion
from cityauth.core.event import PasswordConfirmed
from cityauth.core.ghost import draw
from cityauth.core.link import Declined
from cityauth.core.login import advance
from cityauth.core.password import PasswordDefect
from cityauth.core.password import read as read_password
from cityauth.core.problem import Problem
from cityauth.core.secret import Concealed
from cityauth.core.session import TOKEN_BYTES, LiveSession, OpenedSession, open_session
from cityauth.core.state import Authenticated
from cityauth.core.throttle import Exhausted, bucket_of
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.flows.letters import addresses_of, notify
from cityauth.flows.linking import holdings_of
from cityauth.flows.occasion import begin
from cityauth.flows.passwords import PasswordRejected, hash_new
from cityauth.flows.record import commit_with
from cityauth.flows.recovery import words_of
from cityauth.flows.sessions import check
from cityauth.messages import Mail
from cityauth.messages.codes import Code
from cityauth.ports.accounts import AccountStore
from cityauth.ports.clock import Entropy
from cityauth.ports.hasher import PasswordHasher
from cityauth.ports.throttle import ThrottleStore

_ENDED = Declined(Problem(Code.SESSION_ENDED))
_WRONG = Declined(Problem(Code.PASSWORD_WRONG_CURRENT))


def confirm(
    desk: Deployment, token: object, password: object, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[Authenticated | Declined]:
    """Verify the signed-in person's password once more; the session is fresh then and has a new token.

    The old token dies (ASVS 7.2.4). Only this account's own password counts (B-86). Returns `Declined`
    when the session has ended, the password is wrong, or too many were tried.
    """
    live = yield from check(desk, token)
    if live is None:
        return _ENDED
    occasion = yield from begin(client)
    stored = yield from _verify_own(desk, live.account, password, occasion)
    if isinstance(stored, Declined):
        return stored
    opened = yield from _reopen(live, live.account, occasion)
    changes: list[Change] = [
        SessionClosed(live.session.digest, must_be_open=True),  # first, so that it makes room for the new one
        SessionOpened(opened.session, desk.policy.sessions.per_account),
    ]
    event = report(Happening.PASSWORD_CONFIRMED, occasion, account_id=live.account.id)
    outcome = yield from commit_with(event, changes)
    if not isinstance(outcome, Committed):
        return _ENDED
    state = Authenticated(live.account, OpenedSession(Concealed(str(token)), live.session))
    return advance(state, PasswordConfirmed(live.account, opened))


def change(
    desk: Deployment, token: object, current: object, new: object, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[Authenticated | PasswordRejected | Declined]:
    """Change the signed-in person's password; the current one is required (ASVS 6.2.3).

    Ends every other session and every link, gives this session a new token, and tells every verified
    address. Returns `Declined` or `PasswordRejected` with nothing changed.
    """
    live = yield from check(desk, token)
    if live is None:
        return _ENDED
    occasion = yield from begin(client)
    stored = yield from _verify_own(desk, live.account, current, occasion)
    if isinstance(stored, Declined):
        return stored
    held = yield from holdings_of(live.account.id)
    hashed = yield from hash_new(desk, new, words_of(live.account, held))
    if isinstance(hashed, PasswordRejected):
        return hashed
    account = replace(live.account, epoch=live.account.epoch + 1)
    opened = yield from _reopen(live, account, occasion)
    changes: list[Change] = [
        PasswordReplaced(account.id, was=stored, now=hashed),
        SessionClosed(live.session.digest, must_be_open=True),
        EpochAdvanced(account.id),
        SessionsClosed(account.id),
        SessionOpened(opened.session, desk.policy.sessions.per_account),
        *notify(desk, occasion, Mail.PASSWORD_CHANGED, account, addresses_of(account, held)),
    ]
    event = report(Happening.PASSWORD_CHANGED, occasion, account_id=account.id)
    outcome = yield from commit_with(event, changes)
    if not isinstance(outcome, Committed):
        return _ENDED
    state = Authenticated(live.account, OpenedSession(Concealed(str(token)), live.session))
    return advance(state, PasswordConfirmed(account, opened))


def _verify_own(desk: Deployment, account: Account, password: object, occasion: Occasion) -> Flow[Concealed | Declined]:
    """Verify *password* for *account*, counted before it is tried; return the hash that it matched."""
    bucket = bucket_of("verify", account.id, desk.audit_secret)
    caps = desk.policy.throttle.verify_per_account
    allowance = yield from ask(ThrottleStore.reserve, bucket, caps, occasion.at)
    if isinstance(allowance, Exhausted):
        return Declined(Problem(Code.THROTTLE_REQUEST))
    secret = read_password(password, desk.policy.passwords)
    stored = yield from ask(AccountStore.password_hash, account.id)
    if not isinstance(secret, PasswordDefect):
        against = stored.reveal() if stored else draw(account.id, desk.ghost_secret, desk.ghosts)
        verdict = yield from ask(PasswordHasher.verify, secret, against)
        if stored is not None and verdict.matched:
            return stored
    event = report(Happening.PASSWORD_NOT_CONFIRMED, occasion, account_id=account.id)
    yield from commit_with(event)
    return _WRONG


def _reopen(live: LiveSession, account: Account, occasion: Occasion) -> Flow[OpenedSession]:
    """Return a fresh session in place of *live*, remembered if that one was."""
    entropy = yield from ask(Entropy.draw, TOKEN_BYTES)
    former = live.session
    return open_session(
        account,
        entropy,
        occasion,
        remember=former.remembered,
        fresh=True,
        identifier_kind=former.identifier_kind,
        method=former.method,
    )
