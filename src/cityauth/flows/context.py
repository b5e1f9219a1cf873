"""Begin: when it is, where the request comes from, and what the commit will be called."""

from cityauth.core.client import ClientContext, RequestContext
from cityauth.flows.asking import Flow, ask
from cityauth.ports.services import Clock, Entropy

_ID_BYTES = 12
"""96 random bits name a commit; nobody gains by guessing one."""


def begin(client: ClientContext) -> Flow[RequestContext]:
    """Return the context of a use case that will write."""
    now = yield from ask(Clock.now)
    name = yield from ask(Entropy.draw, _ID_BYTES)
    return RequestContext(name.hex(), now, client)
