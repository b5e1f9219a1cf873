"""The import of a population: cityauth's, beside what an import must do on raw `sqlite3`."""

import base64
import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import Samples, run_alone
from benchmarks.result import Goal, Result, tabulate

ROUNDS = 5
ACCOUNTS = 50_000
BATCH = 1_000
"""People in one commit."""

BASE = "raw sqlite3"
ALIKE = "raw sqlite3 again"
OURS = "cityauth"
TWICE = "cityauth, imported again"

ABOUT = (
    "One import of a whole city from a CSV file in a new process, 1,000 people in one commit. The floor reads the file with the "
    "`csv` module, makes the key of each username and address by `lower()`, digests each stored hash, and writes account, "
    "identifier, source record and a line of the audit trail to the same tables with the same indexes and settings. cityauth "
    "validates every cell, looks for spreadsheet accidents, adopts the hash, and looks for collisions and tombstones as well. Times "
    "are processor time for one row. The memory is the growth of the process."
)

FLOOR = """
import csv, hashlib, os, sqlite3, time
from cityauth.stores.sql import SqlStore
database = sqlite3.connect(path, isolation_level=None)
for line in ("journal_mode = wal", "synchronous = normal", "foreign_keys = on", "secure_delete = on"):
    database.execute("PRAGMA " + line)
def columns(table):
    return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
def insert(table, rows):
    names = list(rows[0])
    marks = ",".join(":" + name for name in names)
    database.executemany(f"INSERT INTO {table} ({','.join(names)}) VALUES ({marks})", rows)
def land(batch):
    database.execute("BEGIN IMMEDIATE")
    at = time.time_ns() // 1000
    accounts, identifiers, sources = [], [], []
    for row in batch:
        account = os.urandom(12).hex()
        accounts.append({"id": account, "realm": row["realm"], "display_name": row["display_name"], "language": row["language"],
            "status": row["status"], "epoch": 0, "contact": row["email"], "phase": None, "password_hash": row["password_hash"],
            "created_at": at, "contact_key": "1:" + row["email"].lower(), "external_id": row["external_id"], "contact_verified": 0,
            "hash_kind": 1})
        identifiers.append({"key": "1:" + row["username"].lower(), "account_id": account, "kind": "username",
            "shown": row["username"], "status": "active", "since": at, "position": 0})
        sources.append({"external_id": row["external_id"], "account_id": account, "username": row["username"], "email": row["email"],
            "contact": "", "display_name": row["display_name"], "language": row["language"], "status": row["status"],
            "hash_digest": hashlib.sha256(row["password_hash"].encode()).hexdigest(), "imported_at": at})
    insert("cityauth_account", accounts)
    insert("cityauth_identifier", identifiers)
    insert("cityauth_source", sources)
    insert("cityauth_event", [{"id": os.urandom(12).hex(), "what": "people.imported", "at": at, "account_id": "", "reason": "",
        "identifier_hash": "", "user_agent": "", "detail": "{}"}])
    database.execute("COMMIT")
batch = []
with open(other, encoding="utf-8", newline="") as file:
    for row in csv.DictReader(file):
        batch.append(row)
        if len(batch) == 1000:
            land(batch)
            batch = []
if batch:
    land(batch)
database.close()
"""
_OURS = """
from cityauth import CityAuth, read_people
from cityauth.stores.sql import SqlStore
store = SqlStore(f"sqlite:///{path}")
with open(other, "rb") as file:
    report = CityAuth(store, [bytes(range(100, 132))]).population.import_people(read_people(file, "csv"))
store.close()
"""
_IMPORTS = "import csv, hashlib, sqlite3; from cityauth import CityAuth; from cityauth.stores.sql import SqlStore"
_WORK = {BASE: FLOOR, ALIKE: FLOOR, OURS: _OURS}


def measure(rounds: int, accounts: int) -> Result:
    """Write one file of people, and let each contender import it into an empty database in each round."""
    with TemporaryDirectory(prefix="cityauth-bench-") as folder:
        people = Path(folder) / "people.csv"
        _write(people, accounts)
        names = (*_WORK, TWICE)
        times: dict[str, list[float]] = {name: [] for name in names}
        sizes: dict[str, list[float]] = {name: [] for name in names}
        for number in range(rounds + 1):
            for name in names:
                path = Path(folder) / f"{'cityauth' if name == TWICE else 'city'}.db"
                if name != TWICE:
                    create(path)
                micros, mebibytes = run_alone(_WORK.get(name, _OURS), _IMPORTS, path, people)
                _check(path, accounts)
                if name == OURS:
                    path.rename(path.with_name("cityauth.db"))
                if number:  # the first round only warms the disk's cache
                    times[name].append(micros / accounts)
                    sizes[name].append(mebibytes)
        return _result(times, sizes, accounts)


def _write(people: Path, accounts: int) -> None:
    """Write a file in which every person has a username, an address and a stored hash."""
    from cityauth.core.import_row import COLUMNS

    with people.open("w", encoding="utf-8") as file:
        file.write(",".join(COLUMNS) + "\n")
        for number in range(accounts):
            name = f"matti.meikalainen{number}"
            stored = stored_hash(number)
            file.write(f"{number},citizen,{name},{name}@example.com,,Matti Meikäläinen,fi,active,{stored},,\n")


def stored_hash(number: int) -> str:
    """Return a hash as Django stores it, another one for each person."""
    digest = base64.b64encode(hashlib.sha256(b"%d" % number).digest()).decode()
    return f"pbkdf2_sha256$260000$suolaa{number}${digest}"


def create(path: Path) -> None:
    """Make a new database with the tables of the store."""
    from cityauth.stores.sql import SqlStore

    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    with SqlStore(f"sqlite:///{path}") as store:
        store.create_schema()


def _check(path: Path, accounts: int) -> None:
    """See that everybody has landed."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as database:
        counts = [
            database.execute(f"SELECT count(*) FROM cityauth_{table}").fetchone()[0]  # noqa: S608 - three names
            for table in ("account", "identifier", "source")
        ]
    assert counts == [accounts] * 3, counts


def _result(times: Samples, sizes: Samples, accounts: int) -> Result:
    table = tabulate(f"an import of {accounts:,} people, for one row", times, BASE)
    goals = [
        Goal("cityauth, times the floor", table.ratio(OURS), 2.5),
        Goal("cityauth, MiB that the process grows by", max(sizes[OURS]), 300),
    ]
    return Result("import_people", ABOUT, [table], goals)
