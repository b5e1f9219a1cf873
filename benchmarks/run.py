"""Measure a job: ``python benchmarks/run.py JOB [--rounds N] [--accounts N]``, or write the page: ``... docs``."""

import argparse
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, from wherever

from benchmarks import page
from benchmarks.result import RESULTS, render, render_goals, write

JOBS = (
    "sign_in",
    "session_check",
    "resolve",
    "identifier_key",
    "imports",
    "import_people",
    "plan",
    "whole_city",
    "sign_in_meanwhile",
    "switch",
    "storm",
    "equal_time",
    "postgresql_check",
    "processes",
)


def main() -> None:
    """Measure, print, write JSON; or make docs/performance.md of what was written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=[*JOBS, "docs"])
    parser.add_argument("--rounds", type=int, help="turns that everybody has")
    parser.add_argument("--accounts", type=int, help="people in each database")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for the JSON")
    given = parser.parse_args()
    if given.job == "docs":
        page.write()
        return
    job = import_module(f"benchmarks.jobs.{given.job}")
    result = job.measure(given.rounds or job.ROUNDS, given.accounts or job.ACCOUNTS)
    for table in result.tables:
        print(f"\n{table.title}, {table.rounds} rounds\n\n{render(table)}")
    print(f"\n{render_goals(result.goals)}")
    given.output.mkdir(parents=True, exist_ok=True)
    print(f"\nwritten to {write(result, given.output)}")


if __name__ == "__main__":
    main()
