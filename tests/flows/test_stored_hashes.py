"""Stored hashes through the whole sign-in: imports, old formats, and a hasher that is busy."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from cityauth import (
    Authenticated,
    CityAuth,
    Done,
    HasherBusyError,
    MemoryStore,
    NewAccount,
    PasswordRequired,
    SecretStr,
    UsageError,
)
from cityauth.core.accounts import Account, AccountId
from cityauth.core.audit import AuditEventType
from cityauth.core.hashing import HashDefect
from cityauth.core.passwords import Password
from cityauth.policy import HashProfile, Policy
from cityauth.ports.services import PasswordHasher, Verdict
from tests.support.fakes import SpyHasher
from tests.support.service import PASSWORD, Service

NEW = "aivan uusi pitkä salasana"
ERKKI = "erkki@example.com"
CHEAP = Policy(hashing=HashProfile(memory_cost=64, time_cost=1, parallelism=1))


@dataclass
class BusyHasher:
    """A hasher that can be made to run out of memory."""

    inner: PasswordHasher = field(default_factory=SpyHasher)
    verifies: bool = True
    hashes: bool = True

    def verify(self, password: Password, stored: str) -> Verdict:
        """Verify, if there is memory."""
        if not self.verifies:
            raise HasherBusyError("no memory")
        return self.inner.verify(password, stored)

    def hash(self, password: Password) -> str:
        """Hash, if there is memory."""
        if not self.hashes:
            raise HasherBusyError("no memory")
        return self.inner.hash(password)

    def find_defect(self, stored: str) -> HashDefect | None:
        """Nothing is hashed for this."""
        return self.inner.find_defect(stored)


@pytest.fixture
def hasher() -> BusyHasher:
    """A hasher with memory."""
    return BusyHasher()


@pytest.fixture
def erkki(hasher: BusyHasher) -> Service:
    """A service with Erkki in it."""
    service = Service(hasher=hasher)
    service.add("Erkki", email=ERKKI)
    return service


def reset(service: Service) -> Callable[[], object]:
    """A password reset that is ready to be finished."""
    service.auth.recovery.request(ERKKI)
    token = service.link(ERKKI)
    return lambda: service.auth.recovery.complete(token, NEW)


def sign_up(service: Service) -> Callable[[], object]:
    """A sign-up that is ready to be finished."""
    service.auth.accounts.sign_up("maija@example.com")
    token = service.link("maija@example.com")
    return lambda: service.auth.accounts.confirm_sign_up(token, "Maija", NEW)


def change(service: Service) -> Callable[[], object]:
    """A change of password."""
    token = service.token(ERKKI)
    return lambda: service.auth.accounts.change_password(service.live(token), PASSWORD, NEW)


def confirm(service: Service) -> Callable[[], object]:
    """A confirmation of the password."""
    token = service.token(ERKKI)
    return lambda: service.auth.sessions.confirm(service.live(token), PASSWORD)


CALLS: dict[str, tuple[Callable[[Service], Callable[[], object]], type]] = {
    "sign in": (lambda service: lambda: service.attempt(ERKKI), Authenticated),
    "sign in, unknown": (lambda service: lambda: service.attempt("kuka@example.com"), PasswordRequired),
    "confirm": (confirm, Authenticated),
    "change": (change, Authenticated),
    "reset": (reset, Done),
    "sign up": (sign_up, Done),
    "hash": (lambda service: lambda: service.auth.passwords.hash(NEW), SecretStr),
}
"""How each call that needs the hasher is made ready, and what it returns when there is memory."""


@pytest.mark.parametrize("name", CALLS)
def test_a_busy_hasher_is_told_and_changes_nothing(erkki: Service, hasher: BusyHasher, name: str) -> None:
    """Lack of memory is an error of the tree with an audit event; afterwards the same call succeeds (ASVS 16.5.3)."""
    make_ready, result = CALLS[name]
    call = make_ready(erkki)
    stored = erkki.store.password_hash(AccountId("erkki"))
    hasher.verifies = hasher.hashes = False
    with pytest.raises(HasherBusyError):
        call()
    event = erkki.audit.events[-1]
    assert event.what is AuditEventType.HASHER_BUSY
    assert event.account_id == (None if name in {"hash", "sign up", "sign in, unknown"} else "erkki")
    assert erkki.store.password_hash(AccountId("erkki")) == stored
    hasher.verifies = hasher.hashes = True
    assert isinstance(call(), result)


def test_a_rehash_that_is_busy_waits_for_the_next_sign_in(hasher: BusyHasher) -> None:
    """The right password of an old hash signs in, also while no new hash can be made (C-09)."""
    old = SpyHasher(HashProfile(memory_cost=64, time_cost=1, parallelism=1))
    hasher.inner = old
    service = Service(hasher=hasher)
    service.add("Erkki", email=ERKKI)
    stored = service.store.password_hash(AccountId("erkki"))
    old.profile = HashProfile.SMALL
    hasher.hashes = False
    service.sign_in(ERKKI)
    assert service.store.password_hash(AccountId("erkki")) == stored
    assert "rehashed" not in service.audit.events[-1].detail
    hasher.hashes = True
    service.sign_in(ERKKI)
    assert service.store.password_hash(AccountId("erkki")) != stored
    assert service.audit.events[-1].detail["rehashed"] == "yes"


class OwnHasher:
    """A host's whole hasher, whose hashes nobody else knows."""

    def verify(self, password: Password, stored: str) -> Verdict:
        """Compare with the only thing that it stores."""
        return Verdict(matched=hmac.compare_digest(self.hash(password), stored), defect=self.find_defect(stored))

    def hash(self, password: Password) -> str:
        """Make a hash in its own way."""
        return "oma " + hashlib.sha256(password.nfc.encode()).hexdigest()

    def find_defect(self, stored: str) -> HashDefect | None:
        """Know only its own hashes."""
        return None if stored.startswith("oma ") else HashDefect.UNKNOWN_SCHEME


def test_a_hosts_own_hasher_imports_its_own_hashes() -> None:
    """What the hasher says decides: its own hash is imported and signs in, another one is refused."""
    service = Service(hasher=OwnHasher())
    service.add("Erkki", email=ERKKI)
    service.sign_in(ERKKI)
    known = SpyHasher().hash(Password(PASSWORD, PASSWORD))
    assert service.auth.passwords.find_defect(known) is HashDefect.UNKNOWN_SCHEME
    with pytest.raises(UsageError, match=r"password_hash .* unknown_scheme"):
        service.auth.accounts.add(NewAccount("Matti", email="matti@example.com", password_hash=known))


@pytest.mark.parametrize("given", [b"$argon2id$", 5, ["x"], PASSWORD])
def test_what_is_no_hash_is_not_imported(given: object) -> None:
    """Bytes, a number, a list or the password itself in place of a hash is the host's mistake (B-72)."""
    auth = Service().auth
    assert auth.passwords.find_defect(given) is HashDefect.UNKNOWN_SCHEME
    with pytest.raises(UsageError, match=r"unknown_scheme; a password is hashed by CityAuth.passwords.hash"):
        auth.accounts.add(NewAccount("Matti", usernames=["matti"], password_hash=given))  # type: ignore[arg-type] # a host's types may lie


def test_a_secret_in_place_of_a_hash_is_explained() -> None:
    """Whoever passes what `passwords.hash` returned as it is reads how to take the text out of it."""
    auth = Service().auth
    hashed = auth.passwords.hash(NEW)
    with pytest.raises(UsageError, match="get_secret_value"):
        auth.accounts.add(NewAccount("Matti", usernames=["matti"], password_hash=hashed))  # type: ignore[arg-type] # the mistake
    assert isinstance(hashed, SecretStr)
    account = auth.accounts.add(NewAccount("Matti", usernames=["matti"], password_hash=hashed.get_secret_value()))
    assert isinstance(account, Account)


def django(password: bytes, salt: str = "suola", iterations: int = 10) -> str:
    """A hash as Django stores it."""
    digest = hashlib.pbkdf2_hmac("sha256", password, salt.encode(), iterations)
    return f"pbkdf2_sha256${iterations}${salt}${base64.b64encode(digest).decode()}"


def sign_in(auth: CityAuth, password: str) -> object:
    """Try a password for Erkki."""
    step = auth.login.identify(ERKKI)
    assert isinstance(step, PasswordRequired)
    return auth.login.submit_password(step.pending, password)


@pytest.mark.parametrize(
    ("set_text", "typed"), [("", "\0"), ("", "\0" * 64), ("salasana", "salasana\0"), ("ä", "ä\0\0")]
)
def test_a_nul_signs_nobody_in_and_rehashes_nothing(set_text: str, typed: str) -> None:
    """A password that differs by NULs is wrong, and the owner's own one goes on working (B-71, C-50)."""
    store = MemoryStore()
    auth = CityAuth(store, [bytes(range(32))], policy=CHEAP)
    stored = django(set_text.encode())
    account = auth.accounts.add(NewAccount("Erkki", email=ERKKI, password_hash=stored))
    assert isinstance(account, Account)
    assert isinstance(sign_in(auth, typed), PasswordRequired)
    kept = store.password_hash(account.id)
    assert kept is not None
    assert kept.get_secret_value() == stored
    if set_text:
        assert isinstance(sign_in(auth, set_text), Authenticated)


@pytest.mark.parametrize("blank", ["", " ", "\n", "\t", "\u00a0"])
def test_an_imported_hash_with_blanks_signs_in(blank: str) -> None:
    """Blanks that an export left around a hash lock nobody out, and the rehash replaces it as it was stored."""
    store = MemoryStore()
    auth = CityAuth(store, [bytes(range(32))], policy=CHEAP)
    stored = blank + django(b"salasana") + blank
    account = auth.accounts.add(NewAccount("Erkki", email=ERKKI, password_hash=stored))
    assert isinstance(account, Account)
    assert isinstance(sign_in(auth, "salasana"), Authenticated)
    kept = store.password_hash(account.id)
    assert kept is not None
    assert kept.get_secret_value().startswith("$argon2id$")
