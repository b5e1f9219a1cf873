"""Mail that flows queue: how much of it somebody may ask for, what is written, and where it goes.

Mails are counted per account or identifier, per network, and per mailbox that they go to; the numbers are in
`cityauth.policy.throttling`. A request for a reset link may come with a proof of who asks. It then spends a budget that
strangers cannot use up. A mail holds no text that a stranger could have typed.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from cityauth.core.accounts import Account
from cityauth.core.changes import MailQueued
from cityauth.core.client import RequestContext
from cityauth.core.identifiers import Identifier
from cityauth.core.mail import QueuedMail, mail_address, mailbox_of
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus, Match
from cityauth.core.sessions import LiveSession
from cityauth.core.throttling import Exhausted, Reserved, bucket_of, network_of
from cityauth.flows.asking import Flow
from cityauth.flows.deployment import Deployment
from cityauth.flows.links import Link, is_mailed_to, lifetime_of, page
from cityauth.flows.sessions import check_again
from cityauth.flows.throttling import reserve
from cityauth.messages import Mail, validity, write
from cityauth.messages.catalogue import Param

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
    NETWORK_EXHAUSTED = "network_exhausted"
    """None: the network has asked for too many mails, which the person is told."""
    INVITATIONS = "invitation"
    """That of the host and its customer service."""


def mail_allowed(deployment: Deployment, context: RequestContext, operation: str, subject: str) -> Flow[bool]:
    """Count one more mail for *subject* and return whether it may be sent.

    Ask `network_allowed` first: a stranger above the limit of the network must not use up the subject's budget.

    Args:
        deployment: The deployment.
        context: When, and from which network.
        operation: What the mail is for. Each operation has a budget of its own, so that a forgotten password
            does not keep a new address from being confirmed.
        subject: The account's id, whatever identifier was typed, so that it has one budget; the key
            of an identifier that no account has.
    """
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

    Returns `Budget.NETWORK_EXHAUSTED` when the network has asked for too many.

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
    if not (yield from network_allowed(deployment, context)):
        return Budget.NETWORK_EXHAUSTED
    refused = yield from _spend(deployment, context, subject, address, Budget.STRANGERS)
    if refused and refused.retry_at - context.at <= _SHORT_WAIT:
        return None
    operation = "mail-guaranteed" if account else "mail-guaranteed-to-nobody"
    bucket = bucket_of(operation, mailbox_of(address), deployment.audit_secret)
    limits = deployment.policy.throttle.mail_guaranteed
    allowance = yield from reserve(deployment, bucket, limits, context.at)
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


def network_allowed(deployment: Deployment, context: RequestContext) -> Flow[bool]:
    """Count one more mail for the network of the request and return whether it may be sent.

    The answer may say that it may not: the network's limit knows nothing of accounts.
    """
    network = bucket_of("mail-network", network_of(context.client.address), deployment.audit_secret)
    limits = deployment.policy.throttle.mail_per_network
    return isinstance((yield from reserve(deployment, network, limits, context.at)), Reserved)


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
    allowance = yield from reserve(deployment, bucket, limits, context.at)
    return allowance if isinstance(allowance, Exhausted) else None


def _spend_mailbox(
    deployment: Deployment, context: RequestContext, address: str, budget: Budget = Budget.STRANGERS
) -> Flow[Exhausted | None]:
    bucket = bucket_of(f"mail-recipient{budget and '-'}{budget}", mailbox_of(address), deployment.audit_secret)
    limits = deployment.policy.throttle.mail_per_recipient
    allowance = yield from reserve(deployment, bucket, limits, context.at)
    return allowance if isinstance(allowance, Exhausted) else None


NO_WORDS: Mapping[str, Param] = MappingProxyType({})
"""The words of a mail that needs none."""


def queue(
    deployment: Deployment,
    context: RequestContext,
    mail: Mail,
    to: str,
    *,
    language: str,
    words: Mapping[str, Param] = NO_WORDS,
    link: Link | None = None,
    number: int = 0,
) -> MailQueued:
    """Return the change that queues *mail* in *language* to the stored address *to*.

    A mail with a link expires together with the link. Any other mail names the page for a forgotten password. An
    empty *to* makes a dummy mail, which the outbox drops. One request that queues several mails gives each its own
    *number*.
    """
    lifetime: timedelta = deployment.policy.outbox.notice_lifetime
    texts = deployment.policy.texts
    said: dict[str, Param] = {"link": page(deployment, deployment.policy.mail.forgotten_path), **words}
    if link is not None:
        lifetime = lifetime_of(deployment, link.one_time_token.purpose)
        said |= {"link": link.url.get_secret_value(), "valid": validity(lifetime, language, texts.text)}
    policy = deployment.policy.mail
    content = write(mail, language, texts, service=policy.service, contact=policy.contact, **said)
    return MailQueued(QueuedMail(f"{context.id}-{number}", to, content, language, context.at, context.at + lifetime))


def address_taken(
    deployment: Deployment, context: RequestContext, typed: Identifier, holder: Match | None, language: str
) -> MailQueued:
    """Return the change that mails to an address that it is in use already.

    The mail goes to the address as its owner stored it, which may be spelled otherwise than the *typed* one.
    A former address, or somebody's old username, may be another person's mailbox by now: then the mail goes to the
    address that was typed.
    """
    if holder is not None and signs_in_by_mail(holder.account_identifier):
        typed, language = holder.account_identifier.identifier, holder.account.language
    return queue(deployment, context, Mail.ADDRESS_TAKEN, mail_address(typed), language=language)


def notify(
    deployment: Deployment,
    context: RequestContext,
    mail: Mail,
    account: Account,
    addresses: Iterable[str],
    *,
    words: Mapping[str, Param] = NO_WORDS,
) -> tuple[MailQueued, ...]:
    """Return the changes that mail to each of *addresses* what happened to *account*."""
    return tuple(
        queue(deployment, context, mail, to, language=account.language, words=words, number=number)
        for number, to in enumerate(dict.fromkeys(addresses), start=1)
    )


def addresses_of(account: Account, held: Iterable[AccountIdentifier]) -> tuple[str, ...]:
    """Return every verified address of the account: where mail goes, and each that signs in."""
    active = [mail_address(one.identifier) for one in held if signs_in_by_mail(one)]
    return tuple(dict.fromkeys([*filter(None, [account.contact]), *active]))


def signs_in_by_mail(account_identifier: AccountIdentifier) -> bool:
    """Whether it is an e-mail address that is in use."""
    return account_identifier.identifier.kind == "email" and account_identifier.status is IdentifierStatus.ACTIVE
