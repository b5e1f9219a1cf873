"""A browser that signed in before has a budget of its own, so that no stranger keeps its owner from signing in."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cityauth import AccountId, ClientContext, MemoryStore
from cityauth.core.login import Authenticated, LoginStep, PasswordRequired
from cityauth.core.signing import Payload, Purpose
from cityauth.messages import Code
from tests.support.service import OTHER_KEY, OTHER_PASSWORD, PASSWORD, Service

CLIENT = ClientContext("192.0.2.7")
NEW = "aamukaste kimaltelee laiturilla"


@pytest.fixture
def city(make_store: Callable[[], object]) -> Service:
    """A service with two accounts."""
    service = Service(store=make_store())
    service.add("Erkki", email="erkki@example.com", usernames=["erkki"])
    service.add("Matti", email="matti@example.com", usernames=["matti"])
    return service


def token_of(service: Service, identifier: str = "erkki", **given: Any) -> str:
    """Sign in and take the device's token."""
    token = service.sign_in(identifier, **given).device_token
    assert token is not None
    return token.get_secret_value()


def is_throttled(step: LoginStep) -> bool:
    """Whether the answer says to wait."""
    return isinstance(step, PasswordRequired) and step.problem is not None and step.problem.code == Code.THROTTLE_LOGIN


def attack(service: Service, times: int = 12) -> None:
    """Use up the strangers' attempts on the account and the network."""
    for number in range(times):
        service.attempt("erkki", OTHER_PASSWORD, client=ClientContext(f"198.51.100.{number}"))
    for number in range(31):
        service.attempt(f"name{number}", OTHER_PASSWORD, client=CLIENT)
    assert is_throttled(service.attempt("erkki", client=ClientContext("203.0.113.1")))


def test_the_owner_signs_in_on_a_known_device_during_an_attack(city: Service) -> None:
    """Whatever strangers do, also in the same network, the owner's browser signs in at once (C-53, ASVS 6.1.1)."""
    token = token_of(city)
    for _ in range(5):
        attack(city)
        assert isinstance(city.attempt("erkki", client=CLIENT, device_token=token), Authenticated)
        assert isinstance(city.attempt("erkki@example.com", client=CLIENT, device_token=token), Authenticated)
        city.wait(minutes=16)


def test_a_sign_in_on_a_known_device_frees_no_stranger(city: Service) -> None:
    """The strangers still wait after the owner signed in by the device's own budget."""
    token = token_of(city)
    attack(city)
    city.sign_in("erkki", device_token=token)
    assert is_throttled(city.attempt("erkki", client=ClientContext("203.0.113.2")))


def test_a_device_waits_for_its_own_failures(city: Service) -> None:
    """Five failures are free on a device too; another device of the account has its own five (ASVS 6.3.1)."""
    first, second = token_of(city), token_of(city)
    for token in (first, second):
        answers = [city.attempt("erkki", OTHER_PASSWORD, device_token=token) for _ in range(8)]
        assert [is_throttled(one) for one in answers] == [False] * 5 + [True] * 3
    assert is_throttled(city.attempt("erkki", device_token=first))
    assert isinstance(city.attempt("erkki"), Authenticated), "the strangers' budget is another one"


def test_a_device_stays_the_same_at_its_next_sign_in(city: Service) -> None:
    """A sign-in with a device's token returns a token of the same device, so no sign-in makes a new budget."""
    first = token_of(city)
    city.wait(days=1)
    second = token_of(city, device_token=first)
    assert second != first
    for token in (first, second, first, second, first):
        assert not is_throttled(city.attempt("erkki", OTHER_PASSWORD, device_token=token))
    assert is_throttled(city.attempt("erkki", device_token=second))


def test_the_token_signs_nobody_in(city: Service) -> None:
    """With the token the right password is needed as ever, and it is no session (ASVS 6.3.8)."""
    token = token_of(city)
    step = city.attempt("erkki", OTHER_PASSWORD, device_token=token)
    assert isinstance(step, PasswordRequired)
    assert city.holder(token) is None


def forged(service: Service) -> list[object]:
    """Tokens that show nothing for Erkki's account."""
    own = token_of(service)
    payload: Payload = {"account": "erkki", "epoch": 0, "device": "x"}
    signer = service.auth.login._deployment.signer
    return [
        token_of(service, "matti"),
        own[:-2],
        own + "A",
        own.upper(),
        signer.sign(Purpose.RESET, payload, service.now),
        signer.sign(Purpose.DEVICE, {**payload, "epoch": 1}, service.now),
        signer.sign(Purpose.DEVICE, {"account": "erkki"}, service.now),
        signer.sign(Purpose.DEVICE, payload, service.now - timedelta(days=181)),
        Service(secrets=(OTHER_KEY,)).auth.login._deployment.signer.sign(Purpose.DEVICE, payload, service.now),
        "",
        None,
        7,
        ["x"],
        b"x",
        "x" * 5000,
    ]


def test_what_is_no_token_of_the_account_counts_as_none(city: Service) -> None:
    """Another account's token, an altered, foreign or old one, and anything else belong to the strangers' budget."""
    tokens = forged(city)
    attack(city)
    for token in tokens:
        assert is_throttled(city.attempt("erkki", client=ClientContext("203.0.113.3"), device_token=token)), token


@pytest.mark.parametrize("how", ["reset", "change", "close all"])
def test_a_token_ends_with_the_epoch(city: Service, how: str) -> None:
    """After a new password, and after the end of all sessions, earlier devices are strangers again."""
    token, live = token_of(city), city.live(city.token("erkki"))
    if how == "reset":
        city.auth.recovery.request("erkki")
        city.auth.recovery.complete(city.link("erkki@example.com"), NEW)
    elif how == "change":
        city.auth.accounts.change_password(live, PASSWORD, NEW)
    else:
        city.auth.sessions.close_all_of_account(AccountId("erkki"))
    attack(city)
    password = PASSWORD if how == "close all" else NEW
    assert is_throttled(city.attempt("erkki", password, device_token=token))


def test_failures_of_a_device_count_for_the_account() -> None:
    """A stolen token gives no more than the hundred failures in a row either (NIST 3.2.2)."""
    city = Service(store=MemoryStore())
    city.add("Erkki", email="erkki@example.com", usernames=["erkki"])
    token = token_of(city)
    for _ in range(100):
        assert not is_throttled(city.attempt("erkki", OTHER_PASSWORD, device_token=token))
        city.wait(minutes=16)
    assert isinstance(city.attempt("erkki", device_token=token), PasswordRequired)
