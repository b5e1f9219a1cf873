"""A small city service to sign in to, with everything at its edge in the test's hands."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cityauth import Account, AccountId, CityAuth, MemoryStore, NewAccount, Policy
from cityauth.core.changes import AccountAdded, Committed, IdentifierRetired
from cityauth.core.identifiers import BUILT_IN, IdentifierKind
from cityauth.core.login import Authenticated, LoginStep, PasswordRequired
from cityauth.core.resolution import AccountIdentifier
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import LiveSession
from cityauth.mailers.memory import MemoryMailer
from cityauth.policy import Backoff, HashProfile
from tests.support.fakes import FixedClock, ListAudit, SeededEntropy, SpyHasher, typed

KEY = bytes(range(100, 132))
OTHER_KEY = bytes(range(132, 164))
PASSWORD = "vanha salasana vuodelta 1998"
OTHER_PASSWORD = "lösenordet från sommaren 2011"
POLICY = Policy(hashing=HashProfile.SMALL)


def patient(free: int, policy: Policy = POLICY) -> Policy:
    """A policy that lets *free* passwords be tried for one account before anybody has to wait."""
    return replace(policy, throttle=replace(policy.throttle, sign_in_per_account=Backoff(free)))


@dataclass(frozen=True, slots=True)
class CardKind:
    """A host's own kind: the number of a library card, printed with spaces."""

    name: str = "card"

    def recognizes(self, text: str) -> bool:
        """Whether it is a card's number at a glance."""
        return text.startswith(("card:", "2")) and any(char.isdigit() for char in text)

    def canonical(self, text: str) -> str | None:
        """The number without spaces, in a corner of the namespace of its own."""
        digits = text.removeprefix("card:").replace(" ", "")
        return f"card:{digits}" if digits.isdecimal() and digits.isascii() else None

    def admit(self, text: str) -> str:
        """Every card that is found may be registered."""
        return self.canonical(text) or text


CARD = CardKind()


@dataclass
class Service:
    """CityAuth with its edge replaced."""

    store: Any = field(default_factory=MemoryStore)
    policy: Policy = POLICY
    kinds: Sequence[IdentifierKind] = BUILT_IN
    hasher: Any = field(default_factory=SpyHasher)
    clock: FixedClock = field(default_factory=FixedClock)
    entropy: SeededEntropy = field(default_factory=SeededEntropy)
    audit: ListAudit = field(default_factory=ListAudit)
    mailer: Any = field(default_factory=MemoryMailer)
    secrets: Sequence[bytes] = (KEY,)
    throttle: Any = None

    def __post_init__(self) -> None:
        self.auth = CityAuth(
            self.store,
            self.secrets,
            policy=self.policy,
            kinds=self.kinds,
            hasher=self.hasher,
            clock=self.clock,
            entropy=self.entropy,
            audit=self.audit,
            mailer=self.mailer,
            throttle=self.throttle,
        )

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.clock.at

    def wait(self, **span: float) -> None:
        """Let time pass, in the words of `timedelta`."""
        self.clock.advance(timedelta(**span))

    def hash(self, password: str) -> str:
        """The hash of an old password, which today's rules may refuse."""
        hashed: str = self.hasher.hash(typed(password))
        return hashed

    def add(self, name: str, *, password: str | None = PASSWORD, **given: Any) -> Account:
        """Add an account whose id is its name in lower case."""
        stored = None if password is None else self.hash(password)
        new = NewAccount(name, id=name.lower(), password_hash=stored, **given)
        account = self.auth.accounts.add(new)
        assert isinstance(account, Account), account
        return account

    def plant(
        self, account: Account, *account_identifiers: AccountIdentifier, password: str | None = PASSWORD
    ) -> Account:
        """Add an account as a migration would, with identifiers in any life."""
        stored = None if password is None else SecretStr(self.hash(password))
        outcome = self.store.commit([AccountAdded(account, account_identifiers, stored, self.now)])
        assert outcome == Committed()
        return account

    def retire(self, account_id: str, key: str) -> None:
        """Retire an identifier."""
        outcome = self.store.commit([IdentifierRetired(AccountId(account_id), key, self.now)])
        assert outcome == Committed()

    def attempt(self, identifier: str, password: str = PASSWORD, **given: Any) -> LoginStep:
        """Go through both steps."""
        step = self.auth.login.identify(identifier)
        assert isinstance(step, PasswordRequired), step
        return self.auth.login.submit_password(step.pending, password, **given)

    def sign_in(self, identifier: str, password: str = PASSWORD, **given: Any) -> Authenticated:
        """Sign in, which must succeed."""
        step = self.attempt(identifier, password, **given)
        assert isinstance(step, Authenticated), step
        return step

    def token(self, identifier: str, password: str = PASSWORD, **given: Any) -> str:
        """Sign in and take the cookie."""
        return self.sign_in(identifier, password, **given).session.token.get_secret_value()

    def link(self, to: str) -> str:
        """Send what is due, and take the token out of the newest mail to an address."""
        self.auth.outbox.flush()
        found = re.findall(r"token=(\S+)", self.mailer.sent(to)[-1].content.body)
        assert found, "the mail has no link"
        return str(found[-1])

    def subjects(self, to: str | None = None) -> list[str]:
        """Send what is due, and tell the subjects of all mails so far, without the service's name."""
        self.auth.outbox.flush()
        return [mail.content.subject.partition(": ")[2] for mail in self.mailer.sent(to)]

    def holder(self, token: object) -> AccountId | None:
        """Whom the cookie signs in, or nobody."""
        live = self.auth.sessions.check(token)
        return None if live is None else live.account.id

    def live(self, token: object) -> LiveSession:
        """Return the live session of *token*."""
        live = self.auth.sessions.check(token)
        assert live is not None
        return live

    def is_live(self, token: object) -> bool:
        """Whether the cookie still signs somebody in."""
        return self.auth.sessions.check(token) is not None


def populate(service: Service) -> None:
    """Bring in the people that most tests speak of."""
    service.add("Erkki", email="erkki@example.com", usernames=["erkki"])
    service.add("Virve", realm="official", usernames=["virve.v"], password=OTHER_PASSWORD)
