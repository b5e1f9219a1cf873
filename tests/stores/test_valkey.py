"""`ValkeyThrottle` and `AsyncValkeyThrottle` keep every promise of throttling, and say so when their server cannot."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
import redis

from cityauth import CityAuth
from cityauth.core.answers import Done
from cityauth.core.links import LinkRefused
from cityauth.core.throttling import Claim, Exhausted, Reserved
from cityauth.errors import ConfigurationError, StoreUnavailableError
from cityauth.policy.throttling import Backoff, Limit
from cityauth.stores import AsyncValkeyThrottle, ValkeyThrottle
from cityauth.stores import valkey as adapter
from cityauth.testing import BlockingStore, ThrottleContract
from cityauth.testing.samples import MINUTE, NOON
from servers import ServerError, ValkeyServer, free_port
from tests.support.service import Service

ONE = [Limit(1, MINUTE)]


@contextmanager
def serving(*settings: str) -> Iterator[ValkeyServer]:
    """Run a server; without one the test is skipped, and fails in CI."""
    server = ValkeyServer(*settings)
    try:
        server.start()
    except ServerError as error:
        server.stop()
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no Valkey server: {error}")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """A cluster of one: it refuses a script whose keys could lie on two servers."""
    file = tmp_path_factory.mktemp("cluster") / "nodes.conf"
    settings = ("cluster-enabled yes", f"cluster-config-file {file}", f"cluster-port {free_port()}")
    with serving(*settings) as server, client(server) as admin:
        admin.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        for _ in range(500):
            if "cluster_state:ok" in str(admin.execute_command("CLUSTER", "INFO")):
                break
            time.sleep(0.02)
        yield server


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """A server for one test."""
    with serving() as one:
        yield one


@contextmanager
def client(server: ValkeyServer) -> Iterator[redis.Redis]:
    """The server's own client."""
    with redis.Redis(port=server.port, password=server.password) as one:
        yield one


class TestValkeyThrottle(ThrottleContract):
    """The contract, on a cluster's server."""

    @pytest.fixture
    def store(self, cluster: ValkeyServer) -> Iterator[ValkeyThrottle]:
        """An empty throttle."""
        with client(cluster) as admin:
            admin.flushall()
            admin.script_flush()
        with ValkeyThrottle(cluster.url) as made:
            yield made


class TestAsyncValkeyThrottle(ThrottleContract):
    """The contract under asyncio."""

    @pytest.fixture
    def store(self, cluster: ValkeyServer) -> Iterator[BlockingStore]:
        """An empty throttle."""
        with client(cluster) as admin:
            admin.flushall()
        with BlockingStore(AsyncValkeyThrottle(cluster.url)) as made:
            yield made


def test_every_key_expires_and_holds_no_more_than_its_window(server: ValkeyServer) -> None:
    """Each key has an end, and uses that no limit counts any more leave it, so that memory is bounded (C-28)."""
    claims = [Claim("a", (Limit(3, MINUTE),)), Claim("b", Backoff(), "holder")]
    with ValkeyThrottle(server.url, prefix="city") as throttle, client(server) as admin:
        for number in range(50):
            throttle.reserve_all(claims, NOON + number * timedelta(hours=1))
        keys = sorted(key.decode() for key in admin.scan_iter())
        assert keys == ["{city}:failures:b", "{city}:uses:a"]
        assert admin.zcard("{city}:uses:a") == 1
        assert all(0 < int(admin.pttl(key)) <= 1000 * 60 * 60 * 30 for key in keys)


def test_deployments_on_one_server_are_counted_apart(server: ValkeyServer) -> None:
    """Two prefixes share no bucket, and a purge of one leaves the other alone."""
    with ValkeyThrottle(server.url, prefix="a") as first, ValkeyThrottle(server.url, prefix="b") as second:
        assert first.reserve("x", ONE, NOON) == Reserved()
        assert second.reserve("x", ONE, NOON) == Reserved()
        assert first.purge_throttle(NOON + MINUTE) == 1
        assert second.reserve("x", ONE, NOON) == Exhausted(NOON + MINUTE)


def test_a_purge_sees_every_page(server: ValkeyServer) -> None:
    """More keys than one page holds are purged as well."""
    with ValkeyThrottle(server.url) as throttle:
        for number in range(adapter._PAGE + 200):
            throttle.reserve(f"bucket {number}", ONE, NOON)
        assert throttle.purge_throttle(NOON + MINUTE) == adapter._PAGE + 200


def test_a_stopped_server_is_unavailable_and_serves_after_its_return(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the server is down every call raises, and once it is back the counts go on there (C-26)."""
    with ValkeyThrottle(server.url) as throttle:
        assert throttle.reserve("a", ONE, NOON) == Reserved()
        server.stop()
        for _ in range(3):
            with pytest.raises(StoreUnavailableError):
                throttle.reserve("a", ONE, NOON)
        server.start()
        monkeypatch.setattr(throttle, "_next_try", 0.0)
        assert throttle.reserve("a", ONE, NOON) == Reserved()  # what it counted is lost with its memory
        assert throttle.reserve("a", ONE, NOON) == Exhausted(NOON + MINUTE)


def test_a_frozen_server_is_asked_once_and_then_left_alone(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that accepts connections and answers nothing costs one wait; then calls fail without asking it."""
    monkeypatch.setattr(adapter, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(adapter, "PAUSE_SECONDS", 3600)
    with ValkeyThrottle(server.url) as throttle:
        os.kill(server.pid, signal.SIGSTOP)
        with pytest.raises(StoreUnavailableError, match="does not serve"):
            throttle.reserve("a", ONE, NOON)
        for _ in range(3):
            with pytest.raises(StoreUnavailableError, match="a moment ago"):
                throttle.reserve("a", ONE, NOON)
        os.kill(server.pid, signal.SIGCONT)
        monkeypatch.setattr(throttle, "_next_try", 0.0)
        assert isinstance(throttle.reserve("a", [Limit(9, MINUTE)], NOON), Reserved)


@pytest.mark.parametrize("answer", [b"", b":", b"$100\r\nhalf", b"nonsense\r\n", b"-ERR wrong\r\n", b"$-1\r\n"])
def test_an_answer_that_is_cut_or_wrong_is_no_answer(answer: bytes) -> None:
    """A connection that is cut in mid-answer, or says what no server says, raises `StoreUnavailableError`."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"valkey://127.0.0.1:{listening.getsockname()[1]}/0"
        with ValkeyThrottle(url) as throttle, pytest.raises(StoreUnavailableError):
            throttle.refund([Claim("a", tuple(ONE))], NOON, forget=False)
        thread.join(10)


def test_a_full_server_is_unavailable() -> None:
    """A server that takes no more data and evicts nothing raises `StoreUnavailableError`; nothing is let through."""
    with (
        serving("maxmemory 1", "maxmemory-policy noeviction") as server,
        ValkeyThrottle(server.url) as throttle,
        pytest.raises(StoreUnavailableError),
    ):
        throttle.reserve("a", ONE, NOON)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "valkey",
        "valkey://",
        "http://:secret-word@host/0",
        "valkey://:secret-word@host:port/0",
        "valkey://:secret-word@host:99999/0",
        "valkey://:secret-word@host:6379/zero",
        "valkey://:secret-word@host:6379/0/1",
        "valkey://:secret-word@host:6379/0?db=1",
        "valkey://:secret-word@[::1/0",
    ],
)
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    """A URL that names no server is refused when it is given, in a sentence that shows no part of it."""
    for kind in (ValkeyThrottle, AsyncValkeyThrottle):
        with pytest.raises(ConfigurationError, match="throttle's URL") as refused:
            kind(url)
        assert "secret-word" not in f"{refused.value} {refused.value.__cause__}"


@pytest.mark.parametrize("prefix", ["", "a}b", "ä", "a b", "x" * 65])
def test_a_wrong_prefix_is_refused(prefix: str) -> None:
    """A prefix that would end the hash tag, or is not plain, is refused."""
    with pytest.raises(ConfigurationError, match="prefix"):
        ValkeyThrottle("valkey://127.0.0.1", prefix=prefix)


@pytest.mark.parametrize("lose", ["nothing", "everything"])
def test_a_lost_write_revives_no_used_link(server: ValkeyServer, lose: str) -> None:
    """The server is emptied, as after an eviction or a fail-over: a used link stays used, sessions stay (C-28, C-29)."""
    service = Service()
    with ValkeyThrottle(server.url) as throttle, client(server) as admin:
        service.auth = CityAuth(
            service.store,
            service.secrets,
            policy=service.policy,
            hasher=service.hasher,
            clock=service.clock,
            entropy=service.entropy,
            mailer=service.mailer,
            throttle=throttle,
        )
        service.add("Erkki", email="erkki@example.com")
        service.auth.recovery.request("erkki@example.com")
        link = service.link("erkki@example.com")
        assert isinstance(service.auth.recovery.complete(link, NEW), Done)
        token = service.token("erkki@example.com", NEW)
        if lose == "everything":
            admin.flushall()
        assert isinstance(service.auth.recovery.complete(link, f"{NEW} again"), LinkRefused)
        assert service.auth.sessions.check(token) is not None
        service.sign_in("erkki@example.com", NEW)


NEW = "aivan uusi pitkä salasana"
