"""What was typed, explained: `IdentifierResolver` turns it into a `Resolution`.

All kinds of identifiers share one namespace. A text that names several accounts is ambiguous: neither the order of
look-ups nor the password ever chooses one of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import TypeAlias, assert_never

from cityauth.core.accounts import Account, AccountId
from cityauth.core.identifiers import BUILT_IN, EMAIL, USERNAME, Identifier, IdentifierKind, Malformed, exact_of, read
from cityauth.core.secret import SecretStr
from cityauth.errors import PolicyError
from cityauth.policy.realms import Phase, RealmPolicy


class IdentifierStatus(StrEnum):
    """Where an identifier stands. A retired one stays stored and never passes to another person.

    A contested one is held by several accounts; it signs nobody in until people have decided.
    """

    PENDING = "pending"
    ACTIVE = "active"
    CONTESTED = "contested"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class AccountIdentifier:
    """An identifier that an account holds, and its status."""

    identifier: Identifier
    status: IdentifierStatus = IdentifierStatus.ACTIVE


def merge_own(held: Iterable[AccountIdentifier], *, email_signs_in: bool = True) -> tuple[AccountIdentifier, ...]:
    """Return one account's identifiers in the order given; those with the same key become one.

    An active identifier goes before one that is not. A username gives way to any other kind: one
    that equals the person's own e-mail address is that address. Where no e-mail address signs in
    (*email_signs_in* is false), it stays a username, or its owner would be locked out.
    """
    weaker = USERNAME.name if email_signs_in else EMAIL.name

    def weight(one: AccountIdentifier) -> tuple[bool, bool]:
        return one.status is not IdentifierStatus.ACTIVE, one.identifier.kind == weaker

    merged: dict[str, AccountIdentifier] = {}
    for one in held:
        former = merged.setdefault(one.identifier.key, one)
        merged[one.identifier.key] = min(former, one, key=weight)
    return tuple(merged.values())


@dataclass(frozen=True, slots=True)
class Match:
    """What a store found under one key.

    Attributes:
        account: The account that holds the identifier.
        account_identifier: The identifier as stored.
        password_hash: The account's stored hash, or ``None`` when it has none.
        failures: How many sign-ins to the account have failed in a row.
    """

    account: Account
    account_identifier: AccountIdentifier
    password_hash: SecretStr | None
    failures: int = 0


class Outcome(StrEnum):
    """What an identifier turned out to be."""

    RESOLVED = "resolved"
    UNKNOWN = "unknown"
    RETIRED = "retired"
    AMBIGUOUS = "ambiguous"
    MALFORMED = "malformed"


class Reason(StrEnum):
    """Why an identifier did not resolve; for the audit trail and customer service, never for the page."""

    NONE = ""
    NOT_FOUND = "not_found"
    PENDING = "pending"
    RETIRED = "retired"
    KIND_NO_LONGER_SIGNS_IN = "kind_no_longer_signs_in"
    KIND_DOES_NOT_SIGN_IN_YET = "kind_does_not_sign_in_yet"
    CONTESTED = "contested"
    SEVERAL_ACCOUNTS = "several_accounts"
    REALM_WITHOUT_PHASES = "realm_without_phases"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Resolution:
    """What was typed, explained.

    What a store found travels as one value, `holder`. Account, identifier and password hash are read
    from it, so they always belong together.

    Attributes:
        entered: The text as typed; empty when it was not text, or was refused as malformed.
        outcome: See `Outcome`.
        reason: Why it did not resolve; `Reason.NONE` when it did.
        holder: What the store found, when exactly one account holds the identifier, in whatever
            status. It does not say whether the identifier signs in: `match` does.
        looked_up: The reading under which attempts on the text are counted; ``None`` when the text is
            malformed.
        phase: The phase of the account's realm at that moment, when one account was found.
        malformed: What is wrong with the text, only when the outcome is malformed.
    """

    entered: str
    outcome: Outcome
    reason: Reason = Reason.NONE
    holder: Match | None = None
    looked_up: Identifier | None = None
    phase: Phase | None = None
    malformed: Malformed | None = None

    @property
    def match(self) -> Match | None:
        """The holder, only when the outcome is resolved or retired: then its password may be verified."""
        return self.holder if self.outcome is Outcome.RESOLVED or self.outcome is Outcome.RETIRED else None

    @property
    def account(self) -> Account | None:
        """The account of `match`."""
        match = self.match
        return match.account if match else None

    @property
    def identifier(self) -> Identifier | None:
        """The identifier as stored, or as it was looked up when no single account holds it."""
        return self.holder.account_identifier.identifier if self.holder else self.looked_up

    @property
    def kind(self) -> str | None:
        """The identifier's kind, when there is one."""
        return self.identifier.kind if self.identifier else None


_Judgement: TypeAlias = tuple[Outcome, Reason, Phase | None]


class IdentifierResolver:
    """Reads what was typed, and explains what a store found for it.

    It is a class because a host configures it once: with its kinds of identifier, whose order does
    not matter, and the phases of its realms.
    """

    def __init__(self, realms: Mapping[str, RealmPolicy], kinds: Sequence[IdentifierKind] = BUILT_IN) -> None:
        """Take the phases of *realms* and the *kinds* of identifier, a host's own among them."""
        names = [kind.name for kind in kinds]
        if len(set(names)) != len(names) or not names:
            msg = "identifier kinds must have different names, and there must be one"
            raise PolicyError(msg)
        self._realms = dict(realms)
        self.kinds: tuple[IdentifierKind, ...] = tuple(kinds)
        realm = next(iter(realms), "")
        nobody = Identifier("email", "nobody@example.com", "nobody@example.com")
        self._nobody = Match(Account(AccountId(""), realm, ""), AccountIdentifier(nobody), None)

    def read(self, entered: object) -> tuple[Identifier, ...] | Malformed:
        """Return the readings of *entered* by the rules of looking up, or why there is none."""
        return read(entered, self.kinds)

    def has_phase(self, account: Account) -> bool:
        """Whether *account* has a phase. In a realm that the policy lacks it has none, and nothing signs it in."""
        return account.phase is not None or account.realm in self._realms

    def phase_of(self, account: Account, now: datetime) -> Phase:
        """Return the phase of *account* at *now*: its own, or its realm's.

        Raises:
            PolicyError: the account's realm is not in the policy.
        """
        if account.phase is not None:
            return account.phase
        if not self.has_phase(account):
            msg = f"the realm {account.realm!r} is not in the policy"
            raise PolicyError(msg)
        return self._realms[account.realm].phase_at(now)

    def explain(
        self, entered: object, readings: tuple[Identifier, ...] | Malformed, found: Sequence[Match], now: datetime
    ) -> Resolution:
        """Explain what was *entered*, from its *readings* and what a store *found* under their keys."""
        if isinstance(readings, Malformed):
            return Resolution("", Outcome.MALFORMED, Reason.MALFORMED, malformed=readings)
        text = entered if isinstance(entered, str) else ""
        exact = exact_of(readings)
        # The order in which the kinds are given decides nothing.
        first = exact[0] if len(exact) == 1 else min(exact, key=attrgetter("key"))
        held = found if len(found) <= 1 else _relevant({one.key for one in readings[len(exact) :]}, found)
        if not held:
            self._judge(self._nobody, now)  # so that an unknown identifier takes as long as a known one
            return Resolution(text, Outcome.UNKNOWN, Reason.NOT_FOUND, looked_up=first)
        if len(held) > 1 and len({one.account.id for one in held}) > 1:
            return Resolution(text, Outcome.AMBIGUOUS, Reason.SEVERAL_ACCOUNTS, looked_up=first)
        holder = held[0]
        outcome, reason, phase = self._judge(holder, now)
        if len(held) > 1:
            judged = [(self._judge(one, now), one) for one in held]
            (outcome, reason, phase), holder = min(judged, key=_precedence)
        return Resolution(text, outcome, reason, holder, first, phase)

    def _judge(self, found: Match, now: datetime) -> _Judgement:
        """Say what one identifier of one account is at *now*."""
        account, held = found.account, found.account_identifier
        if not self.has_phase(account):
            return Outcome.UNKNOWN, Reason.REALM_WITHOUT_PHASES, None
        phase = account.phase or self._realms[account.realm].phase_at(now)
        active = _judge_active(held.identifier.kind, phase)  # also where it is not needed: it takes time
        match held.status:
            case IdentifierStatus.ACTIVE:
                return (*active, phase)
            case IdentifierStatus.CONTESTED:
                return Outcome.AMBIGUOUS, Reason.CONTESTED, phase
            case IdentifierStatus.PENDING:
                return Outcome.UNKNOWN, Reason.PENDING, phase
            case IdentifierStatus.RETIRED:
                return Outcome.RETIRED, Reason.RETIRED, phase
            case _:
                assert_never(held.status)


def _relevant(corrected: set[str], found: Sequence[Match]) -> Sequence[Match]:
    """Leave out what must not block another holder.

    That is an identifier which is only pending, beside a confirmed one, and the holder of a
    *corrected* key, beside a holder of the text exactly as it was typed.
    """
    exact = found
    if corrected:
        exact = [one for one in found if one.account_identifier.identifier.key not in corrected] or found
    return [one for one in exact if one.account_identifier.status is not IdentifierStatus.PENDING] or exact


def _judge_active(kind: str, phase: Phase) -> tuple[Outcome, Reason]:
    """Say what an active identifier of *kind* is in *phase*."""
    if phase.admits(kind):
        return Outcome.RESOLVED, Reason.NONE
    if phase is Phase.EMAIL_ONLY:
        return Outcome.RETIRED, Reason.KIND_NO_LONGER_SIGNS_IN
    return Outcome.UNKNOWN, Reason.KIND_DOES_NOT_SIGN_IN_YET


_PRECEDENCE = (Outcome.AMBIGUOUS, Outcome.RESOLVED, Outcome.RETIRED, Outcome.UNKNOWN)
"""Order several identifiers of one account: a contested one comes first, then one that signs in."""


def _precedence(judged: tuple[_Judgement, Match]) -> tuple[int, str]:
    (outcome, _, _), found = judged
    return _PRECEDENCE.index(outcome), found.account_identifier.identifier.key
