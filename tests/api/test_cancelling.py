"""A cancelled call under asyncio leaves nothing behind that could answer another person's call."""

import asyncio
from threading import Event

from cityauth import AsyncCityAuth
from cityauth.core.sessions import LiveSession
from tests.support.service import KEY, POLICY, Service


class Slow:
    """A store whose first session look-up waits until it is let go."""

    def __init__(self, store: object) -> None:
        self._store = store
        self.entered, self.released = Event(), Event()
        self._first = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def find_session(self, digest: bytes) -> object:
        """Look up, the first time late."""
        if self._first:
            self._first = False
            self.entered.set()
            assert self.released.wait(timeout=30)
        return self._store.find_session(digest)  # type: ignore[attr-defined]


def test_a_cancelled_check_never_answers_anothers() -> None:
    """Erkki's check is cancelled while the store works on it; the next answers are each person's own (B-80)."""
    service = Service()
    service.add("Erkki", email="erkki@example.com")
    service.add("Matti", email="matti@example.com")
    tokens = {name: service.token(f"{name}@example.com") for name in ("erkki", "matti")}
    slow = Slow(service.store)

    async def scenario() -> dict[str, LiveSession | None]:
        auth = AsyncCityAuth(
            slow,  # type: ignore[arg-type]  # a store by what it passes on
            [KEY],
            policy=POLICY,
            hasher=service.hasher,
            clock=service.clock,
        )
        first = asyncio.create_task(auth.sessions.check(tokens["erkki"]))
        await asyncio.to_thread(slow.entered.wait, 30)
        first.cancel()
        found = {}
        for name in ("matti", "erkki", "matti"):
            found[name] = await auth.sessions.check(tokens[name])
        slow.released.set()
        assert first.cancelled() or (await asyncio.gather(first, return_exceptions=True))[0] is not None
        return found

    found = asyncio.run(scenario())
    assert {name: live.account.id for name, live in found.items() if live} == {"erkki": "erkki", "matti": "matti"}
