"""Ask the throttle, and count in this process, more strictly, while a throttle of its own cannot answer.

The throttle may be an object apart from the store, such as `cityauth.stores.ValkeyThrottle`. If it is down, nobody goes
unlimited and nobody is locked out: each process counts by itself, and the audit trail has ``throttle.degraded`` once a
minute. If the throttle is the store, its failure is the failure of the request, as nothing else works either.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from cityauth.core.audit import AuditEvent, AuditEventType, EventSummed, sum_of
from cityauth.core.client import RequestContext
from cityauth.core.throttling import Allowance, Claim, Exhausted, Reserved, bucket_of, network_of
from cityauth.errors import StoreUnavailableError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, commit_with
from cityauth.policy.throttling import Limit
from cityauth.ports.services import Entropy
from cityauth.ports.stores import AccountStore, LocalThrottleStore, ThrottleStore

_EVENT_ID_BYTES: Final = 12

_REPORTED: Final = (Claim("throttle.degraded", (Limit(1, timedelta(minutes=1)),)),)
"""How often the failure is recorded; it is counted in the process as well."""


def reserve(deployment: Deployment, bucket: str, limits: Sequence[Limit], at: datetime) -> Flow[Allowance]:
    """Count one more use of *bucket* at *at*, if all of *limits* allow it."""
    try:
        return (yield from ask(ThrottleStore.reserve, bucket, limits, at))
    except StoreUnavailableError:
        if not deployment.has_own_throttle:
            raise
    return (yield from _reserve_locally((Claim(bucket, tuple(limits)),), at))


def reserve_all(deployment: Deployment, claims: Sequence[Claim], at: datetime) -> Flow[Allowance]:
    """Count one more use for each of *claims* at *at*, if all of them allow it."""
    try:
        return (yield from ask(ThrottleStore.reserve_all, claims, at))
    except StoreUnavailableError:
        if not deployment.has_own_throttle:
            raise
    return (yield from _reserve_locally(claims, at))


def refund_all(deployment: Deployment, claims: Sequence[Claim], at: datetime, *, forget: bool) -> Flow[None]:
    """Take back what was counted at *at*; see `ThrottleStore.refund`."""
    try:
        yield from ask(ThrottleStore.refund, claims, at, forget=forget)
    except StoreUnavailableError:
        if not deployment.has_own_throttle:
            raise
        yield from ask(LocalThrottleStore.refund_locally, _stricter(claims), at, forget=forget)


def purge_counts(deployment: Deployment, before: datetime) -> Flow[int]:
    """Delete what was counted before that time, and return how much; 0 where the throttle is down."""
    try:
        return (yield from ask(ThrottleStore.purge_throttle, before))
    except StoreUnavailableError:
        if not deployment.has_own_throttle:
            raise
        return 0


def record_refusal(deployment: Deployment, event: AuditEvent, context: RequestContext) -> Flow[None]:
    """Record *event*, a refusal that cost no work. If too many were recorded lately, only count it in their sum.

    An empty password or a request over its limit costs a client nothing, so a client could fill the audit
    trail with them. `ThrottlePolicy.refusals_recorded` bounds them for the client's network and for all together.
    The audit sink gets no event that is only counted.
    """
    limits = deployment.policy.throttle.refusals_recorded
    network = network_of(context.client.address)
    for name, most in ((network, limits), ("", deployment.policy.throttle.refusals_recorded_in_all)):
        bucket = bucket_of("refusals-recorded", name, deployment.audit_secret)
        allowance = yield from reserve(deployment, bucket, most, context.at)
        if isinstance(allowance, Exhausted):
            yield from ask(AccountStore.commit, (EventSummed(sum_of(event)),))
            return
    yield from commit_with(event)


def is_flood(deployment: Deployment, context: RequestContext) -> Flow[bool]:
    """Count one more failed sign-in, and return whether it is to be summed up instead of recorded by itself."""
    bucket = bucket_of("failures-recorded", "", deployment.audit_secret)
    limits = deployment.policy.throttle.failures_recorded_in_all
    return isinstance((yield from reserve(deployment, bucket, limits, context.at)), Exhausted)


def _reserve_locally(claims: Sequence[Claim], at: datetime) -> Flow[Allowance]:
    yield from _report(at)
    return (yield from ask(LocalThrottleStore.reserve_locally, _stricter(claims), at))


def _stricter(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Return the claims with less than what is allowed with the throttle: each process counts by itself now."""
    return tuple(
        replace(
            claim,
            rule=tuple(limit.stricter for limit in claim.rule)
            if isinstance(claim.rule, tuple)
            else claim.rule.stricter,
        )
        for claim in claims
    )


def _report(at: datetime) -> Flow[None]:
    """Record that the throttle is down, once a minute."""
    if isinstance((yield from ask(LocalThrottleStore.reserve_locally, _REPORTED, at)), Reserved):
        name = yield from ask(Entropy.draw, _EVENT_ID_BYTES)
        yield from commit_with(AuditEvent(name.hex(), AuditEventType.THROTTLE_DEGRADED, at))
