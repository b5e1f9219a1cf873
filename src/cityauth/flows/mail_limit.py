"""Cap the mails that somebody asks for: per account or identifier, and per network."""

from cityauth.core.client import RequestContext
from cityauth.core.throttle import Exhausted, Reserved, bucket_of, network_of
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.ports.stores import ThrottleStore


def mail_allowed(deployment: Deployment, context: RequestContext, operation: str, subject: str) -> Flow[bool]:
    """Count one more mail for *subject* and say whether it may be sent.

    Args:
        deployment: The deployment.
        context: When, and from which network.
        operation: What the mail is for: each has a budget of its own, so that a forgotten password
            does not keep a new address from being confirmed.
        subject: The account's id, whatever identifier was typed, so that it has one budget; the key
            of an identifier that no account has (C-54).
    """
    caps = deployment.policy.throttle
    network = bucket_of("mail-network", network_of(context.client.address), deployment.audit_secret)
    own = bucket_of(f"mail-{operation}", subject, deployment.audit_secret)
    of_network = yield from ask(ThrottleStore.reserve, network, caps.mail_per_network, context.at)
    if isinstance(of_network, Exhausted):
        return False  # before the subject's own budget, which a stranger must not be able to use up (C-53)
    of_subject = yield from ask(ThrottleStore.reserve, own, caps.mail_per_account, context.at)
    return isinstance(of_subject, Reserved)
