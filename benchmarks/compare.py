"""Compare this checkout with another one: ``python benchmarks/compare.py OTHER_FOLDER``, each with its own ``.venv``.

Three processes do the same jobs in turn: one of this checkout, and two of the other, which show what two equal
sides differ by. All share one core. The turns are short, their order changes, and what counts is the processor time,
so that whatever else the machine does hits all sides. The table gives the medians and the ratios, paired by block of
rounds, with the 10th and the 90th percentile of the blocks.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import thread_time_ns
from typing import IO

HERE = Path(__file__).resolve().parents[1]
ACCOUNTS = 2000
BLOCKS = 30
ROUNDS = 36
"""How many rounds a block has."""
CALLS = {"session check": 40, "resolve": 40, "sign-in": 4}
"""How often each job is done in a turn."""


def serve(root: str, folder: str) -> None:
    """Do the jobs that are asked for on the standard input, with the library in *root*."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sys.path.insert(0, root)
    from benchmarks.peers import Sync
    from benchmarks.peers.ours import Ours
    from benchmarks.population import PASSWORD, email

    peer = Ours(Path(folder) / "people.db", Sync.NORMAL)
    peer.populate(ACCOUNTS)
    people = [email(number) for number in range(ACCOUNTS)]  # each signs in seldom enough for every limit
    tokens = [token for token in (peer.sign_in(one, PASSWORD) for one in people[:100]) if token]
    jobs = {
        "session check": cycle([(peer.check, (token,)) for token in tokens]),
        "resolve": cycle([(peer.resolve, (one,)) for one in people[:100]]),
        "sign-in": cycle([(peer.sign_in, (one, PASSWORD)) for one in people]),
    }
    print("ready", flush=True)
    for line in sys.stdin:
        job = line.strip()
        begun = thread_time_ns()
        for _ in range(CALLS[job]):
            call, given = next(jobs[job])
            assert call(*given), job
        print((thread_time_ns() - begun) / CALLS[job] / 1000, flush=True)


class Side:
    """One checkout, in a process of its own."""

    def __init__(self, root: Path, folder: str) -> None:
        """Start it."""
        command = [str(root / ".venv/bin/python"), __file__, "--serve", str(root), folder]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
        self._line()

    def turn(self, job: str) -> float:
        """Return the processor time of one call in microseconds."""
        print(job, file=self._stdin(), flush=True)
        return float(self._line())

    def close(self) -> None:
        """End it."""
        self._stdin().close()
        self.process.wait(timeout=60)

    def _stdin(self) -> IO[str]:
        assert self.process.stdin
        return self.process.stdin

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()


def compare(other: Path, jobs: Sequence[str]) -> None:
    """Print how long each job takes in both checkouts."""
    with TemporaryDirectory() as folder:
        roots = {"here": HERE, "there": other, "there again": other}
        sides = {name: Side(root, make_folder(Path(folder) / name)) for name, root in roots.items()}
        for job in jobs:
            spent = take_turns(sides, job)
            print(f"{job}: " + ", ".join(f"{name} {median(spent[name]):.1f} us" for name in sides))
            for name in ("here", "there again"):
                print(f"    {name:11} / there: {ratio_of(spent[name], spent['there'])}", flush=True)
        for side in sides.values():
            side.close()


def make_folder(path: Path) -> str:
    """Make a folder and return its path."""
    path.mkdir()
    return str(path)


def take_turns(sides: Mapping[str, Side], job: str) -> dict[str, list[float]]:
    """Return the median time of one call in each block, for each side."""
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(BLOCKS):
        for name, times in take_block(sides, job).items():
            spent[name].append(median(times))
    return spent


def take_block(sides: Mapping[str, Side], job: str) -> dict[str, list[float]]:
    """Return the time of one call in each round, for each side. Each side is as often the first as the others."""
    names = list(sides)
    spent: dict[str, list[float]] = {name: [] for name in names}
    for number in range(ROUNDS):
        first = number % len(names)
        order = names[first:] + names[:first]
        for name in order if number // len(names) % 2 else reversed(order):
            spent[name].append(sides[name].turn(job))
    return spent


def ratio_of(times: Sequence[float], base: Sequence[float]) -> str:
    """Return the median of the ratios of *times* to *base*, with their 10th and 90th percentile, as text."""
    paired = [one / unit for one, unit in zip(times, base, strict=True)]
    deciles = quantiles(paired, n=10, method="inclusive")
    return f"{median(paired):.3f} ({deciles[0]:.3f} to {deciles[8]:.3f})"


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(*sys.argv[2:])
    else:
        compare(Path(sys.argv[1]).resolve(), sys.argv[2:] or list(CALLS))
