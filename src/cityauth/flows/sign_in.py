"""Open a session for an accepted password: rehash, session and audit line in one commit."""

from dataclasses import dataclass

from cityauth.core.account import Account
from cityauth.core.audit import AuditEvent, AuditEventType, audit_event
from cityauth.core.change import (
    Change,
    Committed,
    PasswordReplaced,
    Precondition,
    Rejected,
    SessionClosed,
    SessionOpened,
)
from cityauth.core.client import RequestContext
from cityauth.core.event import PasswordAccepted
from cityauth.core.login import advance
from cityauth.core.password import Password, PasswordDefect
from cityauth.core.secret import SecretStr
from cityauth.core.session import TOKEN_BYTES, digest_of, open_session
from cityauth.core.state import Authenticated, Identified
from cityauth.errors import HasherBusyError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.flows.record import commit_with
from cityauth.flows.verify import Verified
from cityauth.ports.services import Entropy, PasswordHasher


@dataclass(frozen=True, slots=True)
class Arrival:
    """An accepted attempt that is about to become a session.

    Attributes:
        state: The login it belongs to.
        account: The account as it was resolved.
        verified: How it was verified.
        password: The right password, for a rehash.
        remember: Whether the person chose to be remembered.
        former: The token that the browser sent along, if any: it dies (ASVS 7.2.4).
    """

    state: Identified
    account: Account
    verified: Verified
    password: Password | PasswordDefect
    remember: bool
    former: object


def open_for(deployment: Deployment, arrival: Arrival, context: RequestContext) -> Flow[Authenticated | None]:
    """Open a session for *arrival*.

    The rehash is a compare-and-set on the very hash that was verified. When it is overtaken by another
    sign-in's rehash, this one goes on without; when by a new password, the session's epoch is stale
    and ``None`` is returned: the attempt must be refused (C-08, C-09, C-10, C-11).
    """
    account, resolution = arrival.account, arrival.verified.resolution
    rehash = yield from _rehash(arrival)
    entropy = yield from ask(Entropy.draw, TOKEN_BYTES)
    kind = resolution.kind or ""
    remember = arrival.remember
    opened = open_session(account, entropy, context, remember=remember, fresh=not remember, identifier_kind=kind)
    former = digest_of(arrival.former)
    ended = () if former is None else (SessionClosed(former),)  # first, so that it makes room for the new one
    changes: list[Change] = [*ended, SessionOpened(opened.session, deployment.policy.sessions.per_account)]
    outcome = yield from commit_with(_success(arrival, context, rehashed=bool(rehash)), (*rehash, *changes))
    if isinstance(outcome, Rejected) and outcome.why is Precondition.PASSWORD_CHANGED:
        outcome = yield from commit_with(_success(arrival, context, rehashed=False), changes)
    if not isinstance(outcome, Committed):
        return None
    return advance(arrival.state, PasswordAccepted(resolution, account, opened))


def _rehash(arrival: Arrival) -> Flow[tuple[Change, ...]]:
    """Return the change that replaces an outdated hash; nothing when it is up to date."""
    if not arrival.verified.outdated or isinstance(arrival.password, PasswordDefect):
        return ()
    try:
        replacement = yield from ask(PasswordHasher.hash, arrival.password)
    except HasherBusyError:  # the password was right: the next sign-in replaces the hash
        return ()
    was = arrival.verified.stored_hash
    return (PasswordReplaced(arrival.account.id, was=was, now=SecretStr(replacement)),)


def _success(arrival: Arrival, context: RequestContext, *, rehashed: bool) -> AuditEvent:
    """Return the audit line of an accepted attempt."""
    resolution = arrival.verified.resolution
    return audit_event(
        AuditEventType.LOGIN_ACCEPTED,
        context,
        account_id=arrival.account.id,
        identifier_hash=arrival.verified.identifier_hash,
        detail={
            "kind": resolution.kind or "",
            "phase": resolution.phase or "",
            "remembered": "yes" if arrival.remember else "",
            "rehashed": "yes" if rehashed else "",
            "defect": arrival.verified.defect,
        },
    )
