"""Sign up: the address first, the account only after its link (never before, and never for a taken address)."""

from cityauth.core.account import Account
from cityauth.core.audit import Happening, report, subject_of
from cityauth.core.change import AccountAdded, Change, ClaimIssued, ClaimUsed, Precondition, Rejected
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.identifier import Malformed, register
from cityauth.core.link import Declined, Done, LinkDead, LinkLive, LinkOutcome, MailOutcome
from cityauth.core.mail import mail_address
from cityauth.core.problem import Problem
from cityauth.core.resolution import Holding
from cityauth.core.sealing import Purpose
from cityauth.flows.accounts import new_account_id
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.flows.letters import address_taken, queue
from cityauth.flows.linking import make_link, open_link, told
from cityauth.flows.mail_cap import mail_allowed
from cityauth.flows.malformed import address_problem_of
from cityauth.flows.naming import read_name
from cityauth.flows.occasion import begin
from cityauth.flows.passwords import PasswordRejected, hash_new
from cityauth.flows.record import commit_with
from cityauth.flows.recovery import answer
from cityauth.messages import Mail
from cityauth.messages.codes import Code
from cityauth.ports.accounts import AccountStore
from cityauth.ports.mailer import Mailer

_PURPOSES = (Purpose.SIGN_UP,)


def request(desk: Deployment, entered: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[MailOutcome]:
    """Mail a link that creates an account to a free address; to a taken one, that it has an account.

    Both are answered alike, ask the same questions and take the same work. The owner of a taken address is
    written to as it is stored. Returns `Declined` only for text that is no address.
    """
    occasion = yield from begin(client)
    up = yield from ask(Mailer.is_up)
    identifier = register(entered, desk.email)
    if isinstance(identifier, Malformed):
        return Declined(address_problem_of(identifier))
    matches = yield from ask(AccountStore.find, (identifier.key,))
    allowed = yield from mail_allowed(desk, occasion, "sign-up", matches[0].account.id if matches else identifier.key)
    free = not matches
    link = yield from make_link(desk, Purpose.SIGN_UP, occasion, address=identifier.shown if free else None)
    invited = queue(desk, occasion, Mail.SIGNUP, mail_address(identifier), language=client.language, link=link)
    in_use = address_taken(desk, occasion, identifier, matches, client.language)
    mail = invited if free else in_use
    event = report(
        Happening.SIGN_UP_REQUESTED,
        occasion,
        account_id=None if free else matches[0].account.id,
        reason=("free" if free else "taken") if allowed else "over_the_cap",
        subject=subject_of(identifier.key, desk.audit_secret),
    )
    yield from commit_with(event, [ClaimIssued(link.claim), mail] if allowed else [])
    return answer(desk, Code.SIGNUP_SENT, up=up)


def inspect(desk: Deployment, token: object, client: ClientContext = UNKNOWN_CLIENT) -> Flow[LinkOutcome]:
    """Look at a sign-up link; nothing is used up."""
    occasion = yield from begin(client)
    opened = yield from open_link(desk, token, _PURPOSES, occasion, to_use=False)
    if isinstance(opened, LinkDead):
        return opened
    address = opened.claim.address or ""
    return LinkLive(Purpose.SIGN_UP, address, address)


def confirm(
    desk: Deployment,
    token: object,
    display_name: object,
    password: object,
    client: ClientContext = UNKNOWN_CLIENT,
) -> Flow[Done | Declined | PasswordRejected | LinkDead]:
    """Create the account with a sign-up link, a name and a password; signs nobody in.

    A refused name or password uses nothing up. Whether the address is still free is decided by the
    store's unique key; the loser is told that it cannot be used, and not why.
    """
    occasion = yield from begin(client)
    opened = yield from open_link(desk, token, _PURPOSES, occasion, to_use=True)
    if isinstance(opened, LinkDead):
        return (yield from told(occasion, opened))
    identifier = register(opened.claim.address, desk.email)
    if isinstance(identifier, Malformed):
        return LinkDead(Problem(Code.LINK_INVALID))
    name = read_name(display_name)
    if isinstance(name, Problem):
        return Declined(name)
    hashed = yield from hash_new(desk, password, (name, identifier.shown))
    if isinstance(hashed, PasswordRejected):
        return hashed
    account_id = yield from new_account_id()
    account = Account(account_id, desk.policy.sign_up_realm, name, client.language, contact=mail_address(identifier))
    changes: list[Change] = [
        ClaimUsed(opened.claim.digest, Purpose.SIGN_UP, occasion.at),
        AccountAdded(account, (Holding(identifier),), hashed, occasion.at, (desk.ledger_digest(identifier),)),
    ]
    event = report(Happening.SIGN_UP_CONFIRMED, occasion, account_id=account.id)
    outcome = yield from commit_with(event, changes)
    if isinstance(outcome, Rejected):
        taken = outcome.why is Precondition.IDENTIFIER_TAKEN
        return LinkDead(Problem(Code.IDENTIFIER_UNAVAILABLE if taken else Code.LINK_INVALID))
    return Done(Problem(Code.SIGNUP_DONE))
