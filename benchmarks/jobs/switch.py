"""The switch of a whole population and its way back, beside the bare statements on raw `sqlite3`."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import Samples, run_alone
from benchmarks.jobs.plan import fill
from benchmarks.result import Goal, Result, tabulate

ROUNDS = 3
ACCOUNTS = 50_000

BASE = "raw sqlite3"
AGAIN = "raw sqlite3 again"
JOURNALED = "raw sqlite3 with a journal"
OURS = "cityauth"

ABOUT = (
    "A plan is carried out and taken back, each in a new process and on a copy of its own of the same file. The floor takes the "
    "accounts that move from the plan, inserts their identifiers and sets their phases by two statements in one transaction, and "
    "deletes and resets them by two more. It has the settings of the store, such as foreign keys, and writes no journal: nobody "
    "could resume it or say what it did. *With a journal* it writes the same rows of the journal as well, 500 in one transaction, and "
    "marks them as done, but compares nothing. cityauth reads the plan, writes the journal, compares every step with its account, and "
    "commits 500 accounts at a time. Times are processor time for one account of the plan. *Commit* is the longest time by the "
    "clock that one commit took, with the wait for the lock."
)

READ = """
import json, sqlite3
database = sqlite3.connect(path, isolation_level=None)
for line in ("journal_mode = wal", "synchronous = normal", "foreign_keys = on", "secure_delete = on"):
    database.execute("PRAGMA " + line)
database.execute("CREATE TEMP TABLE moving (id TEXT PRIMARY KEY, key TEXT, shown TEXT) WITHOUT ROWID")
with open(other) as lines:
    next(lines)
    rows = ((one["account"], one["key"], one["identifier"]) for one in map(json.loads, lines) if one["class"] == "ready")
    database.executemany("INSERT INTO moving VALUES (?, ?, ?)", rows)
"""
RAW = {
    "apply": """
database.execute("BEGIN IMMEDIATE")
database.execute("INSERT INTO cityauth_identifier SELECT key, id, 'email', shown, 'active', 0, 1 FROM moving")
database.execute("UPDATE cityauth_account SET phase = 'email_preferred' WHERE id IN (SELECT id FROM moving)")
database.execute("COMMIT")
""",
    "roll back": """
database.execute("BEGIN IMMEDIATE")
database.execute("DELETE FROM cityauth_identifier WHERE key IN (SELECT key FROM moving)")
database.execute("UPDATE cityauth_account SET phase = NULL WHERE id IN (SELECT id FROM moving)")
database.execute("COMMIT")
""",
}
_JOURNAL = """
from itertools import islice
STEP = ("bench", "move", "email", "email_preferred", False, "planned", "", "")
COLUMNS = ("migration_id, action, kind, phase_after, may_share, state, refusal, actor, account_id, external_id, account_class, shown, "
    "key, contact_before, contact_after, phase_before")
database.execute("INSERT INTO cityauth_migration (id, digest, state, phase, total, actor, began_at) "
    "VALUES ('bench', '', 'applying', 'email_preferred', 0, 'bench', 0)")
with open(other) as lines:
    next(lines)
    while page := [json.loads(line) for line in islice(lines, 500)]:
        page = [one for one in page if one["class"] == "ready"]
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO moving VALUES (?, ?, ?)", [(one["account"], one["key"], one["identifier"]) for one in page])
        database.executemany(f"INSERT INTO cityauth_migration_step ({COLUMNS}) VALUES ({', '.join('?' * 16)})", [
            (*STEP, one["account"], one["external_id"], one["class"], one["identifier"], one["key"], one["contact"],
                one["identifier"], one["phase"]) for one in page])
        database.execute("COMMIT")
"""
_MARK = """
database.execute("UPDATE cityauth_migration_step SET state = '{}', actor = 'bench', at = 0")
"""
_JOURNALED = {
    "apply": READ.partition("with open")[0] + _JOURNAL + RAW["apply"] + _MARK.format("applied"),
    "roll back": READ + RAW["roll back"] + _MARK.format("rolled_back"),
}
_OPEN = """
from cityauth import CityAuth
from cityauth.stores.sql import SqlStore
store = SqlStore(f"sqlite:///{path}")
auth = CityAuth(store, [bytes(range(100, 132))])
commit = store.commit
extra.append(0.0)
def timed(changes):
    begun = time.perf_counter()
    outcome = commit(changes)
    extra[0] = max(extra[0], (time.perf_counter() - begun) * 1000)
    return outcome
for answers in (auth.migration._answers,):
    for method, answer in answers.items():
        if answer == commit:
            answers[method] = timed
"""
OUR_WORK = {
    "apply": _OPEN + "auth.migration.apply(other, actor='bench')",
    "roll back": _OPEN + "auth.migration.roll_back(auth.migration.status()[0].migration.id, actor='bench')",
}
_IMPORTS = "import json, sqlite3; from cityauth import CityAuth; from cityauth.stores.sql import SqlStore"
_PLAN = """
store = SqlStore(f"sqlite:///{path}", read_only=True)
CityAuth(store, [bytes(range(100, 132))]).migration.plan(other)
"""


def measure(rounds: int, accounts: int) -> Result:
    """Fill one database, plan it, and let each contender apply and roll back its own copy in each round."""
    with TemporaryDirectory(prefix="cityauth-bench-") as folder:
        path = Path(folder) / "city.db"
        fill(path, accounts)
        plan = path.with_suffix(".jsonl")
        run_alone(_PLAN, _IMPORTS, path, plan)
        names = (BASE, AGAIN, JOURNALED, OURS)
        times: dict[str, dict[str, list[float]]] = {job: {name: [] for name in names} for job in RAW}
        bare = {job: READ + work for job, work in RAW.items()}
        memory, commits = [0.0], [0.0]
        for number in range(rounds + 1):
            for name in names:
                copy = Path(folder) / "copy.db"
                shutil.copyfile(path, copy)
                for job, samples in times.items():
                    work = {OURS: OUR_WORK, JOURNALED: _JOURNALED}.get(name, bare)[job]
                    micros, mebibytes, *longest = run_alone(work, _IMPORTS, copy, plan)
                    if number:  # the first round only warms the disk's cache
                        samples[name].append(micros / accounts)
                        memory += [mebibytes] * (name == OURS)
                        commits += longest
                for file in Path(folder).glob("copy.db*"):
                    file.unlink()
        return _result(times, max(memory), max(commits), accounts)


def _result(times: Mapping[str, Samples], memory: float, commit: float, accounts: int) -> Result:
    tables = [
        tabulate(f"{job} a plan of {accounts:,} accounts, for one account", samples, BASE)
        for job, samples in times.items()
    ]
    goals = [Goal(f"{table.title.split(' a plan')[0]}, times the floor", table.ratio(OURS), 3.0) for table in tables]
    goals += [Goal("MiB that the process grows by", memory, 300), Goal("longest commit in ms", commit, 250)]
    return Result("switch", ABOUT, tables, goals)
