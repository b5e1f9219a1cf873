"""Sign in, in two steps: identify, then the password.

Every attempt asks the same questions in the same order until the password was accepted, whatever the
identifier turned out to be: that is the defence against telling accounts from no accounts.
"""

from datetime import datetime
from typing import assert_never

from cityauth.core.audit import AuditEvent, AuditEventType, audit_event
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext, RequestContext
from cityauth.core.event import IdentifierGiven, PasswordRefused, Refusal, RetiredIdentifierProven
from cityauth.core.identifier import Malformed
from cityauth.core.login import Admitted, advance
from cityauth.core.password import read as read_password
from cityauth.core.problem import Problem
from cityauth.core.resolution import IdentifierStatus
from cityauth.core.signing import Purpose, TokenDefect
from cityauth.core.state import Anonymous, Identified
from cityauth.core.step import UNIFORM_REFUSAL, LoginStep, PasswordRequired, Refused
from cityauth.flows.asking import Flow, ask
from cityauth.flows.context import begin
from cityauth.flows.deployment import Deployment
from cityauth.flows.identifiers import problem_of
from cityauth.flows.record import commit_with
from cityauth.flows.sign_in import Arrival, open_for
from cityauth.flows.verify import Verified, verify
from cityauth.messages import mask_email
from cityauth.messages.codes import Code
from cityauth.ports.services import Clock
from cityauth.ports.stores import AccountStore


def identify(deployment: Deployment, entered: object) -> Flow[LoginStep]:
    """Take an identifier and ask for the password. No store is asked: the answer cannot depend on one.

    Returns `Refused` only for what can be no identifier at all, judged by the text alone.
    """
    now = yield from ask(Clock.now)
    given = _give(deployment, Anonymous(), entered, now)
    return given if isinstance(given, Refused) else _ask_password(deployment, given)


def submit_password(
    deployment: Deployment,
    pending: object,
    password: object,
    *,
    identifier: object = None,
    remember: bool = False,
    client: ClientContext = UNKNOWN_CLIENT,
    session_token: object = None,
) -> Flow[LoginStep]:
    """Try a password for the pending login, resolved afresh.

    Returns `Authenticated`; `PasswordRequired` with the uniform refusal, or with the hint to the new
    identifier once a retired one was proven; `Refused` when the login has to begin again.
    """
    context = yield from begin(client)
    state = _open_pending(deployment, pending, context.at)
    if isinstance(state, Identified) and identifier is not None and identifier != state.entered:
        state = _give(deployment, state, identifier, context.at)
    if isinstance(state, Refused):
        return state
    secret = read_password(password, deployment.policy.passwords)
    verified = yield from verify(deployment, state.entered, secret, context)
    match verified.judgement:
        case Admitted(account):
            arrival = Arrival(state, account, verified, secret, remember=remember, former=session_token)
            opened = yield from open_for(deployment, arrival, context)
            if opened is not None:
                return opened
            return (yield from _refuse(deployment, state, verified, PasswordRefused(Refusal.OVERTAKEN), context))
        case RetiredIdentifierProven() as proven:
            return (yield from _name_successor(deployment, state, verified, proven, context))
        case PasswordRefused() as refused:
            return (yield from _refuse(deployment, state, verified, refused, context))
        case _:
            assert_never(verified.judgement)


def _give(
    deployment: Deployment, state: Anonymous | Identified, entered: object, now: datetime
) -> Identified | Refused:
    """Move to the identifier that was typed, or say what is wrong with its text."""
    candidates = deployment.resolver.read(entered)
    if isinstance(candidates, Malformed):
        return Refused(problem_of(candidates))
    return advance(state, IdentifierGiven(str(entered).strip(), now))


def _ask_password(deployment: Deployment, state: Identified, problem: Problem | None = None) -> PasswordRequired:
    """Seal the pending login as of when its identifier was given: trying again does not prolong it."""
    pending = deployment.signer.sign(Purpose.PENDING_LOGIN, {"entered": state.entered}, state.at)
    return PasswordRequired(pending, state.entered, problem)


def _open_pending(deployment: Deployment, pending: object, now: datetime) -> Identified | Refused:
    """Open a signed pending login, or begin again."""
    opened = deployment.signer.open(Purpose.PENDING_LOGIN, pending, now, deployment.policy.login.pending_max_age)
    entered = None if isinstance(opened, TokenDefect) else opened.payload.get("entered")
    if isinstance(opened, TokenDefect) or not isinstance(entered, str):
        return Refused(Problem(Code.LOGIN_EXPIRED))
    return Identified(entered, opened.signed_at)


def _refuse(
    deployment: Deployment, state: Identified, verified: Verified, refused: PasswordRefused, context: RequestContext
) -> Flow[PasswordRequired]:
    """Record the true reason and answer with the uniform one."""
    yield from commit_with(_failure(verified, refused.reason, context))
    return _ask_password(deployment, advance(state, refused), UNIFORM_REFUSAL)


def _name_successor(
    deployment: Deployment,
    state: Identified,
    verified: Verified,
    proven: RetiredIdentifierProven,
    context: RequestContext,
) -> Flow[PasswordRequired]:
    """Tell the owner of a retired identifier, after the right password, which address signs in now."""
    yield from commit_with(_failure(verified, Refusal.RETIRED, context))
    held = yield from ask(AccountStore.account_identifiers, proven.account.id)
    phase = verified.resolution.phase
    addresses = [
        one.identifier.shown for one in held if one.identifier.kind == "email" and one.status is IdentifierStatus.ACTIVE
    ]
    problem = UNIFORM_REFUSAL
    if addresses and phase is not None and phase.admits("email"):
        problem = Problem(Code.LOGIN_IDENTIFIER_RETIRED, {"email": mask_email(addresses[0])})
    return _ask_password(deployment, advance(state, proven), problem)


def _failure(verified: Verified, reason: Refusal, context: RequestContext) -> AuditEvent:
    """Return the audit line of a refused attempt."""
    resolution = verified.resolution
    return audit_event(
        AuditEventType.LOGIN_REFUSED,
        context,
        account_id=verified.holder,
        reason=reason.value,
        identifier_hash=verified.identifier_hash,
        detail={
            "outcome": resolution.outcome.value,
            "why": resolution.reason.value,
            "defect": verified.defect,
        },
    )
