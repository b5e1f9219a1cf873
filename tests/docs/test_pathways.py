"""The table of pathways: every public method has a row, and every row is driven and compared with what happens."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cityauth import CityAuth, MemoryStore, NewAccount, Policy
from cityauth.api.assembly import Namespace
from cityauth.core.client import ClientContext
from cityauth.core.throttling import Claim
from cityauth.policy import HashProfile, ThrottlePolicy
from cityauth.policy.throttling import Backoff, Limit
from tests.docs.reading import table
from tests.support.service import OTHER_PASSWORD, PASSWORD, Service

PATHWAYS = table("pathways.md", "call")
LIMITS, AUDITED = 1, 2

#: Every limit has a size of its own, so that a reservation tells which one it was made under.
SIZES = {
    "mail_per_account": 101,
    "mail_per_network": 102,
    "link_per_network": 103,
    "verify_per_account": 104,
    "mail_per_recipient": 105,
    "mail_guaranteed": 106,
    "sign_in_per_network": 107,
    "sign_in_failures_per_network": 108,
}
THROTTLE: ThrottlePolicy = replace(
    ThrottlePolicy(),
    **{name: (Limit(size, timedelta(minutes=1)),) for name, size in SIZES.items()},  # type: ignore[arg-type]  # by name
)


class WatchedStore:
    """A store that writes down under which limits something was reserved."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.reserved: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def reserve(self, bucket: str, limits: tuple[Limit, ...], now: Any) -> Any:
        """Note the limit, and let the store decide."""
        self.reserved |= {name for name, size in SIZES.items() if size == limits[0].count}
        return self.store.reserve(bucket, limits, now)

    def reserve_all(self, claims: tuple[Claim, ...], now: Any) -> Any:
        """Note every limit, and let the store decide."""
        for claim in claims:
            if isinstance(claim.rule, Backoff):
                self.reserved.add("sign_in_per_account")
            else:
                self.reserved |= {name for name, size in SIZES.items() if size == claim.rule[0].count}
        return self.store.reserve_all(claims, now)


class Visit:
    """A service with one person in it, signed in."""

    def __init__(self) -> None:
        self.store = WatchedStore()
        self.service = Service(self.store, Policy(hashing=HashProfile.SMALL, throttle=THROTTLE))
        self.auth = self.service.auth
        self.erkki = self.service.add("Erkki", email="erkki@example.com", usernames=["erkki"])
        self.token = self.service.token("erkki")
        self.live: Any = self.auth.sessions.check(self.token)

    def forget(self) -> None:
        """Begin to watch."""
        self.store.reserved.clear()
        self.service.audit.events.clear()

    def mailed(self, *, to: str = "erkki@example.com") -> str:
        """The newest link, and begin to watch."""
        token = self.service.link(to)
        self.forget()
        return token

    def reset(self) -> str:
        """Ask for a link that sets a password."""
        self.auth.recovery.request("erkki")
        return self.mailed()

    def signing_up(self) -> str:
        """Ask for a link that makes an account."""
        self.auth.accounts.sign_up("new@example.com")
        return self.mailed(to="new@example.com")

    def moving(self) -> str:
        """Ask for a link to a new address."""
        self.auth.accounts.change_email(self.live, "new@example.com")
        return self.mailed(to="new@example.com")

    def moved(self) -> str:
        """Move, and take the link that undoes it."""
        self.auth.accounts.confirm_email(self.moving())
        return self.mailed()


def attempts(visit: Visit) -> None:
    """A wrong password, and the right one."""
    pending: Any = visit.auth.login.identify("erkki")
    for password in (OTHER_PASSWORD, PASSWORD):
        visit.auth.login.submit_password(pending.pending, password, client=ClientContext("192.0.2.7"))


def confirmations(visit: Visit) -> None:
    """A wrong password, and the right one."""
    for password in (OTHER_PASSWORD, PASSWORD):
        visit.auth.sessions.confirm(visit.live, password)


def changes(visit: Visit) -> None:
    """A wrong current password, and the right one."""
    for password in (OTHER_PASSWORD, PASSWORD):
        visit.auth.accounts.change_password(visit.live, password, OTHER_PASSWORD)


DRIVEN: dict[str, Callable[[Visit], object]] = {
    "login.identify": lambda visit: visit.auth.login.identify("erkki"),
    "login.submit_password": attempts,
    "sessions.check": lambda visit: visit.auth.sessions.check(visit.token),
    "sessions.confirm": confirmations,
    "accounts.change_password": changes,
    "accounts.change_email": lambda visit: visit.auth.accounts.change_email(visit.live, "new@example.com"),
    "accounts.inspect_email": lambda visit: visit.auth.accounts.inspect_email(visit.moving()),
    "accounts.confirm_email": lambda visit: visit.auth.accounts.confirm_email(visit.moving()),
    "accounts.inspect_undo": lambda visit: visit.auth.accounts.inspect_undo(visit.moved()),
    "accounts.undo_email": lambda visit: visit.auth.accounts.undo_email(visit.moved()),
    "accounts.sign_up": lambda visit: visit.auth.accounts.sign_up("new@example.com"),
    "accounts.inspect_sign_up": lambda visit: visit.auth.accounts.inspect_sign_up(visit.signing_up()),
    "accounts.confirm_sign_up": lambda visit: visit.auth.accounts.confirm_sign_up(
        visit.signing_up(), "Uusi", OTHER_PASSWORD
    ),
    "recovery.request": lambda visit: visit.auth.recovery.request("erkki"),
    "recovery.inspect": lambda visit: visit.auth.recovery.inspect(visit.reset()),
    "recovery.complete": lambda visit: visit.auth.recovery.complete(visit.reset(), OTHER_PASSWORD),
    "accounts.invite": lambda visit: visit.auth.accounts.invite(visit.erkki.id),
    "accounts.add": lambda visit: visit.auth.accounts.add(NewAccount("Uusi", email="new@example.com")),
}


def public_calls(auth: CityAuth) -> Iterator[str]:
    """Every method that the API offers, as ``login.identify`` or ``check``."""
    yield from (name for name in vars(type(auth)) if not name.startswith("_"))
    for name, part in vars(auth).items():
        if name.startswith("_"):
            continue
        assert isinstance(part, Namespace)
        for method, _ in inspect.getmembers(part, callable):
            if not method.startswith("_"):
                yield f"{name}.{method}"


def words(cell: str) -> set[str]:
    """The names in a cell; none for "none" and "nothing"."""
    return {word.strip("` ") for word in cell.split(",") if "`" in word}


def test_every_public_method_has_one_row() -> None:
    """No pathway is undocumented: each public method is a row of one of the two tables (ASVS 6.1.3, 6.3.4)."""
    others = table("pathways.md", "other call").keys()
    assert not PATHWAYS.keys() & others
    assert sorted(PATHWAYS.keys() | others) == sorted(f"`{call}`" for call in public_calls(Service().auth))


@pytest.mark.parametrize("call", [name.strip("`") for name in PATHWAYS])
def test_a_pathway_has_the_controls_of_its_row(call: str) -> None:
    """Its limits are reserved and its events recorded, those that the row names and no others (ASVS 6.1.1, 6.1.3, 16.3.1)."""
    visit = Visit()
    visit.forget()
    DRIVEN[call](visit)
    row = PATHWAYS[f"`{call}`"]
    assert visit.store.reserved == words(row[LIMITS])
    assert {event.what.value for event in visit.service.audit.events} == words(row[AUDITED])
