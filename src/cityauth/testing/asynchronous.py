"""Run the contracts against an asynchronous store: `BlockingStore` gives it synchronous methods."""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self, final

_SECONDS: Final = 60
"""A call that takes longer has failed."""


@final
class BlockingStore:
    """An asynchronous store with synchronous methods, for the contracts of this package and for a machine.

    Each call runs on one event loop in a thread of its own and is waited for, so calls of several threads are tasks of
    one loop, as in a service. For example::

        class TestMyStore(StoreContract):
            @pytest.fixture
            def store(self):
                with BlockingStore(MyAsyncStore()) as store:
                    yield store
    """

    def __init__(self, store: object) -> None:
        """Take the *store* and start the event loop."""
        self.store: object = store
        """The asynchronous store itself."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cityauth-contract", daemon=True)
        self._thread.start()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the method of that name, which is waited for.

        Raises:
            AttributeError: the store has none.
        """
        method = getattr(self.store, name)

        def call(*args: object, **kwargs: object) -> Any:
            return self.wait_for(method, *args, **kwargs)

        return call

    def wait_for(self, function: Callable[..., Any], *args: object, **kwargs: object) -> Any:
        """Return what *function* returns on the event loop; an awaitable is awaited.

        Raises:
            TimeoutError: it took more than a minute.
        """

        async def run() -> Any:
            answer = function(*args, **kwargs)
            return await _awaited(answer) if inspect.isawaitable(answer) else answer

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_SECONDS)

    def close(self) -> None:
        """Close the store by its ``aclose``, if it has one, and end the event loop."""
        if self._loop.is_closed():
            return
        closing = getattr(self.store, "aclose", None)
        if closing is not None:
            self.wait_for(closing)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer
