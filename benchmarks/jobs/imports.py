"""Import time and memory, each in a process of its own."""

import os
import subprocess
import sys
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.harness import Samples
from benchmarks.result import Goal, Result, tabulate

ROUNDS = 15
ACCOUNTS = 0
BASE = "argon2 and stdlib"
STATEMENTS = {
    BASE: "import argon2, hashlib, secrets, sqlite3",
    "argon2 and stdlib again": "import argon2, hashlib, secrets, sqlite3",
    "cityauth": "import cityauth",
    "cityauth in use": "from cityauth import CityAuth, MemoryStore",
    "cityauth in use with SqlStore": "from cityauth import CityAuth; from cityauth.stores.sql import SqlStore",
    "SQLAlchemy": "import sqlalchemy",
    "Django": "import django.contrib.auth.hashers, django.contrib.auth.backends, django.contrib.sessions.backends.db",
    "Flask-Security": "import flask_security, flask_sqlalchemy",
}
SETTINGS = "from django.conf import settings; settings.configure(INSTALLED_APPS=['django.contrib.auth', \
'django.contrib.contenttypes', 'django.contrib.sessions']); import django; django.setup(); "
_TIMED = """
import time
def resident():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
before = resident()
started = time.process_time_ns()
{statement}
spent = time.process_time_ns() - started
print(spent / 1000, (resident() - before) / 1024)
"""
ABOUT = (
    "The processor time of an import in a new interpreter with compiled byte code, and the memory that it adds. The base is "
    "what a hand-written sign-in would import. `import cityauth` alone loads little, because each name is loaded when it is first "
    "used. *In use* is what a service waits for when it starts."
)


def measure(rounds: int, _accounts: int) -> Result:
    """Start a process for each statement in each round."""
    with TemporaryDirectory() as folder:
        return _measure(rounds, _environment(folder))


def _environment(folder: str) -> dict[str, str]:
    """Return an environment in which byte code is kept, and found from the second round on."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": folder}


def _measure(rounds: int, environment: dict[str, str]) -> Result:
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    sizes: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for number in range(rounds + 1):
        for name, statement in STATEMENTS.items():
            micros, mebibytes = _import(SETTINGS + statement if name == "Django" else statement, environment)
            if number:  # the first round only compiles
                times[name].append(micros)
                sizes[name].append(mebibytes)
    return _result(times, sizes)


def _result(times: Samples, sizes: Samples) -> Result:
    table = tabulate("a fresh interpreter", times, BASE)
    ours = next(row.time.median for row in table.rows if row.name == "cityauth")
    goals = [
        Goal(f"cityauth, times {BASE}", table.ratio("cityauth"), 1.6),
        Goal("cityauth, ms", ours / 1000, 60),
        Goal("cityauth, MiB", median(sizes["cityauth"]), 14),
    ]
    return Result("imports", ABOUT, [table], goals)


def _import(statement: str, environment: dict[str, str]) -> tuple[float, float]:
    code = _TIMED.format(statement=statement)
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    micros, mebibytes = map(float, told.split())
    return micros, mebibytes
