"""Invite: a link sets the first password of an account that an administrator made, so that only the person knows it."""

from dataclasses import dataclass

from cityauth.core.accounts import AccountId, Status
from cityauth.core.answers import Problem, Refused
from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.changes import Change, Precondition, TokenIssued
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.secret import SecretStr
from cityauth.core.signing import Purpose
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, begin, commit_with
from cityauth.flows.identifiers import AccountRefused
from cityauth.flows.links import identifiers_of, login_name, make_link
from cityauth.flows.mail import invitation_allowed, queue
from cityauth.messages import Mail
from cityauth.messages.codes import Code
from cityauth.ports.stores import AccountStore


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation was made.

    Attributes:
        link: The link, to be handed over where it is not mailed; single use, 24 hours. ``None`` where it is
            mailed: then only the mailbox's owner sees it.
        mailed_to: The address that it is mailed to, or ``None``.
    """

    link: SecretStr | None
    mailed_to: str | None


def invite(
    deployment: Deployment, account_id: AccountId, client: ClientContext = UNKNOWN_CLIENT, *, by_mail: bool = True
) -> Flow[Invited | AccountRefused | Refused]:
    """Make a link that sets the account's password, and mail it if the account has an address.

    With *by_mail* false nothing is mailed, and the link is returned to be handed over: for an account whose address is
    no longer working. Earlier invitations end. `AccountRefused` when the account is missing or not active; `Refused`
    when too many invitations were mailed to the mailbox lately: nothing was written then.
    """
    context = yield from begin(client)
    account = yield from ask(AccountStore.load, account_id)
    if account is None:
        return AccountRefused(Precondition.ACCOUNT_MISSING)
    if account.status is not Status.ACTIVE:
        return AccountRefused(Precondition.STATUS_CHANGED)
    held = yield from identifiers_of(account_id)
    contact = account.contact if by_mail else None
    if contact and not (yield from invitation_allowed(deployment, context, contact)):
        return Refused(Problem(Code.THROTTLE_REQUEST))
    link = yield from make_link(deployment, Purpose.INVITATION, context, to=contact or "", account=account)
    name = login_name(deployment, account, held, context)
    changes: list[Change] = [TokenIssued(link.one_time_token, alone=True)]
    if contact:
        mail = Mail.INVITATION
        changes.append(
            queue(
                deployment,
                context,
                mail,
                contact,
                language=account.language,
                link=link,
                words={"login_name": name},
            )
        )
    event = audit_event(AuditEventType.ACCOUNT_INVITED, context, account_id=account_id)
    yield from commit_with(event, changes)
    return Invited(None if contact else link.url, contact)
