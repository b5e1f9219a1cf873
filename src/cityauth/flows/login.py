"""Sign in, in two steps: identify, then the password.

Every attempt asks the same questions in the same order until the password was accepted, whatever the
identifier turned out to be: that is the defence against telling accounts from no accounts.
"""

from datetime import datetime
from typing import assert_never

from cityauth.core.audit import AuditEvent, Happening, report
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext, Occasion
from cityauth.core.event import IdentifierGiven, PasswordRefused, Refusal, RetiredIdentifierProven
from cityauth.core.identifier import Malformed
from cityauth.core.login import Admitted, advance
from cityauth.core.password import read as read_password
from cityauth.core.problem import Problem
from cityauth.core.resolution import Life
from cityauth.core.sealing import Purpose, SealDefect
from cityauth.core.state import Anonymous, Identified
from cityauth.core.step import UNIFORM_REFUSAL, LoginStep, PasswordRequired, Refused
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.flows.malformed import problem_of
from cityauth.flows.occasion import begin
from cityauth.flows.record import commit_with
from cityauth.flows.sign_in import Arrival, open_for
from cityauth.flows.verify import Verified, verify
from cityauth.messages import mask_email
from cityauth.messages.codes import Code
from cityauth.ports.accounts import AccountStore
from cityauth.ports.clock import Clock


def identify(desk: Deployment, entered: object) -> Flow[LoginStep]:
    """Take an identifier and ask for the password. No store is asked: the answer cannot depend on one.

    Returns `Refused` only for what can be no identifier at all, judged by the text alone.
    """
    now = yield from ask(Clock.now)
    given = _give(desk, Anonymous(), entered, now)
    return given if isinstance(given, Refused) else _ask_password(desk, given)


def submit_password(
    desk: Deployment,
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
    occasion = yield from begin(client)
    state = _open_pending(desk, pending, occasion.at)
    if isinstance(state, Identified) and identifier is not None and identifier != state.entered:
        state = _give(desk, state, identifier, occasion.at)
    if isinstance(state, Refused):
        return state
    secret = read_password(password, desk.policy.passwords)
    verified = yield from verify(desk, state.entered, secret, occasion.at)
    match verified.judgement:
        case Admitted(account):
            arrival = Arrival(state, account, verified, secret, remember=remember, former=session_token)
            opened = yield from open_for(desk, arrival, occasion)
            if opened is not None:
                return opened
            return (yield from _refuse(desk, state, verified, PasswordRefused(Refusal.OVERTAKEN), occasion))
        case RetiredIdentifierProven() as proven:
            return (yield from _name_successor(desk, state, verified, proven, occasion))
        case PasswordRefused() as refused:
            return (yield from _refuse(desk, state, verified, refused, occasion))
        case _:
            assert_never(verified.judgement)


def _give(desk: Deployment, state: Anonymous | Identified, entered: object, now: datetime) -> Identified | Refused:
    """Move to the identifier that was typed, or say what is wrong with its text."""
    candidates = desk.resolver.read(entered)
    if isinstance(candidates, Malformed):
        return Refused(problem_of(candidates))
    return advance(state, IdentifierGiven(str(entered).strip(), now))


def _ask_password(desk: Deployment, state: Identified, problem: Problem | None = None) -> PasswordRequired:
    """Seal the pending login as of when its identifier was given: trying again does not prolong it."""
    pending = desk.sealer.seal(Purpose.PENDING_LOGIN, {"entered": state.entered}, state.at)
    return PasswordRequired(pending, state.entered, problem)


def _open_pending(desk: Deployment, pending: object, now: datetime) -> Identified | Refused:
    """Open a sealed pending login, or begin again."""
    opened = desk.sealer.open(Purpose.PENDING_LOGIN, pending, now, desk.policy.login.pending_max_age)
    entered = None if isinstance(opened, SealDefect) else opened.payload.get("entered")
    if isinstance(opened, SealDefect) or not isinstance(entered, str):
        return Refused(Problem(Code.LOGIN_EXPIRED))
    return Identified(entered, opened.sealed_at)


def _refuse(
    desk: Deployment, state: Identified, verified: Verified, refused: PasswordRefused, occasion: Occasion
) -> Flow[PasswordRequired]:
    """Record the true reason and answer with the uniform one."""
    yield from commit_with(_failure(verified, refused.reason, occasion))
    return _ask_password(desk, advance(state, refused), UNIFORM_REFUSAL)


def _name_successor(
    desk: Deployment,
    state: Identified,
    verified: Verified,
    proven: RetiredIdentifierProven,
    occasion: Occasion,
) -> Flow[PasswordRequired]:
    """Tell the owner of a retired identifier, after the right password, which address signs in now."""
    yield from commit_with(_failure(verified, Refusal.RETIRED, occasion))
    held = yield from ask(AccountStore.holdings, proven.account.id)
    stage = verified.resolution.stage
    addresses = [one.identifier.shown for one in held if one.identifier.kind == "email" and one.life is Life.ACTIVE]
    problem = UNIFORM_REFUSAL
    if addresses and stage is not None and stage.admits("email"):
        problem = Problem(Code.LOGIN_IDENTIFIER_RETIRED, {"email": mask_email(addresses[0])})
    return _ask_password(desk, advance(state, proven), problem)


def _failure(verified: Verified, reason: Refusal, occasion: Occasion) -> AuditEvent:
    """Return the audit line of a refused attempt."""
    resolution = verified.resolution
    return report(
        Happening.LOGIN_REFUSED,
        occasion,
        account_id=verified.holder,
        reason=reason.value,
        subject=verified.subject,
        detail={
            "outcome": resolution.outcome.value,
            "why": resolution.reason.value,
            "defect": verified.defect,
        },
    )
