"""The contenders of one run, each with its own file of the same people."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.peers import Peer, Sync, load
from benchmarks.population import PASSWORD, email, sample

AGAIN = "floor again"
"""The floor measured against itself: what two equal contenders differ by in this run."""

ENTRANTS = (("floor", "floor"), (AGAIN, "floor"), ("cityauth", "ours"), ("Django", "django"))
FLASK = ("Flask-Security", "flask_security")
SAMPLE = 1000
"""How many persons take part in the timing."""


@contextmanager
def arena(
    accounts: int,
    *,
    sync: Sync = Sync.NORMAL,
    entrants: Sequence[tuple[str, str]] = (*ENTRANTS, FLASK),
    say: Callable[[str], None] = print,
) -> Iterator[dict[str, Peer]]:
    """Populate a database for each of *entrants* (its name in the table, its name in `MODULES`)."""
    with TemporaryDirectory(prefix="cityauth-bench-") as folder, ExitStack() as stack:
        peers: dict[str, Peer] = {}
        for name, module in entrants:
            say(f"{name}: {accounts:,} accounts and sessions")
            peer = load(module)(Path(folder) / f"{len(peers)}.db", sync)
            stack.callback(peer.close)
            peer.populate(accounts)
            peers[name] = peer
        yield peers


def addresses(accounts: int) -> list[tuple[str, str]]:
    """Return what is asked about the sampled persons: the address, which is also the right answer."""
    return [(email(n), email(n)) for n in sample(accounts, SAMPLE)]


def tokens(peer: Peer, accounts: int, count: int) -> list[tuple[str, str]]:
    """Sign sampled persons in and return their tokens, each with whom it belongs to."""
    signed_in = [(peer.sign_in(email(n), PASSWORD), email(n)) for n in sample(accounts, count)]
    return [(token, who) for token, who in signed_in if token is not None]
