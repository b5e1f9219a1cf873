"""A rehearsal: it finds who would be locked out and whose name would lead elsewhere, and it writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from cityauth.api.drivers import run
from cityauth.core.accounts import AccountId
from cityauth.core.changes import ContactChanged
from cityauth.core.identifiers import BUILT_IN, EMAIL, Identifier
from cityauth.core.migration import StepAction
from cityauth.core.migration_plan import AccountClass, PlanHeader, PlanLine
from cityauth.core.population import NewPerson
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.flows import rehearsal
from cityauth.flows.rehearsal import RehearsalFinding, RehearsalReport
from cityauth.policy.realms import Phase
from cityauth.testing.imports import person
from cityauth.testing.populations import store_people
from cityauth.testing.samples import NOON
from tests.support.moves import Move, Stopping, commit, erase, fill, on, population
from tests.support.service import Service
from tests.support.stores import MakeStore


def test_a_plan_of_every_class_holds(move: Move) -> None:
    """Nobody is locked out and no name leads elsewhere; every account and name is counted, and nothing is written."""
    told: list[tuple[int, int]] = []
    before, counting = population(move.service.store), Stopping(move.service.store)
    found = on(move, counting).service.auth.migration.rehearse(
        move.path, progress=lambda done, accounts: told.append((done, accounts))
    )
    assert found.holds
    assert (found.accounts, found.moved, found.kept, found.untouched) == (15, 8, 6, 1)
    assert (found.names, found.without_password) == (14 + 8, 0)
    assert told == [(15, 15)]
    assert (counting.commits, population(move.service.store)) == (0, before)
    move.apply(share=0.5)
    assert move.service.auth.migration.rehearse(move.path).holds


def rehearsed(service: Service, *lines: PlanLine, phase: Phase = Phase.EMAIL_PREFERRED) -> RehearsalReport:
    """Rehearse a plan of these lines."""
    header = PlanHeader("plan", "1", "", NOON, len(lines), {}, phase)
    auth = service.auth.migration
    return run(rehearsal.rehearse(auth._deployment, header, lines, lambda *_: None), auth._answers)


def moving(name: str, address: str, **other: Any) -> PlanLine:
    """Return the line of an account that moves to *address*, whatever is in the way."""
    line = PlanLine(
        account=AccountId(name),
        external_id=f"ext-{name}",
        account_class=AccountClass.READY,
        identifier=address,
        key=f"1:{address.lower()}",
        contact=address,
        action=StepAction.MOVE,
    )
    return line._replace(**other)


@pytest.mark.parametrize("phase", [Phase.EMAIL_PREFERRED, Phase.EMAIL_ONLY])
def test_an_address_that_is_anothers_name_is_found(service: Service, phase: Phase) -> None:
    """A move to an address that leads to another account is found; it would be refused, so nobody is locked out."""
    fill(
        service,
        [
            person("a", "anna", email="bo@example.com"),
            person("b", "bo@example.com", email="b@example.com"),
        ],
    )
    found = rehearsed(service, moving("a", "bo@example.com"), phase=phase)
    assert found.examples == (("ext-a", RehearsalFinding.ADDRESS_ELSEWHERE),)
    assert not found.holds


def test_a_contested_address_is_found(service: Service) -> None:
    """A move to the own address while it is contested would be refused, and is found."""
    address = Identifier(EMAIL.name, "a@example.com", "1:a@example.com")
    one = person("a", "anna", email="a@example.com")
    held = (*one.account_identifiers, AccountIdentifier(address, IdentifierStatus.CONTESTED))
    fill(service, [replace(one, account_identifiers=held)])
    found = rehearsed(service, moving("a", "a@example.com"))
    assert found.findings == {RehearsalFinding.ADDRESS_ELSEWHERE: 1}


def test_a_phase_that_shuts_usernames_out_is_found(service: Service) -> None:
    """A plan that gives an account without an address a phase of addresses only would lock it out."""
    fill(service, [person("a", "anna"), person("b", "bo", email="b@example.com")])
    found = rehearsed(service, moving("b", "b@example.com"), phase=Phase.EMAIL_ONLY)
    assert found.holds
    assert (found.moved, found.names) == (1, 2)
    locked = rehearsed(service, moving("b", "b@example.com"), phase=Phase.LEGACY_ONLY)
    assert locked.findings == {RehearsalFinding.ADDRESS_ELSEWHERE: 1}


def test_an_address_that_would_stop_to_sign_in_is_found(service: Service) -> None:
    """A name that the plan does not mean to take away, and that would lead nowhere, is found."""
    one = person("a", "anna", email="a@example.com")
    old = AccountIdentifier(Identifier(EMAIL.name, "old@example.com", "1:old@example.com"))
    one = replace(
        one, account=replace(one.account, phase=Phase.BOTH), account_identifiers=(*one.account_identifiers, old)
    )
    fill(service, [one])
    found = rehearsed(service, moving("a", "a@example.com", phase=Phase.BOTH), phase=Phase.LEGACY_ONLY)
    assert found.findings == {RehearsalFinding.ADDRESS_ELSEWHERE: 1, RehearsalFinding.LOSES_NAME: 1}


def test_an_account_without_a_password_is_not_locked_out(service: Service) -> None:
    """Who has no password signs in by nothing today, so that nothing is lost."""
    store_people(
        service.store,
        [replace(person("a", "anna", email="bo@example.com"), password_hash=None), person("b", "bo@example.com")],
    )
    found = rehearsed(service, moving("a", "bo@example.com"), phase=Phase.EMAIL_ONLY)
    assert found.findings == {RehearsalFinding.ADDRESS_ELSEWHERE: 1}
    assert found.without_password == 1


def test_a_missing_account_is_named(move: Move) -> None:
    """An account that was erased since the plan is named."""
    erase(move.service.store, "p0")
    found = move.service.auth.migration.rehearse(move.path)
    assert found.examples == (("ext-p0", RehearsalFinding.MISSING),)


@dataclass(frozen=True, slots=True)
class ReaderKind:
    """A host's own kind: the number of a library's reader, printed like an address."""

    name: str = "reader"

    def recognizes(self, text: str) -> bool:
        """Whether it is printed like a reader's number."""
        return text.endswith("@kirjasto.example")

    def canonical(self, text: str) -> str | None:
        """The number, in a corner of the namespace of its own."""
        number = text.removeprefix("reader:").removesuffix("@kirjasto.example")
        return None if number == text else f"reader:{number}"

    def admit(self, text: str) -> str:
        """Every number may be registered."""
        return self.canonical(text) or text


def test_a_stranger_whose_name_would_lead_elsewhere_is_found(make_store: MakeStore) -> None:
    """A host's own name that reads like the new address would be ambiguous: both accounts are named."""
    service = Service(store=make_store(), kinds=(*BUILT_IN, ReaderKind()))
    number = Identifier("reader", "77@kirjasto.example", "1:reader:77")
    stranger = replace(person("s"), account_identifiers=(AccountIdentifier(number),))
    unnamed = replace(stranger, account=replace(stranger.account, external_id=None))
    for other, name in ((stranger, "ext-s"), (unnamed, "s")):
        fill(service, [person("a", "anna", email=number.shown), other])
        locked = rehearsed(service, moving("a", number.shown), phase=Phase.EMAIL_ONLY)
        assert RehearsalFinding.LOCKED_OUT in locked.findings
        found = rehearsed(service, moving("a", number.shown))
        assert found.findings == {RehearsalFinding.ADDRESS_ELSEWHERE: 1, RehearsalFinding.STRANGER_CHANGED: 1}
        assert found.examples[-1] == (name, RehearsalFinding.STRANGER_CHANGED)
        assert found.names == 3
        erase(service.store, "a")
        erase(service.store, "s")


@pytest.mark.parametrize(
    "given",
    [
        [person("a", "<bo@example.com>", email="a@example.com"), person("b", "bo", email="bo@example.com")],
        [person("a", "mailto:bo@example.com"), person("b", "bo@example.com", email="bo@example.com")],
    ],
)
def test_a_name_that_holds_anothers_address_stays_its_owners(
    service: Service, tmp_path: Any, given: Sequence[NewPerson]
) -> None:
    """A username that contains another's address leads to its owner before and after, and the rehearsal says so."""
    fill(service, given)
    move = Move(service, tmp_path / "plan.jsonl")
    move.plan()
    assert service.auth.migration.rehearse(move.path).holds
    shown = given[0].account_identifiers[0].identifier.shown
    before = service.auth.identifiers.resolve(shown).account
    move.apply()
    after = service.auth.identifiers.resolve(shown).account
    assert before is not None
    assert after is not None
    assert (before.id, after.id) == ("a", "a")


def test_a_change_after_the_plan_is_seen(move: Move) -> None:
    """A plan whose address was taken by somebody since is found to lead elsewhere."""
    commit(move.service.store, ContactChanged(AccountId("p0"), None))
    fill(move.service, [person("thief", "name0@example.com")])
    found = move.service.auth.migration.rehearse(move.path)
    assert found.examples == (("ext-p0", RehearsalFinding.ADDRESS_ELSEWHERE),)


def test_more_than_a_page_is_looked_at(service: Service, tmp_path: Any) -> None:
    """Accounts of several pages are rehearsed once each."""
    fill(service, [person(f"p{n:04d}", f"name{n}", email=f"n{n}@example.com") for n in range(450)])
    move = Move(service, tmp_path / "plan.jsonl")
    move.plan()
    found = service.auth.migration.rehearse(move.path)
    assert (found.accounts, found.moved, found.names, found.holds) == (450, 450, 900, True)
