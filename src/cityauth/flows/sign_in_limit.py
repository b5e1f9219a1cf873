"""Limit the attempts to sign in: per account or identifier, and per network.

An attempt is counted before its password is verified, so that no burst gets more verifications than the limits
allow. An attempt that succeeds is taken back: nobody uses up a budget by signing in.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cityauth.core.answers import Problem
from cityauth.core.client import RequestContext
from cityauth.core.resolution import Resolution
from cityauth.core.throttling import Claim, Exhausted, bucket_of, network_of, slot_of
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.messages.codes import Code
from cityauth.ports.stores import ThrottleStore


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
    deployment: Deployment, context: RequestContext, resolution: Resolution, *, guesses: bool
) -> Flow[Reservation | Exhausted]:
    """Count one more attempt, if every limit allows it.

    A request without an address belongs to no network, so that a host that gives no addresses does not put everybody
    under the limit of one network.

    Args:
        deployment: The deployment.
        context: When, and from which network.
        resolution: What the identifier is.
        guesses: Whether a password will be verified. A text that cannot be a password counts for the network only.
    """
    policy, secret = deployment.policy.throttle, deployment.audit_secret
    posts: list[Claim] = []
    reserved = NOTHING
    if guesses:
        reserved = Reservation(_of_account(deployment, resolution))
    if context.client.address:
        network = network_of(context.client.address)
        posts.append(Claim(bucket_of("sign-in", network, secret), policy.sign_in_per_network))
        if guesses:
            failures = Claim(bucket_of("sign-in-failed", network, secret), policy.sign_in_failures_per_network)
            reserved = Reservation(reserved.guess, failures)
    claims = (*posts, *reserved.claims)
    if not claims:
        return reserved
    allowance = yield from ask(ThrottleStore.reserve_all, claims, context.at)
    return allowance if isinstance(allowance, Exhausted) else reserved


def _of_account(deployment: Deployment, resolution: Resolution) -> Claim:
    """Return where failures are counted: for the account, or else for the identifier among all that no account has.

    Identifiers without an account share a fixed number of buckets, and accounts have one each: so a flood of
    identifiers neither takes the place of an account's count nor grows the table.
    """
    rule, secret = deployment.policy.throttle.sign_in_per_account, deployment.audit_secret
    key = resolution.looked_up.key if resolution.looked_up else ""
    found = resolution.holder
    shared = slot_of("sign-in-unknown", key, secret)  # both for everybody: each takes time
    own = bucket_of("sign-in-account", found.account.id if found else key, secret)
    return Claim(own, rule, "") if found else Claim(shared[0], rule, shared[1])


def refund(reserved: Reservation, context: RequestContext, *, forget: bool) -> Flow[None]:
    """Take back what was counted for an attempt. After a success earlier failures of the account are forgotten."""
    if reserved.claims:
        yield from ask(ThrottleStore.refund, reserved.claims, context.at, forget=forget)


def seconds_until(retry_at: datetime, now: datetime) -> int:
    """Return for how many whole seconds to wait, at least one."""
    return max(1, -((now - retry_at) // timedelta(seconds=1)))


def throttled(retry_at: datetime, now: datetime) -> Problem:
    """Return what to tell a person who has to wait: the same for everybody."""
    return Problem(Code.THROTTLE_LOGIN, {"minutes": -(-seconds_until(retry_at, now) // 60)})
