"""A whole city once from beginning to end: import, plan, apply, verify, roll back, and rehearse."""

import csv
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import Spread, run_alone
from benchmarks.jobs import import_people, plan, switch
from benchmarks.result import Goal, Result, Row, Table

ROUNDS = 1
ACCOUNTS = 1_000_000

BASE = "raw sqlite3"
OURS = "cityauth"

ABOUT = (
    "Each step runs once, in a process of its own, on the database that the step before has left: the import of a CSV file, and "
    "the plan, the switch, the check, the way back and, since all is as before, the rehearsal. The population has nearly every "
    "class of the plan. One person in "
    "fifty shares an address with another. The floors are those of the jobs `import_people`, `plan` and `switch`, on databases of "
    "the same size. The rehearsal and the check have no floor. Times are processor time for one account; other programs ran on "
    "the machine at the same time, so the memory and the ratios say more than the times. *Commit* is the longest time by the "
    "clock that one commit of the switch and of the way back took, with the wait for the lock."
)

_MIGRATION = """
from cityauth import CityAuth
from cityauth.stores.sql import SqlStore
store = SqlStore(f"sqlite:///{path}", read_only=True)
migration = CityAuth(store, [bytes(range(100, 132))]).migration
"""
_IMPORT = """
from cityauth import CityAuth, ImportOptions, read_people
from cityauth.stores.sql import SqlStore
store = SqlStore(f"sqlite:///{path}")
with open(other, "rb") as file:
    options = ImportOptions(accept_invalid_email=True)
    report = CityAuth(store, [bytes(range(100, 132))]).population.import_people(read_people(file, "csv"), options=options)
assert report.added == report.rows, report
store.close()
"""
_REHEARSE = f"{_MIGRATION}\nassert migration.rehearse(other).holds\n"
_VERIFY = f"{_MIGRATION}\nassert not migration.verify(migration.status()[0].migration.id).findings\n"
_Found = tuple[float, float, float]
_STEPS = {
    "import": (import_people.FLOOR, _IMPORT),
    "plan": (plan.FLOOR, plan.OUR_WORK),
    "apply": (switch.READ + switch.RAW["apply"], switch.OUR_WORK["apply"]),
    "verify": ("", _VERIFY),
    "roll back": (switch.READ + switch.RAW["roll back"], switch.OUR_WORK["roll back"]),
    "rehearse": ("", _REHEARSE),  # after the way back the population is what it was
}
_LIMITS = {"import": 2.5, "plan": 2.5, "apply": 3.0, "roll back": 3.0}


def measure(_rounds: int, accounts: int) -> Result:
    """Run every step once: the floor, where there is one, then cityauth."""
    with TemporaryDirectory(prefix="cityauth-bench-") as folder:
        city, other, people = (Path(folder) / name for name in ("city.db", "other.db", "people.csv"))
        write_people(people, accounts)
        for path in (city, other):
            import_people.create(path)
        floor, ours = {}, {}
        for step, (bare, work) in _STEPS.items():
            if step == "apply":  # the floor carries out the same plan on a copy of the same database
                shutil.copyfile(city, other)
            file = people if step == "import" else city.with_suffix(".jsonl")
            if bare:
                floor[step] = _run(bare, city if step == "plan" else other, file, accounts)
            if step == "plan":
                file.unlink(missing_ok=True)  # cityauth does not replace the file of the floor
            ours[step] = _run(work, city, file, accounts)
            print(f"{step}: {floor.get(step)} {ours[step]}", flush=True)
        return _result(floor, ours, accounts)


def _run(work: str, path: Path, file: Path, accounts: int) -> _Found:
    """Return the processor time for one account, the MiB that the process grew by, and its longest commit."""
    micros, mebibytes, *commit = run_alone(work, plan.IMPORTS, path, file)
    return micros / accounts, mebibytes, max(commit, default=0.0)


def write_people(people: Path, accounts: int) -> None:
    """Write the people of `cityauth.testing.populations.city` as a file for an import."""
    from cityauth.core.import_row import COLUMNS
    from cityauth.testing.populations import city

    with people.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for number, person in enumerate(city(accounts)):
            said, realm = person.source, person.account.realm
            cells = (said.username, said.email, said.contact, said.display_name, said.language, said.status)
            rows.writerow((said.external_id, realm, *cells, import_people.stored_hash(number), "", ""))


def _result(floor: dict[str, _Found], ours: dict[str, _Found], accounts: int) -> Result:
    tables, goals = [], []
    for step, (micros, _, _) in ours.items():
        base = floor[step][0] if step in floor else micros
        name = BASE if step in floor else OURS
        times = {BASE: base, OURS: micros} if step in floor else {OURS: micros}
        rows = [Row(who, _once(time), _once(time / base)) for who, time in times.items()]
        tables.append(Table(f"{step} {accounts:,} accounts, for one account", name, 1, rows))
        if step in _LIMITS:
            goals.append(Goal(f"{step}, times the floor", micros / base, _LIMITS[step]))
    memory, commit = (max(one[place] for one in ours.values()) for place in (1, 2))
    goals += [Goal("MiB that a process grows by", memory, 300), Goal("longest commit in ms", commit, 250)]
    return Result("whole_city", ABOUT, tables, goals)


def _once(value: float) -> Spread:
    return Spread(value, value, value)
