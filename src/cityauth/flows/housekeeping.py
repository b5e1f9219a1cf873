"""Delete what has expired."""

from dataclasses import dataclass

from cityauth.core.signing import LEEWAY
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.flows.throttling import purge_counts
from cityauth.ports.services import Clock
from cityauth.ports.stores import OneTimeTokenStore, SessionStore


@dataclass(frozen=True, slots=True)
class Purged:
    """How much one call deleted.

    Attributes:
        sessions: Sessions that were past every absolute lifetime.
        links: Mailed links that had expired.
        counts: Counted uses that are older than every limit of the policy.
    """

    sessions: int = 0
    links: int = 0
    counts: int = 0


def purge(deployment: Deployment) -> Flow[Purged]:
    """Delete what has expired by the clock of every host, even of one whose clock is slow by `LEEWAY`."""
    now = yield from ask(Clock.now)
    past = now - LEEWAY
    sessions = yield from ask(SessionStore.purge_sessions, past - deployment.policy.sessions.longest)
    links = yield from ask(OneTimeTokenStore.purge_tokens, past)
    counts = yield from purge_counts(deployment, past - deployment.policy.throttle.longest)
    return Purged(sessions, links, counts)
