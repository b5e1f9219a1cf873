"""The plan of a population's move: cityauth's, beside what a plan must do on raw `sqlite3`."""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import Samples, WrongAnswerError, run_alone
from benchmarks.result import Goal, Result, tabulate

ROUNDS = 5
ACCOUNTS = 50_000
BATCH = 2_000
"""People that are stored in one commit."""

BASE = "raw sqlite3"
AGAIN = "raw sqlite3 again"
OURS = "cityauth"

ABOUT = (
    "One plan of a whole city in a new process: one account in fifty shares its address with another. The floor reads every "
    "account with its identifiers from the same file, makes the key of each address by `lower()`, finds every collision by joins "
    "on indexes, and writes a line of JSON for each account. cityauth validates and classifies, finds look-alikes and misspelt "
    "domains, and writes checksums as well. Times are processor time for one account. The memory is the growth of the process."
)

FLOOR = """
import json, sqlite3
database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
held = {}
SHARED = "SELECT a.id, b.external_id FROM cityauth_account a JOIN cityauth_account b ON b.contact_key = a.contact_key AND b.id <> a.id"
TAKEN = "SELECT a.id, i.kind, i.account_id FROM cityauth_account a JOIN cityauth_identifier i ON i.key = a.contact_key AND i.account_id <> a.id"
NAMED = "SELECT i.account_id, a.external_id FROM cityauth_identifier i JOIN cityauth_account a ON a.contact_key = i.key AND a.id <> i.account_id"
for query in (SHARED, TAKEN, NAMED):
    for account, *rest in database.execute(query):
        held.setdefault(account, []).append(rest[-1])
emails = {account for account, in database.execute("SELECT account_id FROM cityauth_identifier WHERE kind = 'email'")}
names = database.execute("SELECT account_id, key, status FROM cityauth_identifier ORDER BY account_id, position")
people = database.execute("SELECT id, external_id, realm, status, contact, contact_key, phase FROM cityauth_account ORDER BY id")
with open(other, "w") as lines:
    for account, external_id, realm, status, contact, key, phase in people:
        next(names, None)
        free = key and status == "active" and realm == "citizen" and account not in held and account not in emails
        named = "ready" if free else "other"
        line = {"account": account, "external_id": external_id, "class": named, "reasons": [], "identifier": contact,
                "with": held.get(account, []), "key": contact and "1:" + contact.lower(), "contact": contact, "phase": phase}
        lines.write(json.dumps(line) + "\\n")
"""
OUR_WORK = """
from cityauth import CityAuth
from cityauth.stores.sql import SqlStore
store = SqlStore(f"sqlite:///{path}", read_only=True)
CityAuth(store, [bytes(range(100, 132))]).migration.plan(other)
store.close()
"""
IMPORTS = "import json, sqlite3; from cityauth import CityAuth; from cityauth.stores.sql import SqlStore"
_WORK = {BASE: FLOOR, AGAIN: FLOOR, OURS: OUR_WORK}


def measure(rounds: int, accounts: int) -> Result:
    """Fill one database, and let each contender plan it in each round."""
    with TemporaryDirectory(prefix="cityauth-bench-") as folder:
        path = Path(folder) / "city.db"
        fill(path, accounts)
        times: dict[str, list[float]] = {name: [] for name in _WORK}
        sizes: dict[str, list[float]] = {name: [] for name in _WORK}
        right: set[str] = set()
        for number in range(rounds + 1):
            for name, work in _WORK.items():
                micros, mebibytes, ready = _plan(work, path)
                if number:  # the first round only warms the disk's cache
                    times[name].append(micros / accounts)
                    sizes[name].append(mebibytes)
                right = right or ready
                if ready != right:
                    raise WrongAnswerError(name)
        return _result(times, sizes, accounts)


def fill(path: Path, accounts: int) -> None:
    """Store the people of a whole city in a new database."""
    from cityauth.stores.sql import SqlStore
    from cityauth.testing.populations import city, store_people

    with SqlStore(f"sqlite:///{path}") as store:
        store.create_schema()
        batch = []
        for person in city(accounts):
            batch.append(person)
            if len(batch) == BATCH:
                store_people(store, batch)
                batch.clear()
        if batch:
            store_people(store, batch)
    os.sync()


def _plan(work: str, path: Path) -> tuple[float, float, set[str]]:
    """Run one contender in a process of its own; return its processor time, the growth of its memory, and who is ready."""
    path.with_suffix(".jsonl").unlink(missing_ok=True)  # cityauth does not replace the file of the floor
    micros, mebibytes = run_alone(work, IMPORTS, path, path.with_suffix(".jsonl"))
    lines = map(json.loads, path.with_suffix(".jsonl").read_text(encoding="ascii").splitlines())
    return micros, mebibytes, {line["account"] for line in lines if line.get("class") == "ready"}


def _result(times: Samples, sizes: Samples, accounts: int) -> Result:
    table = tabulate(f"a plan of {accounts:,} accounts, for one account", times, BASE)
    goals = [
        Goal("cityauth, times the floor", table.ratio(OURS), 2.5),
        Goal("cityauth, MiB that the process grows by", max(sizes[OURS]), 300),
    ]
    return Result("plan", ABOUT, [table], goals)
