"""Check a running deployment: gather what the rules of `cityauth.core.check_rules` look at, and judge it."""

from collections.abc import Sequence
from typing import Any

from cityauth.core.check import Acceptance, Facts, Finding, Setup
from cityauth.core.check_rules import judge
from cityauth.errors import SchemaError, StoreError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.ports.services import Clock, HashImporter, Mailer, PasswordHasher
from cityauth.ports.stores import HashCountStore, InspectedStore, OutboxStore, PopulationStore

_ALL_KINDS = 1_000_000
"""More kinds of hashes than any store has."""


def check(deployment: Deployment, setup: Setup, acceptances: Sequence[Acceptance]) -> Flow[list[Finding]]:
    """Return what is wrong with the deployment, in the order of the findings' numbers. Nothing is written.

    A store that does not answer is a finding, and no error: then nothing else is known of what it keeps.
    """
    now = yield from ask(Clock.now)
    mail_leaves = yield from ask(Mailer.is_up)
    stored: dict[str, Any] = {}
    try:
        yield from _ask_store(setup, stored)
    except SchemaError as error:
        stored["schema_error"] = str(error)
    except StoreError as error:
        stored["store_error"] = str(error)
    return judge(Facts(deployment.policy, setup, now, mail_leaves, **stored), acceptances)


def _ask_store(setup: Setup, stored: dict[str, Any]) -> Flow[None]:
    """Put the fields of `Facts` that the store knows into *stored*, one after the other."""
    stored["outbox"] = yield from ask(OutboxStore.outbox_status)
    if setup.keeps_population:
        stored["migrations"] = yield from ask(PopulationStore.list_migrations)
    if setup.is_inspected:
        stored["store"] = yield from ask(InspectedStore.inspect)
    if setup.counts_hashes:
        yield from _count_hashes(stored)


def _count_hashes(stored: dict[str, Any]) -> Flow[None]:
    """Count the hashes that nothing verifies, and those of fast functions."""
    defective = weak = 0
    counted = yield from ask(HashCountStore.count_hash_kinds, _ALL_KINDS)
    for sample, accounts in counted.items():
        if (yield from ask(PasswordHasher.find_defect, sample)) is not None:
            defective += accounts
        elif (yield from ask(HashImporter.is_fast, sample)):
            weak += accounts
    stored["defective_hashes"], stored["weak_hashes"] = defective, weak
