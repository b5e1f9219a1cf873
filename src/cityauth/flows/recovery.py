"""Forgotten username or password: ask for a link, look at it, set a new password with it.

How often a link may be asked for is counted in `cityauth.flows.mail`, by the limits of `cityauth.policy.throttling`.
"""

from collections.abc import Sequence

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.answers import Done, MailAwaited, MailerDown, MailOutcome, Problem, Refused
from cityauth.core.audit import AuditEventType, audit_event, hash_identifier
from cityauth.core.changes import (
    Change,
    Committed,
    ContactVerified,
    EpochAdvanced,
    MailQueued,
    PasswordSet,
    SessionsClosed,
    TokenIssued,
    TokenUsed,
)
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext, RequestContext
from cityauth.core.email import address_within
from cityauth.core.identifiers import Identifier, Malformed, register
from cityauth.core.links import LinkLive, LinkOutcome, LinkRefused
from cityauth.core.mail import contact_key, mail_address
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus, Reason, Resolution
from cityauth.core.sessions import LiveSession
from cityauth.core.signing import Purpose
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, begin, commit_with
from cityauth.flows.hash_kinds import kind_of_hash
from cityauth.flows.identifiers import problem_of, resolve
from cityauth.flows.links import Link, identifiers_of, is_mailed_to, login_name, make_link, open_owned, refuse_link
from cityauth.flows.mail import Budget, addresses_of, notify, queue, reset_budget
from cityauth.flows.passwords import hash_new
from cityauth.flows.throttling import record_refusal
from cityauth.messages import Mail, mask_login_name
from cityauth.messages.codes import Code
from cityauth.ports.services import Mailer
from cityauth.ports.stores import AccountStore

PASSWORD_LINKS = (Purpose.RESET, Purpose.INVITATION)
"""The purposes whose links set a password."""

_NO_NAME = "\u2013"
"""Stands for the login name of an account that nobody can sign in to at present: customer service must help."""


def request(
    deployment: Deployment,
    entered: object,
    client: ClientContext = UNKNOWN_CLIENT,
    *,
    proof: LiveSession | str | None = None,
) -> Flow[MailOutcome]:
    """Mail a link to whoever *entered* names, at the stored address, never at the one that was typed.

    An address that is no identifier and the contact of one account gets that account's link. One that is the contact of
    several gets a mail that says so. An unknown address gets a mail that it has no account; an unknown username gets
    nothing. Every identifier is answered alike, asks the same questions and takes the same work: both mails are
    written for everyone, and where no mail is due a dummy is queued. None is due where the policy mails no link to an
    address that nobody has verified.

    Args:
        deployment: The deployment.
        entered: What the person typed.
        client: The person's device.
        proof: The live session of a signed-in person, or the token of a link that was mailed to the account's mailbox
            within 30 days, also when it is used or has expired. The request then spends a budget that strangers
            cannot use up. Anything else counts as no proof, and the answer is the same.
    """
    context = yield from begin(client)
    up = yield from ask(Mailer.is_up)
    resolution = yield from resolve(deployment, entered, context.at)
    if resolution.looked_up is None:
        return Refused(problem_of(resolution.malformed or Malformed.UNRECOGNIZED))
    key = resolution.looked_up.key
    typed = _typed_address(deployment, resolution.looked_up)
    contacts = yield from ask(AccountStore.find_by_contact, contact_key(typed or resolution.looked_up.shown))
    unknown = resolution.reason is Reason.NOT_FOUND
    account = _mailable(deployment, _addressee_of_contact(contacts) if unknown else _addressee(resolution))
    to = (account.contact if account else typed) or key
    budget = yield from reset_budget(deployment, context, account, key, address=to, proof=proof)
    exhausted = budget is Budget.NETWORK_EXHAUSTED
    mailed = budget is not None and not exhausted and (account is not None or budget is not Budget.GUARANTEED)
    stranger = typed if unknown and len(contacts) != 1 and mailed else ""
    link = yield from make_link(deployment, Purpose.RESET, context, to=to, account=account)
    nobody = AccountIdentifier(resolution.looked_up)
    reset = yield from _write_reset(deployment, context, account, client.language, link=link, nobody=nobody)
    no_link = queue(deployment, context, _mail_without_link(contacts), stranger, language=client.language)
    event = audit_event(
        AuditEventType.LINK_REQUESTED,
        context,
        account_id=account.id if account else None,
        reason=resolution.outcome.value if mailed else "over_the_cap",
        identifier_hash=hash_identifier(key, deployment.audit_secret),
        detail={"budget": str(budget or "") if mailed else ""},
    )
    if budget is None or exhausted:
        yield from record_refusal(deployment, event, context)
    else:
        yield from commit_with(event, [TokenIssued(link.one_time_token), reset if account else no_link])
    return Refused(Problem(Code.THROTTLE_REQUEST)) if exhausted else answer(deployment, Code.RESET_SENT, up=up)


def _write_reset(
    deployment: Deployment,
    context: RequestContext,
    account: Account | None,
    language: str,
    *,
    link: Link,
    nobody: AccountIdentifier,
) -> Flow[MailQueued]:
    """Write the mail with the reset *link*; for nobody the same mail without an addressee, to the name *nobody*."""
    held = (yield from identifiers_of(account.id if account else None)) or (nobody,)
    person = account or Account(AccountId(""), deployment.policy.sign_up_realm, "", language)
    words = {"login_name": login_name(deployment, person, held, context) or _NO_NAME}
    to = person.contact or ""
    return queue(deployment, context, Mail.RESET, to, language=person.language, link=link, words=words)


def answer(deployment: Deployment, code: Code, *, up: bool) -> MailAwaited | MailerDown:
    """Return the answer to a request for a mail. It depends only on whether the mailer works."""
    if up:
        return MailAwaited(Problem(code))
    return MailerDown(Problem(Code.MAIL_UNDELIVERABLE, {"contact": deployment.policy.mail.contact}))


def _addressee(resolution: Resolution) -> Account | None:
    """Return the account that may get a link: the only holder; active, confirmed, with an address."""
    holder = resolution.holder
    if holder is None or holder.account_identifier.status in {IdentifierStatus.PENDING, IdentifierStatus.CONTESTED}:
        return None
    return holder.account if holder.account.status is Status.ACTIVE and holder.account.contact else None


def _mailable(deployment: Deployment, account: Account | None) -> Account | None:
    """Return *account* if the policy lets its link go to the address on file."""
    if account is None or account.contact_verified or deployment.policy.links.reset_to_unverified:
        return account
    return None


def _mail_without_link(contacts: Sequence[Account]) -> Mail:
    """Return the mail to an address that is no identifier: it is unknown, or the contact of several accounts."""
    return Mail.CONTACT_SHARED if contacts else Mail.NO_ACCOUNT


def _addressee_of_contact(contacts: Sequence[Account]) -> Account | None:
    """Return the one active account of a contact address; ``None`` where there is none, or several."""
    active = [one for one in contacts if one.status is Status.ACTIVE]
    return active[0] if len(active) == 1 else None


def _typed_address(deployment: Deployment, typed: Identifier) -> str:
    """Return the typed address if mail may go to it: a plain address by today's rules, else nothing."""
    registered = register(address_within(typed.shown) or typed.shown, deployment.email)
    return "" if isinstance(registered, Malformed) else mail_address(registered)


def inspect(deployment: Deployment, token: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[LinkOutcome]:
    """Look at a link that sets a password. This does not use it up."""
    context = yield from begin(client)
    opened = yield from open_owned(deployment, token, PASSWORD_LINKS, context, to_use=False)
    if isinstance(opened, LinkRefused):
        return opened
    held = yield from identifiers_of(opened.account.id)
    name = login_name(deployment, opened.account, held, context)
    return LinkLive(opened.one_time_token.purpose, name, account=mask_login_name(name))


def complete(
    deployment: Deployment, token: object, password: object, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[Done | Refused | LinkRefused]:
    """Set a new password with a link.

    Ends every session and every other link, mails every verified address, and signs nobody in. A refused password
    does not use the link up. However many attempts use one link at once, only one succeeds. A link that was mailed to
    the address on file verifies it.
    """
    context = yield from begin(client)
    opened = yield from open_owned(deployment, token, PASSWORD_LINKS, context, to_use=True)
    if isinstance(opened, LinkRefused):
        return (yield from refuse_link(deployment, context, opened))
    one_time_token, account = opened.one_time_token, opened.account
    held = yield from identifiers_of(account.id)
    hashed = yield from hash_new(deployment, password, words_of(account, held), context, account.id)
    if isinstance(hashed, Refused):
        return hashed
    changes: list[Change] = [
        TokenUsed(one_time_token.digest, one_time_token.purpose, context.at),
        PasswordSet(account.id, hashed, (yield from kind_of_hash(deployment, hashed))),
        EpochAdvanced(account.id),
        SessionsClosed(account.id),
        *notify(deployment, context, Mail.RESET_DONE, account, addresses_of(account, held)),
    ]
    changes += _verified_by(deployment, token, account, context)
    event = audit_event(
        AuditEventType.PASSWORD_RESET, context, account_id=account.id, reason=one_time_token.purpose.value
    )
    outcome = yield from commit_with(event, changes)
    if not isinstance(outcome, Committed):
        return LinkRefused(Problem(Code.LINK_INVALID))
    return Done(Problem(Code.RESET_DONE))


def _verified_by(
    deployment: Deployment, token: object, account: Account, context: RequestContext
) -> tuple[ContactVerified, ...]:
    """Return the change that marks the contact as verified, where the used link was mailed to it."""
    if account.contact_verified or not is_mailed_to(deployment, token, account.contact or "", context):
        return ()
    return (ContactVerified(account.id, account.contact or ""),)


def words_of(account: Account, held: tuple[AccountIdentifier, ...]) -> tuple[str, ...]:
    """Return the person's own words, which are refused as a whole password."""
    return (account.display_name, account.contact or "", *(one.identifier.shown for one in held))
