"""Session check: what each request of a signed-in person costs."""

from benchmarks.arena import arena, tokens
from benchmarks.harness import Contender, interleave
from benchmarks.result import Goal, Result, tabulate

ROUNDS = 40
ACCOUNTS = 1_000_000
CALLS = 200
ABOUT = (
    "The value of a session cookie is checked and its account loaded, as at each request. Library calls, no HTTP. "
    "Flask-Security keeps its session in the signed cookie and loads the account. The others look the session up."
)


def measure(rounds: int, accounts: int) -> Result:
    """Time it on sessions that each contender opened itself, among as many as there are accounts."""
    with arena(accounts) as populated, populated.peers() as peers:
        contenders = [Contender(name, peer.check, tokens(peer, accounts), CALLS) for name, peer in peers.items()]
        table = tabulate(f"{accounts:,} sessions", interleave(contenders, rounds), "floor")
    goals = [
        Goal("cityauth, times the floor", table.ratio("cityauth"), 2.5),
        Goal("Django, times cityauth", table.ratio("Django") / table.ratio("cityauth"), 20, least=True),
    ]
    return Result("session_check", ABOUT, [table], goals)
