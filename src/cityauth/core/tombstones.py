"""Tombstones: what is kept of the identifiers of erased accounts, so that none passes to another person unnoticed.

The retired identifiers of an account that still exists need no tombstone: their keys stay in the account's rows (see
`cityauth.core.identifiers`).

A tombstone is a keyed digest: a reader of the database cannot try addresses on it. Signing secrets are replaced every
year or so, and a tombstone must be found for as long as the service runs. So tombstones have keys of their own.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self, final

from cityauth.core.identifiers import Identifier
from cityauth.core.signing import KeyRing
from cityauth.errors import SecretError

_FORMAT: Final = b"1:"
"""The version of the tombstones' own format. It never follows `cityauth.core.identifiers.KEY_VERSION`."""


@final
@dataclass(frozen=True, slots=True, repr=False)
class TombstoneKeys:
    """The keys of the tombstones: the newest makes new ones, and all of them find old ones.

    So a new key can be added at any time. An old key stays for as long as its tombstones are to be found.

    Attributes:
        keys: The keys, the oldest first.
    """

    keys: tuple[bytes, ...]

    @classmethod
    def of(cls, secrets: str | bytes | Sequence[str | bytes]) -> Self:
        """Check and take over one secret or several, the oldest first.

        Raises:
            SecretError: there is none, or one is short, repetitive or a known sample.
        """
        several = [secrets] if isinstance(secrets, str | bytes) else secrets
        try:
            return cls(KeyRing.of(several).keys)
        except SecretError as error:
            raise SecretError(f"tombstone_secret: {error}") from error

    def digest(self, identifier: Identifier) -> bytes:
        """Return the tombstone that an erased account leaves of *identifier*: 32 bytes, by the newest key."""
        return _digest(self.keys[-1], identifier)

    def digests(self, identifier: Identifier) -> tuple[bytes, ...]:
        """Return every tombstone that *identifier* may have: one for each key."""
        return tuple(_digest(key, identifier) for key in self.keys)

    def digests_of(self, keys: Iterable[str]) -> list[bytes]:
        """Return every tombstone that the identifiers of these *keys* may have: first all by the oldest secret."""
        values = [_FORMAT + key.partition(":")[2].encode() for key in keys]
        return [hmac.digest(secret, value, "sha256") for secret in self.keys for value in values]

    def __repr__(self) -> str:
        """Show how many keys there are, and nothing of them."""
        return f"TombstoneKeys({len(self.keys)} keys)"


def _digest(key: bytes, identifier: Identifier) -> bytes:
    """Digest the canonical value without the version of its key: another version must find the same tombstone."""
    value = identifier.key.partition(":")[2]
    return hmac.digest(key, _FORMAT + value.encode(), hashlib.sha256)
