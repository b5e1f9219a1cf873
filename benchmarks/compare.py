"""Compare this checkout with another one: ``python benchmarks/compare.py OTHER_FOLDER``, each with its own ``.venv``.

Both do the same jobs in turn, A B B A, each in a process of its own, and what counts is the processor time: so
that whatever else the machine does hits both. The table gives the medians and their ratio.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import thread_time_ns
from typing import IO

HERE = Path(__file__).resolve().parents[1]
ACCOUNTS = 2000
ROUNDS = 40
CALLS = {"session check": 400, "resolve": 400, "sign-in": 40}
"""How often each job is done in a turn."""


def serve(root: str, folder: str) -> None:
    """Do the jobs that are asked for on the standard input, with the library in *root*."""
    sys.path.insert(0, root)
    from benchmarks.peers import Sync
    from benchmarks.peers.ours import Ours
    from benchmarks.population import PASSWORD, email

    peer = Ours(Path(folder) / "people.db", Sync.NORMAL)
    peer.populate(ACCOUNTS)
    people = [email(number) for number in range(100)]
    tokens = [token for token in (peer.sign_in(one, PASSWORD) for one in people) if token]
    jobs = {
        "session check": [(peer.check, (token,)) for token in tokens],
        "resolve": [(peer.resolve, (one,)) for one in people],
        "sign-in": [(peer.sign_in, (one, PASSWORD)) for one in people],
    }
    print("ready", flush=True)
    for line in sys.stdin:
        job = line.strip()
        begun = thread_time_ns()
        for number in range(CALLS[job]):
            call, given = jobs[job][number % 100]
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


def compare(other: Path, jobs: Sequence[str], rounds: int) -> None:
    """Print how long each job takes in both checkouts."""
    with TemporaryDirectory() as ours, TemporaryDirectory() as theirs:
        sides = [Side(HERE, ours), Side(other, theirs)]
        for job in jobs:
            spent: list[list[float]] = [[], []]
            for number in range(rounds):
                for side in (0, 1) if number % 2 else (1, 0):
                    spent[side].append(sides[side].turn(job))
            here, there = map(median, spent)
            print(f"{job:15} here {here:7.1f} us, there {there:7.1f} us, ratio {here / there:.3f}", flush=True)
        for side_ in sides:
            side_.close()


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(*sys.argv[2:])
    else:
        compare(Path(sys.argv[1]).resolve(), sys.argv[2:] or list(CALLS), ROUNDS)
