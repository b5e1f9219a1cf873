"""What a job found, as JSON and as a table."""

import importlib.metadata
import json
import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.harness import Samples, Spread, ratios

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("argon2-cffi", "cityauth", "django", "flask", "flask-security-too", "flask-sqlalchemy", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Row:
    """One contender's time for one call in microseconds, and how many times the base it is."""

    name: str
    time: Spread
    ratio: Spread


@dataclass(frozen=True, slots=True)
class Table:
    """One comparison.

    Attributes:
        title: What was compared.
        base: The contender that the ratios refer to.
        rounds: How many turns everybody had.
        rows: The contenders, in the order of their turns.
    """

    title: str
    base: str
    rounds: int
    rows: Sequence[Row]

    def ratio(self, name: str) -> float:
        """Return the median ratio of *name* to the base."""
        return next(row.ratio.median for row in self.rows if row.name == name)


@dataclass(frozen=True, slots=True)
class Goal:
    """What was aimed at: *measured* is at most (or, with *least*, at least) *limit*."""

    text: str
    measured: float
    limit: float
    least: bool = False

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.measured >= self.limit if self.least else self.measured <= self.limit


@dataclass(frozen=True, slots=True)
class Result:
    """All that one job found.

    Attributes:
        job: Its name.
        about: What was timed, in a few sentences.
        tables: The comparisons.
        goals: What was aimed at.
        versions: Of Python, SQLite and the packages.
        machine: The processor and the number of cores.
    """

    job: str
    about: str
    tables: Sequence[Table]
    goals: Sequence[Goal]
    versions: Mapping[str, str] = field(default_factory=lambda: _versions())
    machine: Mapping[str, str] = field(default_factory=lambda: _machine())


def tabulate(title: str, samples: Samples, base: str) -> Table:
    """Summarize *samples* as a table with ratios to *base*."""
    factors = ratios(samples, base)
    rows = [Row(name, Spread.of(series), factors[name]) for name, series in samples.items()]
    return Table(title, base, len(samples[base]), rows)


def write(result: Result, folder: Path = RESULTS) -> Path:
    """Write *result* as JSON and return where to."""
    path = folder / f"{result.job}.json"
    told = asdict(result)
    for goal, one in zip(told["goals"], result.goals, strict=True):
        goal["met"] = one.met
    path.write_text(json.dumps(_rounded(told), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> Result:
    """Read what `write` wrote."""
    told = json.loads(path.read_text(encoding="utf-8"))
    tables = [
        Table(
            table["title"],
            table["base"],
            table["rounds"],
            [Row(row["name"], Spread(**row["time"]), Spread(**row["ratio"])) for row in table["rows"]],
        )
        for table in told["tables"]
    ]
    goals = [Goal(goal["text"], goal["measured"], goal["limit"], goal["least"]) for goal in told["goals"]]
    return Result(told["job"], told["about"], tables, goals, told["versions"], told["machine"])


def render(table: Table) -> str:
    """Return *table* in Markdown; times in microseconds, the 10th and 90th percentile in brackets."""
    lines = [f"| | µs | × {table.base} |", "|---|---:|---:|"]
    lines += [f"| {row.name} | {_spread(row.time, 1)} | {_spread(row.ratio, 2)} |" for row in table.rows]
    return "\n".join(lines)


def render_goals(goals: Sequence[Goal]) -> str:
    """Return *goals* in Markdown."""
    lines = ["| goal | measured | |", "|---|---:|---|"]
    for goal in goals:
        sign = "≥" if goal.least else "≤"
        verdict = "reached" if goal.met else "**missed**"
        lines.append(f"| {goal.text}: {sign} {goal.limit:g} | {goal.measured:.2f} | {verdict} |")
    return "\n".join(lines)


def _spread(spread: Spread, digits: int) -> str:
    middle, low, high = (f"{value:,.{digits}f}" for value in (spread.median, spread.p10, spread.p90))
    return f"{middle} ({low} to {high})"


def _rounded(told: object) -> object:
    if isinstance(told, float):
        return round(told, 3)
    if isinstance(told, dict):
        return {name: _rounded(value) for name, value in told.items()}
    return [_rounded(value) for value in told] if isinstance(told, list) else told


def _versions() -> Mapping[str, str]:
    found = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _machine() -> Mapping[str, str]:
    model = platform.machine()
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        lines = listed.read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return {"processor": model, "cores": str(os.cpu_count()), "system": platform.system()}
