"""The asynchronous API does what the synchronous one does, and never holds the event loop."""

import asyncio
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from cityauth import AsyncCityAuth, CityAuth, ClientContext, MemoryStore, NewAccount, Purged, StoreUnavailableError
from cityauth.core.accounts import AccountId
from cityauth.core.hashing import HashDefect
from cityauth.core.login import Authenticated, PasswordRequired
from cityauth.core.passwords import Password
from cityauth.core.population import ImportOptions
from cityauth.mailers.memory import MemoryMailer
from cityauth.ports.services import Verdict
from cityauth.testing.populations import city, store_people
from tests.support.altered import Altered
from tests.support.fakes import FixedClock, ListAudit, SeededEntropy, SpyHasher
from tests.support.recording import recording
from tests.support.service import KEY, PASSWORD, POLICY

PARTS = (
    "login",
    "sessions",
    "identifiers",
    "passwords",
    "accounts",
    "recovery",
    "outbox",
    "housekeeping",
    "population",
    "migration",
)


@dataclass
class AsyncMemoryStore:
    """A store all of whose methods are coroutines."""

    inner: Any = field(default_factory=MemoryStore)

    def __getattr__(self, name: str) -> Any:
        answer = getattr(self.inner, name)

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            return answer(*args, **kwargs)

        return awaited


def supplies() -> dict[str, Any]:
    """Edges that give both APIs the same time and the same randomness."""
    return {
        "policy": POLICY,
        "hasher": SpyHasher(),
        "clock": FixedClock(),
        "entropy": SeededEntropy(),
        "audit": ListAudit(),
        "mailer": MemoryMailer(),
    }


STORED = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$" + "A" * 43
"""A hash that could be run; the hashers below do not."""

CLIENT = ClientContext("192.0.2.7", "Firefox", "sv")


def journey() -> Any:
    """What a host calls in the course of a day: yields (part, method, arguments), is sent the answers."""
    hashed = yield "passwords", "hash", (PASSWORD,), {"context": ["erkki"]}
    yield "passwords", "hash", ("short",), {}
    new = NewAccount("Erkki", email="erkki@example.com", usernames=["erkki"], password_hash=hashed.get_secret_value())
    account = yield "accounts", "add", (new,), {"client": CLIENT}
    yield "accounts", "add", (new,), {}
    yield "identifiers", "resolve", ("ERKKI",), {}
    yield "login", "identify", (["x"],), {}
    step = yield "login", "identify", ("erkki",), {}
    yield "login", "submit_password", (step.pending, "wrong"), {"client": CLIENT}
    yield "login", "submit_password", ("forged", PASSWORD), {}
    yield "login", "submit_password", (step.pending, PASSWORD), {"identifier": "nobody"}
    first = yield "login", "submit_password", (step.pending, PASSWORD), {"client": CLIENT}
    token = first.session.token.get_secret_value()
    second = yield "login", "submit_password", (step.pending, PASSWORD), {"remember": True, "session_token": token}
    yield "sessions", "check", (token,), {}
    live = yield "sessions", "check", (second.session.token.get_secret_value(),), {}
    yield "sessions", "is_fresh", (live,), {}
    listed = yield "sessions", "list", (live,), {}
    yield "sessions", "close", (live, listed[0].handle), {}
    third = yield "login", "submit_password", (step.pending, PASSWORD), {}
    live = yield "sessions", "check", (third.session.token.get_secret_value(),), {}
    fourth = yield "sessions", "confirm", (live, PASSWORD), {}
    live = yield "sessions", "check", (fourth.session.token.get_secret_value(),), {}
    yield "sessions", "close_all", (live,), {"keep": True}
    yield "sessions", "list_of_account", (account.id,), {}
    yield "sessions", "sign_out", (fourth.session.token.get_secret_value(),), {}
    yield "sessions", "close_all_of_account", (account.id,), {}
    yield "housekeeping", "purge", (), {}
    people = [{"external_id": str(n), "realm": "citizen", "username": f"u{n}", "display_name": "U"} for n in range(3)]
    for _ in range(2):
        yield "population", "import_people", ([*people, {"external_id": "4"}],), {"options": ImportOptions(batch=2)}
    yield "recovery", "request", ("erkki@example.com",), {"client": CLIENT}
    yield "outbox", "flush", (), {}
    yield "accounts", "disable", (account.id,), {}
    yield "accounts", "show", (account.id,), {}
    yield "accounts", "enable", (account.id,), {}


async def walked(api: type[CityAuth | AsyncCityAuth], store: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """The journey through either API: the answers, the questions and the audit trail."""
    given = supplies()
    auth, script, answers, answer = api(store, [KEY], **given), journey(), list[Any](), None
    with recording(auth) as asked:
        while True:
            try:
                part, method, args, kwargs = script.send(answer)
            except StopIteration:
                return answers, list(asked), given["audit"].events
            answer = getattr(getattr(auth, part), method)(*args, **kwargs)
            answer = await answer if inspect.isawaitable(answer) else answer
            answers.append(answer)


@pytest.mark.parametrize("make", [MemoryStore, AsyncMemoryStore], ids=["in threads", "awaited"])
def test_both_apis_give_the_same_trace_and_the_same_answers(make: Callable[[], Any]) -> None:
    """One journey, both APIs: equal answers, equal questions, equal audit trail, tokens and all (ASVS 6.3.4, B-17)."""
    answers, asked, events = asyncio.run(walked(CityAuth, MemoryStore()))
    assert (answers, asked, events) == asyncio.run(walked(AsyncCityAuth, make()))
    assert len(answers) == 33
    assert {type(answer) for answer in answers} > {Authenticated, PasswordRequired, bool, tuple, Purged}


def public_methods(part: object) -> dict[str, Any]:
    """The public methods of a part, by name."""
    return {name: member for name, member in inspect.getmembers(part, inspect.ismethod) if not name.startswith("_")}


@pytest.mark.parametrize("part", PARTS)
def test_both_apis_have_the_same_signatures(part: str) -> None:
    """Every public method has its awaited twin with the same parameters and the same docstring (ASVS 6.3.4)."""
    sync, awaiting = CityAuth(MemoryStore(), [KEY]), AsyncCityAuth(MemoryStore(), [KEY])
    ours, theirs = public_methods(getattr(sync, part)), public_methods(getattr(awaiting, part))
    assert ours
    assert ours.keys() == theirs.keys()
    for name, method in ours.items():
        twin = theirs[name]
        assert inspect.iscoroutinefunction(twin) == (name != "is_fresh")
        assert not inspect.iscoroutinefunction(method)
        assert str(inspect.signature(method)) == str(inspect.signature(twin))
        assert method.__doc__
        assert " ".join(method.__doc__.split()) == " ".join((twin.__doc__ or "").split())


def test_both_apis_are_constructed_alike_and_have_all_parts() -> None:
    """What a host supplies has the same names, and no part is missing from the tests above."""
    ours, theirs = inspect.signature(CityAuth), inspect.signature(AsyncCityAuth)
    assert list(ours.parameters) == list(theirs.parameters)
    assert [ours.parameters[name].default for name in ours.parameters] == [
        theirs.parameters[name].default for name in theirs.parameters
    ]
    public = [{one for one in vars(api(MemoryStore(), [KEY])) if one[0] != "_"} for api in (CityAuth, AsyncCityAuth)]
    assert public == [set(PARTS)] * 2
    assert str(inspect.signature(CityAuth.check)) == str(inspect.signature(AsyncCityAuth.check))
    assert inspect.iscoroutinefunction(AsyncCityAuth.check)


@dataclass
class WaitingHasher:
    """A hasher that does not answer until the event loop has run on."""

    ticked: threading.Event = field(default_factory=threading.Event)
    started: threading.Event = field(default_factory=threading.Event)
    threads: list[int] = field(default_factory=list)

    def verify(self, password: Password, stored: str) -> Verdict:
        """Wait for the loop: on the loop's own thread this could never end."""
        self.threads.append(threading.get_ident())
        self.started.set()
        return Verdict(matched=self.ticked.wait(30))

    def hash(self, password: Password) -> str:
        """Not asked here."""
        raise NotImplementedError

    def find_defect(self, stored: str) -> HashDefect | None:
        """Take every hash for one that can be verified."""
        return None


def test_a_hash_never_holds_the_loop() -> None:
    """While a verification runs, the loop goes on: it is the loop that lets it finish (ASVS 15.2.2, 15.4.1)."""

    async def scene() -> int:
        hasher, loop_thread = WaitingHasher(), threading.get_ident()
        auth = AsyncCityAuth(MemoryStore(), [KEY], hasher=hasher)
        await auth.accounts.add(NewAccount("Erkki", id="erkki", usernames=["erkki"], password_hash=STORED))
        step = await auth.login.identify("erkki")
        assert isinstance(step, PasswordRequired)
        attempt = asyncio.create_task(auth.login.submit_password(step.pending, PASSWORD))
        ticks = 0
        while not attempt.done():
            await asyncio.sleep(0)
            ticks += 1
            if hasher.threads and ticks >= 100:
                hasher.ticked.set()
        assert isinstance(attempt.result(), Authenticated)
        assert loop_thread not in hasher.threads
        return ticks

    assert asyncio.run(scene()) >= 100


def test_a_cancelled_sign_in_leaves_no_session() -> None:
    """Who leaves during the verification is not signed in afterwards, and the flow is closed (B-80, C-16)."""

    async def scene() -> None:
        hasher, store = WaitingHasher(), AsyncMemoryStore()
        auth = AsyncCityAuth(store, [KEY], hasher=hasher)
        await auth.accounts.add(NewAccount("Erkki", id="erkki", usernames=["erkki"], password_hash=STORED))
        step = await auth.login.identify("erkki")
        assert isinstance(step, PasswordRequired)
        attempt = asyncio.create_task(auth.login.submit_password(step.pending, PASSWORD))
        assert await asyncio.to_thread(hasher.started.wait, 30)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        hasher.ticked.set()
        assert await auth.sessions.list_of_account(AccountId("erkki")) == ()

    asyncio.run(scene())


def test_what_a_port_raises_reaches_the_host() -> None:
    """A store that is down raises through either API, and nobody is signed in (C-24, B-87)."""

    def find(keys: object) -> Any:
        raise StoreUnavailableError("down")

    down: Any = Altered(MemoryStore(), find=find)
    with pytest.raises(StoreUnavailableError, match="down"):
        CityAuth(down, [KEY]).identifiers.resolve("erkki")
    with pytest.raises(StoreUnavailableError, match="down"):
        asyncio.run(AsyncCityAuth(down, [KEY]).identifiers.resolve("erkki"))


def test_freshness_is_not_awaited() -> None:
    """`is_fresh` is a plain method of both APIs: a coroutine would be true whatever it came to."""
    for api in (CityAuth, AsyncCityAuth):
        auth = api(MemoryStore(), [KEY], **supplies())
        assert not inspect.iscoroutinefunction(auth.sessions.is_fresh)


def test_a_plan_is_the_same_in_both(tmp_path: Path) -> None:
    """A plan that is awaited is the one of the synchronous API, but for its id and its moment."""
    store = MemoryStore()
    store_people(store, list(city(700)))
    there = CityAuth(store, [KEY]).migration.plan(tmp_path / "there.jsonl").header
    told: list[int] = []
    planning = AsyncCityAuth(store, [KEY]).migration.plan(
        tmp_path / "here.jsonl", progress=lambda accounts, _: told.append(accounts)
    )
    made = asyncio.run(planning)
    assert replace(made.header, plan_id=there.plan_id, at=there.at, digest=there.digest) == there
    here, other = ((tmp_path / name).read_text().splitlines()[1:] for name in ("here.jsonl", "there.jsonl"))
    assert here == other
    assert told[0] == 500
