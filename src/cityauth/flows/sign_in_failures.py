"""Failed sign-ins in a row: counted with the account, told to the person, and at last a reason to disable the password.

The count is part of the account. It outlives restarts, and no flood takes it away.
"""

from dataclasses import replace

from cityauth.core.accounts import AccountId
from cityauth.core.audit import AuditEvent
from cityauth.core.changes import Change, Committed
from cityauth.core.client import RequestContext
from cityauth.core.resolution import Match
from cityauth.core.throttling import FailureCounted, FailuresCleared
from cityauth.flows.asking import Flow
from cityauth.flows.deployment import Deployment, commit_with
from cityauth.flows.mail import notify
from cityauth.flows.throttling import is_flood
from cityauth.messages import Mail

_RACES = 3
"""How often a failure is counted again when another one was counted at the same moment."""


def commit_failure(
    deployment: Deployment, context: RequestContext, holder: Match | None, event: AuditEvent
) -> Flow[None]:
    """Record *event*, a failed sign-in, and count it for the account; for nobody, where no account was found.

    The failure that reaches the limit disables the password: `cityauth.core.login.decide` refuses it from then on.
    The same commit mails this to the person, so that it is told once. In a flood of failures the event is only
    summed up; the account's count stays exact, and the failure that reaches the limit is recorded by itself.
    """
    flood = yield from is_flood(deployment, context)
    limit = deployment.policy.throttle.password_disabled_after
    reaches = holder is not None and holder.failures + 1 == limit
    for _ in range(_RACES):
        changes: list[Change] = [FailureCounted(holder.account.id if holder else AccountId(""), limit, reaches)]
        recorded = event
        if reaches and holder is not None:
            to = [holder.account.contact] if holder.account.contact else []
            changes += notify(deployment, context, Mail.PASSWORD_DISABLED, holder.account, to, words={"count": limit})
            recorded = replace(event, detail={**event.detail, "password": "disabled"})
        if isinstance((yield from commit_with(recorded, changes, summed=flood and not reaches)), Committed):
            return
        reaches = not reaches
    yield from commit_with(event, summed=flood)


def after_failures(deployment: Deployment, context: RequestContext, match: Match) -> tuple[Change, ...]:
    """Return the changes that a sign-in after failures makes: it clears their count, and tells of many by mail."""
    if not match.failures:
        return ()
    cleared = FailuresCleared(match.account.id)
    if match.failures < deployment.policy.throttle.failures_reported or not match.account.contact:
        return (cleared,)
    words: dict[str, str | int] = {"count": match.failures, "at": f"{context.at:%d.%m.%Y %H:%M} UTC"}
    to = [match.account.contact]
    told = notify(deployment, context, Mail.SIGN_IN_AFTER_FAILURES, match.account, to, words=words)
    return (cleared, *told)
