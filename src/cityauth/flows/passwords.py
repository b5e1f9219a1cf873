"""Judge a new password and make its hash: on every road by which a password is set."""

from collections.abc import Iterable
from dataclasses import dataclass

from cityauth.core.password import Password, PasswordDefect, PasswordProblem, judge_new
from cityauth.core.password import read as read_password
from cityauth.core.problem import Problem
from cityauth.core.secret import SecretStr
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.messages.codes import Code
from cityauth.ports.services import PasswordHasher


@dataclass(frozen=True, slots=True)
class PasswordRejected:
    """A new password that may not be set; nothing was hashed.

    Attributes:
        problems: Everything that is wrong with it, for the person.
    """

    problems: tuple[Problem, ...]


def judge(deployment: Deployment, password: object, context: Iterable[str] = ()) -> Password | PasswordRejected:
    """Return the new password ready to be hashed, or everything that is wrong with it.

    Args:
        deployment: The deployment.
        password: The new password as typed.
        context: Words of this person (own e-mail, username, name), refused as a whole password.
    """
    policy = deployment.policy.passwords
    secret = read_password(password, policy)
    if isinstance(secret, PasswordDefect):
        return PasswordRejected((_defect(secret, policy.max_code_points),))
    problems = judge_new(secret, policy, context, deployment.common)
    if problems:
        return PasswordRejected(tuple(_problem(one, policy.min_length) for one in problems))
    return secret


def hash_new(
    deployment: Deployment, password: object, context: Iterable[str] = ()
) -> Flow[SecretStr | PasswordRejected]:
    """Return the hash of a new password, or everything that is wrong with it."""
    judged = judge(deployment, password, context)
    if isinstance(judged, PasswordRejected):
        return judged
    hashed = yield from ask(PasswordHasher.hash, judged)
    return SecretStr(hashed)


def _defect(defect: PasswordDefect, maximum: int) -> Problem:
    if defect is PasswordDefect.TOO_LONG:
        return Problem(Code.PASSWORD_TOO_LONG, {"maximum": maximum})
    return Problem(Code.PASSWORD_EMPTY if defect is PasswordDefect.EMPTY else Code.PASSWORD_NOT_TEXT)


def _problem(problem: PasswordProblem, minimum: int) -> Problem:
    if problem is PasswordProblem.TOO_SHORT:
        return Problem(Code.PASSWORD_TOO_SHORT, {"minimum": minimum})
    return Problem(Code.PASSWORD_COMMON if problem is PasswordProblem.COMMON else Code.PASSWORD_CONTEXT)
