"""`ValkeyThrottle` and `AsyncValkeyThrottle`: the counts of the throttle on a Valkey or Redis server.

Each call is one Lua script, so it is atomic. Each bucket is one key that holds plain numbers and expires by itself. The
hash tag of all keys of a deployment is the same, so that on a cluster one script can count several buckets.
"""

import json
import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, Final, Self, cast

from cityauth.core.throttling import MOST_AHEAD, Allowance, Claim, Exhausted, Reserved
from cityauth.errors import ConfigurationError, MissingExtraError, StoreUnavailableError
from cityauth.policy.throttling import Backoff, Limit
from cityauth.stores.valkey_scripts import MICROSECOND, PURGE, REFUND, RESERVE, Script, micros, moment
from cityauth.stores.valkey_url import ValkeyServer

try:
    import redis
    import redis.asyncio
    from redis.asyncio.retry import Retry as AsyncRetry
    from redis.backoff import NoBackoff
    from redis.exceptions import NoScriptError, RedisError
    from redis.retry import Retry
except ImportError:
    raise MissingExtraError("valkey", "ValkeyThrottle") from None

CONNECT_SECONDS: Final = 1
ANSWER_SECONDS: Final = 2
"""How long to wait for each answer of the server. With the connection, a call takes less than 5 seconds."""

PAUSE_SECONDS: Final = 2
"""After a failure nobody asks the server for this long, so that not every request waits for one that hangs."""

MOST_CONNECTIONS: Final = 50

_PAGE: Final = 500
"""How many keys one script of a purge looks at."""

_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class _Buckets:
    """What both classes share: the keys and arguments of the scripts, and the pause after a failure."""

    def __init__(self, url: str, prefix: str) -> None:
        if _PREFIX.fullmatch(prefix) is None:
            raise ConfigurationError("the prefix of ValkeyThrottle must be 1 to 64 letters, digits or any of _ . : -")
        server = ValkeyServer.of(url)
        self._tls = server.tls
        self._settings: dict[str, Any] = {
            "host": server.host,
            "port": server.port,
            "db": server.number,
            "username": server.user,
            "password": server.password,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": ANSWER_SECONDS,
            "max_connections": MOST_CONNECTIONS,
            "timeout": CONNECT_SECONDS,
            "protocol": 2,
        }
        self._tag = f"{{{prefix}}}"
        self._failed = False
        self._next_try = 0.0

    def _begin(self) -> None:
        """Refuse at once for a moment after a failure; then let one caller try."""
        if not self._failed:
            return
        now = time.monotonic()
        if now < self._next_try:
            raise StoreUnavailableError("the throttle's server did not answer a moment ago", nothing_written=True)
        self._next_try = now + PAUSE_SECONDS

    def _fail(self, error: Exception) -> StoreUnavailableError:
        self._failed, self._next_try = True, time.monotonic() + PAUSE_SECONDS
        return StoreUnavailableError(f"the throttle's server does not serve: {type(error).__name__}")

    def _succeed(self) -> None:
        self._failed = False

    def _key(self, claim: Claim) -> str:
        kind = "failures" if isinstance(claim.rule, Backoff) else "uses"
        return f"{self._tag}:{kind}:{claim.bucket}"

    def _claims(self, claims: Sequence[Claim], **more: object) -> list[str]:
        """Return the keys and then the argument of a script."""
        given = {**more, "claims": [_as_numbers(claim) for claim in claims]}
        return [*(self._key(claim) for claim in claims), json.dumps(given)]

    def _reservation(self, claims: Sequence[Claim], now: datetime) -> list[str]:
        return self._claims(claims, now=micros(now), ahead=MOST_AHEAD // MICROSECOND)


class ValkeyThrottle(_Buckets):
    """The throttle's counts on a Valkey or Redis server, for `CityAuth(throttle=...)`. Safe between threads.

    Nothing is tried twice. A server that cannot be reached, does not answer in time or is full makes every method raise
    `StoreUnavailableError`; for 2 seconds after that, they raise it at once. `CityAuth` then counts in the process.
    """

    def __init__(self, url: str, *, prefix: str = "cityauth") -> None:
        """Take the server's address; connect when it is used first.

        Args:
            url: ``valkey://127.0.0.1:6379/0``, with ``valkeys`` for TLS. ``redis`` and ``rediss`` mean the same.
            prefix: Begins every key; deployments on one server need different ones.

        Raises:
            ConfigurationError: the URL or the prefix cannot be used. The message does not show the password.
        """
        super().__init__(url, prefix)
        self._pool = redis.BlockingConnectionPool(
            connection_class=redis.SSLConnection if self._tls else redis.Connection,
            retry=Retry(NoBackoff(), 0),
            **self._settings,
        )
        self._client = redis.Redis(connection_pool=self._pool)

    def reserve(self, bucket: str, limits: Sequence[Limit], now: datetime) -> Allowance:
        """See `ThrottleStore.reserve`. Uses that no limit counts any more are forgotten."""
        return self.reserve_all([Claim(bucket, tuple(limits))], now)

    def reserve_all(self, claims: Sequence[Claim], now: datetime) -> Allowance:
        """See `ThrottleStore.reserve_all`."""
        if not claims:
            return Reserved()
        return _allowance(self._run(RESERVE, self._reservation(claims, now)))

    def refund(self, claims: Sequence[Claim], at: datetime, *, forget: bool) -> None:
        """See `ThrottleStore.refund`."""
        if claims:
            self._run(REFUND, self._claims(claims, at=micros(at), forget=forget))

    def purge_throttle(self, before: datetime) -> int:
        """See `ThrottleStore.purge_throttle`. Keys expire by themselves, so this only frees memory sooner."""
        gone, cursor = 0, 0
        while True:
            with self._asking():
                cursor, keys = cast("tuple[int, list[bytes]]", self._client.scan(cursor, f"{self._tag}:*", _PAGE))
            if keys:
                gone += self._run(PURGE, [*keys, str(micros(before))])
            if cursor == 0:
                return gone

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
        self._pool.disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self._begin()
        try:
            yield
        except (RedisError, OSError) as error:
            raise self._fail(error) from error
        self._succeed()

    def _run(self, script: Script, given: Sequence[str | bytes]) -> int:
        with self._asking():
            client: Any = self._client
            try:
                return int(client.evalsha(script.sha, len(given) - 1, *given))
            except NoScriptError:
                return int(client.eval(script.text, len(given) - 1, *given))


class AsyncValkeyThrottle(_Buckets):
    """`ValkeyThrottle` for `AsyncCityAuth`. One object belongs to one event loop."""

    def __init__(self, url: str, *, prefix: str = "cityauth") -> None:
        """Take the server's address; arguments and errors are those of `ValkeyThrottle`."""
        super().__init__(url, prefix)
        self._pool = redis.asyncio.BlockingConnectionPool(
            connection_class=redis.asyncio.SSLConnection if self._tls else redis.asyncio.Connection,
            retry=AsyncRetry(NoBackoff(), 0),
            **self._settings,
        )
        self._client = redis.asyncio.Redis(connection_pool=self._pool)

    async def reserve(self, bucket: str, limits: Sequence[Limit], now: datetime) -> Allowance:
        """See `ThrottleStore.reserve`. Uses that no limit counts any more are forgotten."""
        return await self.reserve_all([Claim(bucket, tuple(limits))], now)

    async def reserve_all(self, claims: Sequence[Claim], now: datetime) -> Allowance:
        """See `ThrottleStore.reserve_all`."""
        if not claims:
            return Reserved()
        return _allowance(await self._run(RESERVE, self._reservation(claims, now)))

    async def refund(self, claims: Sequence[Claim], at: datetime, *, forget: bool) -> None:
        """See `ThrottleStore.refund`."""
        if claims:
            await self._run(REFUND, self._claims(claims, at=micros(at), forget=forget))

    async def purge_throttle(self, before: datetime) -> int:
        """See `ValkeyThrottle.purge_throttle`."""
        gone, cursor = 0, 0
        while True:
            async with self._asking():
                cursor, keys = await self._client.scan(cursor, f"{self._tag}:*", _PAGE)
            if keys:
                gone += await self._run(PURGE, [*keys, str(micros(before))])
            if cursor == 0:
                return gone

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()
        await self._pool.disconnect()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        self._begin()
        try:
            yield
        except (RedisError, OSError) as error:
            raise self._fail(error) from error
        self._succeed()

    async def _run(self, script: Script, given: Sequence[str | bytes]) -> int:
        async with self._asking():
            client: Any = self._client
            try:
                return int(await client.evalsha(script.sha, len(given) - 1, *given))
            except NoScriptError:
                return int(await client.eval(script.text, len(given) - 1, *given))


def _as_numbers(claim: Claim) -> dict[str, object]:
    """Return what the scripts need of a claim. All spans are microseconds."""
    if not isinstance(claim.rule, Backoff):
        return {"limits": [[limit.count, limit.window // MICROSECOND] for limit in claim.rule]}
    rule, waits = claim.rule, list[int]()
    while not waits or waits[-1] < rule.longest // MICROSECOND:
        waits.append(rule.wait_after(rule.free + len(waits)) // MICROSECOND)
    return {
        "holder": claim.holder,
        "free": rule.free,
        "waits": waits,
        "memory": rule.memory // MICROSECOND,
    }


def _allowance(answer: int) -> Allowance:
    return Exhausted(moment(answer)) if answer else Reserved()
