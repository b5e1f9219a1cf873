"""Explain an identifier, and release one that an erased account or another person had."""

from dataclasses import dataclass, field
from datetime import datetime

from cityauth.core.accounts import MAX_NAME, AccountId
from cityauth.core.answers import Problem, Refused
from cityauth.core.audit import AuditEventType, audit_event, hash_identifier
from cityauth.core.changes import Change, IdentifierReleased, Precondition, Rejected, TombstonesReleased
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.identifiers import Identifier, Malformed
from cityauth.core.resolution import IdentifierStatus, Match, Resolution
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, begin, commit_with
from cityauth.flows.links import identifiers_of
from cityauth.messages.codes import Code
from cityauth.ports.services import Clock
from cityauth.ports.stores import AccountStore

MAX_ADDRESS = 254
"""Characters of an e-mail address: RFC 5321's path of 256 octets without its brackets."""

_LOOKED_UP = {
    Malformed.EMPTY: Code.LOGIN_MALFORMED_EMPTY,
    Malformed.NOT_TEXT: Code.LOGIN_MALFORMED_NOT_TEXT,
    Malformed.TOO_LONG: Code.LOGIN_MALFORMED_TOO_LONG,
}
_REGISTERED = {
    Malformed.EMPTY: Code.IDENTIFIER_EMPTY,
    Malformed.NOT_TEXT: Code.IDENTIFIER_NOT_TEXT,
    Malformed.TOO_LONG: Code.IDENTIFIER_TOO_LONG,
    Malformed.FORBIDDEN_CHARACTER: Code.IDENTIFIER_FORBIDDEN_CHARACTER,
    Malformed.MIXED_SCRIPT: Code.IDENTIFIER_CONFUSABLE,
    Malformed.NEEDS_SMTPUTF8: Code.IDENTIFIER_NON_ASCII,
}
_NAMES = {Malformed.EMPTY: Code.NAME_EMPTY, Malformed.TOO_LONG: Code.NAME_TOO_LONG}
_STORED = {
    Precondition.IDENTIFIER_TAKEN: Code.IDENTIFIER_UNAVAILABLE,
    Precondition.IDENTIFIER_CHANGED: Code.IDENTIFIER_UNAVAILABLE,
}


def resolve(deployment: Deployment, entered: object, now: datetime, *, with_hash: bool = True) -> Flow[Resolution]:
    """Return what *entered* is at *now*, explained: one look-up, or none for malformed text.

    Account, identifier and password hash of the resolution come from one row of the store. Without
    *with_hash* the hash is left out.
    """
    readings = deployment.resolver.read(entered)
    if isinstance(readings, Malformed):
        return deployment.resolver.explain(entered, readings, (), now)
    found = yield from ask(AccountStore.find, tuple([one.key for one in readings]))
    if not with_hash:
        found = [Match(one.account, one.account_identifier, None) for one in found]
    return deployment.resolver.explain(entered, readings, found, now)


def explain(deployment: Deployment, entered: object) -> Flow[Resolution]:
    """Return what *entered* is now, without the password hash: for customer service and the host."""
    now = yield from ask(Clock.now)
    return (yield from resolve(deployment, entered, now, with_hash=False))


def find_holder(identifier: Identifier) -> Flow[Match | None]:
    """Return what the store holds under the key of *identifier*, in whatever status; ``None`` when it is free."""
    found = yield from ask(AccountStore.find, (identifier.key,))
    return next((one for one in found if one.account_identifier.identifier.key == identifier.key), None)


def problem_of(malformed: Malformed) -> Problem:
    """Return what to say of a text that cannot be looked up.

    It depends on the text alone, so it tells nothing of what is stored. Every fault without a
    sentence of its own is a character that may not stand there.
    """
    return Problem(_LOOKED_UP.get(malformed, Code.LOGIN_MALFORMED_FORBIDDEN_CHARACTER))


def address_problem_of(malformed: Malformed) -> Problem:
    """Return what to say of a text that cannot be registered as an e-mail address."""
    code = _REGISTERED.get(malformed, Code.IDENTIFIER_NOT_EMAIL)
    return Problem(code, {"maximum": MAX_ADDRESS} if code is Code.IDENTIFIER_TOO_LONG else {})


@dataclass(frozen=True, slots=True)
class AccountRefused(Refused):
    """An account was not added or changed; nothing was written. A host and customer service learn more than a person.

    Attributes:
        problem: What a page of customer service may show. Not compared.
        why: What is wrong with the name, the contact or an identifier, or the precondition that did not hold.
        entered: The name, contact or identifier that was refused, when it was one.
        holder: The account that has the identifier, for customer service alone. ``None`` when an erased account had
            it, or when *why* is something else.
        about: Which attribute of `NewAccount` holds what was refused, such as ``contact``; empty when *why* is a
            precondition. Not compared.
    """

    problem: Problem = field(init=False, compare=False)
    others: tuple[Problem, ...] = field(default=(), init=False)
    why: Malformed | Precondition
    entered: str = ""
    holder: AccountId | None = None
    about: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Find the sentence for what is wrong."""
        object.__setattr__(self, "problem", _problem_of_refusal(self.why, self.about))


def _problem_of_refusal(why: Malformed | Precondition, about: str) -> Problem:
    """Return what to say of an account that was refused."""
    if isinstance(why, Malformed):
        if about == "display_name":
            code = _NAMES.get(why, Code.NAME_FORBIDDEN_CHARACTER)
            return Problem(code, {"maximum": MAX_NAME} if code is Code.NAME_TOO_LONG else {})
        return address_problem_of(why) if about in {"email", "contact"} else Problem(Code.IDENTIFIER_UNAVAILABLE)
    return Problem(_STORED.get(why, Code.REQUEST_FAILED))


@dataclass(frozen=True, slots=True)
class Released:
    """The identifier is free: whoever registers it first has it.

    Attributes:
        identifier: The identifier.
        account_id: The account that had retired it; ``None`` when its account was erased.
    """

    identifier: Identifier
    account_id: AccountId | None


def release_identifier(
    deployment: Deployment, entered: object, account_id: AccountId | None, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[Released | AccountRefused]:
    """Release the retired identifier of an account, or without *account_id* an erased account's.

    Returns `AccountRefused` when *entered* cannot be an identifier, when it is not a retired identifier of the account,
    or, without *account_id*, when an account has it or no erased account had it. Nothing is changed then.
    """
    candidates = deployment.resolver.read(entered)
    text = entered if isinstance(entered, str) else ""
    if isinstance(candidates, Malformed):
        return AccountRefused(candidates, text)
    if account_id is not None:
        found = yield from _find_retired(account_id, candidates)
        if found is None:
            return AccountRefused(Precondition.IDENTIFIER_CHANGED, text)
        return (yield from _commit(deployment, found, account_id, IdentifierReleased(account_id, found.key), client))
    matches = yield from ask(AccountStore.find, tuple(one.key for one in candidates))
    if matches:
        return AccountRefused(Precondition.IDENTIFIER_TAKEN, text, matches[0].account.id)
    tombstones = tuple(digest for one in candidates for digest in deployment.tombstones.digests(one))
    return (yield from _commit(deployment, candidates[0], None, TombstonesReleased(tombstones), client))


def _find_retired(account_id: AccountId, candidates: tuple[Identifier, ...]) -> Flow[Identifier | None]:
    """Return the account's retired identifier that is one of *candidates*, or ``None``."""
    keys = {one.key for one in candidates}
    for one in (yield from identifiers_of(account_id)):
        if one.identifier.key in keys and one.status is IdentifierStatus.RETIRED:
            return one.identifier
    return None


def _commit(
    deployment: Deployment, identifier: Identifier, account_id: AccountId | None, change: Change, client: ClientContext
) -> Flow[Released | AccountRefused]:
    context = yield from begin(client)
    event = audit_event(
        AuditEventType.IDENTIFIER_RELEASED,
        context,
        account_id=account_id,
        reason="erased" if account_id is None else "retired",
        identifier_hash=hash_identifier(identifier.key, deployment.audit_secret),
    )
    outcome = yield from commit_with(event, [change])
    if isinstance(outcome, Rejected):
        return AccountRefused(outcome.why, identifier.shown)
    return Released(identifier, account_id)
