"""A storm of sign-ins: 500 at once, beside people who are signed in already."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.harness import Samples
from benchmarks.result import Goal, Result, tabulate

ROUNDS = 5
ACCOUNTS = 500
"""Sign-ins at once."""

BASE = "the bare hash in a pool of threads"
AGAIN = "the bare hash again"
SYNC, ASYNC, HTTP = "CityAuth, a thread each", "AsyncCityAuth, a task each", "CityAuth over HTTP, 32 clients"
MEMORY = "CityAuth on MemoryStore, a thread each"
WAYS = {BASE: "pool", AGAIN: "pool", SYNC: "sync", MEMORY: "sync-memory", ASYNC: "async", HTTP: "http"}

HASH_MIB = 19
"""Of `HashProfile.SMALL`, the minimum of OWASP."""

SPARE_MIB = 32

ABOUT = (
    "500 people sign in at once, each with the right password, at the minimum of OWASP (19 MiB, time cost 2, parallelism 1). The base "
    "is Argon2id alone in as many threads as cores. cityauth uses SQLite in WAL mode; each way runs in a process of its own, and one "
    "sign-in is the time of the whole storm, divided by the number of people. Meanwhile a session is checked every 5 ms. "
    "Over HTTP, a small service of the standard library answers 32 clients in a second process, which shares the cores. The memory is what the "
    "process has grown by at its peak and after the storm. SqlStore opens a connection to SQLite for each thread, about 0.2 MiB: "
    "with a thread for each of 500 people, the connections take more than the hashes. On MemoryStore only the hashes count. "
    "`MALLOC_ARENA_MAX` is the number of cores."
)


def measure(rounds: int, people: int) -> Result:
    """Let each way have its turn in each round."""
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    told: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            found = storm(way, people)
            told[name].append(found)
            times[name].append(found["seconds"] * 1_000_000 / people)
    return _result(times, told, people)


def storm(way: str, people: int) -> dict[str, float]:
    """Run one storm in a process of its own and return what it found."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, str(Path(__file__).with_name("storm_worker.py")), way, str(people), folder]
        arenas = {**os.environ, "MALLOC_ARENA_MAX": str(os.cpu_count() or 1)}  # as docs/hashing.md advises
        printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600, env=arenas).stdout
    found: dict[str, float] = json.loads(printed)
    return found


def _result(times: Samples, told: dict[str, list[dict[str, float]]], people: int) -> Result:
    def of(name: str, what: str) -> float:
        return median(one[what] for one in told[name])

    table = tabulate(f"{people} sign-ins at once, one sign-in", times, BASE)
    slots = of(BASE, "cores")
    limit = slots * HASH_MIB + SPARE_MIB
    goals = []
    for name in (SYNC, MEMORY, ASYNC):
        goals += [
            Goal(f"{name}: sign-ins a second, times the pool's", 1 / table.ratio(name), 0.95, least=True),
            Goal(f"{name}: sign-ins a second", 1 / of(name, "seconds") * people, 45 * slots, least=True),
            Goal(f"{name}: MiB at the peak", of(name, "peak"), limit),
            Goal(f"{name}: MiB afterwards", of(name, "after"), limit),
            Goal(f"{name}: session check meanwhile, p99 in ms", of(name, "check_p99"), 3),
        ]
    goals.append(Goal(f"{HTTP}: sign-ins a second", 1 / of(HTTP, "seconds") * people, 0, least=True))
    return Result("storm", ABOUT, [table], goals)
