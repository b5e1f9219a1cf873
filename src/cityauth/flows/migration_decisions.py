"""Check what customer service decided, row by row, against the accounts as they are now."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cityauth.core.accounts import AccountId
from cityauth.core.identifiers import EMAIL, Identifier, Malformed, register
from cityauth.core.import_row import is_for_mail_alone
from cityauth.core.migration_decisions import (
    DecidedAccount,
    DecisionFault,
    DecisionRow,
    Reference,
    RefusedDecision,
    addresses_decided_twice,
    check_account,
    check_address,
    decided_twice,
)
from cityauth.core.migration_plan import Decision
from cityauth.core.migration_run import pages
from cityauth.core.population import PopulationRow, SourceRecord
from cityauth.core.resolution import IdentifierStatus
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.flows.migration_accounts import PAGE, address_of, find_mail_alone, find_uses
from cityauth.ports.stores import AccountStore, PopulationStore

Decided: TypeAlias = Mapping[AccountId, tuple[Decision, Identifier | None]]
"""For each account that people decided about: what, and the address that is to sign in."""


@dataclass(frozen=True, slots=True)
class CheckedDecisions:
    """What became of the rows.

    Attributes:
        decided: For each account with a decision that is used: the decision, and the address that is to sign in.
        refused: The rows that are not used, in the order of the file.
    """

    decided: Decided
    refused: tuple[RefusedDecision, ...]


def check_decisions(
    deployment: Deployment, exempt: Collection[str], read: Sequence[DecisionRow | RefusedDecision]
) -> Flow[CheckedDecisions]:
    """Check every row, and return which decisions are used and which are not, with all their faults."""
    rows = [one for one in read if isinstance(one, DecisionRow)]
    refused = [one for one in read if isinstance(one, RefusedDecision)]
    twice = decided_twice(read)
    accounts = yield from _find_accounts(deployment, exempt, {row.reference for row in rows})
    known_twice = Counter(accounts[row.reference].account.id for row in rows if row.reference in accounts)
    wanted: dict[AccountId, Identifier] = {}
    used: dict[AccountId, DecisionRow] = {}
    for row in rows:
        known = accounts.get(row.reference)
        faults = check_account(row, known)
        if (row.external_id or row.account) in twice or (known and known_twice[known.account.id] > 1):
            faults = (*faults, DecisionFault.DECIDED_TWICE)
        if known is not None and row.decision is Decision.USE_EMAIL and DecisionFault.ADDRESS_MISSING not in faults:
            address = register(row.email, deployment.email) if row.email else known.on_file
            faults = (*faults, *(yield from _check_address(deployment, known, address)))
            if not faults and isinstance(address, Identifier):
                wanted[known.account.id] = address
        if faults or known is None:
            refused.append(_refused(row, faults))
        else:
            used[known.account.id] = row
    given_twice = addresses_decided_twice(wanted)
    refused += [_refused(used.pop(account_id), (DecisionFault.ADDRESS_DECIDED_TWICE,)) for account_id in given_twice]
    decided = {account_id: (row.decision, wanted.get(account_id)) for account_id, row in used.items()}
    return CheckedDecisions(decided, tuple(sorted(refused, key=lambda one: one.number)))


def _refused(row: DecisionRow, faults: tuple[DecisionFault, ...]) -> RefusedDecision:
    return RefusedDecision(row.number, row.external_id, faults, row.reference[1])


def _check_address(
    deployment: Deployment, known: DecidedAccount, address: Identifier | Malformed | None
) -> Flow[tuple[DecisionFault, ...]]:
    """Check the address that is to sign in, against whoever has it or had it."""
    if address is None or isinstance(address, Malformed):
        return (DecisionFault.BAD_ADDRESS,)
    uses = yield from find_uses([address.key])
    own = any(use.account_id == known.account.id and use.status is not None for use in uses.get(address.key, ()))
    digests = deployment.tombstones.digests(address)
    buried = not own and (yield from ask(AccountStore.has_tombstone, digests))
    return check_address(known, address, uses.get(address.key, ()), has_tombstone=buried)


def _find_accounts(
    deployment: Deployment, exempt: Collection[str], named: Collection[Reference]
) -> Flow[Mapping[Reference, DecidedAccount]]:
    """Find the accounts that are decided about, by external id or by id, some hundreds at a time."""
    found: dict[Reference, DecidedAccount] = {}

    def add(reference: Reference, row: PopulationRow, source: SourceRecord | None) -> None:
        account = row.account
        on_file = None if is_for_mail_alone(account, source) else address_of(account.contact, deployment)
        found[reference] = DecidedAccount(account, account.realm in exempt, _has_email(row), on_file)

    external_ids = sorted(external_id for external_id, _ in named if external_id)
    for page in pages(external_ids, PAGE):
        for person in (yield from ask(PopulationStore.find_imported, page)):
            add((person.row.account.external_id or "", ""), person.row, person.source)
    for page in pages(sorted(account_id for _, account_id in named if account_id), PAGE):
        rows = yield from ask(PopulationStore.find_population, [AccountId(one) for one in page])
        sources = yield from find_mail_alone(rows)
        for row in rows:
            add(("", row.account.id), row, sources.get(row.account.id))
    return found


def _has_email(row: PopulationRow) -> bool:
    return any(
        held.identifier.kind == EMAIL.name and held.status is IdentifierStatus.ACTIVE
        for held in row.account_identifiers
    )
