"""yescrypt by the system's libcrypt, against hashes that the Python package pyescrypt 0.1 made."""

import pytest

from cityauth.core.hashing import HashDefect
from cityauth.errors import HasherBusyError
from cityauth.hashing import yescrypt
from cityauth.hashing.hasher import Argon2Hasher
from cityauth.policy import HashLimits, HashProfile
from cityauth.ports.services import Verdict
from tests.support.hashes import password

CHEAP = HashProfile(memory_cost=64, time_cost=1, parallelism=1)
HASHER = Argon2Hasher(CHEAP)
MATCHED = Verdict(matched=True, outdated=True)
WRONG = Verdict(matched=False)

MADE = {
    "$y$j75$TYea2yMGZxjlYt0Kxwx7A.$R6fx2.kYwO83iUWuKa30dQMcldRJbtZ0QFQ.ruz.CU4": "kesäyö",
    "$y$j75$HF9pg06QcFPDnmlUFqQtc/$RxvPUVdO1XkI35NQ1R5FGBgj83z3TQ1eqlxtgg1gHYB": "salasana",
    "$y$j75$ByOlF/VeNfeNDnvoVUsDS1$QpbAbhxD5VlVd5rVlHHLmk5FvD7I5BgTCLXsBuL7ZPA": "x" * 100,
    "$y$j9T$XQazzz8cKapHNqXbbRCE5/$hSOEmPIlDtwq6PGx.SFW.lvpuRjkkHmU.2WLmTE11X7": "kesäyö",
    "$y$j9T$/PMnfuVD2CkTXV9pyWWKb/$yT2WqyGNgbpZXVDiSr7k6429Ihl2ltl.dhffmbSR8b7": "salasana",
}

needs_libcrypt = pytest.mark.skipif(
    HASHER.find_defect(next(iter(MADE))) is HashDefect.NOT_INSTALLED, reason="the system's libcrypt has no yescrypt"
)


@needs_libcrypt
@pytest.mark.parametrize("stored", MADE)
@pytest.mark.parametrize("prefix", ["", "{CRYPT}", "{crypt}"])
def test_a_hash_of_another_implementation_verifies(stored: str, prefix: str) -> None:
    """The password of a Linux system matches and is replaced, and no other matches (C-49)."""
    text = MADE[stored]
    assert HASHER.verify(password(text), prefix + stored) == MATCHED
    for other in (text + "x", text[:-1] + "X", text + "\0", "\0" + text, (text * 100)[:1000], "y" * 1000):
        assert HASHER.verify(password(other), prefix + stored) == WRONG


@needs_libcrypt
def test_too_much_memory_is_never_run() -> None:
    """The memory that the text asks for is bounded before anything runs (B-67, C-48)."""
    small = Argon2Hasher(CHEAP, limits=HashLimits(argon2_memory_cost=2000))
    assert [small.find_defect(one) for one in MADE][2:4] == [None, HashDefect.OVER_LIMIT]


def test_lack_of_memory_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """When libcrypt cannot run, nothing is said of the password (ASVS 16.5.3)."""
    monkeypatch.setattr(yescrypt, "_library", object)
    monkeypatch.setattr(yescrypt, "_run", lambda *_: None)
    with pytest.raises(HasherBusyError):
        HASHER.verify(password("salasana"), next(iter(MADE)))


def test_a_system_without_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no libcrypt has yescrypt, its hashes are not stored, and the report says why (C-48)."""

    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", missing)
    monkeypatch.setattr(yescrypt, "_library", yescrypt._library.__wrapped__)
    assert HASHER.find_defect(next(iter(MADE))) is HashDefect.NOT_INSTALLED
