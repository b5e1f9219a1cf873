"""A migration whose process is killed: the next one goes on, and everybody is in one valid state meanwhile."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import psycopg
import pytest

from cityauth.core.login import Authenticated
from cityauth.core.migration import StepState
from cityauth.core.population import PopulationRow
from cityauth.stores.sql import SqlStore
from tests.support.fakes import SeededEntropy
from tests.support.moves import MOVED, Move, fill, leads_to, population
from tests.support.service import Service

PROCESS = """
import os, signal, sys
from tests.support.fakes import SeededEntropy
from tests.support.moves import Move, Stopping
from tests.support.service import Service
from cityauth.stores.sql import SqlStore
from cityauth.stores.sql import migration_steps
from pathlib import Path

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def work(line, url, plan, name, number, when):
    with SqlStore(url, statement_timeout=30) as store:
        stopping = Stopping(store, int(number), when == "after", act=die)
        move = Move(Service(store=stopping, entropy=SeededEntropy(line.encode())), Path(plan))
        if when == "within":
            write, left = migration_steps.Write, [int(number)]
            def counting(*given, **named):
                left[0] -= 1
                return die() if left[0] == 0 else write(*given, **named)
            migration_steps.Write = counting
            stopping.at = 0
        getattr(move, name)(batch=3)

for line in sys.stdin:
    if line.split()[-1] == "calm":  # here, so that every child has the statements compiled
        work(line, *line.split())
        print(0, flush=True)
        continue
    child = os.fork()
    if child == 0:
        work(line, *line.split())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


RUNS = count()
"""Each process draws random bytes of its own."""


class City(NamedTuple):
    """A database, the file of a plan, and every account before and after an undisturbed run."""

    url: str
    plan: Path
    before: Mapping[str, PopulationRow]
    after: Mapping[str, PopulationRow]

    @contextmanager
    def opened(self) -> Iterator[Move]:
        """Give the plan, on its database."""
        with SqlStore(self.url, statement_timeout=30) as store:
            entropy = SeededEntropy(f"{next(RUNS)}".encode())
            yield Move(Service(store=store, entropy=entropy), self.plan)

    def fresh(self, folder: Path) -> "City":
        """Return the city before the move, with a plan in *folder*: a copy of the file, or the server's database, in which everything was taken back."""
        plan = folder / "plan.jsonl"
        if self.url.startswith("sqlite"):
            shutil.copytree(self.plan.parent, folder)
            return self._replace(url=f"sqlite:///{folder}/service.db", plan=plan)
        folder.mkdir()
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(b"DELETE FROM cityauth_migration_step; DELETE FROM cityauth_migration")
            connection.execute(b"DELETE FROM cityauth_event")
        fresh = self._replace(plan=plan)
        with fresh.opened() as move:
            move.plan()
        return fresh


@pytest.fixture(scope="module")
def killing() -> Any:
    """A process that lets children of its own work, each of which kills itself at the moment that it is given."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
        process.communicate(timeout=60)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate(timeout=60)


def kill(killing: Any, city: City, work: str, number: int, when: str) -> bool:
    """Let a process do the work and kill itself at that moment; return whether it came to it."""
    killing.stdin.write(f"{city.url} {city.plan} {work} {number} {when}\n")
    killing.stdin.flush()
    status = int(killing.stdout.readline())
    assert status in {0, -signal.SIGKILL}
    return status != 0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def city(request: pytest.FixtureRequest, killing: Any, tmp_path_factory: pytest.TempPathFactory) -> City:
    """A plan of people of every class, and what an undisturbed run makes of them."""
    folder = tmp_path_factory.mktemp("city")
    url = f"sqlite:///{folder}/service.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").empty("killed")
    made = City(url, folder / "plan.jsonl", {}, {})
    with made.opened() as move:
        move.service.store.create_schema()
        fill(move.service)
        move.plan()
        made = made._replace(before=population(move.service.store))
    calm = made.fresh(tmp_path_factory.mktemp("calm") / "calm")
    kill(killing, calm, "apply", 0, "calm")
    with calm.opened() as move:
        made = made._replace(after=population(move.service.store))
    kill(killing, calm, "roll_back", 0, "calm")
    return made


def check(move: Move, city: City, random: Random) -> None:
    """See that everybody is as before or as after the step, and signs in by the username."""
    now = population(move.service.store)
    assert now.keys() == city.before.keys()
    for name, row in now.items():
        assert row in (city.before[name], city.after[name]), name
    held = {
        name: row.account_identifiers[0].identifier.shown for name, row in city.before.items() if name != "nameless"
    }
    assert {name: leads_to(move.service, shown) for name, shown in held.items()} == {name: name for name in held}
    name = random.choice(sorted(MOVED - {"nameless"}))
    assert isinstance(move.service.attempt(held[name]), Authenticated), name


@pytest.mark.parametrize("ten", range(10))
def test_a_kill_at_any_moment_is_gone_on_from(ten: int, city: City, killing: Any, tmp_path: Path) -> None:
    """Kill -9 before, after or within a commit, for each of 100 seeds: everybody is whole and signs in, the next run ends as an undisturbed one, and so does the way back (C-18)."""
    killed = 0
    for seed in range(10 * ten, 10 * ten + 10):
        random = Random(seed)
        here = city.fresh(tmp_path / str(seed))
        for work, most, state in (("apply", 14, StepState.APPLIED), ("roll_back", 7, StepState.ROLLED_BACK)):
            when = random.choice(("before", "after", "within"))
            killed += kill(killing, here, work, random.randint(1, most), when)
            with here.opened() as move:
                check(move, city, random)
            with here.opened() as move:
                report = move.apply(batch=3) if work == "apply" else move.roll_back(batch=3)
                assert report.status.steps == {state: 14}
                assert population(move.service.store) == (city.after if work == "apply" else city.before)
                assert move.service.auth.migration.verify(move.id).findings == {}
    assert killed > 15
