"""Opening a session: what a sign-in costs, what it writes, and who wins when two things happen at once."""

from dataclasses import replace
from typing import Any

import pytest

from cityauth.core.accounts import Account, AccountId
from cityauth.core.audit import AuditEvent, AuditEventType
from cityauth.core.changes import Committed, EpochAdvanced, PasswordReplaced, Precondition, Rejected
from cityauth.core.hashing import StoredHash
from cityauth.core.identifiers import BUILT_IN, Identifier, inherit
from cityauth.core.login import UNIFORM_REFUSAL, Authenticated, PasswordRequired
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.secret import SecretStr
from cityauth.hashing.argon2 import costs_of
from cityauth.policy import HashProfile
from cityauth.policy.realms import Phase
from cityauth.testing import race
from tests.support.fakes import FORMATS, SpyHasher
from tests.support.pausing import InterruptedHasher
from tests.support.service import CARD, OTHER_PASSWORD, PASSWORD, Service, patient, populate
from tests.support.stores import MakeStore

WEAK = HashProfile(memory_cost=8192, time_cost=1, parallelism=1)
STRONG = HashProfile(memory_cost=65536, time_cost=3, parallelism=4)


def username(name: str) -> Identifier:
    """An old username."""
    found = inherit(name)
    assert isinstance(found, Identifier)
    return found


def stored_hash(service: Service, key: str = "1:erkki@example.com") -> SecretStr:
    """What is stored for an account."""
    (found,) = service.store.find([key])
    assert found.password_hash is not None
    return SecretStr(found.password_hash.get_secret_value())


def written(service: Service) -> list[AuditEvent]:
    """The stored audit trail of Erkki's account, oldest first."""
    return list(service.store.events(AccountId("erkki")))


@pytest.fixture
def crowd(make_store: MakeStore) -> Service:
    """One account of every sort, all with the same password."""
    service = Service(store=make_store(), kinds=(*BUILT_IN, CARD))
    service.add("Erkki", email="erkki@example.com", usernames=["erkki"])
    service.add("Wrong", usernames=["wrong"], password=OTHER_PASSWORD)
    service.add("Disabled", usernames=["disabled"])
    service.auth.accounts.disable(AccountId("disabled"))
    service.add("Retired", usernames=["other"], retired_usernames=["retired"], password=OTHER_PASSWORD)
    service.add("Late", usernames=["late"], phase=Phase.EMAIL_ONLY, password=OTHER_PASSWORD)
    service.add("Early", email="early@example.com", usernames=["early"], phase=Phase.LEGACY_ONLY)
    service.add("Nopassword", usernames=["nopassword"], password=None)
    for status in (IdentifierStatus.PENDING, IdentifierStatus.CONTESTED):
        service.plant(Account(AccountId(status), "citizen", status), AccountIdentifier(username(status), status))
    service.plant(
        Account(AccountId("unusable"), "citizen", "U"), AccountIdentifier(username("unusable")), password=OTHER_PASSWORD
    )
    service.add("Number", usernames=["2001"])
    service.plant(
        Account(AccountId("card"), "citizen", "Card"), AccountIdentifier(Identifier("card", "2001", "1:card:2001"))
    )
    return service


REFUSED = [
    "nobody", "nobody@example.com", "wrong", "disabled", "retired", "late", "early@example.com", "nopassword", "pending", "contested", "unusable", "2001",
]  # fmt: skip


@pytest.mark.parametrize("identifier", REFUSED)
def test_every_refusal_costs_one_verification_of_the_same_parameters(crowd: Service, identifier: str) -> None:
    """The work counted at the public API is the same for every sort of account and for none (B-15, B-16, B-17, B-19, B-23, F6)."""
    crowd.hasher.work.clear()
    made = crowd.hasher.made
    step = crowd.attempt(identifier)
    assert isinstance(step, PasswordRequired)
    assert step.problem == UNIFORM_REFUSAL
    profile = crowd.policy.hashing
    assert crowd.hasher.work == [("argon2", costs_of(profile), profile.salt_bytes, profile.hash_bytes)]
    assert crowd.hasher.made == made
    assert crowd.audit.events[-1].what is AuditEventType.LOGIN_REFUSED


@pytest.mark.parametrize("identifier", [*REFUSED, "erkki"])
def test_a_composed_password_costs_everyone_twice(crowd: Service, identifier: str) -> None:
    """Both forms of a decomposed password are verified for dummies and accounts alike (B-15, NIST 3.1.1.2)."""
    crowd.hasher.work.clear()
    crowd.attempt(identifier, "vanha salasana vuodelta a\u0308")
    assert len(crowd.hasher.work) == 2


def test_a_sign_in_writes_one_session_and_one_line(service: Service) -> None:
    """The session and its audit line are one commit, and say how the person signed in (C-16, ASVS 16.3.1)."""
    populate(service)
    before = len(written(service))
    step = service.sign_in("ERKKI@example.com")
    assert service.auth.sessions.list_of_account(step.account.id) == (step.session.session,)
    (event,) = written(service)[before:]
    assert event == service.audit.events[-1]
    assert (event.what, event.account_id) == (AuditEventType.LOGIN_ACCEPTED, "erkki")
    assert event.detail == {"kind": "email", "phase": "email_preferred"}


@pytest.mark.parametrize("profile", [WEAK, HashProfile(memory_cost=19456, time_cost=1, parallelism=1)])
def test_an_outdated_hash_is_replaced_at_sign_in(make_store: MakeStore, profile: HashProfile) -> None:
    """After a sign-in the stored hash has the current parameters, and the password still works (ASVS 11.4.2, 11.2.2)."""
    service = Service(store=make_store())
    service.hasher.profile = profile
    populate(service)
    before = stored_hash(service)
    service.hasher.profile = service.policy.hashing
    service.sign_in("erkki")
    after = FORMATS.examine(stored_hash(service).get_secret_value())
    assert stored_hash(service) != before
    assert isinstance(after, StoredHash)
    assert after.parameters.costs == costs_of(service.policy.hashing)
    assert service.audit.events[-1].detail["rehashed"] == "yes"
    service.sign_in("erkki")
    assert "rehashed" not in service.audit.events[-1].detail


def test_a_password_does_not_expire(service: Service) -> None:
    """After ten years, and never used meanwhile, the password still signs in (ASVS 6.2.10)."""
    populate(service)
    service.wait(days=3653)
    service.sign_in("erkki")


def test_a_stronger_hash_is_kept(make_store: MakeStore) -> None:
    """A profile that was rolled back never weakens what is stored (C-50)."""
    service = Service(store=make_store())
    service.hasher.profile = STRONG
    populate(service)
    before = stored_hash(service)
    service.hasher.profile = service.policy.hashing
    service.sign_in("erkki")
    assert stored_hash(service) == before


def interrupted(store: Any) -> tuple[Service, InterruptedHasher]:
    """A service whose accounts have outdated hashes, and in whose verification something may happen."""
    hasher = InterruptedHasher(SpyHasher(WEAK))
    service = Service(store=store, hasher=hasher)
    populate(service)
    hasher.inner = SpyHasher(service.policy.hashing)
    return service, hasher


def reset(service: Service, password: str = OTHER_PASSWORD) -> None:
    """Another password gets there first, as a reset writes it: with a new epoch."""
    now = SecretStr(service.hash(password))
    account = AccountId("erkki")
    outcome = service.store.commit([PasswordReplaced(account, stored_hash(service), now), EpochAdvanced(account)])
    assert outcome == Committed()


def test_a_reset_during_a_sign_in_survives(make_store: MakeStore) -> None:
    """A rehash never revives the password that a reset replaced meanwhile, and the sign-in is refused (C-08, F3)."""
    service, hasher = interrupted(make_store())
    hasher.meanwhile = lambda: reset(service)
    step = service.attempt("erkki")
    assert isinstance(step, PasswordRequired)
    assert step.problem == UNIFORM_REFUSAL
    assert service.audit.events[-1].reason == "overtaken"
    assert service.auth.sessions.list_of_account(AccountId("erkki")) == ()
    service.sign_in("erkki", OTHER_PASSWORD)
    assert isinstance(service.attempt("erkki", PASSWORD), PasswordRequired)


def test_a_reset_during_a_sign_in_without_rehash_survives(make_store: MakeStore) -> None:
    """Where no rehash is due, the stale epoch alone keeps the replaced password out (C-08, C-11)."""
    hasher = InterruptedHasher()
    service = Service(store=make_store(), hasher=hasher)
    populate(service)
    hasher.meanwhile = lambda: reset(service)
    assert isinstance(service.attempt("erkki"), PasswordRequired)
    assert service.auth.sessions.list_of_account(AccountId("erkki")) == ()


def test_two_sign_ins_that_rehash_both_succeed(make_store: MakeStore) -> None:
    """The second rehash is dropped, its sign-in goes on, and the first one's hash stays (C-09, F3)."""
    service, hasher = interrupted(make_store())
    first: list[Authenticated] = []
    kept: list[SecretStr] = []

    def another() -> None:
        first.append(service.sign_in("erkki@example.com"))
        kept.append(stored_hash(service))

    hasher.meanwhile = another
    second = service.sign_in("erkki")
    assert stored_hash(service) == kept[0]
    assert [event.detail.get("rehashed", "") for event in service.audit.events[-2:]] == ["yes", ""]
    assert len(service.auth.sessions.list_of_account(AccountId("erkki"))) == 2
    assert service.is_live(first[0].session.token.get_secret_value())
    assert service.is_live(second.session.token.get_secret_value())


def test_an_account_disabled_during_a_sign_in_opens_no_session(make_store: MakeStore) -> None:
    """Status and epoch are checked by the very write that opens the session (C-10, ASVS 15.4.2)."""
    service, hasher = interrupted(make_store())
    hasher.meanwhile = lambda: service.auth.accounts.disable(AccountId("erkki"))
    step = service.attempt("erkki")
    assert isinstance(step, PasswordRequired)
    assert step.problem == UNIFORM_REFUSAL
    assert not service.store.list_sessions(AccountId("erkki"))
    assert service.audit.events[-1].reason == "overtaken"


def test_a_disable_and_enable_during_a_sign_in_leaves_it_out(make_store: MakeStore) -> None:
    """An account that is active again is of a later epoch than the password that was verified (C-10, C-11)."""
    service, hasher = interrupted(make_store())

    def both() -> None:
        service.auth.accounts.disable(AccountId("erkki"))
        service.auth.accounts.enable(AccountId("erkki"))

    hasher.meanwhile = both
    assert isinstance(service.attempt("erkki"), PasswordRequired)
    service.sign_in("erkki")


def test_a_sign_in_does_not_outlive_the_end_of_all_sessions(make_store: MakeStore) -> None:
    """Who ends all sessions ends the one that is just being opened as well (C-11, ASVS 7.4.5)."""
    service, hasher = interrupted(make_store())
    hasher.meanwhile = lambda: service.auth.sessions.close_all_of_account(AccountId("erkki"))
    assert isinstance(service.attempt("erkki"), PasswordRequired)
    assert service.auth.sessions.list_of_account(AccountId("erkki")) == ()


def test_a_rejected_sign_in_writes_nothing(make_store: MakeStore) -> None:
    """When the session is refused, neither the rehash nor the success is written (C-16, ASVS 2.3.3)."""
    service, hasher = interrupted(make_store())
    before = stored_hash(service)
    hasher.meanwhile = lambda: service.auth.accounts.disable(AccountId("erkki"))
    service.attempt("erkki")
    assert stored_hash(service) == before
    assert AuditEventType.LOGIN_ACCEPTED not in [event.what for event in written(service)]
    assert written(service)[-1].reason == "overtaken"


@pytest.mark.parametrize("jobs", [16])
def test_many_sign_ins_at_once_all_succeed(make_store: MakeStore, jobs: int) -> None:
    """Sixteen threads that sign in to one outdated account get sixteen sessions, and one of them rehashes (C-09, F3, ASVS 15.4.1, 2.3.4).

    So many at once need a policy that lets sixteen be verified before the first of them has succeeded.
    """
    service = Service(store=make_store(), hasher=SpyHasher(WEAK), policy=patient(jobs))
    populate(service)
    service.hasher.profile = service.policy.hashing
    tokens = race([lambda: service.token("erkki")] * jobs)
    assert len(set(tokens)) == jobs
    assert all(service.is_live(token) for token in tokens)
    assert sum(event.detail.get("rehashed") == "yes" for event in written(service)) == 1


def test_sign_ins_racing_a_disable_leave_no_live_session(make_store: MakeStore) -> None:
    """Whichever of eight sign-ins and a disable comes first, afterwards nobody is signed in (C-10, ASVS 7.4.2)."""
    service = Service(store=make_store())
    populate(service)
    jobs: list[Any] = [lambda: service.attempt("erkki")] * 8
    race([*jobs[:4], lambda: service.auth.accounts.disable(AccountId("erkki")), *jobs[4:]])
    assert service.auth.sessions.list_of_account(AccountId("erkki")) == ()
    service.auth.accounts.enable(AccountId("erkki"))
    assert service.auth.sessions.list_of_account(AccountId("erkki")) == ()


def test_the_store_says_why_a_session_was_not_opened(make_store: MakeStore) -> None:
    """A session of a missing account, an earlier epoch or a disabled account is rejected by name (C-10, C-11)."""
    from cityauth.core.changes import SessionOpened

    service = Service(store=make_store())
    populate(service)
    session = service.sign_in("erkki").session.session
    for change, why in [
        (replace(session, account_id=AccountId("nobody")), Precondition.ACCOUNT_MISSING),
        (replace(session, epoch=7), Precondition.EPOCH_CHANGED),
    ]:
        opened = SessionOpened(replace(change, digest=bytes(32), handle="other"), 50)
        assert service.store.commit([opened]) == Rejected(opened, why)
