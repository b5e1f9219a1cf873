"""Write the mails that flows queue. They hold no text that a stranger could have typed."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType

from cityauth.core.accounts import Account
from cityauth.core.changes import MailQueued
from cityauth.core.client import RequestContext
from cityauth.core.identifiers import Identifier
from cityauth.core.mail import QueuedMail, mail_address
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus, Match
from cityauth.flows.deployment import Deployment
from cityauth.flows.links import Link, lifetime_of, page
from cityauth.messages import Mail, validity, write
from cityauth.messages.catalogue import Param

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
