"""Sign in, in two steps: identify, then the password.

Until a password is accepted, every attempt calls the same ports in the same order, whatever the identifier is. So
nobody can find out by the answer or the time whether an account exists.

The states and steps are in `cityauth.core.login`. To add a step, such as a second factor, begin with the table there.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from cityauth.core.accounts import Account
from cityauth.core.answers import Problem, Refused
from cityauth.core.audit import AuditEvent, AuditEventType, audit_event, hash_identifier
from cityauth.core.changes import (
    Change,
    Committed,
    PasswordReplaced,
    Precondition,
    Rejected,
    SessionClosed,
    SessionOpened,
)
from cityauth.core.characters import clean
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext, RequestContext
from cityauth.core.hashing import draw
from cityauth.core.identifiers import Malformed
from cityauth.core.login import (
    UNIFORM_REFUSAL,
    Admitted,
    Anonymous,
    Authenticated,
    Decision,
    Identified,
    IdentifierGiven,
    LoginStep,
    PasswordAccepted,
    PasswordRefused,
    PasswordRequired,
    RefusalReason,
    RetiredIdentifierProven,
    advance,
    decide,
    payload_of,
    state_of,
)
from cityauth.core.passwords import Password, PasswordDefect
from cityauth.core.passwords import read as read_password
from cityauth.core.resolution import IdentifierStatus, Resolution
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import TOKEN_BYTES, family_of, open_session
from cityauth.core.signing import Purpose, TokenDefect
from cityauth.core.throttling import Exhausted
from cityauth.errors import HasherBusyError, UsageError
from cityauth.flows.asking import Flow, ask, ask_for
from cityauth.flows.deployment import Deployment, begin, commit_with
from cityauth.flows.hash_kinds import current_mix, kind_of_hash
from cityauth.flows.identifiers import problem_of, resolve
from cityauth.flows.passwords import network_in, verify_password
from cityauth.flows.sign_in_failures import after_failures, commit_failure
from cityauth.flows.sign_in_limit import (
    NOTHING,
    Reservation,
    device_of,
    device_token_of,
    refund,
    reserve_attempt,
    seconds_until,
    throttled,
)
from cityauth.flows.throttling import is_flood, record_refusal
from cityauth.messages import mask_email
from cityauth.messages.codes import Code
from cityauth.ports.services import Clock, Entropy, PasswordHasher
from cityauth.ports.stores import AccountStore


@dataclass(frozen=True, slots=True)
class Attempt:
    """One password, tried for one identifier.

    Attributes:
        state: The login that it belongs to.
        context: When, and from where.
        password: The password as it was read.
        resolution: What the identifier is.
        decision: How the attempt was decided.
        outdated: Whether the right password should be hashed anew.
        identifier_hash: The keyed digest under which attempts on the identifier are counted.
        defect: What is wrong with the stored hash, for the audit trail; empty when nothing is.
        reserved: What was counted for it, and where.
        retry_at: When another password may be tried, if a limit is reached; then nothing was verified.
        device: The device that has signed in to the account before, if its token came along; else empty.
    """

    state: Identified
    context: RequestContext
    password: Password | PasswordDefect
    resolution: Resolution
    decision: Decision
    outdated: bool = False
    identifier_hash: str = ""
    defect: str = ""
    reserved: Reservation = NOTHING
    retry_at: datetime | None = None
    device: str = ""


def identify(deployment: Deployment, entered: object) -> Flow[LoginStep]:
    """Take an identifier and ask for the password. No store is asked, so the answer does not depend on what is stored.

    Returns `Refused` only for text that cannot be an identifier, judged by the text alone.
    """
    now = yield from ask(Clock.now)
    state = _give(deployment, Anonymous(), entered, now)
    return state if isinstance(state, Refused) else _ask_password(deployment, state)


def submit_password(
    deployment: Deployment,
    pending: object,
    password: object,
    *,
    identifier: object = None,
    remember: bool = False,
    client: ClientContext = UNKNOWN_CLIENT,
    session_token: object = None,
    device_token: object = None,
) -> Flow[LoginStep]:
    """Try a password for the pending login. The identifier is resolved afresh.

    Returns `Authenticated`; `PasswordRequired` with the uniform refusal, or with the hint to the new
    identifier once a retired one was proven; `Refused` when the login has to begin again.

    Raises:
        UsageError: *pending* is a step instead of its ``pending``.
    """
    if isinstance(pending, (PasswordRequired, Refused, Authenticated)):
        raise UsageError(f"step.pending is needed, and this is the step itself: {type(pending).__name__}")
    context = yield from begin(client)
    state = _open_pending(deployment, pending, context.at)
    if isinstance(state, Identified) and identifier is not None and identifier != state.entered:
        state = _give(deployment, state, identifier, context.at)
    if isinstance(state, Refused):
        return state
    secret = read_password(password, deployment.policy.passwords)
    attempt = yield from _attempt(deployment, state, secret, context, device_token)
    match attempt.decision:
        case Admitted() as admitted:
            return (yield from _sign_in(deployment, attempt, admitted, remember=remember, former=session_token))
        case RetiredIdentifierProven() as proven:
            return (yield from _name_successor(deployment, attempt, proven))
        case PasswordRefused() as refused:
            return (yield from _refuse(deployment, attempt, refused))
        case _:
            assert_never(attempt.decision)


# --- the pending login ----------------------------------------------------------------------------------------------


def _give(
    deployment: Deployment, state: Anonymous | Identified, entered: object, now: datetime
) -> Identified | Refused:
    """Move to the identifier that was typed, or say what is wrong with its text."""
    readings = deployment.resolver.read(entered)
    if isinstance(readings, Malformed):
        return Refused(problem_of(readings))
    return advance(state, IdentifierGiven(str(clean(entered)), now))


def _ask_password(deployment: Deployment, state: Identified, problem: Problem | None = None) -> PasswordRequired:
    """Sign the pending login with the time at which its identifier was given: another attempt does not prolong it."""
    pending = deployment.signer.sign(Purpose.PENDING_LOGIN, payload_of(state), state.at)
    return PasswordRequired(pending, state.entered, problem)


def _open_pending(deployment: Deployment, pending: object, now: datetime) -> Identified | Refused:
    """Return the state that a signed pending login carries, or a refusal that begins the login again."""
    signed = deployment.signer.open(Purpose.PENDING_LOGIN, pending, now, deployment.policy.login.pending_max_age)
    state = None if isinstance(signed, TokenDefect) else state_of(signed)
    return Refused(Problem(Code.LOGIN_EXPIRED)) if state is None else state


# --- the attempt ----------------------------------------------------------------------------------------------------


def _attempt(
    deployment: Deployment,
    state: Identified,
    password: Password | PasswordDefect,
    context: RequestContext,
    device_token: object,
) -> Flow[Attempt]:
    """Resolve the identifier, count the attempt, verify *password*, and decide.

    A text that cannot be a password (empty, too long, not text) is refused before any hashing, for
    every identifier alike; so is a text that cannot be an identifier, and an attempt above a limit.
    """
    resolution = yield from resolve(deployment, state.entered, context.at)
    key = resolution.looked_up.key if resolution.looked_up else ""
    guesses = key != "" and not isinstance(password, PasswordDefect)
    device = device_of(deployment, device_token, resolution.holder, context.at)
    reserved = yield from reserve_attempt(deployment, context, resolution, device, guesses=guesses)
    begun = Attempt(
        state,
        context,
        password,
        resolution,
        PasswordRefused(RefusalReason.MALFORMED_PASSWORD if key else RefusalReason.UNKNOWN),
        identifier_hash=hash_identifier(key, deployment.audit_secret) if key else "",
        device=device,
    )
    if isinstance(reserved, Exhausted):
        return replace(begun, decision=PasswordRefused(RefusalReason.THROTTLED), retry_at=reserved.retry_at)
    if key == "" or isinstance(password, PasswordDefect):
        return begun
    return (yield from _verify(deployment, replace(begun, reserved=reserved), key, password))


def _verify(deployment: Deployment, attempt: Attempt, key: str, password: Password) -> Flow[Attempt]:
    """Verify *password* against the account's hash, or against a dummy hash, and decide."""
    resolution, context = attempt.resolution, attempt.context
    match = resolution.match
    stored = match.password_hash if match else None
    mix = yield from current_mix(deployment, context.at)
    dummy = SecretStr(draw(key, deployment.dummy_secret, mix))  # also where it is not needed: it takes time
    against = (dummy if stored is None else stored).get_secret_value()
    holder = resolution.holder.account.id if resolution.holder else None
    try:
        verdict = yield from verify_password(
            deployment, password, against, context, account_id=holder, identifier_hash=attempt.identifier_hash
        )
    except HasherBusyError:
        yield from refund(deployment, attempt.reserved, context, forget=False)
        raise
    most = deployment.policy.throttle.password_disabled_after
    decision = decide(resolution, stored, matched=verdict.matched, most_failures=most)
    return replace(attempt, decision=decision, outdated=verdict.outdated, defect=verdict.defect or "")


def _refuse(deployment: Deployment, attempt: Attempt, refused: PasswordRefused) -> Flow[PasswordRequired]:
    """Record the true reason and answer with the uniform one."""
    state = advance(attempt.state, refused)
    event = _failure(attempt, refused.reason)
    if attempt.reserved.guess is None:
        yield from record_refusal(deployment, event, attempt.context)
    elif refused.reason is RefusalReason.OVERTAKEN:
        yield from commit_with(event)
    else:
        yield from commit_failure(deployment, attempt.context, attempt.resolution.holder, event)
    if attempt.retry_at is None:
        return _ask_password(deployment, state, UNIFORM_REFUSAL)
    required = _ask_password(deployment, state, throttled(attempt.retry_at, attempt.context.at))
    return replace(required, retry_after=seconds_until(attempt.retry_at, attempt.context.at))


def _name_successor(
    deployment: Deployment, attempt: Attempt, proven: RetiredIdentifierProven
) -> Flow[PasswordRequired]:
    """After the right password, show the owner of a retired identifier which address signs in now."""
    state = advance(attempt.state, proven)
    flood = yield from is_flood(deployment, attempt.context)
    yield from commit_with(_failure(attempt, RefusalReason.RETIRED), summed=flood)
    yield from refund(deployment, attempt.reserved, attempt.context, forget=True)
    held = yield from ask(AccountStore.account_identifiers, proven.account.id)
    phase = attempt.resolution.phase
    addresses = [
        one.identifier.shown for one in held if one.identifier.kind == "email" and one.status is IdentifierStatus.ACTIVE
    ]
    problem = UNIFORM_REFUSAL
    if addresses and phase is not None and phase.admits("email"):
        problem = Problem(Code.LOGIN_IDENTIFIER_RETIRED, {"email": mask_email(addresses[0])})
    return _ask_password(deployment, state, problem)


# --- the session ----------------------------------------------------------------------------------------------------


def _sign_in(
    deployment: Deployment, attempt: Attempt, admitted: Admitted, *, remember: bool, former: object
) -> Flow[Authenticated | PasswordRequired]:
    """Open a session. One commit writes the session, the new hash if there is one, and the audit line.

    It also ends the session of the token *former*.

    The rehash is refused when the stored hash is no longer the one that was verified. If another
    sign-in has rehashed it, this one goes on without a rehash. If the password was changed, the epoch has changed
    as well, so the session is refused, and the attempt with it.
    """
    account, context = admitted.match.account, attempt.context
    rehash = yield from _rehash(deployment, attempt, account, admitted.verified_hash)
    entropy = yield from ask(Entropy.draw, TOKEN_BYTES)
    kind = attempt.resolution.kind or ""
    opened = open_session(account, entropy, context, remember=remember, fresh=not remember, identifier_kind=kind)
    state = advance(attempt.state, PasswordAccepted(attempt.resolution, admitted.verified_hash, opened))
    ended = family_of(former)
    changes: list[Change] = (
        [] if ended is None else [SessionClosed(ended)]
    )  # closed first: then the account has room for the new session
    changes.append(SessionOpened(state.session.session, deployment.policy.sessions.per_account))
    changes += after_failures(deployment, context, admitted.match)
    success = _success(attempt, state.account, remember=remember, rehashed=bool(rehash))
    outcome = yield from commit_with(success, (*rehash, *changes))
    if isinstance(outcome, Rejected) and outcome.why is Precondition.PASSWORD_CHANGED:
        outcome = yield from commit_with(_success(attempt, state.account, remember=remember, rehashed=False), changes)
    if not isinstance(outcome, Committed):
        return (yield from _refuse(deployment, attempt, PasswordRefused(RefusalReason.OVERTAKEN)))
    yield from refund(deployment, attempt.reserved, context, forget=True)
    return replace(state, device_token=device_token_of(deployment, account, attempt.device or context.id, context.at))


def _rehash(deployment: Deployment, attempt: Attempt, account: Account, was: SecretStr) -> Flow[tuple[Change, ...]]:
    """Return the change that replaces an outdated hash; nothing when it is up to date."""
    if not attempt.outdated or isinstance(attempt.password, PasswordDefect):
        return ()
    try:
        replacement = yield from ask_for(network_in(attempt.context), PasswordHasher.hash, attempt.password)
    except HasherBusyError:  # the password was right: the next sign-in replaces the hash
        return ()
    now = SecretStr(replacement)
    return (PasswordReplaced(account.id, was, now, (yield from kind_of_hash(deployment, now))),)


# --- the audit trail ------------------------------------------------------------------------------------------------


def _failure(attempt: Attempt, reason: RefusalReason) -> AuditEvent:
    """Return the audit line of a refused attempt."""
    resolution = attempt.resolution
    return audit_event(
        AuditEventType.LOGIN_REFUSED,
        attempt.context,
        account_id=resolution.holder.account.id if resolution.holder else None,
        reason=reason.value,
        identifier_hash=attempt.identifier_hash,
        detail={
            "outcome": resolution.outcome.value,
            "why": resolution.reason.value,
            "defect": attempt.defect,
        },
    )


def _success(attempt: Attempt, account: Account, *, remember: bool, rehashed: bool) -> AuditEvent:
    """Return the audit line of an accepted attempt."""
    return audit_event(
        AuditEventType.LOGIN_ACCEPTED,
        attempt.context,
        account_id=account.id,
        identifier_hash=attempt.identifier_hash,
        detail={
            "kind": attempt.resolution.kind or "",
            "phase": attempt.resolution.phase or "",
            "remembered": "yes" if remember else "",
            "rehashed": "yes" if rehashed else "",
            "defect": attempt.defect,
        },
    )
