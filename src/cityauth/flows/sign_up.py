"""Sign up: mail a link to the address, and make the account when the link is used. A taken address gets no account."""

from cityauth.core.accounts import Account, read_name
from cityauth.core.answers import Done, MailOutcome, Problem, Refused
from cityauth.core.audit import AuditEventType, audit_event, hash_identifier
from cityauth.core.changes import AccountAdded, Change, Precondition, Rejected, TokenIssued, TokenUsed
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.identifiers import Identifier, Malformed, register
from cityauth.core.links import LinkLive, LinkOutcome, LinkRefused
from cityauth.core.mail import contact_key, mail_address
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.signing import Purpose
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, begin, commit_with, new_account_id
from cityauth.flows.hash_kinds import kind_of_hash
from cityauth.flows.identifiers import address_problem_of, find_holder
from cityauth.flows.links import make_link, open_link, refuse_link
from cityauth.flows.mail import address_taken, mail_allowed, network_allowed, queue, recipient_allowed
from cityauth.flows.passwords import hash_new
from cityauth.flows.recovery import answer
from cityauth.flows.throttling import record_refusal
from cityauth.messages import Mail, mask_login_name
from cityauth.messages.codes import Code
from cityauth.ports.services import Mailer
from cityauth.ports.stores import AccountStore

_PURPOSES = (Purpose.SIGN_UP,)
_UNAVAILABLE = LinkRefused(Problem(Code.IDENTIFIER_UNAVAILABLE))


def request(deployment: Deployment, entered: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[MailOutcome]:
    """Mail a link that creates an account to a free address; to a taken one, that it has an account.

    An address that is an account's contact is taken as well. One that somebody has retired, or that an erased account
    had, gets the link: its page tells the owner of the mailbox that customer service must release the address.
    Both are answered alike, ask the same questions and take the same work. The mail to a taken address goes to the
    address as it is stored. Returns `Refused` only for text that is no address.
    """
    context = yield from begin(client)
    up = yield from ask(Mailer.is_up)
    identifier = register(entered, deployment.email)
    if isinstance(identifier, Malformed):
        return Refused(address_problem_of(identifier))
    holder = yield from find_holder(identifier)
    contacts = yield from ask(AccountStore.find_by_contact, contact_key(mail_address(identifier)))
    in_use = holder is not None and holder.account_identifier.status is not IdentifierStatus.RETIRED
    owner = holder.account if holder and in_use else next(iter(contacts), None)
    free = owner is None
    of_network = yield from network_allowed(deployment, context)
    subject = owner.id if owner else identifier.key
    allowed = of_network and (yield from mail_allowed(deployment, context, "sign-up", subject))
    allowed = allowed and (yield from recipient_allowed(deployment, context, mail_address(identifier)))
    to, target = mail_address(identifier), identifier.shown if free else None
    link = yield from make_link(deployment, Purpose.SIGN_UP, context, to=to, address=target)
    invited = queue(deployment, context, Mail.SIGNUP, to, language=client.language, link=link)
    told_taken = address_taken(deployment, context, identifier, holder, client.language)
    mail = invited if free else told_taken
    event = audit_event(
        AuditEventType.SIGN_UP_REQUESTED,
        context,
        account_id=owner.id if owner else None,
        reason=("free" if free else "taken") if allowed else "over_the_cap",
        identifier_hash=hash_identifier(identifier.key, deployment.audit_secret),
    )
    if allowed:
        yield from commit_with(event, [TokenIssued(link.one_time_token), mail])
    else:
        yield from record_refusal(deployment, event, context)
    return answer(deployment, Code.SIGNUP_SENT, up=up) if of_network else Refused(Problem(Code.THROTTLE_REQUEST))


def inspect(deployment: Deployment, token: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[LinkOutcome]:
    """Look at a sign-up link. This does not use it up.

    Returns `LinkRefused` also where the address cannot have an account, so that the person learns it before the page
    asks for a name and a password.
    """
    context = yield from begin(client)
    opened = yield from open_link(deployment, token, _PURPOSES, context, to_use=False)
    if isinstance(opened, LinkRefused):
        return opened
    address = opened.one_time_token.address or ""
    identifier = register(address, deployment.email)
    if isinstance(identifier, Malformed):
        return LinkRefused(Problem(Code.LINK_INVALID))
    if not (yield from _is_free(deployment, identifier)):
        return _UNAVAILABLE
    return LinkLive(Purpose.SIGN_UP, address, address, mask_login_name(address))


def _is_free(deployment: Deployment, identifier: Identifier) -> Flow[bool]:
    """Whether the owner of the mailbox may register the address. The commit checks it once more."""
    holder = yield from find_holder(identifier)
    erased = yield from ask(AccountStore.has_tombstone, deployment.tombstones.digests(identifier))
    return holder is None and not erased


def confirm(
    deployment: Deployment,
    token: object,
    display_name: object,
    password: object,
    client: ClientContext = UNKNOWN_CLIENT,
) -> Flow[Done | Refused | LinkRefused]:
    """Create the account with a sign-up link, a name and a password; signs nobody in.

    A refused name or password does not use the link up. Whether the address is still free is decided by the
    store's unique key; if it is not, the answer says that it cannot be used, and gives no reason.
    """
    context = yield from begin(client)
    opened = yield from open_link(deployment, token, _PURPOSES, context, to_use=True)
    if isinstance(opened, LinkRefused):
        return (yield from refuse_link(deployment, context, opened))
    identifier = register(opened.one_time_token.address, deployment.email)
    if isinstance(identifier, Malformed):
        return LinkRefused(Problem(Code.LINK_INVALID))
    if not (yield from _is_free(deployment, identifier)):
        return (yield from refuse_link(deployment, context, _UNAVAILABLE))
    name = read_name(display_name)
    if isinstance(name, Problem):
        return Refused(name)
    hashed = yield from hash_new(deployment, password, (name, identifier.shown), context)
    if isinstance(hashed, Refused):
        return hashed
    kind = yield from kind_of_hash(deployment, hashed)
    tombstones = deployment.tombstones.digests(identifier)
    account_id = yield from new_account_id()
    account = Account(
        account_id, deployment.policy.sign_up_realm, name, client.language, contact=mail_address(identifier)
    )
    changes: list[Change] = [
        TokenUsed(opened.one_time_token.digest, Purpose.SIGN_UP, context.at),
        AccountAdded(account, (AccountIdentifier(identifier),), hashed, context.at, tombstones, kind),
    ]
    event = audit_event(AuditEventType.SIGN_UP_CONFIRMED, context, account_id=account.id)
    outcome = yield from commit_with(event, changes)
    if isinstance(outcome, Rejected):
        taken = outcome.why is Precondition.IDENTIFIER_TAKEN
        return _UNAVAILABLE if taken else LinkRefused(Problem(Code.LINK_INVALID))
    return Done(Problem(Code.SIGNUP_DONE))
