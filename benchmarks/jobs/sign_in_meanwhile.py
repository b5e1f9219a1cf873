"""Sign-ins while a migration is carried out beside the service: how long the slowest of a hundred takes."""

import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import perf_counter_ns

from benchmarks.harness import run_alone
from benchmarks.jobs import plan
from benchmarks.population import ARGON2, PASSWORD
from benchmarks.result import Goal, Result, Table, tabulate
from cityauth import (
    Authenticated,
    CityAuth,
    ClientContext,
    HashProfile,
    NewAccount,
    PasswordRequired,
    Policy,
    SecretStr,
)
from cityauth.stores.sql import SqlStore

ROUNDS = 5
ACCOUNTS = 20_000
PEOPLE = 50
"""Who sign in by turns."""

MOST = 300
"""Sign-ins of one series; fewer where the migration ends before."""

ALONE = "sign-in alone"
AGAIN = "sign-in alone, again"
DURING = "during apply"
PAUSED = "during apply --batch 100 --pause 0.05"
_APPLIED = {DURING: "", PAUSED: ", batch=100, pause=0.05"}
_HASHES: Mapping[str, HashProfile] = {
    "a cheap hash": HashProfile(**ARGON2),
    "Argon2id with 19 MiB": HashProfile(memory_cost=19_456, time_cost=2, parallelism=1),
}
_CLIENT = ClientContext("192.0.2.7", "benchmark")
_APPLY = """
import sys
from cityauth import CityAuth
from cityauth.stores.sql import SqlStore
CityAuth(SqlStore(f"sqlite:///{{sys.argv[1]}}"), [bytes(range(100, 132))]).migration.apply(sys.argv[2], actor="bench"{0})
"""
ABOUT = (
    "One person after the other signs in, by library calls in one process, while another process carries out a plan for all "
    "accounts of the same SQLite file. The times are by the clock: of each series the 99th percentile, in the tables the median of "
    "these. With a cheap hash nearly all of a sign-in is the store, so that every wait for the write lock shows. With a pause "
    "the migration leaves the lock to others between its commits. Other programs ran on the machine at the same time, so *alone, "
    "again* shows how much two equal series differ."
)


def measure(rounds: int, accounts: int) -> Result:
    """Fill one database, plan it, and let people sign in on copies of it, with and without the migration beside."""
    with TemporaryDirectory(prefix="cityauth-bench-") as folder:
        path = Path(folder) / "city.db"
        plan.fill(path, accounts)
        run_alone(plan.OUR_WORK, plan.IMPORTS, path, path.with_suffix(".jsonl"))
        tables = [_table(path, rounds, hashing, profile) for hashing, profile in _HASHES.items()]
        goals = [
            Goal(f"{hashing}, {name}, times its own", table.ratio(name), 2)
            for hashing, table in zip(_HASHES, tables, strict=True)
            for name in _APPLIED
        ]
        return Result("sign_in_meanwhile", ABOUT, tables, goals)


def _table(path: Path, rounds: int, hashing: str, profile: HashProfile) -> Table:
    names = (ALONE, AGAIN, DURING, PAUSED)
    samples: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            copy = path.with_name("copy.db")
            shutil.copyfile(path, copy)
            with SqlStore(f"sqlite:///{copy}") as store:
                slowest = _series(store, copy, profile, _APPLIED.get(name), path.with_suffix(".jsonl"))
            samples[name].append(slowest)
            for file in path.parent.glob("copy.db*"):
                file.unlink()
    return tabulate(f"{hashing}: the 99th percentile of a sign-in", samples, ALONE)


def _series(store: SqlStore, path: Path, profile: HashProfile, settings: str | None, plan_file: Path) -> float:
    """Return the 99th percentile of a series of sign-ins, in microseconds. *settings* are those of the migration."""
    auth = CityAuth(store, [secrets.token_urlsafe(32)], policy=Policy(hashing=profile))
    stored = auth.passwords.hash(PASSWORD)
    assert isinstance(stored, SecretStr)
    for number in range(PEOPLE):
        new = NewAccount(f"Matti {number}", usernames=[f"matti{number}"], password_hash=stored.get_secret_value())
        auth.accounts.add(new)
    if settings is None:
        return _times(auth, lambda count: count < MOST)
    command = [sys.executable, "-c", _APPLY.format(settings), str(path), str(plan_file)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as migration:
        try:
            while not auth.migration.status():  # the process begins with its imports
                if migration.poll() is not None:
                    raise ChildProcessError(migration.returncode)
            found = _times(auth, lambda count: count < MOST and migration.poll() is None)
        finally:
            migration.terminate()
    return found


def _times(auth: CityAuth, goes_on: Callable[[int], bool]) -> float:
    spent: list[int] = []
    while goes_on(len(spent)):
        name = f"matti{len(spent) % PEOPLE}"
        started = perf_counter_ns()
        step = auth.login.identify(name)
        assert isinstance(step, PasswordRequired)
        done = auth.login.submit_password(step.pending, PASSWORD, identifier=name, client=_CLIENT)
        spent.append(perf_counter_ns() - started)
        assert isinstance(done, Authenticated)
    return quantiles(spent, n=100, method="inclusive")[98] / 1000
