"""Write mails for the outbox. They say nothing that a stranger could have typed (B-10)."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType

from cityauth.core.account import Account
from cityauth.core.change import MailQueued
from cityauth.core.client import Occasion
from cityauth.core.identifier import Identifier
from cityauth.core.mail import QueuedMail, mail_address
from cityauth.core.resolution import Holding, Life, Match
from cityauth.flows.deployment import Deployment
from cityauth.flows.linking import Link, lifetime_of, page
from cityauth.messages import Mail, validity, write
from cityauth.messages.catalogue import Param

NO_WORDS: Mapping[str, Param] = MappingProxyType({})
"""For a mail that names nothing of its own."""


def queue(
    desk: Deployment,
    occasion: Occasion,
    mail: Mail,
    to: str,
    *,
    language: str,
    words: Mapping[str, Param] = NO_WORDS,
    link: Link | None = None,
    number: int = 0,
) -> MailQueued:
    """Return the change that queues *mail* in *language* to the stored address *to*.

    A mail with a link is worth sending for as long as the link lives; any other names the page for a
    forgotten password. An empty *to* makes a decoy.
    Several mails of one occasion differ in *number*.
    """
    lifetime: timedelta = desk.policy.outbox.notice_lifetime
    said: dict[str, Param] = {"link": page(desk, desk.policy.mail.forgotten_path), **words}
    if link is not None:
        lifetime = lifetime_of(desk, link.claim.purpose)
        said |= {"link": link.url.reveal(), "valid": validity(lifetime, language)}
    policy = desk.policy.mail
    letter = write(mail, language, service=policy.service, contact=policy.contact, **said)
    return MailQueued(QueuedMail(f"{occasion.id}-{number}", to, letter, language, occasion.at, occasion.at + lifetime))


def address_taken(
    desk: Deployment, occasion: Occasion, typed: Identifier, matches: Iterable[Match], language: str
) -> MailQueued:
    """Return the change that tells an address that it is in use already.

    Its owner is written to at the address as stored, which may be spelled otherwise than the *typed* one.
    Where it is only a former address, or somebody's old username, its mailbox may be another person's: then
    it is who typed it that has to know.
    """
    owners = [match for match in matches if signs_in_by_mail(match.holding)]
    for owner in owners:
        typed, language = owner.holding.identifier, owner.account.language
    return queue(desk, occasion, Mail.ADDRESS_TAKEN, mail_address(typed), language=language)


def notify(
    desk: Deployment,
    occasion: Occasion,
    mail: Mail,
    account: Account,
    addresses: Iterable[str],
    *,
    words: Mapping[str, Param] = NO_WORDS,
) -> tuple[MailQueued, ...]:
    """Return the changes that tell *account* at each of *addresses* what happened (NIST 4.6)."""
    return tuple(
        queue(desk, occasion, mail, to, language=account.language, words=words, number=number)
        for number, to in enumerate(dict.fromkeys(addresses), start=1)
    )


def addresses_of(account: Account, held: Iterable[Holding]) -> tuple[str, ...]:
    """Return every verified address of the account: where mail goes, and each that signs in."""
    active = [mail_address(one.identifier) for one in held if signs_in_by_mail(one)]
    return tuple(dict.fromkeys([*filter(None, [account.contact]), *active]))


def signs_in_by_mail(holding: Holding) -> bool:
    """Whether it is an e-mail address that is in use."""
    return holding.identifier.kind == "email" and holding.life is Life.ACTIVE
