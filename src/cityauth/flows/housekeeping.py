"""Clear away what is past its time."""

from dataclasses import dataclass

from cityauth.core.signing import LEEWAY
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.ports.services import Clock
from cityauth.ports.stores import OneTimeTokenStore, SessionStore, ThrottleStore


@dataclass(frozen=True, slots=True)
class Purged:
    """What one round of clearing away came to.

    Attributes:
        sessions: Sessions that were past every absolute lifetime.
        links: Mailed links that had expired.
        counts: Uses that no limit of the policy looks back to any more.
    """

    sessions: int = 0
    links: int = 0
    counts: int = 0


def purge(deployment: Deployment) -> Flow[Purged]:
    """Delete what is dead by every node's clock, even one that is slow by the leeway."""
    now = yield from ask(Clock.now)
    past = now - LEEWAY
    sessions = yield from ask(SessionStore.purge_sessions, past - deployment.policy.sessions.longest)
    links = yield from ask(OneTimeTokenStore.purge_tokens, past)
    counts = yield from ask(ThrottleStore.purge_throttle, past - deployment.policy.throttle.longest)
    return Purged(sessions, links, counts)
