"""Record what happened: in the store first, then to whoever listens."""

from collections.abc import Sequence

from cityauth.core.audit import AuditEvent
from cityauth.core.change import Change, CommitOutcome, Committed, EventRecorded
from cityauth.flows.asking import Flow, ask
from cityauth.ports.accounts import AccountStore
from cityauth.ports.audit import AuditSink


def commit_with(event: AuditEvent, changes: Sequence[Change] = ()) -> Flow[CommitOutcome]:
    """Commit *changes* together with *event*; the sink hears of it only when they were committed."""
    outcome = yield from ask(AccountStore.commit, (*changes, EventRecorded(event)))
    if isinstance(outcome, Committed):
        yield from ask(AuditSink.emit, event)
    return outcome
