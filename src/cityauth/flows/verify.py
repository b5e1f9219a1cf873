"""Verify a password for an identifier: one look-up and one verification, whatever is found."""

from dataclasses import dataclass

from cityauth.core.account import AccountId
from cityauth.core.audit import hash_identifier
from cityauth.core.client import RequestContext
from cityauth.core.dummy import draw
from cityauth.core.event import PasswordRefused, Refusal
from cityauth.core.login import Judgement, judge
from cityauth.core.password import Password, PasswordDefect
from cityauth.core.resolution import Resolution
from cityauth.core.secret import SecretStr
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.flows.identifiers import resolve
from cityauth.flows.passwords import or_busy
from cityauth.ports.services import PasswordHasher


@dataclass(frozen=True, slots=True)
class Verified:
    """What one attempt came to.

    Attributes:
        judgement: The decision.
        resolution: What the identifier was.
        stored_hash: The account's hash as it was verified, for the compare-and-set of a rehash;
            ``None`` when there is no one account, or it has no password.
        outdated: Whether a right password should be hashed anew.
        identifier_hash: The keyed digest under which attempts on the identifier are counted.
        holder: The one account that holds the identifier in whatever life, for the audit trail.
        defect: What is wrong with the stored hash, for the audit trail; empty when nothing is.
    """

    judgement: Judgement
    resolution: Resolution
    stored_hash: SecretStr | None = None
    outdated: bool = False
    identifier_hash: str = ""
    holder: AccountId | None = None
    defect: str = ""


def verify(
    deployment: Deployment, entered: str, password: Password | PasswordDefect, context: RequestContext
) -> Flow[Verified]:
    """Find whom *entered* names, verify *password* against that account's hash or a dummy's, and decide.

    A password that can be none (too long, no text) is refused before any hashing, for every
    identifier alike; so is text that can be no identifier.
    """
    resolution = yield from resolve(deployment, entered, context.at)
    if resolution.looked_up is None:
        return Verified(PasswordRefused(Refusal.UNKNOWN), resolution)
    first = resolution.looked_up.key
    holder = resolution.holder.account.id if resolution.holder else None
    stored = resolution.match.password_hash if resolution.match else None
    identifier_hash = hash_identifier(first, deployment.audit_secret)
    if isinstance(password, PasswordDefect):
        refused = PasswordRefused(Refusal.MALFORMED_PASSWORD)
        return Verified(refused, resolution, identifier_hash=identifier_hash, holder=holder)
    against = stored.get_secret_value() if stored else draw(first, deployment.dummy_secret, deployment.hash_mix)
    verdict = yield from or_busy(ask(PasswordHasher.verify, password, against), context, holder, identifier_hash)
    judgement = judge(resolution, matched=verdict.matched, has_password=stored is not None)
    return Verified(judgement, resolution, stored, verdict.outdated, identifier_hash, holder, verdict.defect or "")
