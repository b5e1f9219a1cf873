"""The mark before a stored hash that says how its system read passwords, and verification as that system did it.

The mark stands in the stored text, such as ``{cityauth:latin-1,truncates}$2y$10$...``, so that a hash keeps its
meaning wherever it is copied.
"""

import re
import unicodedata
from dataclasses import replace
from typing import Any, Final

from cityauth.core.hash_kinds import HashOrigin, PasswordEncoding
from cityauth.core.hashing import HashDefect, HashFormat, HashMatch, HashParameters
from cityauth.hashing.argon2 import may_replace
from cityauth.policy import HashLimits, HashProfile

MARK: Final = "{cityauth:"
_MARK: Final = re.compile(r"\{cityauth:([a-z0-9]+(?:[-,][a-z0-9]+)*)\}")
_TRUNCATES: Final = {"truncates": True, "whole": False}
_NUL_ENDS: Final = "nul-ends"
_ENCODINGS: Final = {one.value: one for one in PasswordEncoding}


def write_mark(origin: HashOrigin) -> str:
    """Return the mark of *origin*; empty where nothing differs from the default."""
    words = [origin.encoding.value] if origin.encoding is not PasswordEncoding.UTF_8 else []
    words += [word for word, truncates in _TRUNCATES.items() if truncates is origin.truncates]
    words += [_NUL_ENDS] if origin.nul_ends else []
    return f"{MARK}{','.join(words)}}}" if words else ""


def read_mark(stored: str) -> tuple[HashOrigin, str] | None:
    """Return what the mark of *stored* says, and the text behind it; ``None`` where the mark is damaged."""
    found = _MARK.match(stored)
    if not found:
        return None
    origin = HashOrigin()
    for word in found[1].split(","):
        if word in _TRUNCATES:
            origin = replace(origin, truncates=_TRUNCATES[word])
        elif word == _NUL_ENDS:
            origin = replace(origin, nul_ends=True)
        elif word in _ENCODINGS:
            origin = replace(origin, encoding=_ENCODINGS[word])
    return (origin, stored[found.end() :]) if write_mark(origin) == found[0] else None


def truncating(one: HashFormat[Any], origin: HashOrigin) -> HashFormat[Any] | None:
    """Return the format *one* as the mark wants it; ``None`` where it cuts no password, so the mark makes no sense."""
    if origin.truncates is None:
        return one
    change = getattr(one, "truncating", None)
    changed: HashFormat[Any] | None = change and change(truncates=origin.truncates)
    return changed


class MarkedFormat:
    """Verifies hashes that carry a mark: the password is written as bytes as the old system wrote it."""

    __slots__ = ("inner", "origin")

    def __init__(self, inner: HashFormat[Any], origin: HashOrigin) -> None:
        """Describe hashes of *inner* with the mark of *origin*."""
        self.inner: HashFormat[Any] = inner
        self.origin: HashOrigin = origin

    @property
    def name(self) -> str:
        """The name of the format behind the mark."""
        return self.inner.name

    def identify(self, stored: str) -> bool:
        """Say whether *stored* begins with the mark and like the format behind it."""
        mark = write_mark(self.origin)
        return stored.startswith(mark) and self.inner.identify(stored.removeprefix(mark))

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[Any] | HashDefect:
        """Take the text behind the mark apart; see `HashFormat.parse`."""
        return self.inner.parse(stored.removeprefix(write_mark(self.origin)), limits)

    def verify(self, password: bytes, parameters: HashParameters[Any]) -> HashMatch:
        """Run the function once on the bytes that the old system had.

        A password that cannot be written in its encoding is wrong, at the cost of any other.
        """
        text = password.decode()
        read = text.partition("\0")[0] if self.origin.nul_ends else text
        written = self._write(read)
        found = self.inner.verify(written or password, parameters)
        if not written or found is HashMatch.NO:
            return HashMatch.NO
        return found if read == text else HashMatch.TRUNCATED

    def needs_rehash(self, parameters: HashParameters[Any], profile: HashProfile) -> bool:
        """Say yes, unless a new hash would be weaker: new hashes need no mark."""
        return self.inner.needs_rehash(parameters, profile) or may_replace(parameters, profile)

    def render(self, parameters: HashParameters[Any]) -> str:
        """Write the mark and *parameters* down."""
        return write_mark(self.origin) + self.inner.render(parameters)

    def _write(self, text: str) -> bytes | None:
        """Return *text* in the encoding; ``None`` where a letter is not in it. Some formats have their own."""
        encoding = self.origin.encoding
        if reads_unicode(self.inner) or encoding is PasswordEncoding.UTF_8:
            return text.encode()
        if encoding is PasswordEncoding.UTF_8_NFD:
            return unicodedata.normalize("NFD", text).encode()
        try:
            return text.encode(encoding.value)
        except UnicodeEncodeError:
            return None


def reads_unicode(one: HashFormat[Any]) -> bool:
    """Say whether the format *one* writes passwords in an encoding of its own, whatever is declared."""
    return bool(getattr(one, "reads_unicode", False))
