"""Make mailed links, and open the ones that come back. Opening a link does not use it up."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias
from urllib.parse import urlencode

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.answers import Problem
from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.client import RequestContext
from cityauth.core.links import ID_BYTES, LinkRefused, OneTimeToken, digest_of_id, id_of
from cityauth.core.mail import mailbox_of
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.secret import SecretStr
from cityauth.core.signing import Purpose, SignedPayload, TokenDefect
from cityauth.core.throttling import Exhausted, bucket_of, network_of
from cityauth.core.web import link_token
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, commit_with
from cityauth.flows.throttling import record_refusal, reserve
from cityauth.messages.codes import Code
from cityauth.ports.services import Entropy
from cityauth.ports.stores import AccountStore, OneTimeTokenStore

_MAILED = tuple(purpose for purpose in Purpose if purpose is not Purpose.PENDING_LOGIN)
"""The purposes whose tokens are mailed."""

_PROOF_AGE = timedelta(days=30)
"""For how long a mailed token proves that somebody reads the mailbox."""

_FORGED = LinkRefused(Problem(Code.LINK_INVALID))
_DEAD = LinkRefused(Problem(Code.LINK_INVALID))
"""A genuine token that was used, was replaced or belongs to no account. The answer is that for a forged one."""
_EXPIRED = LinkRefused(Problem(Code.LINK_EXPIRED))


@dataclass(frozen=True, slots=True)
class Link:
    """A new link: the one-time token to commit, and the address to mail."""

    one_time_token: OneTimeToken
    url: SecretStr


@dataclass(frozen=True, slots=True)
class Proven:
    """A live one-time token, and its account if it has one."""

    one_time_token: OneTimeToken
    account: Account | None


@dataclass(frozen=True, slots=True)
class Owned:
    """A live one-time token of an account."""

    one_time_token: OneTimeToken
    account: Account


OpenedLink: TypeAlias = Proven | LinkRefused


def lifetime_of(deployment: Deployment, purpose: Purpose) -> timedelta:
    """Return how long a link for *purpose* works."""
    links = deployment.policy.links
    return {
        Purpose.PENDING_LOGIN: deployment.policy.login.pending_max_age,
        Purpose.RESET: links.reset,
        Purpose.INVITATION: links.invitation,
        Purpose.SIGN_UP: links.sign_up,
        Purpose.EMAIL_CHANGE: links.email_change,
        Purpose.EMAIL_UNDO: links.email_undo,
    }[purpose]


def make_link(
    deployment: Deployment,
    purpose: Purpose,
    context: RequestContext,
    *,
    to: str,
    account: Account | None = None,
    address: str | None = None,
    contact: str | None = None,
) -> Flow[Link]:
    """Make a link for *purpose* that is mailed to the address *to*, which is empty when it is handed over.

    It is a dummy, which can never be used, when it has neither account nor address.
    """
    token_id = id_of((yield from ask(Entropy.draw, ID_BYTES)))
    digest = digest_of_id(token_id) or b""
    one_time_token = OneTimeToken(
        digest=digest,
        purpose=purpose,
        account_id=account.id if account else None,
        epoch=account.epoch if account and purpose is not Purpose.EMAIL_UNDO else None,
        address=address,
        issued_at=context.at,
        expires_at=context.at + lifetime_of(deployment, purpose),
        contact=contact,
        issued_epoch=account.epoch if account else None,
    )
    payload = {"token_id": token_id, "mailbox": _mailbox_digest(deployment, to)}
    token = deployment.signer.sign(purpose, payload, context.at)
    return Link(one_time_token, SecretStr(f"{page_of(deployment, purpose)}?{urlencode({'token': token})}"))


def is_mailed_to(deployment: Deployment, token: object, address: str, context: RequestContext) -> bool:
    """Whether *token* is genuine and was mailed to the mailbox of *address* within the last 30 days.

    It says so also after it was used or has expired. It opens nothing then, but whoever has it has read the mailbox.
    """
    clean, digest = link_token(token), _mailbox_digest(deployment, address)
    signed = (deployment.signer.open(purpose, clean, context.at, _PROOF_AGE) for purpose in _MAILED)
    found = [one.payload.get("mailbox") for one in signed if isinstance(one, SignedPayload)]
    return bool(address) and digest in found


def _mailbox_digest(deployment: Deployment, address: str) -> str:
    """Return what a token says of the mailbox that it is mailed to: a keyed digest, which names nobody."""
    return bucket_of("mailed-to", mailbox_of(address), deployment.audit_secret)


def page_of(deployment: Deployment, purpose: Purpose) -> str:
    """Return the address of the page that a link for *purpose* leads to."""
    mail = deployment.policy.mail
    path = {
        Purpose.SIGN_UP: mail.sign_up_path,
        Purpose.EMAIL_CHANGE: mail.email_change_path,
        Purpose.EMAIL_UNDO: mail.email_undo_path,
    }.get(purpose, mail.reset_path)
    return page(deployment, path)


def page(deployment: Deployment, path: str) -> str:
    """Return the address of the host's page at *path*, from the configuration alone."""
    return deployment.policy.mail.base_url.rstrip("/") + path


def open_link(
    deployment: Deployment, token: object, purposes: Collection[Purpose], context: RequestContext, *, to_use: bool
) -> Flow[OpenedLink]:
    """Open a link that came back. This does not use it up, however often it is opened.

    Looking at a link and using it have separate limits: a mail scanner that looks often does not stop the person.

    Returns `LinkRefused` for what is forged, of another purpose, used, overtaken, too old, or asked for
    too often from one network.
    """
    opened = _verify_signature(deployment, token, purposes, context)
    if isinstance(opened, LinkRefused):
        return opened
    network = network_of(context.client.address)
    bucket = bucket_of("link-use" if to_use else "link-look", network, deployment.audit_secret)
    allowance = yield from reserve(deployment, bucket, deployment.policy.throttle.link_per_network, context.at)
    if isinstance(allowance, Exhausted):
        return LinkRefused(Problem(Code.THROTTLE_REQUEST))
    one_time_token = yield from ask(OneTimeTokenStore.find_token, digest_of_id(opened.payload.get("token_id")) or b"")
    if one_time_token is None or one_time_token.purpose not in purposes:
        return _DEAD
    if one_time_token.expires_at <= context.at:
        return _EXPIRED
    if one_time_token.account_id is None:
        return Proven(one_time_token, None) if one_time_token.address else _DEAD
    account = yield from ask(AccountStore.load, one_time_token.account_id)
    if account is None or account.status is not Status.ACTIVE or one_time_token.epoch not in {None, account.epoch}:
        return _DEAD
    return Proven(one_time_token, account)


def open_owned(
    deployment: Deployment, token: object, purposes: Collection[Purpose], context: RequestContext, *, to_use: bool
) -> Flow[Owned | LinkRefused]:
    """Open a link that must be an account's; as `open_link`."""
    opened = yield from open_link(deployment, token, purposes, context, to_use=to_use)
    if isinstance(opened, LinkRefused):
        return opened
    return _DEAD if opened.account is None else Owned(opened.one_time_token, opened.account)


def refuse_link(deployment: Deployment, context: RequestContext, opened: LinkRefused) -> Flow[LinkRefused]:
    """Record that a link was refused to somebody who wanted to use it, and return the refusal.

    Only a link with a genuine signature, within the limit, is recorded, so that nobody can fill the audit trail. An
    expired link is known by its signature alone, so the number of such records is limited; see `record_refusal`.
    """
    event = audit_event(AuditEventType.LINK_REFUSED, context)
    if opened is _DEAD:
        yield from commit_with(event)
    elif opened is _EXPIRED:
        yield from record_refusal(deployment, event, context)
    return opened


def _verify_signature(
    deployment: Deployment, token: object, purposes: Collection[Purpose], context: RequestContext
) -> SignedPayload | LinkRefused:
    """Verify that the token was signed for one of *purposes*; what was added at its ends is dropped."""
    clean = link_token(token)
    for purpose in purposes:
        opened = deployment.signer.open(purpose, clean, context.at, lifetime_of(deployment, purpose))
        if isinstance(opened, SignedPayload):
            return opened
        if opened is TokenDefect.EXPIRED:
            return _EXPIRED
    return _FORGED


def login_name(
    deployment: Deployment, account: Account, held: Collection[AccountIdentifier], context: RequestContext
) -> str:
    """Return what *account* signs in with now, an e-mail address before a username; empty when nothing does."""
    if not deployment.resolver.has_phase(account):
        return ""
    phase = deployment.resolver.phase_of(account, context.at)
    names = [
        one.identifier for one in held if one.status is IdentifierStatus.ACTIVE and phase.admits(one.identifier.kind)
    ]
    names.sort(key=lambda identifier: identifier.kind != "email")
    return names[0].shown if names else ""


def identifiers_of(account_id: AccountId | None) -> Flow[tuple[AccountIdentifier, ...]]:
    """Return an account's identifiers. Without an account, ask the same question with an id that nobody has."""
    return tuple((yield from ask(AccountStore.account_identifiers, account_id or AccountId(""))))
