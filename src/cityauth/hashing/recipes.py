"""Hash formats as data: a recipe such as ``hex(sha1(salt + password))`` for a system that made its own hashes.

A recipe is not code. Its grammar is small, and every recipe ends within a bound that is known when it is read::

    recipe     = hex(value) | base64(value)
    value      = part { "+" part }
    part       = password | salt | it | "text"
               | hex(value) | base64(value)
               | md5(value) | sha1(value) | sha224(value) | sha256(value) | sha384(value) | sha512(value)
               | hmac(function, key, message)
               | repeat(times, function, value) | repeat(times, value with it, value)

``repeat`` begins with its last value, and ``it`` is what the round before made.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cityauth.errors import PolicyError
from cityauth.hashing.computed import DIGEST_BYTES

MOST_DIGESTS: Final = 1_000_000
"""The most digests in one recipe; a long input counts for more than one."""

_MOST_LETTERS: Final = 500
_MOST_DEPTH: Final = 20
_MOST_PASSWORD: Final = 4096
_MOST_SALT: Final = 256
_MOST_BYTES: Final = 32_768
"""The most bytes of any value within a recipe."""

_MOST_IT: Final = 1024
"""The most bytes that one round of ``repeat`` may make."""

_BYTES_A_DIGEST: Final = 1024
"""A digest of a longer value counts as more than one, in the bound."""

_TOKEN: Final = re.compile(r"\s*(?:([a-z][a-z0-9]*)|([0-9]{1,9})|(\"[^\"]*\"|'[^']*')|([(),+]))")

Run = Callable[[bytes, bytes, bytes], bytes]
"""Takes the password, the salt and what the round before made."""


@dataclass(frozen=True, slots=True)
class Step:
    """A value of a recipe, ready to be computed.

    Attributes:
        run: Computes it.
        most_bytes: The most bytes that it can have.
        fixed: Whether it always has that many.
        digests: How many digests computing it takes.
        work: The same, where a digest of a long value counts as several.
        uses: Which of ``password``, ``salt`` and ``it`` it is made of.
        raw: Whether the password itself stands in it, and not only a digest of it.
        pads: Whether the password is a part of a key of HMAC, which does not see a NUL at its end.
    """

    run: Run
    most_bytes: int
    fixed: bool = False
    digests: int = 0
    work: int = 0
    uses: frozenset[str] = frozenset()
    raw: bool = False
    pads: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe that was read.

    Attributes:
        step: Computes the digest's bytes.
        in_hex: Whether the old system wrote them in hexadecimal digits, or else in base64.
    """

    step: Step
    in_hex: bool


_NAMES: Final = {
    "password": Step(lambda password, _salt, _it: password, _MOST_PASSWORD, uses=frozenset({"password"}), raw=True),
    "salt": Step(lambda _password, salt, _it: salt, _MOST_SALT, uses=frozenset({"salt"})),
    "it": Step(lambda _password, _salt, it: it, _MOST_IT, uses=frozenset({"it"}), raw=True),
}


def read_recipe(name: str, text: str) -> Recipe:
    """Read a recipe.

    Args:
        name: The name of its format, for messages.
        text: The recipe.

    Raises:
        PolicyError: the text does not follow the grammar, does not use the password, or would take too much work.
    """
    if len(text) > _MOST_LETTERS or not text.isprintable():
        raise PolicyError(f"hashes.{name}: a recipe is one line of at most {_MOST_LETTERS} characters")
    return _Reader(name, text).recipe()


class _Reader:
    """Reads one recipe from left to right."""

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text, self._at = name, text, 0
        self._depth = self._loops = 0

    def recipe(self) -> Recipe:
        """Read the whole of it: the outermost function says how the digest is written."""
        outermost = self._take()
        if outermost not in {"hex", "base64"}:
            raise self._wrong('must begin with "hex(" or "base64("')
        self._expect("(")
        step = self._value()
        self._expect(")")
        if self._peek():
            raise self._wrong(f"goes on after its end, with {self._peek()!r}")
        if "password" not in step.uses:
            raise self._wrong("does not use the password")
        if not step.fixed or step.most_bytes < min(DIGEST_BYTES.values()):
            raise self._wrong("must write a digest, such as hex(sha1(salt + password))")
        return Recipe(step, outermost == "hex")

    def _value(self) -> Step:
        """Read parts with "+" between them."""
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise self._wrong(f"has more than {_MOST_DEPTH} brackets within each other")
        parts = [self._part()]
        while self._peek() == "+":
            self._take()
            parts.append(self._part())
        self._depth -= 1
        return self._bounded(parts[0] if len(parts) == 1 else _joined(parts))

    def _part(self) -> Step:
        """Read one part."""
        token = self._take()
        if token[:1] in {'"', "'"}:
            literal = token[1:-1].encode()
            return Step(lambda _password, _salt, _it: literal, len(literal), fixed=True)
        if token in (_NAMES if self._loops else {"password", "salt"}):
            return _NAMES[token]
        if token in {*DIGEST_BYTES, "hex", "base64"}:
            self._expect("(")
            of = self._value()
            self._expect(")")
            return _digest(token, of) if token in DIGEST_BYTES else self._encoded(token, of)
        if token == "hmac":  # noqa: S105 - a word of the grammar
            return self._hmac()
        if token == "repeat":  # noqa: S105 - a word of the grammar
            return self._repeat()
        raise self._wrong(f"has {token!r} where a value must stand" if token else "ends where a value must stand")

    def _hmac(self) -> Step:
        self._expect("(")
        algorithm = self._function()
        self._expect(",")
        key = self._value()
        self._expect(",")
        message = self._value()
        self._expect(")")
        joined = _joined([key, message])
        return Step(
            lambda *given: hmac.digest(key.run(*given), message.run(*given), algorithm),
            DIGEST_BYTES[algorithm],
            fixed=True,
            digests=joined.digests + 2,
            work=joined.work + 2 + joined.most_bytes // _BYTES_A_DIGEST,
            uses=joined.uses,
            pads=joined.pads or key.raw,
        )

    def _repeat(self) -> Step:
        self._expect("(")
        number = self._take()
        if not number.isdigit() or int(number) < 1:
            raise self._wrong(f"has {number!r} where repeat needs how many times")
        times = int(number)
        self._expect(",")
        self._loops += 1
        plain = self._peek() in DIGEST_BYTES and self._text[self._after(self._peek()) :].lstrip()[:1] == ","
        body = _digest(self._function(), _NAMES["it"]) if plain else self._value()
        self._loops -= 1
        if "it" not in body.uses or not body.fixed or body.most_bytes > _MOST_IT:
            raise self._wrong('must repeat a function, or a digest of a value with "it"')
        self._expect(",")
        start = self._value()
        self._expect(")")
        return self._bounded(_repeated(times, body, start))

    def _encoded(self, name: str, of: Step) -> Step:
        if not of.fixed:
            raise self._wrong(f"may use {name}() only on a digest")
        size = 2 * of.most_bytes if name == "hex" else 4 * -(-of.most_bytes // 3)
        write: Callable[[bytes], bytes] = base64.b16encode if name == "hex" else base64.b64encode
        return Step(
            lambda *given: write(of.run(*given)).lower() if name == "hex" else write(of.run(*given)),
            size,
            fixed=True,
            digests=of.digests,
            work=of.work,
            uses=of.uses,
            raw=of.raw,
            pads=of.pads,
        )

    def _bounded(self, step: Step) -> Step:
        if step.work > MOST_DIGESTS or step.most_bytes > _MOST_BYTES:
            raise self._wrong(f"takes too much work: at most {MOST_DIGESTS} digests and {_MOST_BYTES} bytes")
        return step

    def _function(self) -> str:
        token = self._take()
        if token not in DIGEST_BYTES:
            raise self._wrong(f"has {token!r} where one of {', '.join(DIGEST_BYTES)} must stand")
        return token

    def _after(self, token: str) -> int:
        return self._text.index(token, self._at) + len(token)

    def _peek(self) -> str:
        """Return the next token without taking it; empty at the end."""
        rest = self._text[self._at :]
        if not rest.strip():
            return ""
        found = _TOKEN.match(rest)
        if not found:
            raise self._wrong(f"has {rest.strip()[0]!r}, which the grammar does not have")
        return found[found.lastindex or 0]

    def _take(self) -> str:
        token = self._peek()
        self._at = self._after(token) if token else len(self._text)
        return token

    def _expect(self, token: str) -> None:
        found = self._take()
        if found != token:
            raise self._wrong(
                f"has {found!r} where {token!r} must stand" if found else f"ends where {token!r} must stand"
            )

    def _wrong(self, what: str) -> PolicyError:
        return PolicyError(f"hashes.{self._name}: the recipe {what} (at character {self._at})")


def _joined(parts: list[Step]) -> Step:
    """Return the parts one after the other."""
    return Step(
        lambda *given: b"".join([part.run(*given) for part in parts]),
        sum(part.most_bytes for part in parts),
        fixed=all(part.fixed for part in parts),
        digests=sum(part.digests for part in parts),
        work=sum(part.work for part in parts),
        uses=frozenset().union(*(part.uses for part in parts)),
        raw=any(part.raw for part in parts),
        pads=any(part.pads for part in parts),
    )


def _digest(algorithm: str, of: Step) -> Step:
    """Return the digest of a value."""
    make = getattr(hashlib, algorithm)

    def run(password: bytes, salt: bytes, it: bytes) -> bytes:
        made: bytes = make(of.run(password, salt, it), usedforsecurity=False).digest()
        return made

    return Step(
        run,
        DIGEST_BYTES[algorithm],
        fixed=True,
        digests=of.digests + 1,
        work=of.work + 1 + of.most_bytes // _BYTES_A_DIGEST,
        uses=of.uses,
        pads=of.pads,
    )


def _repeated(times: int, body: Step, start: Step) -> Step:
    """Return the value after *times* rounds of *body*, the first of them on *start*."""

    def run(password: bytes, salt: bytes, it: bytes) -> bytes:
        value = start.run(password, salt, it)
        for _ in range(times):
            value = body.run(password, salt, value)
        return value

    return Step(
        run,
        body.most_bytes,
        fixed=True,
        digests=start.digests + times * body.digests,
        work=start.work + times * body.work,
        uses=start.uses | (body.uses - {"it"}),
        pads=start.pads or body.pads or (start.raw and body.raw),
    )
