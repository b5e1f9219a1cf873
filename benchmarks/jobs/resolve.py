"""Resolve: find an account by what a person typed."""

from typing import Any

from benchmarks.arena import addresses, arena
from benchmarks.harness import Contender, interleave
from benchmarks.result import Goal, Result, tabulate

ROUNDS = 30
ACCOUNTS = 1_000_000
FEW = 10_000
CALLS = 200
ABOUT = (
    "The key of a typed e-mail address is computed, and the account that holds it is loaded. The other libraries can "
    "compare byte for byte or ignore case; both are measured. Flask-Security ignores case by default, and so does "
    "Django's password reset."
)


def measure(rounds: int, accounts: int) -> Result:
    """Time it among all accounts, and against a small population in the same rounds."""
    small = f"cityauth, {FEW:,} accounts"
    with (
        arena(accounts) as populated,
        populated.peers() as peers,
        arena(FEW, ((small, "ours"),)) as small_one,
        small_one.peers() as few,
    ):
        contenders = [Contender(name, peer.resolve, addresses(accounts), CALLS) for name, peer in peers.items()]
        contenders.append(Contender(small, few[small].resolve, addresses(FEW), CALLS))
        table = tabulate(f"{accounts:,} accounts", interleave(contenders, rounds), "floor")
        scans: list[Any] = ["Django", "Flask-Security"]
        ignoring = [
            Contender("floor", peers["floor"].resolve, addresses(accounts), CALLS),
            *(Contender(name, peers[name].resolve_ignoring_case, addresses(accounts), 1) for name in scans),
        ]
        slow = tabulate(
            f"{accounts:,} accounts, peers ignoring case", interleave(ignoring, max(2, rounds // 6)), "floor"
        )
    goals = [
        Goal("cityauth, times the floor", table.ratio("cityauth"), 4),
        Goal(
            f"cityauth with {accounts:,} accounts, times cityauth with {FEW:,}",
            table.ratio("cityauth") / table.ratio(small),
            1.5,
        ),
    ]
    return Result("resolve", ABOUT, [table, slow], goals)
