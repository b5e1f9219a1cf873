"""The contenders of one run, each with its own file of the same people."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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


class Arena:
    """A populated database for each entrant, in one folder."""

    def __init__(self, folder: Path, accounts: int, entrants: Sequence[tuple[str, str]] = (*ENTRANTS, FLASK)) -> None:
        """Populate for each of *entrants*: its name in the table, its name in `MODULES`."""
        self._files = {name: (module, folder / f"{place}.db") for place, (name, module) in enumerate(entrants)}
        for name, peer in self._open(Sync.NORMAL).items():
            print(f"{name}: {accounts:,} accounts and sessions", flush=True)
            peer.populate(accounts)
            peer.close()
        os.sync()  # so that nobody's turn pays for what is still to be written

    @contextmanager
    def peers(self, sync: Sync = Sync.NORMAL) -> Iterator[dict[str, Peer]]:
        """Open everybody's database."""
        opened = self._open(sync)
        try:
            yield opened
        finally:
            for peer in opened.values():
                peer.close()

    def _open(self, sync: Sync) -> dict[str, Peer]:
        return {name: load(module)(path, sync) for name, (module, path) in self._files.items()}


@contextmanager
def arena(accounts: int, entrants: Sequence[tuple[str, str]] = (*ENTRANTS, FLASK)) -> Iterator[Arena]:
    """Give an `Arena` in a temporary folder."""
    with TemporaryDirectory(prefix="cityauth-bench-") as folder:
        yield Arena(Path(folder), accounts, entrants)


def addresses(accounts: int) -> list[tuple[str, str]]:
    """Return what is asked about the sampled persons: the address, which is also the right answer."""
    return [(email(n), email(n)) for n in sample(accounts, SAMPLE)]


def tokens(peer: Peer, accounts: int) -> list[tuple[str, str]]:
    """Sign sampled persons in and return their tokens, each with whom it belongs to."""
    signed_in = [(peer.sign_in(email(n), PASSWORD), email(n)) for n in sample(accounts, SAMPLE)]
    return [(token, who) for token, who in signed_in if token is not None]
