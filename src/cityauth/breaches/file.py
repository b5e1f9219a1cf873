"""`BreachFile`: a list of breached passwords in a file on this machine, for a service that asks nobody outside."""

import hashlib
import hmac
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, final

from cityauth.core.passwords import Password
from cityauth.core.secret import SecretStr
from cityauth.errors import BreachCheckerUnavailableError

_LINE: Final = re.compile(rb"([0-9A-Fa-f]{40}):([0-9]{1,15})\r?")
_LONGEST: Final = 64
"""The longest line in bytes: 40 digits, a colon, a count, and the end of the line."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the file: where it begins, where the next one begins, the digest, and how often it was leaked."""

    start: int
    end: int
    digest: str
    count: int


@final
class BreachFile:
    """Looks new passwords up in a file that holds one ``DIGEST:COUNT`` line for each breached password.

    The digest is the SHA-1 of the password's UTF-8 in 40 hexadecimal digits, and the lines are sorted by it. The tool
    ``haveibeenpwned-downloader`` makes such a file. A line whose count is 0 stands for no password.

    The file is opened for each password, and a few dozen lines of it are read, however large it is. To replace it,
    rename the new file over the old one. Where it cannot be read, or a line that it reads is damaged or out of order,
    `is_breached` raises `BreachCheckerUnavailableError`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Take the file at *path*. It is not opened yet."""
        self._path = Path(path)

    def __repr__(self) -> str:
        """Show the path."""
        return f"BreachFile({str(self._path)!r})"

    def is_breached(self, password: Password) -> bool:
        """Return whether the file has the password's NFC.

        Raises:
            BreachCheckerUnavailableError: the file cannot be read, is empty or is damaged.
        """
        digest = SecretStr(hashlib.sha1(password.nfc.encode(), usedforsecurity=False).hexdigest().upper())
        try:
            if not self._path.is_file():  # to open a pipe would wait for its writer
                raise BreachCheckerUnavailableError("file_missing")
            with self._path.open("rb", buffering=0) as opened:
                return _holds(opened, opened.seek(0, os.SEEK_END), digest)
        except (OSError, ValueError):
            raise BreachCheckerUnavailableError("file_unreadable") from None


def _holds(opened: BinaryIO, size: int, digest: SecretStr) -> bool:
    """Whether the file of *size* bytes has *digest*, by halving the part in which its line can be.

    Every line that is read must be between the lines that bound that part, so a file that is not sorted is found out
    where the search meets it.
    """
    if not size:
        raise BreachCheckerUnavailableError("file_empty")
    low, high = 0, size
    below, above = "", "G"  # before the least digest, and after the greatest
    while low < high:
        line = _line_at(opened, (low + high) // 2)
        if not below < line.digest < above:
            raise BreachCheckerUnavailableError("file_damaged")
        if hmac.compare_digest(line.digest, digest.get_secret_value()):
            return line.count > 0
        if line.digest < digest.get_secret_value():
            low, below = line.end, line.digest
        else:
            high, above = line.start, line.digest
    return False


def _line_at(opened: BinaryIO, position: int) -> _Line:
    """Return the line that has the byte at *position*."""
    begin = max(0, position - _LONGEST)
    opened.seek(begin)
    window = opened.read(2 * _LONGEST)
    here = position - begin
    start = window.rfind(b"\n", 0, here) + 1
    end = window.find(b"\n", here)
    if end < 0:
        end = len(window)  # the last line may have no end
    match = _LINE.fullmatch(window, start, end)
    if match is None:
        raise BreachCheckerUnavailableError("file_damaged")
    return _Line(begin + start, begin + end + 1, match[1].decode().upper(), int(match[2]))
