"""Every setting in one place: values that cannot be changed later, each with its reason and source.

Sources: OWASP ASVS 5.0 (``ASVS x.y.z``), NIST SP 800-63B-4 (``NIST``), RFC 9106 (Argon2), RFC 5321.
A value outside its range raises `PolicyError` when the policy is constructed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from cityauth.messages.texts import Texts
from cityauth.policy.hashing import HashLimits, HashProfile, HashQueuePolicy, LegacyHashPolicy
from cityauth.policy.links import LinkPolicy
from cityauth.policy.mail import MailPolicy, OutboxPolicy
from cityauth.policy.passwords import PasswordPolicy
from cityauth.policy.realms import DatedPhase, IdentifierPolicy, Phase, RealmPolicy
from cityauth.policy.sessions import LoginPolicy, SessionPolicy
from cityauth.policy.throttling import Backoff, Limit, ThrottlePolicy
from cityauth.policy.validation import require, require_types

__all__ = [
    "Backoff",
    "DatedPhase",
    "HashLimits",
    "HashProfile",
    "HashQueuePolicy",
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
    """All settings of one deployment.

    Attributes:
        login: How long a person may take to sign in.
        identifiers: What may be registered as an identifier.
        passwords: What a new password must be.
        hashing: Parameters of Argon2id for new hashes.
        hash_limits: What the verification of a stored hash may cost.
        hash_queue: How many hashes are computed at once, and who waits.
        legacy_hashes: How the old system made its hashes.
        hashes: Recipes of home-made hash formats, by the names of the formats; see `cityauth.hashing.HashRecipe`.
        sessions: How long sessions are valid.
        realms: For each realm, which kinds of identifier sign in, by date. By default citizens sign in with both
            kinds, and officials with usernames only.
        sign_up_realm: The realm of accounts that people make themselves.
        keep_tombstones: Whether a keyed digest of an erased account's identifiers is kept, so that nobody else can
            register them.
        links: How long mailed links are valid.
        throttle: How often something may happen.
        mail: What mails say, and where their links lead.
        outbox: How mail is sent.
        texts: The service's own texts. Mails use them; pages use them if the host passes them on.
        deployment: Name of this service and environment. It is part of every signature, so a token of one
            deployment does not work in another.
        generation: Part of every signature as well. Keep it outside the database and change it after a backup was
            restored: then no earlier link works, also none that was used after the backup.
    """

    login: LoginPolicy = field(default_factory=LoginPolicy)
    identifiers: IdentifierPolicy = field(default_factory=IdentifierPolicy)
    passwords: PasswordPolicy = field(default_factory=PasswordPolicy)
    hashing: HashProfile = HashProfile.RFC_9106
    hash_limits: HashLimits = field(default_factory=HashLimits)
    hash_queue: HashQueuePolicy = field(default_factory=HashQueuePolicy)
    legacy_hashes: LegacyHashPolicy = field(default_factory=LegacyHashPolicy)
    hashes: Mapping[str, str] = field(default_factory=dict)
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

    @property
    def longest_signed(self) -> timedelta:
        """The longest time for which anything that a signing secret signed is valid."""
        links = self.links
        lifetimes = (links.reset, links.invitation, links.sign_up, links.email_change, links.email_undo)
        return max(self.login.pending_max_age, *lifetimes)

    def __post_init__(self) -> None:
        """Refuse values of another type, a realm for sign-ups without phases, and a budget that is too small."""
        require_types(self, "")
        require(self.sign_up_realm in self.realms, "sign_up_realm must be one of the policy's realms")
        self.hash_queue.check_budget(self.hashing, self.hash_limits)
