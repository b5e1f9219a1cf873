"""Hashes of PHP's content systems: phpass of WordPress, phpBB and Joomla, and Drupal's."""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cityauth.core.hashing import HashParameters
from cityauth.hashing.computed import DIGEST_BYTES, Computed
from cityauth.hashing.text import CRYPT_LETTERS, Codec, TextFormat, crypt64
from cityauth.policy import HashLimits

_LEAST_LOG2: Final = 7
_MOST_LOG2: Final = 30
_SALT_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class PhpassCosts:
    """Costs of phpass: 2 to the power of *log2* rounds, which one letter stands for in the text."""

    letter: str = field(metadata={"pattern": "[./0-9A-Za-z]"})

    @property
    def rounds(self) -> int:
        """How often the digest function runs after its first run."""
        return 1 << CRYPT_LETTERS.index(self.letter)

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether phpass takes this number of rounds and these lengths."""
        possible = 1 << _LEAST_LOG2 <= self.rounds <= 1 << _MOST_LOG2
        return possible and salt_bytes == _SALT_BYTES and digest_bytes in DIGEST_BYTES.values()

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether there are more rounds than *limits* allow."""
        return self.rounds > limits.digest_rounds


class PhpassFormat(Computed[PhpassCosts], TextFormat[PhpassCosts]):
    """Verifies hashes of many rounds of one digest, each over the last digest and the password."""

    __slots__ = ("_algorithm", "_first")

    def __init__(self, name: str, tag: str, algorithm: str, letters: int, *, first: bool = False) -> None:
        """Describe hashes that begin with *tag*.

        Args:
            name: The name of the format.
            tag: What stands before the letter of the costs.
            algorithm: The digest function.
            letters: How many letters of its digest are stored.
            first: Whether what is hashed is the MD5 of the password in hexadecimal, as in Drupal's updated hashes.
        """
        salt = Codec(r"[./0-9A-Za-z]{8}", bytes.decode, str.encode)
        super().__init__(name, tag + "{letter}{salt}{digest}", PhpassCosts, salt, crypt64(letters))
        self._algorithm = algorithm
        self._first = first

    def rounds_of(self, parameters: HashParameters[PhpassCosts]) -> int:
        """Return the rounds."""
        return parameters.costs.rounds

    def digest_of(self, password: bytes, parameters: HashParameters[PhpassCosts]) -> bytes:
        """Run all rounds, and cut the digest as it is stored."""
        run = getattr(hashlib, self._algorithm)
        if self._first:
            password = hashlib.md5(password, usedforsecurity=False).hexdigest().encode()
        digest: bytes = run(parameters.salt + password, usedforsecurity=False).digest()
        for _ in range(parameters.costs.rounds):
            digest = run(digest + password, usedforsecurity=False).digest()
        return digest[: len(parameters.digest)]


PHPASS_FORMATS: Final = (
    PhpassFormat("phpass", "$P$", "md5", 22),
    PhpassFormat("phpass_phpbb", "$H$", "md5", 22),
    PhpassFormat("drupal", "$S$", "sha512", 43),
    PhpassFormat("drupal_updated", "U$S$", "sha512", 43, first=True),
    PhpassFormat("drupal_updated_phpass", "U$P$", "md5", 22, first=True),
)
