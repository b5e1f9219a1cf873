"""A plan: what is written of every account, and that each collision is seen from both sides."""

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityauth.api.plan_files import open_plan, write_collisions
from cityauth.core.accounts import Status
from cityauth.core.changes import ContactChanged
from cityauth.core.identifiers import EMAIL, Identifier, register
from cityauth.core.migration import StepAction
from cityauth.core.migration_plan import HELD_ELSEWHERE, TOMBSTONE, AccountClass, Collision, Decision, PlanLine
from cityauth.core.population import ImportOptions, NewPerson
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.similarity import AddressWarning
from cityauth.errors import UsageError, WiringError
from cityauth.policy.realms import Phase
from cityauth.ports.services import DomainState
from cityauth.stores.memory import MemoryStore
from cityauth.testing.imports import person
from cityauth.testing.populations import ADDRESSES, BAD_ADDRESSES, populations, store_people
from cityauth.testing.samples import commit
from tests.support.service import Service

WARNINGS = set(AddressWarning)


def planned(service: Service, folder: Path, **given: Any) -> dict[str, PlanLine]:
    """The lines of a plan by the accounts' ids."""
    made = service.auth.migration.plan(folder / "plan.jsonl", **given)
    with open_plan(folder / "plan.jsonl") as reader:
        lines = {str(line.account): line for line in reader}
    assert made.header == reader.header
    return lines


def reasons_of(line: PlanLine) -> tuple[str, ...]:
    """The reasons of a line without the warnings about its address."""
    return tuple(reason for reason in line.reasons if reason not in WARNINGS)


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        ([person("a", "anna", email="anna@example.com")], {"a": "ready"}),
        ([person("a", "anna@example.com", email="Anna@example.com")], {"a": "ready"}),
        ([person("a", "anna")], {"a": "no_email"}),
        ([person("a", "anna", source="anna at home")], {"a": "invalid_email"}),
        ([person("a", "anna", email="anna@example.com", status=Status.DISABLED)], {"a": "disabled"}),
        (
            [person("a", "anna", email="pair@example.com"), person("b", "bo", email="PAIR@Example.com")],
            {"a": "shared_email", "b": "shared_email"},
        ),
        (
            [person("a", "anna", email="bo@example.com"), person("b", "bo@example.com", email="b@example.com")],
            {"a": "equals_other_username", "b": "username_is_other_email"},
        ),
        (
            [person("a", "anna", email="bo@example.com"), person("b", "bo@example.com", email="bo@example.com")],
            {"a": "shared_email", "b": "shared_email"},
        ),
        (
            [
                person("a", "anna", email="m@b\u00fccher.example"),
                person("b", "bo", email="m@xn--bcher-kva.example", status=Status.DISABLED),
            ],
            {"a": "shared_email", "b": "disabled"},
        ),
    ],
)
def test_every_account_has_its_class(
    service: Service, tmp_path: Path, people: Sequence[NewPerson], expected: dict[str, str]
) -> None:
    """Each kind of trouble gives the class that the documents name, on every store."""
    store_people(service.store, people)
    lines = planned(service, tmp_path)
    assert {account: str(line.account_class) for account, line in lines.items()} == expected
    others = {one: tuple(f"ext-{other}" for other in lines if other != one) for one in lines}
    assert all(line.collides_with == others[one] for one, line in lines.items())


def test_all_reasons_are_named_in_order(service: Service, tmp_path: Path) -> None:
    """An account with several things in its way has the first as its class, and all of them as reasons."""
    official = person("a", "anna", email="pair@example.com", status=Status.DISABLED)
    official = replace(official, account=replace(official.account, realm="official"))
    store_people(service.store, [official, person("b", "bo", email="pair@example.com")])
    lines = planned(service, tmp_path)
    assert lines["a"].account_class is AccountClass.EXEMPT
    assert lines["a"].reasons == ("exempt", "disabled", "shared_email")
    assert lines["b"].reasons == ("shared_email",)
    assert (lines["a"].action, lines["b"].action) == (None, StepAction.KEEP)


def test_the_file_is_as_the_documents_have_it(service: Service, tmp_path: Path) -> None:
    """The first line is the header, and each other one an account with the documented keys."""
    store_people(service.store, [person("a", "anna", email="Anna@Example.com"), person("b", "bo")])
    made = service.auth.migration.plan(tmp_path / "plan.jsonl", phase=Phase.BOTH, exempt=["official"])
    header, first, second = (json.loads(line) for line in (tmp_path / "plan.jsonl").read_text().splitlines())
    assert header["plan"] == made.header.plan_id
    assert (header["phase"], header["exempt"], header["accounts"]) == ("both", ["official"], 2)
    assert {name: count for name, count in header["classes"].items() if count} == {"ready": 1, "no_email": 1}
    expected = {"account": "a", "external_id": "ext-a", "class": "ready", "reasons": [], "with": []}
    assert first.items() >= {"identifier": "Anna@example.com", "key": "1:anna@example.com"}.items()
    assert {name: first[name] for name in expected} == expected
    assert second.items() >= {"class": "no_email", "identifier": None, "action": "keep"}.items()


def test_an_empty_store_gives_an_empty_plan(service: Service, tmp_path: Path) -> None:
    """A plan of nobody is a header."""
    assert planned(service, tmp_path) == {}


def test_more_than_a_page_is_read(service: Service, tmp_path: Path) -> None:
    """Every account of several pages stands in the plan once, and the caller hears of the progress."""
    store_people(service.store, [person(f"p{n:04d}", f"name{n}", email=f"n{n // 2}@example.com") for n in range(1100)])
    heard: list[tuple[int, int]] = []
    lines = planned(service, tmp_path, progress=lambda accounts, written: heard.append((accounts, written)))
    assert len(lines) == 1100
    assert {line.account_class for line in lines.values()} == {AccountClass.SHARED_EMAIL}
    assert [accounts for accounts, written in heard if not written] == [500, 1000, 1100]


def test_an_account_that_signs_in_by_address_is_done(service: Service, tmp_path: Path) -> None:
    """An active e-mail identifier makes an account `already`, and whoever has that address on file has a collision."""
    moved = replace(person("a"), account_identifiers=(held("anna@example.com"),))
    store_people(service.store, [moved, person("b", "bo", email="anna@example.com")])
    lines = planned(service, tmp_path)
    assert lines["a"].reasons == ("already", "shared_email")
    assert lines["b"].reasons == ("shared_email",)
    assert (lines["a"].collides_with, lines["b"].collides_with) == (("ext-b",), ("ext-a",))
    assert lines["a"].identifier == "anna@example.com"


def test_a_retired_address_blocks_others_and_not_its_owner(service: Service, tmp_path: Path) -> None:
    """A retired address never passes on; its former owner moves to another one, and each is named beside the other."""
    owner = person("a", "anna", email="new@example.com")
    retired = held("old@example.com", IdentifierStatus.RETIRED)
    owner = replace(owner, account_identifiers=(*owner.account_identifiers, retired))
    store_people(service.store, [owner, person("b", "bo", email="old@example.com")])
    lines = planned(service, tmp_path)
    assert lines["a"].account_class is AccountClass.READY
    assert lines["a"].reasons == (HELD_ELSEWHERE,)
    assert lines["b"].reasons == ("shared_email",)
    assert (lines["a"].collides_with, lines["b"].collides_with) == (("ext-b",), ("ext-a",))


def test_an_own_retired_address_comes_back(service: Service, tmp_path: Path) -> None:
    """An account whose retired identifier is its own address on file is ready."""
    owner = replace(
        person("a", email="old@example.com"), account_identifiers=(held("old@example.com", IdentifierStatus.RETIRED),)
    )
    store_people(service.store, [owner])
    assert planned(service, tmp_path)["a"].account_class is AccountClass.READY


def test_a_contested_address_waits_for_people(service: Service, tmp_path: Path) -> None:
    """An address that several claim does not move by itself."""
    owner = person("a", "anna", email="old@example.com")
    contested = held("old@example.com", IdentifierStatus.CONTESTED)
    store_people(service.store, [replace(owner, account_identifiers=(*owner.account_identifiers, contested))])
    assert planned(service, tmp_path)["a"].account_class is AccountClass.SHARED_EMAIL


def test_the_address_of_an_erased_account_is_anothers(service: Service, tmp_path: Path) -> None:
    """An address that an erased account had does not pass on by a plan."""
    service.add("Anna", email="anna@example.com")
    erased = service.auth.sessions.check(service.token("anna@example.com"))
    assert erased is not None
    service.auth.accounts.delete(erased)
    store_people(service.store, [person(f"p{n}", f"name{n}", email=f"n{n}@example.com") for n in range(9)])
    store_people(service.store, [person("z", "z", email="Anna@example.com")])
    lines = planned(service, tmp_path)
    assert lines["z"].reasons == ("shared_email", TOMBSTONE)
    assert lines["z"].collides_with == ()
    assert lines["z"].collision is Collision.STRANGER
    assert {line.account_class for line in lines.values()} == {AccountClass.READY, AccountClass.SHARED_EMAIL}


def test_an_address_that_was_taken_away_does_not_come_back(service: Service, tmp_path: Path) -> None:
    """What the last import had as the address counts only where it passes no rule: a removed address stays away."""
    store_people(service.store, [person("a", "anna", source="anna@example.com")])
    assert planned(service, tmp_path)["a"].account_class is AccountClass.NO_EMAIL


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("Anna Aalto", "Aalto, ANNA"), Collision.ONE_PERSON),
        (("Anna Aalto", "Bo Aalto"), Collision.HOUSEHOLD),
        (("Åke Öberg", "A\u030ake O\u0308berg"), Collision.ONE_PERSON),
    ],
)
def test_a_shared_address_is_a_household_or_one_person(
    service: Service, tmp_path: Path, names: tuple[str, str], expected: Collision
) -> None:
    """Two accounts of one address are probably one person where their names are the same, and a household else."""
    both = [person(key, key, email="pair@example.com") for key in "ab"]
    store_people(
        service.store,
        [replace(one, account=replace(one.account, display_name=name)) for one, name in zip(both, names, strict=True)],
    )
    assert {line.collision for line in planned(service, tmp_path).values()} == {expected}


def test_the_policy_says_which_realms_do_not_move(service: Service, tmp_path: Path) -> None:
    """Without other word, a realm that stays at `legacy_only` is exempt; a given collection counts alone."""
    one = person("a", "anna", email="anna@example.com")
    store_people(service.store, [replace(one, account=replace(one.account, realm="official"))])
    assert planned(service, tmp_path)["a"].account_class is AccountClass.EXEMPT
    assert planned(service, tmp_path, exempt=["citizen"])["a"].account_class is AccountClass.READY
    assert planned(service, tmp_path, exempt=())["a"].account_class is AccountClass.READY


@pytest.mark.parametrize("exempt", ["official", ["officials"]])
def test_an_unknown_realm_is_a_mistake(service: Service, tmp_path: Path, exempt: Any) -> None:
    """A realm that the policy does not have, or one text in place of several, is refused before anything is written."""
    with pytest.raises(UsageError):
        service.auth.migration.plan(tmp_path / "plan.jsonl", exempt=exempt)
    assert list(tmp_path.glob("plan*")) == []


def test_no_contact_of_the_file_becomes_a_login_name(service: Service, tmp_path: Path) -> None:
    """Only the e-mail of the file is planned, in the first import and in each later one, whatever the contact is."""
    row = {"realm": "citizen", "display_name": "Child"}

    def plan_after(**cells: str) -> tuple[str, str | None]:
        service.auth.population.import_people([{**row, "external_id": "1", "username": "child", **cells}])
        (line,) = planned(service, tmp_path).values()
        return str(line.account_class), line.identifier

    assert plan_after(contact="guardian@example.com") == ("no_email", None)
    assert plan_after(contact="Guardian2@example.com") == ("no_email", None)
    assert plan_after(contact="guardian@example.com", email="child@example.com") == ("ready", "child@example.com")
    assert plan_after(contact="office@example.com", email="child@example.com") == ("ready", "child@example.com")
    assert plan_after(contact="office@example.com", email="new@example.com") == ("ready", "new@example.com")
    assert plan_after(contact="new@example.com", email="new@example.com") == ("ready", "new@example.com")
    assert plan_after(email="new@example.com") == ("ready", "new@example.com")


def test_a_contact_for_mail_alone_stands_beside_an_email_that_is_none(service: Service, tmp_path: Path) -> None:
    """Where the e-mail of the file passes no rule, the contact gets the mail, and the plan names the bad address."""
    rows = [
        {"external_id": "1", "realm": "citizen", "username": "child", "display_name": "Child", "email": "child at home",
         "contact": "guardian@example.com"},
        {"external_id": "2", "realm": "citizen", "username": "adult", "display_name": "A", "email": "Guardian@example.com"},
    ]  # fmt: skip
    service.auth.population.import_people(rows, options=ImportOptions(accept_invalid_email=True))
    child, adult = sorted(planned(service, tmp_path).values(), key=lambda line: line.external_id or "")
    assert child.reasons == ("invalid_email", "shared_email")
    assert (child.identifier, child.contact, child.collides_with) == (None, "guardian@example.com", ("2",))
    assert (adult.reasons, adult.collides_with) == (("shared_email",), ("1",))


def test_a_decision_gives_nobody_the_contact_of_the_file(service: Service, tmp_path: Path) -> None:
    """`use_email` without an address takes the e-mail of the file, and there is none beside a contact for mail alone."""
    row = {"external_id": "1", "realm": "citizen", "username": "child", "display_name": "C", "contact": "g@example.com"}
    service.auth.population.import_people([row])
    decisions = tmp_path / "decisions.csv"
    decisions.write_text("external_id,decision,email\n1,use_email,\n")
    made = service.auth.migration.plan(tmp_path / "plan.jsonl", decisions=decisions)
    assert [one.faults for one in made.refused_decisions] == [("address_missing",)]
    decisions.write_text("external_id,decision,email\n1,use_email,own@example.com\n")
    (line,) = planned(service, tmp_path, decisions=decisions).values()
    assert (line.identifier, str(line.action)) == ("own@example.com", "move")


def test_an_address_that_a_person_chose_here_is_planned(service: Service, tmp_path: Path) -> None:
    """Another contact than that of the file is the person's own, and it is planned as any address on file."""
    row = {"external_id": "1", "realm": "citizen", "username": "child", "display_name": "C", "contact": "g@example.com"}
    service.auth.population.import_people([row])
    (line,) = planned(service, tmp_path).values()
    commit(service.store, ContactChanged(line.account, "own@example.com"))
    (line,) = planned(service, tmp_path).values()
    assert (str(line.account_class), line.identifier) == ("ready", "own@example.com")


def unnamed(one: NewPerson) -> NewPerson:
    """The person without an external id, as a service adds people."""
    return replace(one, account=replace(one.account, external_id=None))


def test_accounts_without_an_external_id_are_decided_by_their_id(service: Service, tmp_path: Path) -> None:
    """The spreadsheet of collisions, filled in, decides for every account, whoever gave it a key or none."""
    store_people(service.store, [unnamed(person("a", "anna", email="pair@example.com"))])
    store_people(service.store, [person("b", "bo", email="pair@example.com"), unnamed(person("c", "cecilia"))])
    planned(service, tmp_path)
    write_collisions(tmp_path / "plan.jsonl", tmp_path / "collisions.csv")
    with (tmp_path / "collisions.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["external_id"], row["account"]) for row in rows} == {("", "a"), ("ext-b", "b")}
    with (tmp_path / "decisions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows([{**row, "decision": "use_email" if row["account"] == "a" else "skip"} for row in rows])
        writer.writerow({"account": "c", "decision": "use_email", "email": "c@example.com"})
        writer.writerow({"account": "nobody", "decision": "skip"})
    made = service.auth.migration.plan(tmp_path / "plan.jsonl", decisions=tmp_path / "decisions.csv")
    assert [(one.number, one.account, one.faults) for one in made.refused_decisions] == [
        (5, "nobody", ("unknown_account",))
    ]
    lines = planned(service, tmp_path, decisions=tmp_path / "decisions.csv")
    assert {one: (line.decision, line.identifier, line.action) for one, line in lines.items()} == {
        "a": (Decision.USE_EMAIL, "pair@example.com", StepAction.MOVE),
        "b": (Decision.SKIP, "pair@example.com", None),
        "c": (Decision.USE_EMAIL, "c@example.com", StepAction.MOVE),
    }


@pytest.mark.parametrize("row", ["ext-a,,keep_username,", ",a,skip,", ",a,maybe,"])
def test_an_account_that_two_rows_name_in_two_ways_is_decided_twice(service: Service, tmp_path: Path, row: str) -> None:
    """One row by the external id and one by the account id, or two by the account id: neither is used."""
    store_people(service.store, [person("a", "anna", email="a@example.com")])
    decisions = tmp_path / "decisions.csv"
    decisions.write_text(f"external_id,account,decision,email\n,a,keep_username,\n{row}\n")
    made = service.auth.migration.plan(tmp_path / "plan.jsonl", decisions=decisions)
    assert {fault for one in made.refused_decisions for fault in one.faults} <= {"decided_twice", "unknown_decision"}
    assert len(made.refused_decisions) == 2
    (line,) = planned(service, tmp_path, decisions=decisions).values()
    assert line.decision is None


@pytest.mark.parametrize(
    ("other", "reasons", "own"),
    [
        (person("b", "bo", email="äiti@Example.com"), ("invalid_email", "shared_email"), ("invalid_email",)),
        (person("b", "äiti@example.com"), ("no_email", "username_is_other_email"), ("equals_other_username",)),
    ],
)
def test_an_address_that_passes_no_rule_is_named_on_both_sides(
    service: Service, tmp_path: Path, other: NewPerson, reasons: tuple[str, ...], own: tuple[str, ...]
) -> None:
    """An address on file that mail does not reach collides as any other, and each account names the other one."""
    store_people(service.store, [person("a", "anna", email="Äiti@example.com"), other])
    lines = planned(service, tmp_path)
    assert (lines["a"].collides_with, lines["b"].collides_with) == (("ext-b",), ("ext-a",))
    assert lines["a"].account_class == "invalid_email"
    assert set(own) <= set(lines["a"].reasons)
    assert reasons_of(lines["b"]) == reasons


class Domains:
    """A check of domains that knows some answers and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def check(self, domains: Sequence[str]) -> dict[str, DomainState]:
        """Answer for those that it knows."""
        self.asked += domains
        known = {"dead.example": DomainState.DEAD, "mute.example": DomainState.UNKNOWN}
        return {domain: known.get(domain, DomainState.ALIVE) for domain in domains if domain != "silent.example"}


def test_only_a_dead_domain_blocks(service: Service, tmp_path: Path) -> None:
    """A domain is dead only where the check says so; one of which nothing is known moves. Each is asked for once."""
    domains = ["dead.example", "mute.example", "silent.example", "well.example", "dead.example"]
    store_people(
        service.store, [person(f"p{n}", f"name{n}", email=f"n{n}@{domain}") for n, domain in enumerate(domains)]
    )
    check = Domains()
    classes = [line.account_class for line in planned(service, tmp_path, domain_check=check).values()]
    dead, ready = AccountClass.DEAD_DOMAIN, AccountClass.READY
    assert classes == [dead, ready, ready, ready, dead]
    assert sorted(check.asked) == sorted(set(domains))
    assert {line.account_class for line in planned(service, tmp_path).values()} == {ready}


def test_a_domain_is_asked_for_once_in_a_plan(service: Service, tmp_path: Path) -> None:
    """What was learnt of a domain on one page of accounts holds for the next ones."""
    store_people(service.store, [person(f"p{n:04d}", f"name{n}", email=f"n{n}@well.example") for n in range(501)])
    check = Domains()
    planned(service, tmp_path, domain_check=check)
    assert check.asked == ["well.example"]


def test_a_store_that_moves_nobody_is_refused(tmp_path: Path) -> None:
    """A store without the methods of a population serves everything but this."""

    class Bare:
        def __getattr__(self, name: str) -> Any:
            if name == "read_population":
                raise AttributeError(name)
            return getattr(store, name)

    store = MemoryStore()
    service = Service(store=Bare())
    with pytest.raises(WiringError, match="no PopulationStore"):
        service.auth.migration.plan(tmp_path / "plan.jsonl")


def held(address: str, status: IdentifierStatus = IdentifierStatus.ACTIVE) -> AccountIdentifier:
    """An e-mail identifier."""
    identifier = register(address, EMAIL)
    assert isinstance(identifier, Identifier)
    return AccountIdentifier(identifier, status)


def keys_of(one: NewPerson, kind: str) -> set[str]:
    """The keys of a person's identifiers of one kind, of every status."""
    return {
        held.identifier.key
        for held in one.account_identifiers
        if (held.identifier.kind == "username") == (kind == "username")
    }


def address_key(one: NewPerson) -> str | None:
    """The key of the address on file."""
    identifier = register(one.account.contact, EMAIL)
    return identifier.key if isinstance(identifier, Identifier) else None


def expected_class(one: NewPerson, others: Sequence[NewPerson]) -> tuple[str, ...]:
    """What stands in an account's way, by a comparison with every other account."""
    key = address_key(one)
    active = {
        held.identifier.key
        for held in one.account_identifiers
        if held.identifier.kind == "email" and held.status is IdentifierStatus.ACTIVE
    }
    addresses = active | ({key} if key else set())
    shared = any(addresses & ({address_key(other)} | keys_of(other, "email")) - {None} for other in others)
    table = [
        ("exempt", one.account.realm == "official"),
        ("already", bool(active)),
        ("disabled", one.account.status is not Status.ACTIVE),
        ("no_email", not one.account.contact and not active and not one.source.email),
        ("invalid_email", not one.account.contact and not active and bool(one.source.email)),
        ("shared_email", shared),
        ("equals_other_username", any(key in keys_of(other, "username") for other in others)),
        ("username_is_other_email", any(address_key(other) in keys_of(one, "username") for other in others)),
    ]
    return tuple(name for name, holds in table if holds)


@settings(max_examples=150)
@given(populations(), st.randoms())
def test_the_plan_is_what_a_comparison_of_everybody_says(
    tmp_path_factory: Any, people: tuple[NewPerson, ...], rng: Any
) -> None:
    """Every class and reason is what comparing each account with every other one gives, in whatever order they came."""
    folder = tmp_path_factory.mktemp("plan")
    service = Service()
    shuffled = list(people)
    rng.shuffle(shuffled)
    store_people(service.store, shuffled)
    lines = planned(service, folder)
    for one in people:
        others = [other for other in people if other is not one]
        found = tuple(reason for reason in reasons_of(lines[one.account.id]) if reason != HELD_ELSEWHERE)
        assert found == expected_class(one, others)
        assert lines[one.account.id].account_class == (found or ("ready",))[0]
    reference = {line.reference: line for line in lines.values()}
    for line in lines.values():
        assert all(line.reference in reference[other].collides_with for other in line.collides_with)
        assert all(line.reference in reference[other].similar for other in line.similar)
        assert line.reference not in line.collides_with


@st.composite
def decided_populations(draw: st.DrawFn) -> tuple[tuple[NewPerson, ...], list[tuple[str, str, str]]]:
    """Draw a population, and rows of decisions about it, some of them wrong."""
    people = draw(populations(min_size=2))
    rows = st.tuples(
        st.sampled_from([*(one.source.external_id for one in people), "nobody"]),
        st.sampled_from([*map(str, Decision), "perhaps"]),
        st.sampled_from(["", "", "new@example.com", *ADDRESSES, *BAD_ADDRESSES]),
    )
    return people, draw(st.lists(rows, max_size=5))


@settings(max_examples=200)
@given(decided_populations())
def test_no_decision_gives_an_address_to_two(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[tuple[NewPerson, ...], list[tuple[str, str, str]]]
) -> None:
    """Whatever is decided, an address moves to one account, and to none if another account has it as an identifier."""
    people, rows = drawn
    folder, service = tmp_path_factory.mktemp("plan"), Service()
    store_people(service.store, people)
    with (folder / "decisions.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("external_id", "decision", "email"), *rows])
    made = service.auth.migration.plan(folder / "plan.jsonl", decisions=folder / "decisions.csv")
    with open_plan(folder / "plan.jsonl") as reader:
        lines = list(reader)
    by_id = {one.account.id: one for one in people}
    moving = [line for line in lines if line.action is StepAction.MOVE]
    assert len({line.key for line in moving}) == len(moving)
    for line in moving:
        others = [one for one in people if one.account.id != line.account]
        assert not any(held.identifier.key == line.key for one in others for held in one.account_identifiers)
        shared = any(address_key(one) == line.key for one in others)
        assert not shared or (line.may_share and address_key(by_id[line.account]) == line.key)
        assert by_id[line.account].account.status is Status.ACTIVE
    used = {line.external_id for line in lines if line.decision}
    refused = {one.external_id for one in made.refused_decisions}
    assert used | refused == {external_id for external_id, _, _ in rows}
    assert used & refused == set()
    assert made.header.refused_decisions == len(made.refused_decisions) == len(rows) - len(used)
