"""Limit the mails that somebody asks for: per account or identifier, per network, and per mailbox that they go to.

A request for a reset link may come with a proof of who asks. It then spends a budget that strangers cannot use up.
"""

from datetime import timedelta
from enum import StrEnum

from cityauth.core.accounts import Account
from cityauth.core.client import RequestContext
from cityauth.core.mail import mailbox_of
from cityauth.core.sessions import LiveSession
from cityauth.core.throttling import Exhausted, Reserved, bucket_of, network_of
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.flows.links import is_mailed_to
from cityauth.flows.sessions import check_again
from cityauth.ports.stores import ThrottleStore

_SHORT_WAIT = timedelta(minutes=1)
"""A budget that is free again within this time needs no guaranteed mail: the person asks once more."""


class Budget(StrEnum):
    """Out of which budget a mail is sent."""

    STRANGERS = ""
    """That of everybody who asks without a proof."""
    SESSION = "session"
    """That of the account's live sessions."""
    MAILBOX = "mailbox"
    """That of whoever holds a token that was mailed to the mailbox."""
    GUARANTEED = "guaranteed"
    """That of a mailbox whose budgets strangers have used up."""
    INVITATIONS = "invitation"
    """That of the host and its customer service."""


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
    if not (yield from _network_allowed(deployment, context)):
        return False  # before the subject's own budget, which a stranger must not be able to use up
    return (yield from _spend_account(deployment, context, operation, subject)) is None


def recipient_allowed(deployment: Deployment, context: RequestContext, address: str) -> Flow[bool]:
    """Count one more mail to the mailbox of *address* and return whether it may be sent.

    The mailbox has one budget over all accounts, operations and strangers, so that nobody fills it by way of
    many accounts or of many ``name+tag`` addresses. No answer shows a refusal: it would say something about another
    person.

    Args:
        deployment: The deployment.
        context: When it is asked for.
        address: Where the mail would go. Where no mail is due, any text that stands for the identifier, so
            that everybody asks the same questions.
    """
    return (yield from _spend_mailbox(deployment, context, address)) is None


def invitation_allowed(deployment: Deployment, context: RequestContext, address: str) -> Flow[bool]:
    """Count one more invitation to the mailbox of *address* and return whether it may be mailed.

    Invitations have a budget apart, of the same size: strangers cannot keep customer service from helping a person.
    """
    return (yield from _spend_mailbox(deployment, context, address, Budget.INVITATIONS)) is None


def reset_budget(
    deployment: Deployment, context: RequestContext, account: Account | None, key: str, *, address: str, proof: object
) -> Flow[Budget | None]:
    """Count one more reset mail and return the budget that it is sent out of, or ``None`` when all are used up.

    A request with a *proof* spends the budget of that proof, and the strangers' one only when it is used up. When the
    strangers' budget of the account or of the mailbox is used up for longer than a minute, one mail is guaranteed if
    `mail_guaranteed` allows it: by default if no reset mail of the strangers' budget or this one went to the mailbox
    within an hour. Accounts that share a mailbox share its guaranteed mail. Identifiers without an account are
    counted in the same way, in budgets of their own, so that everybody asks the same questions.

    Args:
        deployment: The deployment.
        context: When, and from which network.
        account: Who would get the link; ``None`` when nobody would.
        key: The identifier that was typed.
        address: As in `recipient_allowed`.
        proof: See `cityauth.flows.recovery.request`.
    """
    subject = account.id if account else key
    proven = yield from _proven(deployment, context, account, proof)
    if proven is not Budget.STRANGERS:
        refused = yield from _spend(deployment, context, subject, address, proven)
        if refused is None:
            return proven
    if not (yield from _network_allowed(deployment, context)):
        return None
    refused = yield from _spend(deployment, context, subject, address, Budget.STRANGERS)
    if refused and refused.retry_at - context.at <= _SHORT_WAIT:
        return None
    operation = "mail-guaranteed" if account else "mail-guaranteed-to-nobody"
    bucket = bucket_of(operation, mailbox_of(address), deployment.audit_secret)
    limits = deployment.policy.throttle.mail_guaranteed
    allowance = yield from ask(ThrottleStore.reserve, bucket, limits, context.at)
    if refused is None:
        return Budget.STRANGERS
    return Budget.GUARANTEED if isinstance(allowance, Reserved) else None


def _proven(deployment: Deployment, context: RequestContext, account: Account | None, proof: object) -> Flow[Budget]:
    """Return the budget that *proof* opens for *account*: that of strangers unless it is a proof for this account."""
    if isinstance(proof, LiveSession):
        live = yield from check_again(deployment, proof)
        return Budget.SESSION if live and account and live.account.id == account.id else Budget.STRANGERS
    address = account.contact if account else None
    return Budget.MAILBOX if is_mailed_to(deployment, proof, address or "", context) else Budget.STRANGERS


def _network_allowed(deployment: Deployment, context: RequestContext) -> Flow[bool]:
    network = bucket_of("mail-network", network_of(context.client.address), deployment.audit_secret)
    limits = deployment.policy.throttle.mail_per_network
    return isinstance((yield from ask(ThrottleStore.reserve, network, limits, context.at)), Reserved)


def _spend(
    deployment: Deployment, context: RequestContext, subject: str, address: str, budget: Budget
) -> Flow[Exhausted | None]:
    """Count a reset mail against *subject* and then against the mailbox; return what is used up, if something is."""
    refused = yield from _spend_account(deployment, context, "reset", subject, budget)
    return refused or (yield from _spend_mailbox(deployment, context, address, budget))


def _spend_account(
    deployment: Deployment, context: RequestContext, operation: str, subject: str, budget: Budget = Budget.STRANGERS
) -> Flow[Exhausted | None]:
    bucket = bucket_of(f"mail-{operation}{budget and '-'}{budget}", subject, deployment.audit_secret)
    limits = deployment.policy.throttle.mail_per_account
    allowance = yield from ask(ThrottleStore.reserve, bucket, limits, context.at)
    return allowance if isinstance(allowance, Exhausted) else None


def _spend_mailbox(
    deployment: Deployment, context: RequestContext, address: str, budget: Budget = Budget.STRANGERS
) -> Flow[Exhausted | None]:
    bucket = bucket_of(f"mail-recipient{budget and '-'}{budget}", mailbox_of(address), deployment.audit_secret)
    limits = deployment.policy.throttle.mail_per_recipient
    allowance = yield from ask(ThrottleStore.reserve, bucket, limits, context.at)
    return allowance if isinstance(allowance, Exhausted) else None
