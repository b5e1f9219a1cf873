"""One storm in a process of its own: ``storm_worker.py WAY PEOPLE FOLDER`` prints what it found as JSON."""

import asyncio
import http.client
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from statistics import quantiles
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from argon2.low_level import Type, hash_secret_raw

from cityauth import AsyncCityAuth, Authenticated, CityAuth, ClientContext, MemoryStore, NewAccount, PasswordRequired
from cityauth.policy import HashProfile, HashQueuePolicy, Policy
from cityauth.ports import Store
from cityauth.stores.sql import SqlStore

PASSWORD = "vanha salasana vuodelta 1998"
KEY = bytes(range(32))
POLICY = Policy(hashing=HashProfile.SMALL, hash_queue=HashQueuePolicy(length=10_000, max_wait=timedelta(seconds=60)))
CORES = len(os.sched_getaffinity(0))
CLIENTS = 32


class Threads(ThreadPoolExecutor):
    """A thread for each person, started before the storm."""

    def __init__(self, many: int) -> None:
        super().__init__(many)
        barrier = threading.Barrier(many + 1)
        for _ in range(many):
            self.submit(barrier.wait)
        barrier.wait()


def resident(which: str = "VmRSS") -> float:
    """Return the memory of this process in MiB: now, or at its peak."""
    with Path("/proc/self/status").open(encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(which))


def prepare(folder: str, people: int, *, in_memory: bool = False) -> tuple[Store, list[str], str]:
    """Return a store with people, their pending logins, and the token of one who is signed in."""
    store: Store = MemoryStore()
    if not in_memory:
        tables = SqlStore(f"sqlite:///{folder}/storm.db")
        tables.create_schema()
        store = tables
    auth = CityAuth(store, [KEY], policy=POLICY)
    hashed = auth.passwords.hash(PASSWORD).get_secret_value()
    pending = []
    for number in range(people):
        auth.accounts.add(NewAccount(f"P{number}", email=f"p{number}@example.com", password_hash=hashed))
        step = auth.login.identify(f"p{number}@example.com")
        assert isinstance(step, PasswordRequired)
        pending.append(step.pending)
    done = auth.login.submit_password(pending[0], PASSWORD)
    assert isinstance(done, Authenticated)
    return store, pending, done.session.token.get_secret_value()


def clients(pending: list[str]) -> list[ClientContext]:
    """Return a device of a network of its own for each person, so that no limit of a network is reached."""
    return [ClientContext(f"10.0.{number >> 8}.{number & 255}") for number in range(len(pending))]


def run_pool(people: int) -> float:
    """Return the seconds of the bare hashes in as many threads as cores."""
    profile = HashProfile.SMALL

    def evaluate(_: int) -> bytes:
        return hash_secret_raw(
            PASSWORD.encode(), b"0123456789abcdef", profile.time_cost, profile.memory_cost, 1, 32, Type.ID
        )

    with Threads(CORES) as threads:
        started = time.perf_counter()
        list(threads.map(evaluate, range(people)))
        return time.perf_counter() - started


def run_sync(store: Store, pending: list[str], token: str) -> tuple[float, list[float]]:
    """Return the seconds of the storm, and those of each session check beside it."""
    auth = CityAuth(store, [KEY], policy=POLICY)
    checks: list[float] = []
    over = threading.Event()

    def check() -> None:
        while not over.wait(0.005):
            started = time.perf_counter()
            assert auth.sessions.check(token) is not None
            checks.append(time.perf_counter() - started)

    with Threads(len(pending)) as threads:
        watching = threading.Thread(target=check)
        watching.start()
        started = time.perf_counter()
        steps = list(
            threads.map(
                lambda one, client: auth.login.submit_password(one, PASSWORD, client=client), pending, clients(pending)
            )
        )
        seconds = time.perf_counter() - started
    over.set()
    watching.join()
    assert all(isinstance(step, Authenticated) for step in steps)
    return seconds, checks


async def run_async(store: Store, pending: list[str], token: str) -> tuple[float, list[float]]:
    """Do the same under asyncio."""
    auth = AsyncCityAuth(store, [KEY], policy=POLICY)
    checks: list[float] = []

    async def check() -> None:
        while True:
            await asyncio.sleep(0.005)
            started = time.perf_counter()
            assert await auth.sessions.check(token) is not None
            checks.append(time.perf_counter() - started)

    watching = asyncio.create_task(check())
    started = time.perf_counter()
    steps = await asyncio.gather(
        *(
            auth.login.submit_password(one, PASSWORD, client=client)
            for one, client in zip(pending, clients(pending), strict=True)
        )
    )
    seconds = time.perf_counter() - started
    watching.cancel()
    assert all(isinstance(step, Authenticated) for step in steps)
    return seconds, checks


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = 128


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def run_http(store: Store, pending: list[str]) -> float:
    """Return the seconds in which the clients, in a second process, have signed everybody in."""
    auth = CityAuth(store, [KEY], policy=POLICY)
    devices = iter(clients(pending))

    def service(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        given = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
        step = auth.login.submit_password(given, PASSWORD, client=next(devices))
        start("200 OK" if isinstance(step, Authenticated) else "401 Unauthorized", [("Content-Length", "0")])
        return [b""]

    with make_server("127.0.0.1", 0, service, Server, Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.write(writing, f"{send_all(server.server_port, pending)}\n".encode())
            os._exit(0)
        os.waitpid(child, 0)
        server.shutdown()
        return float(os.read(reading, 100))


def send_all(port: int, pending: list[str]) -> float:
    """Return the seconds in which all forms were sent and answered."""

    def send(one: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/", one)
        status = connection.getresponse().status
        connection.close()
        return status

    with Threads(CLIENTS) as threads:
        started = time.perf_counter()
        statuses = list(threads.map(send, pending))
        seconds = time.perf_counter() - started
    if set(statuses) != {200}:
        raise AssertionError(statuses)
    return seconds


def main(way: str, people: int, folder: str) -> dict[str, float]:
    """Run one storm."""
    logging.disable(logging.CRITICAL)
    if way == "pool":
        return {"cores": CORES, "seconds": run_pool(people)}
    store, pending, token = prepare(folder, people, in_memory=way.endswith("-memory"))
    before = resident()
    if way == "http":
        return {"cores": CORES, "seconds": run_http(store, pending)}
    ran = run_sync(store, pending, token) if way.startswith("sync") else asyncio.run(run_async(store, pending, token))
    seconds, checks = ran
    p99 = quantiles(checks, n=100, method="inclusive")[98] * 1000 if len(checks) > 1 else 0.0
    return {
        "cores": CORES,
        "seconds": seconds,
        "check_p99": p99,
        "checks": len(checks),
        "peak": resident("VmHWM") - before,
        "after": resident() - before,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
