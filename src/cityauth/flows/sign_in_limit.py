"""Limit the attempts to sign in: per account or identifier, and per network.

An attempt is counted before its password is verified, so that no burst gets more verifications than the limits
allow. An attempt that succeeds is taken back: nobody uses up a budget by signing in.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cityauth.core.accounts import Account
from cityauth.core.answers import Problem
from cityauth.core.client import RequestContext
from cityauth.core.resolution import Match, Resolution
from cityauth.core.secret import SecretStr
from cityauth.core.signing import Payload, Purpose, TokenDefect
from cityauth.core.throttling import Claim, Exhausted, bucket_of, network_of, slot_of
from cityauth.flows.asking import Flow
from cityauth.flows.deployment import Deployment
from cityauth.flows.throttling import refund_all, reserve_all
from cityauth.messages.codes import Code


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was counted for one attempt.

    Attributes:
        guess: Where failures of the account, or of an identifier that no account has, are counted; ``None`` for an
            attempt that verifies nothing.
        network: Where failures of the network are counted; ``None`` where no network is known.
    """

    guess: Claim | None = None
    network: Claim | None = None

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What is taken back after a success."""
        return tuple(claim for claim in (self.guess, self.network) if claim is not None)


NOTHING = Reservation()


def reserve_attempt(
    deployment: Deployment, context: RequestContext, resolution: Resolution, device: str, *, guesses: bool
) -> Flow[Reservation | Exhausted]:
    """Count one more attempt, if every limit allows it.

    A request without an address belongs to no network, so that a host that gives no addresses does not put everybody
    under the limit of one network.

    Args:
        deployment: The deployment.
        context: When, and from which network.
        resolution: What the identifier is.
        device: A device that has signed in to the account before (`device_of`). It has a budget of its own, and the
            limits of the network do not hold for it: so nobody else can keep its owner from signing in.
        guesses: Whether a password will be verified. A text that cannot be a password counts for the network only.
    """
    policy, secret = deployment.policy.throttle, deployment.audit_secret
    posts: list[Claim] = []
    reserved = NOTHING
    if guesses:
        reserved = Reservation(_of_account(deployment, resolution, device))
    if context.client.address and not device:
        network = network_of(context.client.address)
        posts.append(Claim(bucket_of("sign-in", network, secret), policy.sign_in_per_network))
        if guesses:
            failures = Claim(bucket_of("sign-in-failed", network, secret), policy.sign_in_failures_per_network)
            reserved = Reservation(reserved.guess, failures)
    claims = (*posts, *reserved.claims)
    if not claims:
        return reserved
    allowance = yield from reserve_all(deployment, claims, context.at)
    return allowance if isinstance(allowance, Exhausted) else reserved


def _of_account(deployment: Deployment, resolution: Resolution, device: str) -> Claim:
    """Return where failures are counted: for the account, or else for the identifier among all that no account has.

    Identifiers without an account share a fixed number of buckets, and accounts have one each: so a flood of
    identifiers neither takes the place of an account's count nor grows the table.
    """
    rule, secret = deployment.policy.throttle.sign_in_per_account, deployment.audit_secret
    key = resolution.looked_up.key if resolution.looked_up else ""
    found = resolution.holder
    if found and device:
        return Claim(bucket_of("sign-in-device", f"{device}\0{found.account.id}", secret), rule)
    shared = slot_of("sign-in-unknown", key, secret)  # both for everybody: each takes time
    own = bucket_of("sign-in-account", found.account.id if found else key, secret)
    return Claim(own, rule, "") if found else Claim(shared[0], rule, shared[1])


def device_of(deployment: Deployment, token: object, holder: Match | None, now: datetime) -> str:
    """Return the device that *token* names, if it has signed in to the account of *holder* in its present epoch.

    Empty for anything else: for no token, one of another account, an old one, and after the password was set anew.
    """
    signed = deployment.signer.open(Purpose.DEVICE, token, now, deployment.policy.login.device_max_age)
    if isinstance(signed, TokenDefect) or holder is None:
        return ""
    payload, account = signed.payload, holder.account
    if (payload.get("account"), payload.get("epoch")) != (account.id, account.epoch):
        return ""
    return str(payload.get("device", ""))


def device_token_of(deployment: Deployment, account: Account, device: str, now: datetime) -> SecretStr:
    """Return the token that shows, for `LoginPolicy.device_max_age`, that *device* has signed in to *account*."""
    payload: Payload = {"account": account.id, "epoch": account.epoch, "device": device}
    return SecretStr(deployment.signer.sign(Purpose.DEVICE, payload, now))


def refund(deployment: Deployment, reserved: Reservation, context: RequestContext, *, forget: bool) -> Flow[None]:
    """Take back what was counted for an attempt. After a success earlier failures of the account are forgotten."""
    yield from refund_all(deployment, reserved.claims, context.at, forget=forget)


def seconds_until(retry_at: datetime, now: datetime) -> int:
    """Return for how many whole seconds to wait, at least one."""
    return max(1, -((now - retry_at) // timedelta(seconds=1)))


def throttled(retry_at: datetime, now: datetime) -> Problem:
    """Return what to tell a person who has to wait: the same for everybody."""
    return Problem(Code.THROTTLE_LOGIN, {"minutes": -(-seconds_until(retry_at, now) // 60)})
