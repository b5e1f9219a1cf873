"""Change the e-mail address, and with it the login name: verify first, tell the old address, undo from there."""

from dataclasses import replace

from cityauth.core.account import Account
from cityauth.core.audit import Happening, report
from cityauth.core.change import (
    Change,
    ClaimIssued,
    ClaimsDropped,
    ClaimUsed,
    Committed,
    ContactChanged,
    EpochAdvanced,
    IdentifierClaimed,
    IdentifierRetired,
    SessionsClosed,
)
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext, Occasion
from cityauth.core.identifier import Identifier, Malformed, look_up, register
from cityauth.core.link import Declined, Done, LinkDead, LinkLive, LinkOutcome, MailOutcome
from cityauth.core.mail import mail_address
from cityauth.core.problem import Problem
from cityauth.core.resolution import Holding
from cityauth.core.sealing import Purpose
from cityauth.core.session import LiveSession, is_fresh
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.flows.letters import address_taken, addresses_of, notify, queue, signs_in_by_mail
from cityauth.flows.linking import holdings_of, make_link, open_owned, told
from cityauth.flows.mail_cap import mail_allowed
from cityauth.flows.malformed import address_problem_of
from cityauth.flows.occasion import begin
from cityauth.flows.record import commit_with
from cityauth.flows.recovery import answer
from cityauth.messages import Mail, mask_email
from cityauth.messages.codes import Code
from cityauth.ports.accounts import AccountStore
from cityauth.ports.mailer import Mailer

_CHANGE = (Purpose.EMAIL_CHANGE,)
_UNDO = (Purpose.EMAIL_UNDO,)


def request(
    desk: Deployment, live: LiveSession, entered: object, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[MailOutcome]:
    """Mail a link to the new address; an address that somebody else has is answered alike (B-22).

    Returns `Declined` when the password must be verified again first, the text is no address, it is the
    account's own already, or too many mails were asked for: that is about the own account, so it may be told.
    The newest request wins: links of earlier ones die (C-05).
    """
    occasion = yield from begin(client)
    up = yield from ask(Mailer.is_up)
    if not is_fresh(live.session, occasion.at, desk.policy.sessions):
        return Declined(Problem(Code.REAUTH_REQUIRED))
    identifier = register(entered, desk.email)
    if isinstance(identifier, Malformed):
        return Declined(address_problem_of(identifier))
    account = live.account
    matches = yield from ask(AccountStore.find, (identifier.key,))
    if account.contact == mail_address(identifier) and any(
        signs_in_by_mail(match.holding) and match.holding.identifier == identifier for match in matches
    ):
        return Declined(Problem(Code.EMAIL_CHANGE_SAME))
    taken = any(match.account.id != account.id for match in matches)
    if not (yield from mail_allowed(desk, occasion, "email-change", account.id)):
        return Declined(Problem(Code.THROTTLE_REQUEST))
    target = None if taken else identifier.shown
    link = yield from make_link(desk, Purpose.EMAIL_CHANGE, occasion, account=account, address=target)
    to = mail_address(identifier)
    asked = queue(desk, occasion, Mail.EMAIL_CHANGE, to, language=account.language, link=link)
    in_use = address_taken(desk, occasion, identifier, matches, account.language)
    mail = in_use if taken else asked
    event = report(
        Happening.EMAIL_CHANGE_REQUESTED,
        occasion,
        account_id=account.id,
        reason="taken" if taken else "free",
    )
    yield from commit_with(event, [ClaimIssued(link.claim, alone=True), mail])
    return answer(desk, Code.EMAIL_CHANGE_SENT, up=up)


def inspect(desk: Deployment, token: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[LinkOutcome]:
    """Look at a link that confirms a new address; nothing is used up."""
    return (yield from _inspect(desk, token, _CHANGE, client))


def inspect_undo(desk: Deployment, token: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[LinkOutcome]:
    """Look at a link that undoes a change; nothing is used up."""
    return (yield from _inspect(desk, token, _UNDO, client))


def _inspect(
    desk: Deployment, token: object, purposes: tuple[Purpose, ...], client: ClientContext
) -> Flow[LinkOutcome]:
    occasion = yield from begin(client)
    opened = yield from open_owned(desk, token, purposes, occasion, to_use=False)
    if isinstance(opened, LinkDead):
        return opened
    address = opened.claim.address or opened.claim.contact or ""
    return LinkLive(opened.claim.purpose, address, address)


def confirm(desk: Deployment, token: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[Done | LinkDead]:
    """Take the confirmed address into use: it signs in from now on, under the same account id.

    The old address is retired, told, and given a link that undoes the change. Every session and every
    other link ends. Whether the address is still free is decided by the store's unique key.
    """
    occasion = yield from begin(client)
    opened = yield from open_owned(desk, token, _CHANGE, occasion, to_use=True)
    if isinstance(opened, LinkDead):
        return (yield from told(occasion, opened))
    account, identifier = opened.account, register(opened.claim.address, desk.email)
    if isinstance(identifier, Malformed):
        return LinkDead(Problem(Code.LINK_INVALID))
    held = yield from holdings_of(account.id)
    undoing = yield from _tell_and_undo(desk, account, held, mask_email(identifier.shown), occasion)
    changes: list[Change] = [
        ClaimUsed(opened.claim.digest, Purpose.EMAIL_CHANGE, occasion.at),
        *_take_over(desk, account, identifier, held, occasion),
        ContactChanged(account.id, mail_address(identifier)),
        *undoing,
    ]
    event = report(Happening.EMAIL_CHANGED, occasion, account_id=account.id)
    outcome = yield from commit_with(event, changes)
    if not isinstance(outcome, Committed):
        return LinkDead(Problem(Code.EMAIL_CHANGE_FAILED))
    return Done(Problem(Code.EMAIL_CHANGE_DONE))


def _tell_and_undo(
    desk: Deployment, account: Account, held: tuple[Holding, ...], masked: str, occasion: Occasion
) -> Flow[tuple[Change, ...]]:
    """Tell every verified address of before, each with an undo link of its own.

    Whichever is used restores the login address and where mail went, whether or not these are the same.
    """
    login = next((one.identifier.shown for one in held if signs_in_by_mail(one)), None)
    changes: list[Change] = []
    for number, to in enumerate(addresses_of(account, held)):
        link = yield from make_link(
            desk, Purpose.EMAIL_UNDO, occasion, account=account, address=login, contact=account.contact
        )
        words = {"email": masked}
        mail = queue(
            desk, occasion, Mail.EMAIL_CHANGED, to, language=account.language, link=link, words=words, number=number
        )
        changes += [ClaimIssued(link.claim), mail]
    return tuple(changes)


def _former(desk: Deployment, address: str | None, held: tuple[Holding, ...]) -> Identifier | None:
    """Return the identifier that *address* was, spelled as it was; its key is the account's in whatever life.

    The account may have it in another spelling by now: whoever looked for this one would find none.
    """
    read = look_up(address, (desk.email,))
    keys = set() if isinstance(read, Malformed) else {one.key for one in read}
    found = (one.identifier for one in held if one.identifier.key in keys)
    return next((replace(one, shown=str(address)) for one in found), None)


def _mailbox(identifier: Identifier | None) -> tuple[str, ...]:
    return (mail_address(identifier),) if identifier else ()


def undo(desk: Deployment, token: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[Done | LinkDead]:
    """Restore the address that the link was mailed to, and end every session and every other link.

    An undo link outlives later changes of password and address, which an intruder would make; using
    one kills those that were issued after it, and none that were issued before.
    """
    occasion = yield from begin(client)
    opened = yield from open_owned(desk, token, _UNDO, occasion, to_use=True)
    if isinstance(opened, LinkDead):
        return (yield from told(occasion, opened))
    claim, account = opened.claim, opened.account
    held = yield from holdings_of(account.id)
    identifier = _former(desk, claim.address, held)
    if claim.address and identifier is None:
        return LinkDead(Problem(Code.LINK_INVALID))
    restored = claim.address or claim.contact or ""
    mailboxes = dict.fromkeys([*addresses_of(account, held), *filter(None, [claim.contact]), *_mailbox(identifier)])
    changes: list[Change] = [
        ClaimUsed(claim.digest, Purpose.EMAIL_UNDO, occasion.at),
        *_take_over(desk, account, identifier, held, occasion),
        ContactChanged(account.id, claim.contact),
        ClaimsDropped(account.id, Purpose.EMAIL_UNDO, claim.issued_at),
        *notify(desk, occasion, Mail.EMAIL_RESTORED, account, mailboxes, words={"email": mask_email(restored)}),
    ]
    event = report(Happening.EMAIL_CHANGE_UNDONE, occasion, account_id=account.id)
    outcome = yield from commit_with(event, changes)
    if not isinstance(outcome, Committed):
        return LinkDead(Problem(Code.LINK_INVALID))
    return Done(Problem(Code.EMAIL_CHANGE_UNDONE))


def _take_over(
    desk: Deployment,
    account: Account,
    identifier: Identifier | None,
    held: tuple[Holding, ...],
    occasion: Occasion,
) -> tuple[Change, ...]:
    """Make *identifier* the account's only active e-mail address, and end its sessions and links."""
    key = identifier.key if identifier else ""
    displaced = [one.identifier.key for one in held if signs_in_by_mail(one) and one.identifier.key != key]
    claimed: tuple[Change, ...] = ()
    if identifier is not None:
        digest = desk.ledger_digest(identifier)
        claimed = (IdentifierClaimed(account.id, identifier, occasion.at, digest),)
    return (
        *claimed,
        *(IdentifierRetired(account.id, old, occasion.at) for old in displaced),
        EpochAdvanced(account.id),
        SessionsClosed(account.id),
    )
