"""Change the e-mail address, which is also the login name: verify the new one, mail the old one, undo from there."""

from dataclasses import replace

from cityauth.core.accounts import Account
from cityauth.core.answers import Done, MailOutcome, Problem, Refused
from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.changes import (
    Change,
    Committed,
    ContactChanged,
    EpochAdvanced,
    IdentifierAdded,
    IdentifierRetired,
    PasswordSet,
    Rejected,
    SessionsClosed,
    TokenIssued,
    TokensRevoked,
    TokenUsed,
)
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext, RequestContext
from cityauth.core.identifiers import Identifier, Malformed, inherit, look_up, register
from cityauth.core.links import LinkLive, LinkOutcome, LinkRefused, OneTimeToken
from cityauth.core.mail import mail_address
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.sessions import LiveSession, is_fresh
from cityauth.core.signing import Purpose
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, begin, commit_with
from cityauth.flows.identifiers import address_problem_of, find_holder
from cityauth.flows.links import Owned, identifiers_of, login_name, make_link, open_owned, refuse_link
from cityauth.flows.mail import (
    address_taken,
    addresses_of,
    mail_allowed,
    network_allowed,
    notify,
    queue,
    recipient_allowed,
    signs_in_by_mail,
)
from cityauth.flows.recovery import answer
from cityauth.flows.sessions import ENDED, check_again, still_live
from cityauth.flows.throttling import record_refusal
from cityauth.messages import Mail, mask_email, mask_login_name
from cityauth.messages.codes import Code
from cityauth.ports.services import Mailer

_CHANGE = (Purpose.EMAIL_CHANGE,)
_UNDO = (Purpose.EMAIL_UNDO,)

_USERNAME = "username:"
"""Marks the line of a username in what an undo link restores. No e-mail address begins like this."""


def request(
    deployment: Deployment, live: LiveSession, entered: object, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[MailOutcome]:
    """Mail a link to the new address. The answer does not show whether somebody else has the address.

    Returns `Refused` when the password must be verified again first, the text is no address, it is the account's own
    already, too many mails were asked for, or the session has ended. All of these are about the person's own account,
    so the answer may show them. A new request ends the links of earlier ones.
    """
    context = yield from begin(client)
    required = still_live(deployment, live, context)
    up = yield from ask(Mailer.is_up)
    if (yield from check_again(deployment, live)) is None:
        return ENDED
    if not is_fresh(live.session, context.at, deployment.policy.sessions):
        return Refused(Problem(Code.REAUTH_REQUIRED))
    identifier = register(entered, deployment.email)
    if isinstance(identifier, Malformed):
        return Refused(address_problem_of(identifier))
    account = live.account
    holder = yield from find_holder(identifier)
    taken = holder is not None and holder.account.id != account.id
    if holder and not taken and _is_in_use(holder.account_identifier, identifier, account):
        return Refused(Problem(Code.EMAIL_CHANGE_SAME))
    of_network = yield from network_allowed(deployment, context)
    if not of_network or not (yield from mail_allowed(deployment, context, "email-change", account.id)):
        return Refused(Problem(Code.THROTTLE_REQUEST))
    to = mail_address(identifier)
    allowed = yield from recipient_allowed(deployment, context, to)
    target = None if taken else identifier.shown
    link = yield from make_link(deployment, Purpose.EMAIL_CHANGE, context, to=to, account=account, address=target)
    asked = queue(deployment, context, Mail.EMAIL_CHANGE, to, language=account.language, link=link)
    in_use = address_taken(deployment, context, identifier, holder, account.language)
    mail = in_use if taken else asked
    event = audit_event(
        AuditEventType.EMAIL_CHANGE_REQUESTED,
        context,
        account_id=account.id,
        reason=("taken" if taken else "free") if allowed else "over_the_cap",
    )
    if not allowed:
        if (yield from check_again(deployment, live)) is None:
            return ENDED
        yield from record_refusal(deployment, event, context)
        return answer(deployment, Code.EMAIL_CHANGE_SENT, up=up)
    outcome = yield from commit_with(event, [required, TokenIssued(link.one_time_token, alone=True), mail])
    if isinstance(outcome, Rejected):
        return ENDED
    return answer(deployment, Code.EMAIL_CHANGE_SENT, up=up)


def _is_in_use(held: AccountIdentifier, wanted: Identifier, account: Account) -> bool:
    """Whether *account* signs in with exactly the *wanted* address and gets its mail there."""
    return signs_in_by_mail(held) and held.identifier == wanted and account.contact == mail_address(wanted)


def inspect(deployment: Deployment, token: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[LinkOutcome]:
    """Look at a link that confirms a new address; nothing is used up."""
    return (yield from _inspect(deployment, token, _CHANGE, client))


def _shown(token: OneTimeToken) -> str:
    """Return the address that a page shows for *token*: the first one that signs in, else where mail goes."""
    return (token.address or token.contact or "").partition("\n")[0].removeprefix(_USERNAME)


def inspect_undo(deployment: Deployment, token: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[LinkOutcome]:
    """Look at a link that undoes a change; nothing is used up."""
    return (yield from _inspect(deployment, token, _UNDO, client))


def _inspect(
    deployment: Deployment, token: object, purposes: tuple[Purpose, ...], client: ClientContext
) -> Flow[LinkOutcome]:
    context = yield from begin(client)
    opened = yield from open_owned(deployment, token, purposes, context, to_use=False)
    if isinstance(opened, LinkRefused):
        return opened
    address = _shown(opened.one_time_token)
    held = yield from identifiers_of(opened.account.id)
    name = login_name(deployment, opened.account, held, context) or opened.account.contact or ""
    return LinkLive(opened.one_time_token.purpose, address, address, mask_login_name(name))


def confirm(deployment: Deployment, token: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[Done | LinkRefused]:
    """Take the confirmed address into use: it signs in from now on, under the same account id.

    The old address is retired and gets a mail with a link that undoes the change. Every session and every
    other link ends. Whether the address is still free is decided by the store's unique key.
    """
    context = yield from begin(client)
    opened = yield from open_owned(deployment, token, _CHANGE, context, to_use=True)
    if isinstance(opened, LinkRefused):
        return (yield from refuse_link(deployment, context, opened))
    account, identifier = opened.account, register(opened.one_time_token.address, deployment.email)
    if isinstance(identifier, Malformed):
        return LinkRefused(Problem(Code.LINK_INVALID))
    held = yield from identifiers_of(account.id)
    undoing = yield from _tell_and_undo(deployment, account, held, identifier, context)
    changes: list[Change] = [
        TokenUsed(opened.one_time_token.digest, Purpose.EMAIL_CHANGE, context.at),
        *_take_over(deployment, account, (identifier,), held, context),
        ContactChanged(account.id, mail_address(identifier)),
        *undoing,
    ]
    event = audit_event(AuditEventType.EMAIL_CHANGED, context, account_id=account.id)
    outcome = yield from commit_with(event, changes)
    if not isinstance(outcome, Committed):
        return LinkRefused(Problem(Code.EMAIL_CHANGE_FAILED))
    return Done(Problem(Code.EMAIL_CHANGE_DONE))


def _tell_and_undo(
    deployment: Deployment,
    account: Account,
    held: tuple[AccountIdentifier, ...],
    new: Identifier,
    context: RequestContext,
) -> Flow[tuple[Change, ...]]:
    """Return the mails to every former address that was verified, each with its own undo link.

    Any one of the links restores every address that signed in, a username that equals the *new* address, and the
    address that mail went to.
    """
    lines = [one.identifier.shown for one in held if signs_in_by_mail(one)]
    lines += [_USERNAME + one.identifier.shown for one in held if _is_username(one, new)]
    login = "\n".join(lines) or None
    changes: list[Change] = []
    for number, to in enumerate(addresses_of(account, held)):
        link = yield from make_link(
            deployment, Purpose.EMAIL_UNDO, context, to=to, account=account, address=login, contact=account.contact
        )
        words = {"email": mask_email(new.shown)}
        mail = queue(
            deployment,
            context,
            Mail.EMAIL_CHANGED,
            to,
            language=account.language,
            link=link,
            words=words,
            number=number,
        )
        changes += [TokenIssued(link.one_time_token), mail]
    return tuple(changes)


def _is_username(held: AccountIdentifier, new: Identifier) -> bool:
    """Whether *held* is an active username with the key of the *new* address, which takes its place."""
    return (
        held.identifier.kind == "username" and held.status is IdentifierStatus.ACTIVE and held.identifier.key == new.key
    )


def _former(deployment: Deployment, address: str | None, held: tuple[AccountIdentifier, ...]) -> Identifier | None:
    """Return the identifier that *address* was, spelled as it was; the account holds its key, in whatever status.

    The account may have it in another spelling by now: whoever looked for this one would find none.
    """
    read = look_up(address, (deployment.email,))
    keys = set() if isinstance(read, Malformed) else {one.key for one in read}
    found = (one.identifier for one in held if one.identifier.key in keys)
    return next((replace(one, shown=str(address)) for one in found), None)


def undo(deployment: Deployment, token: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[Done | LinkRefused]:
    """Restore the address that the link was mailed to, and end the password, every session and every other link.

    The password may be an intruder's. A link that sets a new one is mailed to the restored address in the same
    commit, so that no request for one is needed, which strangers could have used up.

    An undo link works after later changes of password and address, because an intruder would make such changes. Using
    one ends the undo links that were issued after it, and none that were issued before. The account's epoch says
    which came first, not a clock: the commit that issues undo links advances the epoch.
    """
    context = yield from begin(client)
    opened = yield from open_owned(deployment, token, _UNDO, context, to_use=True)
    if isinstance(opened, LinkRefused):
        return (yield from refuse_link(deployment, context, opened))
    one_time_token, account = opened.one_time_token, opened.account
    held = yield from identifiers_of(account.id)
    lines = (one_time_token.address or "").splitlines()
    wanted = [line for line in lines if not line.startswith(_USERNAME)]
    names = [inherit(line.removeprefix(_USERNAME)) for line in lines if line.startswith(_USERNAME)]
    found = [_former(deployment, address, held) for address in wanted]
    if found and found[0] is None:
        return LinkRefused(Problem(Code.LINK_INVALID))
    former = tuple(one for one in found if one is not None)
    notices = yield from _tell_undone(deployment, opened, held, tuple(map(mail_address, former)), context)
    changes: list[Change] = [
        TokenUsed(one_time_token.digest, Purpose.EMAIL_UNDO, context.at),
        *_take_over(
            deployment, account, (*former, *(one for one in names if isinstance(one, Identifier))), held, context
        ),
        ContactChanged(account.id, one_time_token.contact),
        TokensRevoked(account.id, Purpose.EMAIL_UNDO, one_time_token.issued_epoch or 0),
        PasswordSet(account.id, None),
        *notices,
    ]
    event = audit_event(AuditEventType.EMAIL_CHANGE_UNDONE, context, account_id=account.id)
    outcome = yield from commit_with(event, changes)
    if not isinstance(outcome, Committed):
        return LinkRefused(Problem(Code.LINK_INVALID))
    return Done(Problem(Code.EMAIL_CHANGE_UNDONE))


def _tell_undone(
    deployment: Deployment,
    owned: Owned,
    held: tuple[AccountIdentifier, ...],
    former: tuple[str, ...],
    context: RequestContext,
) -> Flow[tuple[Change, ...]]:
    """Return the mails to every former and present address; only the restored one gets a link that sets a password."""
    used, account = owned.one_time_token, owned.account
    restored = used.contact or next(iter(former), "")
    words = {"email": mask_email(_shown(used))}
    others = [to for to in (*addresses_of(account, held), *former) if to != restored]
    then = replace(account, epoch=account.epoch + 1)  # the same commit advances it
    link = yield from make_link(deployment, Purpose.RESET, context, to=restored, account=then)
    language = account.language
    mail = queue(deployment, context, Mail.EMAIL_RESTORED, restored, language=language, words=words, link=link)
    notices = notify(deployment, context, Mail.EMAIL_RESTORED, account, others, words=words)
    return (TokenIssued(link.one_time_token), mail, *notices)


def _take_over(
    deployment: Deployment,
    account: Account,
    identifiers: tuple[Identifier, ...],
    held: tuple[AccountIdentifier, ...],
    context: RequestContext,
) -> tuple[Change, ...]:
    """Make *identifiers* active, retire every other e-mail address, and end the account's sessions and links."""
    keys = {one.key for one in identifiers}
    displaced = [one.identifier.key for one in held if signs_in_by_mail(one) and one.identifier.key not in keys]
    return (
        *(IdentifierAdded(account.id, one, context.at, deployment.tombstones.digests(one)) for one in identifiers),
        *(IdentifierRetired(account.id, old, context.at) for old in displaced),
        EpochAdvanced(account.id),
        SessionsClosed(account.id),
    )
