"""Record what happened: in the store first, then to whoever listens."""

from collections.abc import Sequence

from cityauth.core.audit import AuditEvent
from cityauth.core.change import Change, CommitOutcome, Committed, EventRecorded
from cityauth.errors import StoreUnavailableError
from cityauth.flows.asking import Flow, ask
from cityauth.ports.services import AuditSink
from cityauth.ports.stores import AccountStore


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
