"""One process and two: how many session checks and sign-ins a second they give on one database."""

import json
import logging
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.harness import Samples
from benchmarks.population import PASSWORD
from benchmarks.result import Goal, Result, Table, tabulate

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

ROUNDS = 5
ACCOUNTS = 200
SECONDS = 2.0
"""How long each process works in a round."""

PROCESSES = (1, 2)
JOBS = {"check": "session check", "sign-in": "sign-in at the minimum of OWASP"}
ABOUT = (
    "Each process has one thread that does one thing after the other for two seconds: it checks sessions, or signs people in at the "
    "minimum of OWASP (19 MiB, time cost 2, parallelism 1). The times are those of all processes together: two seconds, divided by what "
    "they did. The server of PostgreSQL shares the cores with them."
)
KEY = bytes(range(32))

_WORKER = """
import json, logging, sys, time
logging.getLogger("cityauth").setLevel(logging.ERROR)
from cityauth import CityAuth, ClientContext
from cityauth.policy import HashProfile, Policy
from cityauth.stores import SqlStore
url, job, seconds, number, people, password = json.loads(sys.argv[1])
store = SqlStore(url)
auth = CityAuth(store, [bytes(range(32))], policy=Policy(hashing=HashProfile.SMALL))
def sign_in(turn):
    name, client = f"p{turn % people}@example.com", ClientContext(f"10.{number}.{turn >> 8 & 255}.{turn & 255}")
    step = auth.login.identify(name)
    return auth.login.submit_password(step.pending, password, client=client).session.token.get_secret_value()
token = sign_in(number)
print("ready", flush=True)
sys.stdin.readline()
done, end = 0, time.monotonic() + seconds
while time.monotonic() < end:
    found = auth.sessions.check(token) if job == "check" else sign_in(10 + number + 2 * done)
    assert found is not None
    done += 1
print(done, flush=True)
store.close()
"""


def measure(rounds: int, people: int) -> Result:
    """Let one process and two have their turns on each database."""
    tables: list[Table] = []
    goals: list[Goal] = []
    with ExitStack() as stack:
        for database, url in _databases(stack, people).items():
            for job, title in JOBS.items():
                times: dict[str, list[float]] = {_name(many): [] for many in PROCESSES}
                for _ in range(rounds):
                    for many in PROCESSES:
                        done = together(url, job, many, people)
                        times[_name(many)].append(SECONDS * 1_000_000 / done)
                tables.append(tabulate(f"{database}, {title}", times, _name(1)))
                goals.append(_goal(f"{database}, {title}", times))
    return Result("processes", ABOUT, tables, goals)


def _goal(title: str, times: Samples) -> Goal:
    one, two = (median(times[_name(many)]) for many in PROCESSES)
    return Goal(
        f"{title}: a second, of two processes; one gives {1_000_000 / one:,.0f}", 1_000_000 / two, 0, least=True
    )


def _name(many: int) -> str:
    return "one process" if many == 1 else f"{many} processes"


def _databases(stack: ExitStack, people: int) -> dict[str, str]:
    """Return the URL of each database, with the people in it."""
    from cityauth import CityAuth, NewAccount
    from cityauth.policy import HashProfile, Policy
    from cityauth.stores import SqlStore
    from servers import PostgresqlServer

    logging.getLogger("cityauth").setLevel(logging.ERROR)
    folder = stack.enter_context(TemporaryDirectory(prefix="cityauth-bench-"))
    server = stack.enter_context(PostgresqlServer(fsync=True))
    urls = {"SQLite": f"sqlite:///{folder}/service.db", "PostgreSQL": server.url()}
    for url in urls.values():
        with SqlStore(url) as store:
            store.create_schema()
            auth = CityAuth(store, [KEY], policy=Policy(hashing=HashProfile.SMALL))
            hashed = auth.passwords.hash(PASSWORD).get_secret_value()  # type: ignore[union-attr]
            for number in range(people):
                name = f"p{number}@example.com"
                auth.accounts.add(NewAccount(name, email=name, password_hash=hashed))
    return urls


def together(url: str, job: str, many: int, people: int) -> int:
    """Return how often *many* processes did the job in `SECONDS`, all of them together."""
    workers = []
    for number in range(many):
        given = json.dumps([url, job, SECONDS, number, people, PASSWORD])
        command = [sys.executable, "-c", _WORKER, given]
        workers.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    try:
        for one in workers:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in workers:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        return sum(int(one.communicate(timeout=60)[0]) for one in workers)
    finally:
        for one in workers:
            one.kill()
            one.communicate()
