"""Release an identifier: the deliberate exception to the rule that retired identifiers never pass on.

Customer service does it for a person who deleted the account and returns, and for the owner of an address that somebody
else once mistyped.
"""

from dataclasses import dataclass

from cityauth.core.account import AccountId
from cityauth.core.audit import AuditEventType, audit_event, hash_identifier
from cityauth.core.change import Change, IdentifierReleased, Precondition, Rejected, TombstonesReleased
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.identifier import Identifier, Malformed
from cityauth.core.resolution import IdentifierStatus
from cityauth.flows.accounts import AccountRefused
from cityauth.flows.asking import Flow, ask
from cityauth.flows.context import begin
from cityauth.flows.deployment import Deployment
from cityauth.flows.links import identifiers_of
from cityauth.flows.record import commit_with
from cityauth.ports.stores import AccountStore


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
