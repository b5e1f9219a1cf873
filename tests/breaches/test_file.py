"""Breached passwords in a file, also in one that is damaged."""

import hashlib
import os
import random
from pathlib import Path

import pytest

from cityauth import BreachCheckerUnavailableError
from cityauth.breaches import BreachFile
from cityauth.core.passwords import Password
from tests.support.fakes import typed

LEAKED = [f"leaked passphrase {number}" for number in range(300)]


def digest(password: str) -> str:
    """The digest of a password as the file has it."""
    return hashlib.sha1(typed(password).nfc.encode(), usedforsecurity=False).hexdigest().upper()


def lines_of(passwords: list[str]) -> list[str]:
    """Sorted lines of the file."""
    return sorted(f"{digest(one)}:{number + 1}" for number, one in enumerate(passwords))


def write(folder: Path, content: str | bytes) -> BreachFile:
    """A file with *content*."""
    path = folder / "breached.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return BreachFile(path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 300])
def test_every_line_is_found_and_nothing_else(tmp_path: Path, size: int, end: str, last: bool) -> None:
    """Each password of the file is a hit, and no other is, whatever ends the lines (ASVS 6.2.12)."""
    known = LEAKED[:size]
    checker = write(tmp_path, end.join(lines_of(known)) + (end if last else ""))
    assert all(checker.is_breached(typed(one)) for one in known)
    assert not any(checker.is_breached(typed(f"another passphrase {number}")) for number in range(300))


def test_the_same_letter_from_another_keyboard(tmp_path: Path) -> None:
    """The NFC of what was typed is looked up (ASVS 6.2.12)."""
    checker = write(tmp_path, lines_of(["pöytä ja tuoli"])[0])
    assert checker.is_breached(Password("po\u0308yta\u0308 ja tuoli", "pöytä ja tuoli"))


def test_lower_case_and_a_count_of_zero(tmp_path: Path) -> None:
    """Digits may be in lower case, and a line that was leaked no time is no hit."""
    content = f"{digest('one'):s}:5\n".lower()
    assert write(tmp_path, content).is_breached(typed("one"))
    assert not write(tmp_path, f"{digest('one')}:0\n").is_breached(typed("one"))


def test_a_file_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    """A new file that was renamed over the old one counts at once."""
    checker = write(tmp_path, lines_of(["first"])[0])
    assert not checker.is_breached(typed("second"))
    (tmp_path / "new").write_text(lines_of(["second"])[0])
    (tmp_path / "new").replace(tmp_path / "breached.txt")
    assert checker.is_breached(typed("second"))


WHOLE = "\n".join(lines_of(LEAKED)) + "\n"
BAD_FILES: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n" * 5000,
    "zeros": bytes(100_000),
    "one long line": b"A" * 1_000_000,
    "no counts": WHOLE.encode().replace(b":", b" "),
    "another digest": "\n".join(f"{hashlib.sha256(one.encode()).hexdigest()}:1" for one in LEAKED).encode(),
    "reversed": "\n".join(sorted(WHOLE.split(), reverse=True)).encode(),
    "negative": WHOLE.replace(":", ":-").encode(),
    "utf-16": WHOLE.encode("utf-16"),
    "a huge count": f"{digest('x')}:{'9' * 10_000}".encode(),
    "words": b"passphrase\n" * 1000,
    "compressed": b"\x1f\x8b" + random.Random(1).randbytes(10_000),
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES)
def test_a_damaged_file_is_as_if_it_were_not_there(tmp_path: Path, content: bytes) -> None:
    """A file that is no sorted list of digests never crashes and never finds a password (C-32)."""
    checker = write(tmp_path, content)
    for password in ("x", *LEAKED[:20]):
        with pytest.raises(BreachCheckerUnavailableError):
            checker.is_breached(typed(password))


@pytest.mark.parametrize("seed", range(40))
def test_no_damage_crashes(tmp_path: Path, seed: int) -> None:
    """Bytes that were changed or cut anywhere give an answer or `BreachCheckerUnavailableError`, and no other (C-32)."""
    chance = random.Random(seed)
    content = bytearray(WHOLE.encode())
    for _ in range(chance.choice([1, 10, 1000])):
        content[chance.randrange(len(content))] = chance.choice(b"\n\r:0AFz\xff\x00")
    checker = write(tmp_path, bytes(content[chance.randrange(200) : -chance.randrange(1, 200)]))
    answers: set[object] = set()
    for password in (*LEAKED[:50], "not leaked at all"):
        try:
            answers.add(checker.is_breached(typed(password)))
        except BreachCheckerUnavailableError as error:
            answers.add(error.reason)
    assert answers <= {True, False, "file_damaged"}


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """A missing file, a folder, a pipe and an impossible name are unavailable, and nobody waits (C-32)."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "pipe", f"{tmp_path}/\0", "/dev/zero"):
        with pytest.raises(BreachCheckerUnavailableError):
            BreachFile(path).is_breached(typed("x"))


def test_the_error_shows_no_password_and_no_digest(tmp_path: Path) -> None:
    """Neither the error nor the variables on its way show the password or its digest."""
    checker = write(tmp_path, "damaged")
    with pytest.raises(BreachCheckerUnavailableError) as raised:
        checker.is_breached(typed(LEAKED[0]))
    trail = raised.value.__traceback__
    shown = [repr(raised.value), repr(checker)]
    while trail is not None:
        if "breaches" in trail.tb_frame.f_code.co_filename.rpartition("src")[2]:
            shown.append(repr(trail.tb_frame.f_locals))
        trail = trail.tb_next
    assert len(shown) > 2
    assert LEAKED[0] not in "".join(shown[:2])
    assert digest(LEAKED[0]) not in "".join(shown).upper()
