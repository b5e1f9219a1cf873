"""Resolve an identifier: one look-up, explained. For customer service and the host, never for a page."""

from cityauth.core.identifier import Malformed
from cityauth.core.resolution import Resolution
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.ports.services import Clock
from cityauth.ports.stores import AccountStore


def resolve(deployment: Deployment, entered: object) -> Flow[Resolution]:
    """Return what *entered* is, explained. Malformed text is answered without asking the store."""
    now = yield from ask(Clock.now)
    candidates = deployment.resolver.read(entered)
    if isinstance(candidates, Malformed):
        return deployment.resolver.explain(entered, candidates, (), now)
    matches = yield from ask(AccountStore.find, tuple(candidate.key for candidate in candidates))
    return deployment.resolver.explain(entered, candidates, matches, now)
