"""Interleaved timing: every contender has a turn in every round, so that all share the machine's moods."""

import gc
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter_ns


class WrongAnswerError(AssertionError):
    """A contender did not do its job: its time would mean nothing."""


@dataclass(frozen=True, slots=True)
class Contender:
    """What is timed.

    Attributes:
        name: As it stands in the table.
        call: Does the job once for an argument, and returns whom it found.
        arguments: For each person, the argument and the answer that is right.
        calls: How often it is called in a round.
    """

    name: str
    call: Callable[[str], str | None]
    arguments: Sequence[tuple[str, str]]
    calls: int


Samples = Mapping[str, Sequence[float]]
"""For each contender, its time for one call in each round, in microseconds."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with its 10th and 90th percentile."""

    median: float
    p10: float
    p90: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarize at least two *values*."""
        deciles = quantiles(values, n=10, method="inclusive")
        return cls(median(values), deciles[0], deciles[8])


def interleave(contenders: Sequence[Contender], rounds: int) -> Samples:
    """Time all *contenders* in turn, A B C A B C, after one round that is thrown away.

    Raises:
        WrongAnswerError: a call found nobody, or another person.
    """
    samples: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for contender in contenders:
        _turn(contender, 0)
    gc.collect()
    gc.freeze()  # what was loaded is not scanned again and again at the cost of whoever has the turn
    try:
        for number in range(1, rounds + 1):
            for contender in contenders:
                samples[contender.name].append(_turn(contender, number))
    finally:
        gc.unfreeze()
    return samples


def _turn(contender: Contender, number: int) -> float:
    """Return the median time of one call in this turn, in microseconds: whoever else uses the machine hits some calls only."""
    call, every = contender.call, contender.arguments
    first = number * contender.calls
    spent: list[int] = []
    gc.collect()
    for index in range(first, first + contender.calls):
        argument, right = every[index % len(every)]
        started = perf_counter_ns()
        answer = call(argument)
        spent.append(perf_counter_ns() - started)
        if answer != right:
            raise WrongAnswerError(contender.name)
    return median(spent) / 1000


def without(samples: Samples, name: str) -> Samples:
    """Take the time of *name* off everybody else's, round by round."""
    taken = samples[name]
    return {
        other: [one - part for one, part in zip(series, taken, strict=True)]
        for other, series in samples.items()
        if other != name
    }


def ratios(samples: Samples, base: str) -> Mapping[str, Spread]:
    """Return how many times *base* each contender takes, paired by round."""
    return {
        name: Spread.of([one / unit for one, unit in zip(series, samples[base], strict=True)])
        for name, series in samples.items()
    }


_ALONE = """
import sys, time
path, other = sys.argv[1:]
{imports}
def peak():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
extra, before = [], peak()
started = time.process_time_ns()
{work}
spent = time.process_time_ns() - started
print(spent / 1000, (peak() - before) / 1024, *extra)
"""


def run_alone(work: str, imports: str, path: Path, other: Path) -> tuple[float, ...]:
    """Run the script *work* in a process of its own, after *imports*, which are not timed.

    The script finds the two paths as ``path`` and ``other``, and may put further numbers into the list ``extra``.

    Returns:
        Its processor time in microseconds, the growth of its memory in MiB, and what is in ``extra``.
    """
    command = [sys.executable, "-c", _ALONE.format(imports=imports, work=work), str(path), str(other)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1800).stdout
    return tuple(map(float, printed.split()))
