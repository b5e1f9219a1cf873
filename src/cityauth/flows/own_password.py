"""A signed-in person's password: confirm it before a sensitive change, or change it."""

from dataclasses import dataclass, replace

from cityauth.core.accounts import Account
from cityauth.core.answers import Problem, Refused
from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.changes import (
    Change,
    Committed,
    EpochAdvanced,
    PasswordReplaced,
    Precondition,
    SessionClosed,
    SessionOpened,
    SessionsClosed,
)
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext, RequestContext
from cityauth.core.hashing import draw
from cityauth.core.login import Authenticated, PasswordConfirmed, advance
from cityauth.core.passwords import PasswordDefect
from cityauth.core.passwords import read as read_password
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import TOKEN_BYTES, LiveSession, OpenedSession, open_session
from cityauth.core.throttling import Exhausted, FailuresCleared, bucket_of
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, begin, commit_with
from cityauth.flows.hash_kinds import current_mix, kind_of_hash
from cityauth.flows.links import identifiers_of
from cityauth.flows.mail import addresses_of, notify
from cityauth.flows.passwords import hash_new, verify_password
from cityauth.flows.recovery import words_of
from cityauth.flows.sessions import ENDED, check_again, still_live
from cityauth.flows.throttling import reserve
from cityauth.messages import Mail
from cityauth.messages.codes import Code
from cityauth.ports.services import Entropy
from cityauth.ports.stores import AccountStore

_WRONG = Refused(Problem(Code.PASSWORD_WRONG_CURRENT))

_REHASHES = 5
"""How often a change is tried again when a sign-in renews the hash at the same moment."""


@dataclass(frozen=True, slots=True)
class _Verified:
    """What came of verifying the own password.

    Attributes:
        matched: The stored hash if the password matched it, else ``None``.
        defect: What is wrong with the stored hash, for the audit trail; empty when nothing is.
    """

    matched: SecretStr | None
    defect: str = ""


def confirm(
    deployment: Deployment, live: LiveSession, password: object, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[Authenticated | Refused]:
    """Verify the signed-in person's password once more; the session is fresh then and has a new token.

    The old token ends. Only the password of this account counts. Returns `Refused` when the session has
    ended, the password is wrong, or too many were tried.

    Raises:
        UsageError: *live* is no `LiveSession`.
    """
    current = yield from check_again(deployment, live)
    if current is None:
        return ENDED
    context = yield from begin(client)
    own = yield from _verify_own(deployment, current.account, password, context)
    if isinstance(own, Refused):
        return own
    opened = yield from _reopen(current, current.account, context)
    confirmed = advance(Authenticated(current.account, opened), PasswordConfirmed(current.account, opened))
    changes: list[Change] = [
        still_live(deployment, current, context),
        SessionClosed(current.session.family),  # first, so that it makes room for the new one
        SessionOpened(opened.session, deployment.policy.sessions.per_account),
    ]
    detail = {"defect": own.defect}
    event = audit_event(AuditEventType.PASSWORD_CONFIRMED, context, account_id=current.account.id, detail=detail)
    outcome = yield from commit_with(event, changes)
    return confirmed if isinstance(outcome, Committed) else ENDED


def change(
    deployment: Deployment,
    live: LiveSession,
    current_password: object,
    new_password: object,
    client: ClientContext = UNKNOWN_CLIENT,
) -> Flow[Authenticated | Refused]:
    """Change the signed-in person's password; the current one is required.

    Ends every other session and every link, gives this session a new token, and mails every verified
    address. Returns `Refused` with nothing changed.

    Raises:
        UsageError: *live* is no `LiveSession`.
    """
    current = yield from check_again(deployment, live)
    if current is None:
        return ENDED
    context = yield from begin(client)
    own = yield from _verify_own(deployment, current.account, current_password, context)
    if isinstance(own, Refused):
        return own
    held = yield from identifiers_of(current.account.id)
    hashed = yield from hash_new(deployment, new_password, words_of(current.account, held), context, current.account.id)
    if isinstance(hashed, Refused):
        return hashed
    account = replace(current.account, epoch=current.account.epoch + 1)
    opened = yield from _reopen(current, account, context)
    confirmed = advance(Authenticated(current.account, opened), PasswordConfirmed(account, opened))
    changes: list[Change] = [
        FailuresCleared(account.id),
        EpochAdvanced(account.id),
        SessionsClosed(account.id),
        SessionOpened(opened.session, deployment.policy.sessions.per_account),
        *notify(deployment, context, Mail.PASSWORD_CHANGED, account, addresses_of(account, held)),
    ]
    event = audit_event(AuditEventType.PASSWORD_CHANGED, context, account_id=account.id, detail={"defect": own.defect})
    required = still_live(deployment, current, context)
    kind = yield from kind_of_hash(deployment, hashed)
    for _ in range(_REHASHES):
        replaced = PasswordReplaced(account.id, was=own.matched, now=hashed, hash_kind=kind)
        outcome = yield from commit_with(event, [required, replaced, *changes])
        if isinstance(outcome, Committed):
            return confirmed
        if outcome.why is not Precondition.PASSWORD_CHANGED:
            return ENDED
        # The session is live, so nobody set another password: a sign-in made a new hash of this one.
        own = yield from _verify(deployment, account, current_password, context)
        if own.matched is None:
            return _WRONG
    return Refused(Problem(Code.THROTTLE_REQUEST))


def _verify_own(
    deployment: Deployment, account: Account, password: object, context: RequestContext
) -> Flow[_Verified | Refused]:
    """Verify *password* for *account*, and count the attempt before it is made; return the hash that matched."""
    bucket = bucket_of("verify", account.id, deployment.audit_secret)
    limits = deployment.policy.throttle.verify_per_account
    allowance = yield from reserve(deployment, bucket, limits, context.at)
    if isinstance(allowance, Exhausted):
        return Refused(Problem(Code.THROTTLE_REQUEST))
    own = yield from _verify(deployment, account, password, context)
    if own.matched is not None:
        return own
    detail = {"defect": own.defect}
    event = audit_event(AuditEventType.PASSWORD_NOT_CONFIRMED, context, account_id=account.id, detail=detail)
    yield from commit_with(event)
    return _WRONG


def _verify(deployment: Deployment, account: Account, password: object, context: RequestContext) -> Flow[_Verified]:
    """Verify *password* against the account's stored hash, or against a dummy where it has none."""
    secret = read_password(password, deployment.policy.passwords)
    stored = yield from ask(AccountStore.password_hash, account.id)
    if isinstance(secret, PasswordDefect):
        return _Verified(None)
    dummy = draw(account.id, deployment.dummy_secret, (yield from current_mix(deployment, context.at)))
    against = stored.get_secret_value() if stored else dummy
    verdict = yield from verify_password(deployment, secret, against, context, account_id=account.id)
    return _Verified(stored if verdict.matched else None, verdict.defect or "" if stored else "")


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
        family=former.family,
    )
