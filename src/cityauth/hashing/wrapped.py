"""Old hashes inside an Argon2id hash, so that nobody who reads them can try passwords at the speed of MD5.

The text is ``$wrapped``, an Argon2id hash whose password was the old digest, and the old text with its digest blanked.
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final

from cityauth.core.hashing import HashDefect, HashMatch, HashParameters, WrappableFormat
from cityauth.hashing.argon2 import ARGON2, Argon2Costs, costs_of, may_replace, run_argon2
from cityauth.hashing.marked import reads_unicode
from cityauth.policy import HashLimits, HashProfile

WRAPPED: Final = "$wrapped"
_BEGINNING: Final = f"{WRAPPED}$"
_PARTS: Final = 6
"""An Argon2 hash has five "$", and the old text follows the sixth."""


@dataclass(frozen=True, slots=True)
class WrappedCosts:
    """Costs of a wrapped hash.

    Attributes:
        argon2: The costs of Argon2.
        inner: The costs of the old function.
        salt_bytes: The length of Argon2's own salt, which stands before the old salt.
        digest_bytes: The length of the old digest.
    """

    argon2: Argon2Costs
    inner: Any
    salt_bytes: int
    digest_bytes: int

    @property
    def memory_cost(self) -> int:
        """The KiB that Argon2 needs; an old function that is fast needs little."""
        return self.argon2.memory_cost

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether running Argon2 would cost more than *limits* allow; the old format judges its own costs."""
        return self.argon2.exceeds(limits)


class WrappedFormat:
    """Verifies wrapped hashes of one old format: the old function runs, then Argon2id on its digest."""

    __slots__ = ("inner",)

    def __init__(self, inner: WrappableFormat[Any]) -> None:
        """Describe wrapped hashes of *inner*."""
        self.inner: WrappableFormat[Any] = inner

    @property
    def name(self) -> str:
        """The name of the old format, and that it is wrapped."""
        return f"wrapped {self.inner.name}"

    @property
    def reads_unicode(self) -> bool:
        """Whether the old format writes passwords in an encoding of its own."""
        return reads_unicode(self.inner)

    def identify(self, stored: str) -> bool:
        """Say whether *stored* is a wrapped hash of the old format."""
        return is_wrapped(stored) and self.inner.identify(inner_text(stored))

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[WrappedCosts] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`."""
        text = inner_text(stored)
        outer = ARGON2.parse(stored[len(WRAPPED) :].removesuffix("$" + text), limits)
        if isinstance(outer, HashDefect):
            return outer
        inner = self.inner.parse(text, limits)
        if isinstance(inner, HashDefect):
            return inner
        costs = WrappedCosts(outer.costs, inner.costs, len(outer.salt), len(inner.digest))
        return HashParameters(costs, outer.salt + inner.salt, outer.digest)

    def verify(self, password: bytes, parameters: HashParameters[WrappedCosts]) -> HashMatch:
        """Run the old function once and Argon2 once.

        Raises:
            HasherBusyError: there is not enough memory now.
        """
        costs, inner = parameters.costs, self._inner_of(parameters)
        old = self.inner.digest_of(password, inner)
        digest = run_argon2(old, parameters.salt[: costs.salt_bytes], costs.argon2, len(parameters.digest))
        same = hmac.compare_digest(digest, parameters.digest)
        return self.inner.match_of(password, inner) if same else HashMatch.NO

    def needs_rehash(self, parameters: HashParameters[WrappedCosts], profile: HashProfile) -> bool:
        """Say yes, unless Argon2 would become weaker: the first sign-in replaces a wrapped hash."""
        return may_replace(parameters, profile)

    def render(self, parameters: HashParameters[WrappedCosts]) -> str:
        """Write *parameters* down in this format."""
        costs = parameters.costs
        outer = HashParameters(costs.argon2, parameters.salt[: costs.salt_bytes], parameters.digest)
        return f"{WRAPPED}{ARGON2.render(outer)}${self.inner.render(self._inner_of(parameters))}"

    def wrap(self, parameters: HashParameters[Any], profile: HashProfile) -> HashParameters[WrappedCosts]:
        """Return the old hash with these *parameters* inside an Argon2id hash at *profile*.

        Raises:
            HasherBusyError: there is not enough memory now.
        """
        salt, argon2 = secrets.token_bytes(profile.salt_bytes), costs_of(profile)
        digest = run_argon2(parameters.digest, salt, argon2, profile.hash_bytes)
        costs = WrappedCosts(argon2, parameters.costs, len(salt), len(parameters.digest))
        return HashParameters(costs, salt + parameters.salt, digest)

    @staticmethod
    def _inner_of(parameters: HashParameters[WrappedCosts]) -> HashParameters[Any]:
        """Return the parameters of the old hash, its digest blanked."""
        costs = parameters.costs
        return HashParameters(costs.inner, parameters.salt[costs.salt_bytes :], bytes(costs.digest_bytes))


def is_wrapped(stored: str) -> bool:
    """Say whether *stored* begins like a wrapped hash."""
    return stored.startswith(_BEGINNING)


def inner_text(stored: str) -> str:
    """Return the old text within *stored*; empty where there is none."""
    parts = stored[len(WRAPPED) :].split("$", _PARTS)
    return parts[_PARTS] if len(parts) > _PARTS else ""
