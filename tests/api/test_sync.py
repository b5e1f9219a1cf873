"""The public API under hostile input: a value at once, never a traceback, never a changed row, never a secret told."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityauth import (
    CityAuth,
    ClientContext,
    MemoryStore,
    NewAccount,
    PasswordRequired,
    Policy,
    Refused,
)
from cityauth.core.accounts import AccountId
from cityauth.core.changes import EventRecorded
from cityauth.core.secret import SecretStr
from cityauth.core.throttling import FailureCounted
from cityauth.errors import PolicyError, SecretError
from cityauth.policy import HashProfile
from tests.support.fakes import SpyHasher
from tests.support.recording import recording
from tests.support.service import KEY, PASSWORD, Service, populate
from tests.support.timing import quickest

HUGE = "x" * 10_000_000
HOSTILE: dict[str, Any] = {
    "nothing": None,
    "empty": "",
    "spaces": "   ",
    "ten megabytes": HUGE,
    "ten megabytes of marks": "a" + "\u0301" * 5_000_000,
    "a lone surrogate": "erkki\ud800",
    "NUL": "erkki\0",
    "line breaks": "erkki\r\nX-Header: 1",
    "an escape": "\x1b[2Jerkki",
    "a bidi override": "er\u202ekki",
    "a list": ["erkki@example.com", "evil@example.com"],
    "a dict": {"$ne": ""},
    "bytes": b"erkki",
    "a number": 7,
    "zero": 0,
    "true": True,
    "a float": 0.5,
    "an object": object(),
    "SQL": "' OR 1=1 --",
    "null": "null",
}
CASES = pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())


@pytest.fixture(autouse=True)
def populated(service: Service) -> None:
    """Two people, so that there is something to change."""
    populate(service)


@CASES
def test_a_hostile_identifier(service: Service, hostile: object) -> None:
    """Whatever is typed as an identifier, the answer is a step, and no store is asked (C-46, C-47, B-6, ASVS 15.3.5)."""
    with recording(service.auth) as asked:
        step = service.auth.login.identify(hostile)
    assert isinstance(step, Refused | PasswordRequired)
    assert [name for name, *_ in asked] == ["Clock.now"]
    assert isinstance(step, Refused) or isinstance(hostile, str)


@CASES
def test_a_hostile_password(service: Service, hostile: object) -> None:
    """Whatever is typed as a password, it is wrong, costs no hash when it can be none, and writes one line (C-45, C-47, B-62)."""
    service.hasher.work.clear()
    step = service.auth.login.identify("erkki")
    assert isinstance(step, PasswordRequired)
    with recording(service.auth) as asked:
        refused = service.auth.login.submit_password(step.pending, hostile)
    assert isinstance(refused, PasswordRequired)
    assert refused.problem is not None
    assert refused.problem.code == "login.refused"
    assert [written[-1] for name, *written in asked if name == "AccountStore.commit"] == ["EventRecorded"]
    is_text = isinstance(hostile, str) and 0 < len(hostile) <= 1024 and "\ud800" not in hostile
    assert bool(service.hasher.work) == is_text


@CASES
def test_a_hostile_pending_login(service: Service, hostile: object) -> None:
    """Whatever comes in the hidden field, the login begins again and nothing is asked or written (B-31, B-32, C-47)."""
    with recording(service.auth) as asked:
        step = service.auth.login.submit_password(hostile, PASSWORD)
    assert isinstance(step, Refused)
    assert step.problem.code == "login.expired"
    assert {name for name, *_ in asked} == {"Clock.now", "Entropy.draw"}


@CASES
def test_a_hostile_edited_identifier(service: Service, hostile: object) -> None:
    """Whatever stands in the editable field, nobody is signed in by it (C-46, C-47, B-6)."""
    pending = service.auth.login.identify("nobody")
    assert isinstance(pending, PasswordRequired)
    step = service.auth.login.submit_password(pending.pending, PASSWORD, identifier=hostile)
    assert isinstance(step, Refused | PasswordRequired)


@CASES
def test_a_hostile_token(service: Service, hostile: object) -> None:
    """Whatever stands in a cookie, it is nobody, ends nothing and writes nothing (B-31, B-32, B-55, C-52)."""
    token = service.token("erkki")
    sessions = service.auth.sessions
    with recording(service.auth) as asked:
        assert sessions.check(hostile) is None
        assert not sessions.sign_out(hostile)
        assert not sessions.close_of_account(AccountId("erkki"), hostile)
    assert "AccountStore.commit" not in [name for name, *_ in asked]
    assert service.is_live(token)
    assert service.is_live(service.token("erkki", session_token=hostile))


@CASES
def test_a_hostile_new_password(service: Service, hostile: object) -> None:
    """Whatever is chosen as a new password is judged by itself (C-45, C-47, ASVS 6.2.1)."""
    made = service.hasher.made
    judged = service.auth.passwords.hash(hostile)
    is_good = isinstance(hostile, str) and 15 <= len(hostile) <= 1024
    assert isinstance(judged, SecretStr if is_good else Refused)
    assert service.hasher.made == made + is_good


@CASES
def test_hostile_text_for_customer_service(service: Service, hostile: object) -> None:
    """Whatever is looked up is explained, and never signs anybody in (C-46, C-47)."""
    found = service.auth.identifiers.resolve(hostile)
    assert found.account is None


@pytest.mark.parametrize("name", ["a lone surrogate", "NUL", "line breaks", "an escape", "a bidi override", "SQL"])
def test_a_hostile_client(service: Service, name: str) -> None:
    """Whatever the headers hold, the sign-in is stored and told on one line (C-47, B-92, ASVS 16.4.1)."""
    client = ClientContext(HOSTILE[name], HOSTILE[name])
    token = service.token("erkki", client=client)
    live = service.auth.sessions.check(token)
    assert live is not None
    assert live.session.user_agent == client.user_agent


def sign_in_with(auth: CityAuth, text: str) -> object:
    """Take both steps, the second one with *text* for a password."""
    step = auth.login.identify("erkki")
    assert isinstance(step, PasswordRequired)
    return auth.login.submit_password(step.pending, text)


HASTY: dict[str, Callable[[CityAuth, str], object]] = {
    "identify": lambda auth, text: auth.login.identify(text),
    "a password": sign_in_with,
    "the pending login": lambda auth, text: auth.login.submit_password(text, PASSWORD),
    "a token": lambda auth, text: auth.sessions.check(text),
    "a new password": lambda auth, text: auth.passwords.hash(text),
    "customer service": lambda auth, text: auth.identifiers.resolve(text),
    "a new account": lambda auth, text: auth.accounts.add(NewAccount("X", email=text)),
    "a user agent": lambda auth, text: ClientContext(user_agent=text),
}


@pytest.mark.parametrize(
    "text", ["x" * 10_000_000, "a" + "\u0301" * 5_000_000, "ä" * 10_000_000], ids=["x", "marks", "ä"]
)
@pytest.mark.parametrize("method", HASTY.values(), ids=HASTY.keys())
def test_ten_megabytes_are_refused_at_once(method: Callable[[CityAuth, str], object], text: str) -> None:
    """No method does work that grows with the length: each answers in less than 10 ms (B-62, B-64, C-45, C-46, F1)."""
    auth = CityAuth(MemoryStore(), [KEY], hasher=SpyHasher())
    assert quickest(lambda: method(auth, text)) < 0.01


TYPED = st.one_of(st.text(st.characters()), st.binary(), st.none(), st.integers(), st.lists(st.text()))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(identifier=TYPED, pending=TYPED, password=TYPED, edited=TYPED, token=TYPED)
def test_nothing_that_is_typed_raises(
    service: Service, identifier: Any, pending: Any, password: Any, edited: Any, token: Any
) -> None:
    """Any types and texts in all methods at once: the answer is a value, and nobody is signed in (C-47, ASVS 15.3.5, 16.5.1)."""
    login = service.auth.login
    step = login.identify(identifier)
    signed = step.pending if isinstance(step, PasswordRequired) else pending
    for one in (signed, pending):
        answer = login.submit_password(one, password, identifier=edited, session_token=token)
        assert isinstance(answer, Refused | PasswordRequired)
    assert service.auth.sessions.check(token) is None


CANARY = "canary-7c1f"
CANARY_PASSWORD = f"{CANARY} salasana vuodelta 1998"


def test_no_secret_is_told_on_any_road(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Neither log, audit trail, stored line, step nor repr holds a password, a token, a hash or what was typed (B-76, B-77, B-74, ASVS 16.2.5)."""
    caplog.set_level(logging.DEBUG)
    stored = service.hash(CANARY_PASSWORD)
    name = f"{CANARY}@example.com"
    logging_service = CityAuth(
        service.store, [KEY], policy=service.policy, hasher=service.hasher, clock=service.clock, entropy=service.entropy
    )
    service.auth = logging_service
    service.add("Canary", email=name, usernames=[CANARY], password=None)
    account = AccountId("canary")
    service.add("Other", usernames=["other"], password=CANARY_PASSWORD)
    for identifier, password in [
        (name, CANARY_PASSWORD),
        (f"{CANARY}-unknown", CANARY_PASSWORD),
        (CANARY_PASSWORD, "x"),
    ]:
        step = service.attempt(identifier, password)
        assert CANARY_PASSWORD not in repr(step) or identifier == CANARY_PASSWORD, "but for the echo"
    signed_in = service.sign_in("other", CANARY_PASSWORD)
    token = signed_in.session.token.get_secret_value()
    live = service.auth.sessions.check(token)
    service.auth.sessions.close_all_of_account(account)
    service.auth.sessions.sign_out(token)
    service.auth.accounts.disable(account)
    events = [*service.store.events(account), *service.store.events(AccountId("other"))]
    assert len(caplog.records) >= 6
    told = f"{caplog.text} {events!r} {signed_in!r} {live!r}"
    shown = repr(service.auth.accounts.show(account))
    for secret in (CANARY_PASSWORD, token, stored, "$argon2", KEY.hex(), repr(KEY)):
        assert secret not in told + shown
    assert CANARY not in told, "an identifier is shown to customer service alone"


def test_the_log_is_one_line_of_json_an_event(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """A user agent with line breaks, escapes and bidi controls cannot forge a line (B-92, ASVS 16.2.1, 16.2.2, 16.4.1)."""
    caplog.set_level(logging.INFO, logger="cityauth.audit")
    auth = CityAuth(service.store, [KEY], policy=service.policy, hasher=service.hasher)
    client = ClientContext("192.0.2.7", 'Mozilla\r\n{"what":"login.accepted"}\x1b[2J\u202e\u2028ä"')
    step = auth.login.identify('erkki\\" ')
    assert isinstance(step, PasswordRequired)
    auth.login.submit_password(step.pending, "wrong", client=client)
    (record,) = caplog.records
    line = record.getMessage()
    assert line.isascii()
    assert line.isprintable()
    told = json.loads(line)
    assert (told["what"], told["reason"], told["address"]) == ("login.refused", "unknown", "192.0.2.7")
    assert told["at"].endswith("+00:00")


def test_a_failed_attempt_is_recorded_in_a_commit_of_its_own(service: Service) -> None:
    """The line of a refusal is stored, whatever else is not (C-16, ASVS 16.3.1)."""
    with recording(service.auth) as asked:
        service.attempt("erkki", "a wrong password")
    assert ("AccountStore.commit", FailureCounted.__name__, EventRecorded.__name__) in asked
    (*_, last) = service.store.events(AccountId("erkki"))
    assert (last.what, last.reason) == ("login.refused", "wrong_password")


@pytest.mark.parametrize("secrets", [[], [b""], [b"x" * 31], ["secret" * 10], None, "x" * 64], ids=ascii)
def test_a_weak_secret_does_not_start(secrets: Any) -> None:
    """A missing, short or known secret is told at construction (B-35, B-36)."""
    with pytest.raises(SecretError):
        CityAuth(MemoryStore(), secrets)


def test_a_profile_over_the_limits_does_not_start() -> None:
    """Hashes that could not be verified are not made in the first place (C-48)."""
    with pytest.raises(PolicyError, match="over the limits"):
        CityAuth(
            MemoryStore(), [KEY], policy=Policy(hashing=HashProfile(memory_cost=512 * 1024, time_cost=3, parallelism=4))
        )


def test_rotated_secrets_keep_open_forms_open(service: Service) -> None:
    """A login that is pending over a rotation goes on, and ends with the old key (B-37, C-38, ASVS 13.3.4)."""
    step = service.auth.login.identify("erkki")
    assert isinstance(step, PasswordRequired)
    new = bytes(range(200, 232))
    for secrets, code in [([KEY, new], None), ([new], "login.expired")]:
        rotated = CityAuth(service.store, secrets, policy=service.policy, hasher=service.hasher, clock=service.clock)
        answer = rotated.login.submit_password(step.pending, PASSWORD)
        assert getattr(getattr(answer, "problem", None), "code", None) == code


@pytest.mark.parametrize(("span", "opened"), [(899, True), (900, False), (-60, True), (-61, False)])
def test_a_pending_login_expires(service: Service, span: int, opened: bool) -> None:
    """A form that was open for 15 minutes is refused, and one from a clock a minute ahead is not (C-35, ASVS 9.2.1)."""
    step = service.auth.login.identify("erkki")
    assert isinstance(step, PasswordRequired)
    service.wait(seconds=span)
    answer = service.auth.login.submit_password(step.pending, PASSWORD)
    assert isinstance(answer, Refused) is not opened


def test_trying_again_does_not_prolong_the_form(service: Service) -> None:
    """A refused attempt hands back a login as old as the first one; another identifier begins anew (ASVS 9.2.1)."""
    step = service.auth.login.identify("erkki")
    assert isinstance(step, PasswordRequired)
    service.wait(minutes=14)
    again = service.auth.login.submit_password(step.pending, "wrong")
    assert isinstance(again, PasswordRequired)
    assert again.pending == step.pending
    edited = service.auth.login.submit_password(step.pending, "wrong", identifier="virve.v")
    assert isinstance(edited, PasswordRequired)
    service.wait(minutes=1)
    assert isinstance(service.auth.login.submit_password(again.pending, PASSWORD), Refused)
    assert isinstance(service.auth.login.submit_password(edited.pending, "wrong"), PasswordRequired)


def test_the_default_hasher_and_clock_work_together() -> None:
    """With nothing but a store and a secret a person signs in, by real Argon2id and the real clock (ASVS 11.4.2)."""
    auth = CityAuth(MemoryStore(), [KEY], policy=Policy(hashing=HashProfile.SMALL))
    hashed = auth.passwords.hash(PASSWORD)
    auth.accounts.add(NewAccount("Erkki", email="erkki@example.com", password_hash=hashed.get_secret_value()))  # type: ignore[union-attr]
    step = auth.login.identify("erkki@example.com")
    assert isinstance(step, PasswordRequired)
    signed_in = auth.login.submit_password(step.pending, PASSWORD)
    assert auth.sessions.check(signed_in.session.token.get_secret_value()) is not None  # type: ignore[union-attr]


def test_the_parts_have_no_public_state(service: Service) -> None:
    """The API shows its parts and nothing of its keys (B-77)."""
    assert set(vars(service.auth)) >= {"login", "sessions", "identifiers", "passwords", "accounts"}
    assert not any(KEY.hex() in repr(part) or repr(KEY) in repr(part) for part in vars(service.auth).values())
