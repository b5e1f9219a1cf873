"""Sign-in: what a library does around the hash."""

from collections.abc import Callable

from benchmarks.arena import Arena, addresses, arena
from benchmarks.harness import Contender, Samples, interleave, without
from benchmarks.peers import Peer, Sync
from benchmarks.peers.floor import evaluate
from benchmarks.population import PASSWORD
from benchmarks.result import Goal, Result, Table, tabulate

ROUNDS = 30
ACCOUNTS = 1_000_000
HASH = "the hash alone"
CALLS = 40
ABOUT = (
    "One successful sign-in: find the account, verify the password, store the session, return the cookie's value. "
    "Library calls, no HTTP. All libraries run Argon2id with the same parameters (memory cost 8 KiB, time cost 1, "
    "parallelism 1). The time of Argon2id alone is measured in each round and subtracted. The floor writes a session and a line of "
    "an audit trail in one transaction. All use SQLite in WAL mode. With `synchronous=full` each commit waits for "
    "the disk."
)


def measure(rounds: int, accounts: int) -> Result:
    """Time it with both settings of ``synchronous``."""
    with arena(accounts) as populated:
        tables = {sync: _table(populated, rounds, accounts, sync) for sync in Sync}
    normal, full = tables[Sync.NORMAL], tables[Sync.FULL]
    best_peer = min(normal.ratio("Django"), normal.ratio("Flask-Security"))
    goals = [
        Goal("cityauth, times the floor", normal.ratio("cityauth"), 6),
        Goal("cityauth, times the fastest peer", normal.ratio("cityauth") / best_peer, 0.2),
        Goal("cityauth, times the floor where each commit waits for the disk", full.ratio("cityauth"), 1.4),
    ]
    return Result("sign_in", ABOUT, [normal, full], goals)


def _table(populated: Arena, rounds: int, accounts: int, sync: Sync) -> Table:
    with populated.peers(sync) as peers:
        samples = _time(peers, rounds, accounts)
        return tabulate(f"{accounts:,} accounts, `synchronous={sync.value}`", samples, "floor")


def _time(peers: dict[str, Peer], rounds: int, accounts: int) -> Samples:
    people = addresses(accounts)
    bare = Contender(HASH, _evaluate, people, CALLS)
    contenders = [Contender(name, _signer(peer), people, CALLS) for name, peer in peers.items()]
    return without(interleave([bare, *contenders], rounds), HASH)


def _signer(peer: Peer) -> Callable[[str], str | None]:
    return lambda who: who if peer.sign_in(who, PASSWORD) else None


def _evaluate(who: str) -> str:
    evaluate(PASSWORD)
    return who
