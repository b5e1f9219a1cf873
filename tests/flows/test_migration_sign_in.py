"""Sign-in, sign-up, reset and change of address go on while a plan is carried out; sessions and links outlive it."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest

from cityauth.core.answers import Done
from cityauth.core.links import LinkLive
from cityauth.core.login import Authenticated
from cityauth.core.migration import StepRefusal
from cityauth.policy.realms import Phase, RealmPolicy
from cityauth.testing.imports import person
from tests.support.moves import Move, fill, leads_to, population
from tests.support.service import PASSWORD, POLICY, Service
from tests.support.stores import MakeStore

NEW_PASSWORD = "aivan uusi pitkä salasana"


def test_nobody_is_signed_out_and_no_link_dies(move: Move) -> None:
    """A session and a reset link that were there before live on through apply and rollback, and the link works then (B-13)."""
    service = move.service
    token = service.token("name0")
    service.auth.recovery.request("name1")
    link = service.link("name1@example.com")
    assert isinstance(service.auth.accounts.change_email(service.live(token), "other@example.com"), object)
    change = service.link("other@example.com")
    move.apply()
    for _ in range(2):
        assert service.holder(token) == "p0"
        assert isinstance(service.auth.recovery.inspect(link), LinkLive)
        assert isinstance(service.auth.accounts.inspect_email(change), LinkLive)
        move.roll_back()
    assert isinstance(service.auth.recovery.complete(link, NEW_PASSWORD), Done)
    assert isinstance(service.attempt("name1", NEW_PASSWORD), Authenticated)
    assert isinstance(service.auth.accounts.confirm_email(change), Done)
    assert leads_to(service, "other@example.com") == "p0"


def test_a_link_works_after_the_move(move: Move) -> None:
    """A reset link from before the move works after it, and the rollback brings no older password back."""
    service = move.service
    service.auth.recovery.request("name1")
    link = service.link("name1@example.com")
    move.apply()
    assert isinstance(service.auth.recovery.complete(link, NEW_PASSWORD), Done)
    assert isinstance(service.attempt("name1@example.com", NEW_PASSWORD), Authenticated)
    move.roll_back()
    assert isinstance(service.attempt("name1", NEW_PASSWORD), Authenticated)
    assert not isinstance(service.attempt("name1", PASSWORD), Authenticated)


def test_a_change_of_address_before_or_after_the_step_is_kept(move: Move) -> None:
    """Who changes the address between plan and step keeps the own choice, and so does who changes it after the step."""
    service = move.service
    link = change_of(service, "name0", "mine@example.com")
    move.apply(canary=["p1"])
    assert isinstance(service.auth.accounts.confirm_email(link), Done)
    link = change_of(service, "name1", "too@example.com")
    report = move.apply()
    assert isinstance(service.auth.accounts.confirm_email(link), Done)
    assert report.refusals == {StepRefusal.CONTACT_CHANGED: 1}
    assert move.roll_back().refusals == {StepRefusal.CONTACT_CHANGED: 1}
    assert [leads_to(service, name) for name in ("mine@example.com", "too@example.com")] == ["p0", "p1"]


def change_of(service: Service, name: str, to: str) -> str:
    """Ask for a change of address, and return the link that confirms it."""
    service.auth.accounts.change_email(service.live(service.token(name)), to)
    return service.link(to)


@pytest.mark.parametrize("order", [("sign-up", "step"), ("step", "sign-up")])
def test_an_address_that_signs_up_meanwhile_goes_to_one(
    service: Service, tmp_path: Path, order: tuple[str, str]
) -> None:
    """A sign-up and a step about one address: whoever comes first has it, and the other one is refused."""
    service.auth.accounts.sign_up("late@example.com")
    link = service.link("late@example.com")
    fill(service, [person("late", "late", email="late@example.com"), person("other", "other")])
    move = Move(service, tmp_path / "plan.jsonl")
    move.plan()
    move.apply(canary=["other"])
    succeeded = {}
    for what in order:
        if what == "step":
            succeeded[what] = not move.apply().refusals
        else:
            succeeded[what] = isinstance(service.auth.accounts.confirm_sign_up(link, "Uusi", NEW_PASSWORD), Done)
    holder = leads_to(service, "late@example.com")
    assert holder is not None
    assert succeeded == {"sign-up": holder != "late", "step": holder == "late"}
    assert leads_to(service, "late") == "late"


def test_whoever_keeps_the_username_signs_in_whatever_the_realm_comes_to(make_store: MakeStore, tmp_path: Path) -> None:
    """When the realm comes to addresses only, who could not move signs in by username, and who moved by address."""
    service = Service(store=make_store())
    fill(service)
    move = Move(service, tmp_path / "plan.jsonl")
    move.plan(exempt=["official"])
    move.apply()
    realms = {**POLICY.realms, "citizen": RealmPolicy(Phase.EMAIL_ONLY)}
    later = replace(service, policy=replace(POLICY, realms=realms))
    for name in ("home1", "home2", "nothing", "xenia@example.org", "namer"):
        assert isinstance(later.attempt(name), Authenticated), name
    for name in ("name0@example.com", "self@example.com", "nameless@example.com", "name0"):
        assert isinstance(later.attempt(name), Authenticated), name


class Busy:
    """People who go on using the service in a thread of their own, until they are told to stop.

    It is a class because what went wrong is asked for afterwards.
    """

    def __init__(self, act: Callable[[int], None]) -> None:
        self._act = act
        self._stop = threading.Event()
        self.rounds = 0
        self.errors: list[Exception] = []
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def _go_on(self) -> None:
        while not self._stop.is_set():
            try:
                self._act(self.rounds)
            except Exception as error:  # noqa: BLE001 - whatever goes wrong is what the test looks for
                self.errors.append(error)
                return
            self.rounds += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()


def test_the_service_goes_on_while_the_plan_is_carried_out(make_store: MakeStore, tmp_path: Path) -> None:
    """While accounts move and are taken back, everybody signs in by username, nobody sees half an account, and changes of address go through."""
    service = Service(store=make_store())
    people = [person(f"p{n:02d}", f"name{n}", email=f"n{n}@example.com") for n in range(30)]
    fill(service, people)
    move = Move(service, tmp_path / "plan.jsonl")
    move.plan()
    before = population(service.store)
    seen: set[int] = set()

    def sign_in(number: int) -> None:
        name = f"name{number % 30}"
        step = service.attempt(name)
        assert isinstance(step, Authenticated), name
        found = service.store.find([f"1:{name}", f"1:n{number % 30}@example.com"])
        phases = {match.account.phase for match in found}
        assert phases == ({None} if len(found) == 1 else {Phase.EMAIL_PREFERRED}), name
        seen.add(len(found))

    with Busy(sign_in) as busy:
        for _ in range(3):
            move.apply(batch=1)
            move.roll_back(batch=1)
            move.path.unlink()
            move.plan()
    assert busy.errors == []
    assert busy.rounds > 0
    assert seen <= {1, 2}
    assert {name: row.account_identifiers for name, row in population(service.store).items()} == {
        name: row.account_identifiers for name, row in before.items()
    }


def test_addresses_change_while_the_plan_is_carried_out(make_store: MakeStore, tmp_path: Path) -> None:
    """People confirm new addresses while their accounts move: each keeps the own choice and is listed as changed, or moved before it."""
    service = Service(store=make_store())
    people = [person(f"p{n:02d}", f"name{n}", email=f"n{n}@example.com") for n in range(12)]
    fill(service, people)
    move = Move(service, tmp_path / "plan.jsonl")
    move.plan()
    changing = [1, 5, 10]
    links = {number: change_of(service, f"name{number}", f"new{number}@example.com") for number in changing}
    left = list(changing)

    def confirm(_: int) -> None:
        if left:
            assert isinstance(service.auth.accounts.confirm_email(links[left.pop()]), Done)

    move.apply(canary=["p00"])  # from now on a change does not make the plan outdated
    with Busy(confirm) as busy:
        report = move.apply(batch=1)
        while left and not busy.errors:
            pass
    assert busy.errors == []
    assert set(report.refusals) <= {StepRefusal.CONTACT_CHANGED}
    for number in range(12):
        name = f"p{number:02d}"
        address = f"new{number}@example.com" if number in changing else f"n{number}@example.com"
        assert leads_to(service, address) == name
        assert leads_to(service, f"name{number}") == name
    assert service.auth.migration.verify(move.id).findings == {}
