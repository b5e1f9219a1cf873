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

for line in sys.stdin:
    folder, work, number, when = line.split()
    child = os.fork()
    if child == 0:
        store = SqlStore(f"sqlite:///{folder}/service.db")
        stopping = Stopping(store, int(number), when == "after", act=die)
        move = Move(Service(store=stopping, entropy=SeededEntropy(line.encode())), Path(folder) / "plan.jsonl")
        if when == "within":
            write, left = migration_steps.Write, [int(number)]
            def counting(*given, **named):
                left[0] -= 1
                return die() if left[0] == 0 else write(*given, **named)
            migration_steps.Write = counting
            stopping.at = 0
        getattr(move, work)(batch=3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


RUNS = count()
"""Each process draws random bytes of its own."""


class City(NamedTuple):
    """The folder of a plan, and every account before and after an undisturbed run."""

    folder: Path
    before: Mapping[str, PopulationRow]
    after: Mapping[str, PopulationRow]


@pytest.fixture(scope="module")
def killing() -> Any:
    """A process that lets children of its own work, each of which kills itself at the moment that it is told."""
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


def kill(killing: Any, folder: Path, work: str, number: int, when: str) -> bool:
    """Let a process do the work and kill itself at that moment; return whether it came to it."""
    killing.stdin.write(f"{folder} {work} {number} {when}\n")
    killing.stdin.flush()
    status = int(killing.stdout.readline())
    assert status in {0, -signal.SIGKILL}
    return status != 0


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A plan of people of every class in a folder, and what an undisturbed run makes of them."""
    folder = tmp_path_factory.mktemp("city")
    with SqlStore(f"sqlite:///{folder}/service.db") as store:
        store.create_schema()
        move = Move(Service(store=store), folder / "plan.jsonl")
        fill(move.service)
        move.plan()
        before = population(store)
    calm = tmp_path_factory.mktemp("calm") / "calm"
    shutil.copytree(folder, calm)
    with opened(calm) as move:
        move.apply(batch=3)
        return City(folder, before, population(move.service.store))


@contextmanager
def opened(folder: Path) -> Iterator[Move]:
    """Give the plan in a folder, on its database."""
    with SqlStore(f"sqlite:///{folder}/service.db") as store:
        entropy = SeededEntropy(f"{next(RUNS)}".encode())
        yield Move(Service(store=store, entropy=entropy), folder / "plan.jsonl")


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
        folder = tmp_path / str(seed)
        shutil.copytree(city.folder, folder)
        for work, most, state in (("apply", 14, StepState.APPLIED), ("roll_back", 7, StepState.ROLLED_BACK)):
            when = random.choice(("before", "after", "within"))
            killed += kill(killing, folder, work, random.randint(1, most), when)
            with opened(folder) as move:
                check(move, city, random)
            with opened(folder) as move:
                report = move.apply(batch=3) if work == "apply" else move.roll_back(batch=3)
                assert report.status.steps == {state: 14}
                assert population(move.service.store) == (city.after if work == "apply" else city.before)
                assert move.service.auth.migration.verify(move.id).findings == {}
    assert killed > 15
