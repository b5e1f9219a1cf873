"""Record what happened: in the store first, then to whoever listens."""

from collections.abc import Sequence

from cityauth.core.audit import AuditEvent
from cityauth.core.change import Change, CommitOutcome, Committed, EventRecorded
from cityauth.core.client import RequestContext
from cityauth.core.throttle import Exhausted, bucket_of, network_of
from cityauth.errors import StoreUnavailableError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.ports.services import AuditSink
from cityauth.ports.stores import AccountStore, ThrottleStore


def commit_with(event: AuditEvent, changes: Sequence[Change] = ()) -> Flow[CommitOutcome]:
    """Commit *changes* together with *event*; the sink hears of it only when they were committed.

    A commit whose outcome the store does not know is repeated once. The event's id makes sure that it is
    not applied twice, and that one which was applied is answered `Committed`. A store that knows that it
    wrote nothing, such as one that stayed locked, is not asked again.
    """
    whole = (*changes, EventRecorded(event))
    try:
        outcome = yield from ask(AccountStore.commit, whole)
    except StoreUnavailableError as error:
        if error.nothing_written:
            raise
        outcome = yield from ask(AccountStore.commit, whole)
    if isinstance(outcome, Committed):
        yield from ask(AuditSink.emit, event)
    return outcome


def record_refusal(deployment: Deployment, event: AuditEvent, context: RequestContext) -> Flow[None]:
    """Record *event*, a refusal that cost no work, unless too many such refusals were recorded lately.

    An empty password or a request over its limit costs a client nothing, so the client must not fill the audit
    trail with them. `ThrottlePolicy.refusals_recorded` bounds them for the client's network and for all together.
    """
    limits = deployment.policy.throttle.refusals_recorded
    network = network_of(context.client.address)
    for name, most in ((network, limits), ("", deployment.policy.throttle.refusals_recorded_in_all)):
        bucket = bucket_of("refusals-recorded", name, deployment.audit_secret)
        allowance = yield from ask(ThrottleStore.reserve, bucket, most, context.at)
        if isinstance(allowance, Exhausted):
            return
    yield from commit_with(event)
