"""A flood of failed sign-ins leaves a bounded number of audit events, and their sums agree."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from cityauth import AccountId, ClientContext, PasswordRequired
from cityauth.core.audit import AuditEvent, AuditEventType, count_of
from cityauth.policy import Limit
from tests.support.recording import recording
from tests.support.service import OTHER_PASSWORD, POLICY, Service, patient

ERKKI = AccountId("erkki")
LIMIT = POLICY.throttle.failures_recorded_in_all[0].count


def refused(service: Service) -> list[AuditEvent]:
    """The lines of refused sign-ins in the stored trail."""
    return [event for event in service.store.trail() if event.what is AuditEventType.LOGIN_REFUSED]


def limited(count: int) -> Service:
    """A service that records *count* failures a minute, without waits."""
    limits = (Limit(count, timedelta(minutes=1)),)
    policy = patient(1000)
    return Service(policy=replace(policy, throttle=replace(policy.throttle, failures_recorded_in_all=limits)))


def client(number: int) -> ClientContext:
    """Each attempt from a network of its own."""
    return ClientContext(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")


def test_a_flood_is_summed_up() -> None:
    """Ten thousand failures in three minutes leave the allowed rows and a sum for each minute and reason (C-56)."""
    service = Service()
    service.add("Erkki", email="erkki@example.com", usernames=["erkki"])
    given = 0
    for number in range(10_000):
        name = "erkki" if number % 100 == 0 else f"name{number}"
        password = "" if number % 10 == 1 else OTHER_PASSWORD
        step = service.attempt(name, password, client=client(number))
        given += isinstance(step, PasswordRequired)
        if number in {3000, 6000}:
            service.wait(minutes=1)
    events = refused(service)
    reasons = {event.reason for event in events}
    assert len(events) <= 3 * (LIMIT + 100 + len(reasons))
    assert given == 10_000 == sum(map(count_of, events))
    sums = [event for event in events if count_of(event) > 1]
    assert {event.account_id for event in sums} == {None}
    assert not any(event.address or event.user_agent or event.identifier_hash for event in sums)


def test_the_failures_of_an_account_stay_exact(make_store: Callable[[], object]) -> None:
    """Failures that are only summed up still count to the limit that disables the password, and one row says so."""
    service = Service(store=make_store(), policy=limited(3).policy)
    service.add("Erkki", email="erkki@example.com", usernames=["erkki"])
    for number in range(105):
        service.attempt("erkki", OTHER_PASSWORD, client=client(number))
        service.attempt("nobody", OTHER_PASSWORD, client=client(1000 + number))
    record = service.auth.accounts.show(ERKKI)
    assert record is not None
    assert record.password_disabled
    events = refused(service)
    assert sum(map(count_of, events)) == 210
    assert len(events) == 3 + 1 + 2
    assert [event.account_id for event in events if event.detail.get("password") == "disabled"] == [ERKKI]
    assert len(service.audit.events) - 1 == 210, "the sink gets each failure whose password was verified"


@pytest.mark.parametrize("count", [0, 2])
def test_a_flood_asks_the_same_for_accounts_and_strangers(count: int) -> None:
    """In a flood and before it, a failure of an account does the same steps as one of nobody's identifier (B-21)."""
    service = limited(count)
    service.add("Erkki", usernames=["erkki"])
    traces: list[object] = []
    for identifier in ("erkki", "nobody", "erkki", "nobody"):
        with recording(service.auth) as asked:
            service.attempt(identifier, OTHER_PASSWORD, client=client(len(traces)))
        traces.append(asked)
    assert traces[0] == traces[1]
    assert traces[2] == traces[3]


def test_the_proof_of_a_retired_identifier_is_summed_up_too() -> None:
    """The right password for a retired identifier fills the trail no more than a wrong one."""
    service = limited(4)
    service.add("Erkki", email="erkki@example.com", usernames=["erkki"])
    service.retire("erkki", "1:erkki@example.com")
    for number in range(9):
        service.attempt("erkki@example.com", client=client(number))
    assert [count_of(event) for event in refused(service)] == [1, 1, 1, 1, 5]
