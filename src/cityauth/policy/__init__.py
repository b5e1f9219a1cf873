"""Every tunable in one place: frozen values, each with its reason and source.

Sources: OWASP ASVS 5.0 (``ASVS x.y.z``), NIST SP 800-63B-4 (``NIST``), RFC 9106 (Argon2), RFC 5321.
A value outside its range raises `PolicyError` when the policy is constructed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cityauth.messages.texts import Texts
from cityauth.policy.hashing import HashLimits, HashProfile, LegacyHashPolicy
from cityauth.policy.links import LinkPolicy
from cityauth.policy.mail import MailPolicy, OutboxPolicy
from cityauth.policy.passwords import PasswordPolicy
from cityauth.policy.realms import DatedPhase, IdentifierPolicy, Phase, RealmPolicy
from cityauth.policy.sessions import LoginPolicy, SessionPolicy
from cityauth.policy.throttling import Limit, ThrottlePolicy
from cityauth.policy.validation import require, require_types

__all__ = [
    "DatedPhase",
    "HashLimits",
    "HashProfile",
    "IdentifierPolicy",
    "LegacyHashPolicy",
    "Limit",
    "LinkPolicy",
    "LoginPolicy",
    "MailPolicy",
    "OutboxPolicy",
    "PasswordPolicy",
    "Phase",
    "Policy",
    "RealmPolicy",
    "SessionPolicy",
    "ThrottlePolicy",
]


def _default_realms() -> Mapping[str, RealmPolicy]:
    return MappingProxyType(
        {
            "citizen": RealmPolicy(Phase.EMAIL_PREFERRED),
            "official": RealmPolicy(Phase.LEGACY_ONLY),
        }
    )


@dataclass(frozen=True, slots=True)
class Policy:
    """All tunables of one deployment.

    Attributes:
        login: The two-step sign-in.
        identifiers: Registration of identifiers.
        passwords: New passwords.
        hashing: Argon2id parameters of new hashes.
        hash_limits: Limits above which a stored hash is not run.
        legacy_hashes: What is known of the system that made the old hashes.
        sessions: Session lifetimes.
        realms: Which identifier kinds sign in, per realm and date; the default exempts officials.
        sign_up_realm: The realm of accounts that people make themselves.
        keep_tombstones: Whether a keyed digest of an erased account's identifiers is kept, so that none of
            them ever passes to another person.
        links: Lifetimes of mailed links.
        throttle: How often things may happen.
        mail: What mails say.
        outbox: How mail is sent.
        texts: The service's own words in place of the shipped ones, in mails and wherever the host asks for them.
        deployment: Name of this deployment, part of every signature, so that a token of one
            service or environment is dead in another.
        generation: Namespace of every signature as well; kept outside the database and changed after a
            backup was restored, so that no link that was used since the backup works again.
    """

    login: LoginPolicy = field(default_factory=LoginPolicy)
    identifiers: IdentifierPolicy = field(default_factory=IdentifierPolicy)
    passwords: PasswordPolicy = field(default_factory=PasswordPolicy)
    hashing: HashProfile = HashProfile.RFC_9106
    hash_limits: HashLimits = field(default_factory=HashLimits)
    legacy_hashes: LegacyHashPolicy = field(default_factory=LegacyHashPolicy)
    sessions: SessionPolicy = field(default_factory=SessionPolicy)
    realms: Mapping[str, RealmPolicy] = field(default_factory=_default_realms)
    sign_up_realm: str = "citizen"
    keep_tombstones: bool = True
    links: LinkPolicy = field(default_factory=LinkPolicy)
    throttle: ThrottlePolicy = field(default_factory=ThrottlePolicy)
    mail: MailPolicy = field(default_factory=MailPolicy)
    outbox: OutboxPolicy = field(default_factory=OutboxPolicy)
    texts: Texts = field(default_factory=Texts)
    deployment: str = "cityauth"
    generation: str = ""

    def __post_init__(self) -> None:
        """Refuse values of another type, and a realm for sign-ups that has no phases."""
        require_types(self, "")
        require(self.sign_up_realm in self.realms, "sign_up_realm must be one of the policy's realms")
