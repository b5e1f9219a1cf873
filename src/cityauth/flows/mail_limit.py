"""Limit the mails that somebody asks for: per account or identifier, per network, and per mailbox that they go to."""

from cityauth.core.client import RequestContext
from cityauth.core.mail import mailbox_of
from cityauth.core.throttling import Exhausted, Reserved, bucket_of, network_of
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.ports.stores import ThrottleStore


def mail_allowed(deployment: Deployment, context: RequestContext, operation: str, subject: str) -> Flow[bool]:
    """Count one more mail for *subject* and return whether it may be sent.

    Args:
        deployment: The deployment.
        context: When, and from which network.
        operation: What the mail is for. Each operation has a budget of its own, so that a forgotten password
            does not keep a new address from being confirmed.
        subject: The account's id, whatever identifier was typed, so that it has one budget; the key
            of an identifier that no account has.
    """
    limits = deployment.policy.throttle
    network = bucket_of("mail-network", network_of(context.client.address), deployment.audit_secret)
    own = bucket_of(f"mail-{operation}", subject, deployment.audit_secret)
    of_network = yield from ask(ThrottleStore.reserve, network, limits.mail_per_network, context.at)
    if isinstance(of_network, Exhausted):
        return False  # before the subject's own budget, which a stranger must not be able to use up
    of_subject = yield from ask(ThrottleStore.reserve, own, limits.mail_per_account, context.at)
    return isinstance(of_subject, Reserved)


def recipient_allowed(
    deployment: Deployment, context: RequestContext, address: str, *, proven: bool = False
) -> Flow[bool]:
    """Count one more mail to the mailbox of *address* and return whether it may be sent.

    The mailbox has one budget over all accounts, operations and strangers, so that nobody fills it by way of
    many accounts or of many ``name+tag`` addresses. No answer shows a refusal: it would say something about another
    person.

    Args:
        deployment: The deployment.
        context: When it is asked for.
        address: Where the mail would go. Where no mail is due, any text that stands for the identifier, so
            that everybody asks the same questions.
        proven: Whether whoever asks has shown to be the mailbox's or the account's owner, such as by a known
            device. Such requests have a budget apart, which strangers cannot use up.
    """
    operation = "mail-recipient-proven" if proven else "mail-recipient"
    bucket = bucket_of(operation, mailbox_of(address), deployment.audit_secret)
    limits = deployment.policy.throttle.mail_per_recipient
    return isinstance((yield from ask(ThrottleStore.reserve, bucket, limits, context.at)), Reserved)
