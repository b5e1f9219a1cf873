"""Make links, and open the ones that come back. Opening uses nothing up."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias
from urllib.parse import urlencode

from cityauth.core.account import Account, AccountId, Status
from cityauth.core.audit import Happening, report
from cityauth.core.claim import ID_BYTES, Claim, digest_of_id, id_of
from cityauth.core.client import Occasion
from cityauth.core.link import LinkDead
from cityauth.core.problem import Problem
from cityauth.core.resolution import Holding, Life
from cityauth.core.sealing import Opened, Purpose, SealDefect
from cityauth.core.secret import Concealed
from cityauth.core.throttle import Exhausted, bucket_of, network_of
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.flows.record import commit_with
from cityauth.messages.codes import Code
from cityauth.ports.accounts import AccountStore
from cityauth.ports.claims import ClaimStore
from cityauth.ports.clock import Entropy
from cityauth.ports.throttle import ThrottleStore

_FORGED = LinkDead(Problem(Code.LINK_INVALID))
_DEAD = LinkDead(Problem(Code.LINK_INVALID))
"""A genuine token whose claim is used, overtaken or nobody's. The person is told what a forged one is told."""
_EXPIRED = LinkDead(Problem(Code.LINK_EXPIRED))


@dataclass(frozen=True, slots=True)
class Link:
    """A new link: the claim to commit, and the address to mail."""

    claim: Claim
    url: Concealed


@dataclass(frozen=True, slots=True)
class Proven:
    """A live claim, and its account if it has one."""

    claim: Claim
    account: Account | None


@dataclass(frozen=True, slots=True)
class Owned:
    """A live claim of an account."""

    claim: Claim
    account: Account


OpenedLink: TypeAlias = Proven | LinkDead


def lifetime_of(desk: Deployment, purpose: Purpose) -> timedelta:
    """Return how long a link for *purpose* lives."""
    links = desk.policy.links
    return {
        Purpose.PENDING_LOGIN: desk.policy.login.pending_max_age,
        Purpose.RESET: links.reset,
        Purpose.INVITATION: links.invitation,
        Purpose.SIGN_UP: links.sign_up,
        Purpose.EMAIL_CHANGE: links.email_change,
        Purpose.EMAIL_UNDO: links.email_undo,
    }[purpose]


def make_link(
    desk: Deployment,
    purpose: Purpose,
    occasion: Occasion,
    *,
    account: Account | None = None,
    address: str | None = None,
    contact: str | None = None,
) -> Flow[Link]:
    """Make a link for *purpose*; a decoy, which can never be used, when it has neither account nor address."""
    claim_id = id_of((yield from ask(Entropy.draw, ID_BYTES)))
    digest = digest_of_id(claim_id) or b""
    claim = Claim(
        digest=digest,
        purpose=purpose,
        account_id=account.id if account else None,
        epoch=account.epoch if account and purpose is not Purpose.EMAIL_UNDO else None,
        address=address,
        issued_at=occasion.at,
        expires_at=occasion.at + lifetime_of(desk, purpose),
        contact=contact,
    )
    token = desk.sealer.seal(purpose, {"jti": claim_id}, occasion.at)
    return Link(claim, Concealed(f"{page_of(desk, purpose)}?{urlencode({'token': token})}"))


def page_of(desk: Deployment, purpose: Purpose) -> str:
    """Return the address of the page that a link for *purpose* leads to."""
    mail = desk.policy.mail
    path = {
        Purpose.SIGN_UP: mail.sign_up_path,
        Purpose.EMAIL_CHANGE: mail.email_change_path,
        Purpose.EMAIL_UNDO: mail.email_undo_path,
    }.get(purpose, mail.reset_path)
    return page(desk, path)


def page(desk: Deployment, path: str) -> str:
    """Return the address of the host's page at *path*, from the configuration alone (B-82)."""
    return desk.policy.mail.base_url.rstrip("/") + path


def open_link(
    desk: Deployment, token: object, purposes: Collection[Purpose], occasion: Occasion, *, to_use: bool
) -> Flow[OpenedLink]:
    """Open a link that came back. Nothing is used up, however often it is opened (C-57).

    Looks and uses are counted apart, so that no scanner's looks keep the person from using the link.

    Returns `LinkDead` for what is forged, of another purpose, used, overtaken, too old, or asked for
    too often from one network.
    """
    opened = _unseal(desk, token, purposes, occasion)
    if isinstance(opened, LinkDead):
        return opened
    network = network_of(occasion.client.address)
    bucket = bucket_of("link-use" if to_use else "link-look", network, desk.audit_secret)
    allowance = yield from ask(ThrottleStore.reserve, bucket, desk.policy.throttle.link_per_network, occasion.at)
    if isinstance(allowance, Exhausted):
        return LinkDead(Problem(Code.THROTTLE_REQUEST))
    claim = yield from ask(ClaimStore.find_claim, digest_of_id(opened.payload.get("jti")) or b"")
    if claim is None or claim.purpose not in purposes:
        return _DEAD
    if claim.expires_at <= occasion.at:
        return _EXPIRED
    if claim.account_id is None:
        return Proven(claim, None) if claim.address else _DEAD
    account = yield from ask(AccountStore.load, claim.account_id)
    if account is None or account.status is not Status.ACTIVE or claim.epoch not in {None, account.epoch}:
        return _DEAD
    return Proven(claim, account)


def open_owned(
    desk: Deployment, token: object, purposes: Collection[Purpose], occasion: Occasion, *, to_use: bool
) -> Flow[Owned | LinkDead]:
    """Open a link that must be an account's; as `open_link`."""
    opened = yield from open_link(desk, token, purposes, occasion, to_use=to_use)
    if isinstance(opened, LinkDead):
        return opened
    return _DEAD if opened.account is None else Owned(opened.claim, opened.account)


def told(occasion: Occasion, opened: LinkDead) -> Flow[LinkDead]:
    """Record that a link was refused to somebody who wanted to use it, and return the refusal (ASVS 16.3.1).

    Only what passed the seal and the cap is recorded: nobody fills the trail with forgeries.
    """
    if opened is _DEAD:
        yield from commit_with(report(Happening.LINK_REFUSED, occasion))
    return opened


def _unseal(desk: Deployment, token: object, purposes: Collection[Purpose], occasion: Occasion) -> Opened | LinkDead:
    """Open the seal for whichever of *purposes* made it."""
    for purpose in purposes:
        opened = desk.sealer.open(purpose, token, occasion.at, lifetime_of(desk, purpose))
        if isinstance(opened, Opened):
            return opened
        if opened is SealDefect.EXPIRED:
            return _EXPIRED
    return _FORGED


def login_name(desk: Deployment, account: Account, held: Collection[Holding], occasion: Occasion) -> str:
    """Return what *account* signs in with now, an e-mail address before a username; empty when nothing does."""
    if not desk.resolver.has_stage(account):
        return ""
    stage = desk.resolver.stage_of(account, occasion.at)
    names = [one.identifier for one in held if one.life is Life.ACTIVE and stage.admits(one.identifier.kind)]
    names.sort(key=lambda identifier: identifier.kind != "email")
    return names[0].shown if names else ""


def holdings_of(account_id: AccountId | None) -> Flow[tuple[Holding, ...]]:
    """Ask for an account's identifiers; for no account the same question with an id that nobody has."""
    return tuple((yield from ask(AccountStore.holdings, account_id or AccountId(""))))
