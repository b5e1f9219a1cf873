"""`IdentifierResolver`: what was typed, explained. One namespace; ambiguity is an outcome, never a choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from cityauth.core.account import Account
from cityauth.core.identifier import BUILT_IN, Identifier, IdentifierKind, Malformed, look_up
from cityauth.core.secret import SecretStr
from cityauth.errors import PolicyError
from cityauth.policy.realms import Phase, RealmPolicy


class IdentifierStatus(StrEnum):
    """The life of an identifier. A retired one stays in the tombstones and never passes to another person.

    A contested one is claimed by several accounts; it signs nobody in until people have decided.
    """

    PENDING = "pending"
    ACTIVE = "active"
    CONTESTED = "contested"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class AccountIdentifier:
    """An identifier that an account holds, and where in its life it stands."""

    identifier: Identifier
    status: IdentifierStatus = IdentifierStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class Match:
    """What a store found under one key.

    Attributes:
        account: The account that holds the identifier.
        account_identifier: The identifier as stored.
        password_hash: The account's stored hash, or ``None`` when it has none.
    """

    account: Account
    account_identifier: AccountIdentifier
    password_hash: SecretStr | None


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

    Attributes:
        entered: The text as typed; empty when it was no text or too long to keep.
        outcome: See `Outcome`.
        reason: Why it did not resolve; `Reason.NONE` when it did.
        identifier: The identifier as stored, or the first candidate when nothing was found.
        phase: The phase of the account's realm at that moment, when one account was found.
        account: The account, only when the outcome is resolved or retired.
        malformed: What is wrong with the text, only when the outcome is malformed.
    """

    entered: str
    outcome: Outcome
    reason: Reason = Reason.NONE
    identifier: Identifier | None = None
    phase: Phase | None = None
    account: Account | None = None
    malformed: Malformed | None = None

    @property
    def kind(self) -> str | None:
        """The identifier's kind, when there is one."""
        return self.identifier.kind if self.identifier else None


class IdentifierResolver:
    """Reads what was typed into candidates, and explains what a store found under them.

    It is a class because a host configures it once: the kinds of identifier it takes, in no order
    that matters, and the phases of its realms.
    """

    def __init__(self, realms: Mapping[str, RealmPolicy], kinds: Sequence[IdentifierKind] = BUILT_IN) -> None:
        """Take the phases of *realms* and the *kinds* of identifier, a host's own among them."""
        names = [kind.name for kind in kinds]
        if len(set(names)) != len(names) or not names:
            msg = "identifier kinds must have different names, and there must be one"
            raise PolicyError(msg)
        self._realms = dict(realms)
        self.kinds: tuple[IdentifierKind, ...] = tuple(kinds)

    def read(self, entered: object) -> tuple[Identifier, ...] | Malformed:
        """Return the candidates for *entered* by the rules of looking up, or why there can be none."""
        return look_up(entered, self.kinds)

    def has_phase(self, account: Account) -> bool:
        """Whether *account* has a phase at all; one of a realm that the policy lacks signs in by nothing."""
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
        self,
        entered: object,
        candidates: tuple[Identifier, ...] | Malformed,
        matches: Sequence[Match],
        now: datetime,
    ) -> Resolution:
        """Explain what *matches*, found under the candidates' keys, make of *entered*."""
        if isinstance(candidates, Malformed):
            return Resolution("", Outcome.MALFORMED, Reason.MALFORMED, malformed=candidates)
        text = entered if isinstance(entered, str) else ""
        if not matches:
            return Resolution(text, Outcome.UNKNOWN, Reason.NOT_FOUND, candidates[0])
        settled = [match for match in matches if match.account_identifier.status is not IdentifierStatus.PENDING]
        matches = settled or matches  # nobody's claim that is only pending may stand in another's way
        if len({match.account.id for match in matches}) > 1:
            return Resolution(text, Outcome.AMBIGUOUS, Reason.SEVERAL_ACCOUNTS, candidates[0])
        return self._explain_one_account(text, matches, now)

    def _explain_one_account(self, text: str, matches: Sequence[Match], now: datetime) -> Resolution:
        """Judge each identifier: a contested one signs nobody in; else one that signs in wins."""
        account = matches[0].account
        if not self.has_phase(account):
            return Resolution(
                text, Outcome.UNKNOWN, Reason.REALM_WITHOUT_PHASES, matches[0].account_identifier.identifier
            )
        phase = self.phase_of(account, now)
        judged = [(*_judge(match.account_identifier, phase), match.account_identifier.identifier) for match in matches]
        outcome, reason, identifier = min(judged, key=lambda one: (_PRECEDENCE.index(one[0]), one[2].key))
        named = account if outcome in {Outcome.RESOLVED, Outcome.RETIRED} else None
        return Resolution(text, outcome, reason, identifier, phase, named)


_PRECEDENCE = (Outcome.AMBIGUOUS, Outcome.RESOLVED, Outcome.RETIRED, Outcome.UNKNOWN)


def _judge(account_identifier: AccountIdentifier, phase: Phase) -> tuple[Outcome, Reason]:
    """Say what one account_identifier is at *phase*."""
    match account_identifier.status:
        case IdentifierStatus.CONTESTED:
            return Outcome.AMBIGUOUS, Reason.CONTESTED
        case IdentifierStatus.PENDING:
            return Outcome.UNKNOWN, Reason.PENDING
        case IdentifierStatus.RETIRED:
            return Outcome.RETIRED, Reason.RETIRED
        case IdentifierStatus.ACTIVE:
            if phase.admits(account_identifier.identifier.kind):
                return Outcome.RESOLVED, Reason.NONE
            if phase is Phase.EMAIL_ONLY:
                return Outcome.RETIRED, Reason.KIND_NO_LONGER_SIGNS_IN
            return Outcome.UNKNOWN, Reason.KIND_DOES_NOT_SIGN_IN_YET
        case _:
            assert_never(account_identifier.status)
