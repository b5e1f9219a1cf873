"""Verify a password for an identifier: one look-up and one verification, whatever is found."""

from dataclasses import dataclass
from datetime import datetime

from cityauth.core.account import AccountId
from cityauth.core.audit import subject_of
from cityauth.core.event import PasswordRefused, Refusal
from cityauth.core.ghost import draw
from cityauth.core.identifier import Malformed
from cityauth.core.login import Judgement, judge
from cityauth.core.password import Password, PasswordDefect
from cityauth.core.resolution import Resolution
from cityauth.core.secret import Concealed
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.ports.accounts import AccountStore
from cityauth.ports.hasher import PasswordHasher


@dataclass(frozen=True, slots=True)
class Verified:
    """What one attempt came to.

    Attributes:
        judgement: The decision.
        resolution: What the identifier was.
        stored_hash: The account's hash as it was verified, for the compare-and-set of a rehash;
            ``None`` when there is no one account, or it has no password.
        outdated: Whether a right password should be hashed anew.
        subject: The keyed digest under which attempts on the identifier are counted.
        holder: The one account that holds the identifier in whatever life, for the audit trail.
        defect: What is wrong with the stored hash, for the audit trail; empty when nothing is.
    """

    judgement: Judgement
    resolution: Resolution
    stored_hash: Concealed | None = None
    outdated: bool = False
    subject: str = ""
    holder: AccountId | None = None
    defect: str = ""


def verify(desk: Deployment, entered: str, password: Password | PasswordDefect, now: datetime) -> Flow[Verified]:
    """Find whom *entered* names, verify *password* against that account's hash or a ghost's, and decide.

    A password that can be none (too long, no text) is refused before any hashing, for every
    identifier alike; so is text that can be no identifier.
    """
    candidates = desk.resolver.read(entered)
    if isinstance(candidates, Malformed):
        resolution = desk.resolver.explain(entered, candidates, (), now)
        return Verified(PasswordRefused(Refusal.UNKNOWN), resolution)
    first = candidates[0].key
    matches = yield from ask(AccountStore.find, tuple(candidate.key for candidate in candidates))
    resolution = desk.resolver.explain(entered, candidates, matches, now)
    holders = {match.account.id for match in matches}
    holder = next(iter(holders)) if len(holders) == 1 else None
    stored = matches[0].password_hash if resolution.account else None
    subject = subject_of(first, desk.audit_secret)
    if isinstance(password, PasswordDefect):
        refused = PasswordRefused(Refusal.MALFORMED_PASSWORD)
        return Verified(refused, resolution, subject=subject, holder=holder)
    against = stored.reveal() if stored else draw(first, desk.ghost_secret, desk.ghosts)
    verdict = yield from ask(PasswordHasher.verify, password, against)
    judgement = judge(resolution, matched=verdict.matched, has_password=stored is not None)
    return Verified(judgement, resolution, stored, verdict.outdated, subject, holder, verdict.defect or "")
