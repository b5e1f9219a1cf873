"""Invite: the first password of an account that an administrator made is set by a link, never by the administrator."""

from dataclasses import dataclass

from cityauth.core.account import AccountId, Status
from cityauth.core.audit import Happening, report
from cityauth.core.change import Change, ClaimIssued, Precondition
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.sealing import Purpose
from cityauth.core.secret import Concealed
from cityauth.flows.accounts import AccountRefused
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.flows.letters import queue
from cityauth.flows.linking import holdings_of, login_name, make_link
from cityauth.flows.occasion import begin
from cityauth.flows.record import commit_with
from cityauth.messages import Mail
from cityauth.ports.accounts import AccountStore


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation was made.

    Attributes:
        link: The link, to be handed over where the account has no address; single use, 24 hours. ``None``
            where it is mailed: then nobody but the mailbox's owner gets to see it.
        mailed_to: The address that it is mailed to, or ``None``.
    """

    link: Concealed | None
    mailed_to: str | None


def invite(
    desk: Deployment, account_id: AccountId, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[Invited | AccountRefused]:
    """Make a link that sets the account's password, and mail it if the account has an address.

    Earlier invitations die. `AccountRefused` when the account is missing or not active.
    """
    occasion = yield from begin(client)
    account = yield from ask(AccountStore.load, account_id)
    if account is None:
        return AccountRefused(Precondition.ACCOUNT_MISSING)
    if account.status is not Status.ACTIVE:
        return AccountRefused(Precondition.STATUS_CHANGED)
    held = yield from holdings_of(account_id)
    link = yield from make_link(desk, Purpose.INVITATION, occasion, account=account)
    name = login_name(desk, account, held, occasion)
    changes: list[Change] = [ClaimIssued(link.claim, alone=True)]
    if account.contact:
        mail = Mail.INVITATION
        changes.append(
            queue(
                desk, occasion, mail, account.contact, language=account.language, link=link, words={"login_name": name}
            )
        )
    event = report(Happening.ACCOUNT_INVITED, occasion, account_id=account_id)
    yield from commit_with(event, changes)
    return Invited(None if account.contact else link.url, account.contact)
