"""New passwords: check one and make its hash. Every use case that sets a password does it here."""

from collections.abc import Iterable
from typing import Final, TypeVar

from cityauth.core.accounts import AccountId
from cityauth.core.answers import Problem, Refused
from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.client import UNKNOWN_CLIENT, RequestContext
from cityauth.core.hashing import HashDefect
from cityauth.core.passwords import Password, PasswordDefect, PasswordProblem, judge_new
from cityauth.core.passwords import read as read_password
from cityauth.core.secret import SecretStr
from cityauth.core.throttling import network_of
from cityauth.errors import BreachCheckerUnavailableError, HasherBusyError, UsageError
from cityauth.flows.asking import Flow, ask, ask_for
from cityauth.flows.deployment import Deployment, begin, commit_with
from cityauth.flows.throttling import record_refusal
from cityauth.messages.codes import Code
from cityauth.ports.services import BreachChecker, PasswordHasher, Verdict

T = TypeVar("T")

_REASON_LENGTH: Final = 64
"""The most characters that the audit trail keeps of why a checker could not answer."""


def judge(deployment: Deployment, password: object, context: Iterable[str] = ()) -> Password | Refused:
    """Return the new password ready to be hashed, or everything that is wrong with it.

    Args:
        deployment: The deployment.
        password: The new password as typed.
        context: Words of this person (own e-mail, username, name), refused as a whole password.
    """
    policy = deployment.policy.passwords
    secret = read_password(password, policy)
    if isinstance(secret, PasswordDefect):
        return Refused(_defect(secret, policy.max_code_points))
    problems = judge_new(secret, policy, context, deployment.common)
    if problems:
        first, *others = (_problem(one, policy.min_length) for one in problems)
        return Refused(first, tuple(others))
    return secret


def hash_new(
    deployment: Deployment,
    password: object,
    words: Iterable[str] = (),
    context: RequestContext | None = None,
    account_id: AccountId | None = None,
) -> Flow[SecretStr | Refused]:
    """Return the hash of a new password, or everything that is wrong with it.

    Args:
        deployment: The deployment.
        password: The new password as typed.
        words: Words of this person, as in `judge`.
        context: The request, for the audit events of a hasher that is busy and of breaches that cannot be checked.
        account_id: Whose password it is, for the same events.

    Raises:
        HasherBusyError: see `or_busy`.
    """
    judged = judge(deployment, password, words)
    if isinstance(judged, Refused):
        return judged
    if (yield from _is_breached(deployment, judged, context, account_id)):
        return Refused(Problem(Code.PASSWORD_BREACHED))
    question = ask_for(network_in(context), PasswordHasher.hash, judged)
    hashed = yield from or_busy(deployment, question, context, account_id)
    return SecretStr(hashed)


def _is_breached(
    deployment: Deployment, password: Password, context: RequestContext | None, account_id: AccountId | None
) -> Flow[bool]:
    """Whether *password* is known to be breached.

    No, where there is no `BreachChecker`. Where it cannot answer now, the answer is no as well, so that it locks nobody
    out, and the audit trail records it.
    """
    if not deployment.checks_breaches:
        return False
    try:
        return (yield from ask(BreachChecker.is_breached, password))
    except BreachCheckerUnavailableError as error:
        reason = error.reason
    except OSError:
        reason = "unreachable"
    # The use case's own commit has the context's id, so this one needs another.
    own = yield from begin(context.client if context else UNKNOWN_CLIENT)
    yield from commit_with(
        audit_event(AuditEventType.BREACH_CHECK_FAILED, own, account_id=account_id, reason=reason[:_REASON_LENGTH])
    )
    return False


def verify_password(
    deployment: Deployment,
    password: Password,
    stored: str,
    context: RequestContext,
    *,
    account_id: AccountId | None,
    identifier_hash: str = "",
) -> Flow[Verdict]:
    """Verify *password* against *stored*.

    Args:
        deployment: The deployment.
        password: What was typed.
        stored: The account's stored hash, or a dummy hash.
        context: The request: networks take turns where hashes wait.
        account_id: Whose password it may be, for the audit event of a hasher that is busy.
        identifier_hash: The digest of what was typed as the identifier, for the same event.

    Raises:
        HasherBusyError: see `or_busy`.
    """
    question = ask_for(network_in(context), PasswordHasher.verify, password, stored)
    return (yield from or_busy(deployment, question, context, account_id, identifier_hash))


def network_in(context: RequestContext | None) -> str:
    """Return the network that a request comes from; empty where its address is not known."""
    address = context.client.address if context else None
    return network_of(address) if address else ""


def or_busy(
    deployment: Deployment,
    question: Flow[T],
    context: RequestContext | None = None,
    account_id: AccountId | None = None,
    identifier_hash: str = "",
) -> Flow[T]:
    """Return the hasher's answer to *question*.

    Raises:
        HasherBusyError: the hasher cannot work now. The audit trail records it, within the limits of refusals that
            cost no work, before the error is raised again. Nothing is known of the password, so it is not a refusal.
    """
    try:
        return (yield from question)
    except HasherBusyError:
        if context is None:
            context = yield from begin(UNKNOWN_CLIENT)
        event = audit_event(AuditEventType.HASHER_BUSY, context, account_id=account_id, identifier_hash=identifier_hash)
        yield from record_refusal(deployment, event, context)
        raise


def find_defect(stored: object) -> Flow[HashDefect | None]:
    """Return why this deployment cannot verify the hash *stored*, or ``None`` when it can.

    Raises:
        UsageError: *stored* is a `SecretStr`, whose text was meant.
    """
    if isinstance(stored, SecretStr):
        raise UsageError("a stored hash is given as text: take it out of the SecretStr with get_secret_value()")
    if not isinstance(stored, str):
        return HashDefect.UNKNOWN_SCHEME
    return (yield from ask(PasswordHasher.find_defect, stored))


def _defect(defect: PasswordDefect, maximum: int) -> Problem:
    if defect is PasswordDefect.TOO_LONG:
        return Problem(Code.PASSWORD_TOO_LONG, {"maximum": maximum})
    return Problem(Code.PASSWORD_EMPTY if defect is PasswordDefect.EMPTY else Code.PASSWORD_NOT_TEXT)


def _problem(problem: PasswordProblem, minimum: int) -> Problem:
    if problem is PasswordProblem.TOO_SHORT:
        return Problem(Code.PASSWORD_TOO_SHORT, {"minimum": minimum})
    return Problem(Code.PASSWORD_COMMON if problem is PasswordProblem.COMMON else Code.PASSWORD_CONTEXT)
