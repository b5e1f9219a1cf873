"""The ready-made hasher: Argon2id for new passwords, and the registered formats for stored ones."""

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cityauth.core.hash_kinds import HashKind, HashOrigin
from cityauth.core.hashing import HashDefect, HashFormat, HashMatch, HashMix, HashParameters, StoredHash, memory_of
from cityauth.core.passwords import Password
from cityauth.errors import HasherBusyError, PolicyError, UsageError
from cityauth.hashing.adoption import adopt, is_fast, kind_of, wrap
from cityauth.hashing.argon2 import ARGON2, costs_of, may_replace, model_of, run_argon2
from cityauth.hashing.registry import HashFormats, built_in_formats
from cityauth.policy import HashLimits, HashProfile
from cityauth.policy.hashing import WRAPPING_MEMORY
from cityauth.ports.services import Verdict


class Argon2Hasher:
    """A `PasswordHasher` that makes Argon2id hashes and verifies hashes of every registered format.

    A stored hash is taken apart and its costs are compared with the limits before it is run. Every verification
    runs one slow function once for each candidate of the password: one, or two where its NFC differs. No answer
    is cheaper. Threads may share the object. It keeps no state between calls but the hash that was adopted last: an
    import describes each hash right after it has adopted it.
    """

    __slots__ = ("_adopted", "_beginning", "_dummy", "_formats", "_profile")

    def __init__(
        self,
        profile: HashProfile = HashProfile.RFC_9106,
        *,
        limits: HashLimits | None = None,
        formats: Iterable[HashFormat[Any]] | None = None,
    ) -> None:
        """Choose how new hashes are made, and which stored ones are verified.

        Args:
            profile: Parameters of new hashes, and of the dummy that is run in place of a hash that must not be.
            limits: What running a stored hash may cost at most; the policy's defaults when ``None``.
            formats: The formats that are verified; `built_in_formats` when ``None``. A host adds its own by
                ``(*built_in_formats(), MyFormat())``. Argon2's own format must be among them.

        Raises:
            PolicyError: two formats have one name, or the hashes that this hasher makes could not be verified
                by it: they are over *limits*, or *formats* lack Argon2.
        """
        self._adopted: tuple[str, StoredHash | None] = ("", None)
        self._profile = profile
        self._formats = HashFormats(built_in_formats() if formats is None else formats, limits or HashLimits())
        self._dummy = model_of(profile)
        self._beginning = ARGON2.render(self._dummy.parameters).rpartition("$")[0].rpartition("$")[0] + "$"
        defect = self.find_defect(ARGON2.render(self._dummy.parameters))
        if defect is HashDefect.OVER_LIMIT:
            raise PolicyError("hashing: the profile of new hashes is over the limits, so they could not be verified")
        if defect is not None:
            raise PolicyError("hashing: the formats lack Argon2, so new hashes could not be verified")

    def verify(self, password: Password, stored: str) -> Verdict:
        """Verify *password* against *stored*; see `PasswordHasher.verify` for the promises.

        The verdict is *outdated* when the format says so, when the hash holds the password as received and its
        NFC differs, or when the hash holds only its beginning. A stronger Argon2 hash is never outdated.
        """
        found = self._formats.examine(stored)
        one = self._dummy if isinstance(found, HashDefect) else found
        try:
            # Every candidate is run, also after one that matches: the list is complete before it is read.
            matches = [one.format.verify(candidate, one.parameters) for candidate in password.candidates]
        except MemoryError as error:
            raise HasherBusyError("there is not enough memory to verify a password now") from error
        if isinstance(found, HashDefect):
            return Verdict(matched=False, defect=found)
        if HashMatch.YES in matches:
            as_received = matches[0] is not HashMatch.YES
            outdated = found.format.needs_rehash(found.parameters, self._profile) or (
                as_received and may_replace(found.parameters, self._profile)
            )
            return Verdict(matched=True, outdated=outdated)
        if HashMatch.TRUNCATED in matches:
            return Verdict(matched=True, outdated=True, defect=HashDefect.TRUNCATED)
        return Verdict(matched=False)

    def hash(self, password: Password) -> str:
        """Make an Argon2id hash of the password's NFC, with a salt from the system's generator.

        Raises:
            HasherBusyError: there is not enough memory now.
        """
        salt = secrets.token_bytes(self._profile.salt_bytes)
        costs = costs_of(self._profile)
        digest = run_argon2(password.nfc.encode(), salt, costs, self._profile.hash_bytes)
        return ARGON2.render(HashParameters(costs, salt, digest))

    def find_defect(self, stored: str) -> HashDefect | None:
        """Say why *stored* cannot be verified here, or ``None`` when it can; see `PasswordHasher.find_defect`."""
        found = self._formats.examine(stored)
        return found if isinstance(found, HashDefect) else None

    def memory_of(self, stored: str | None) -> int:
        """Return how many KiB running *stored*, or making a new hash, takes; see `HashMemory.memory_of`."""
        if stored is None or stored.startswith(self._beginning):
            return self._profile.memory_cost  # also for one that is damaged: then the dummy runs
        found = self._formats.examine(stored)
        one = self._dummy if isinstance(found, HashDefect) else found
        return memory_of(one.parameters.costs)

    def identify(self, stored: str) -> str | None:
        """Return the name of the format of *stored*; see `HashImporter.identify`."""
        found = self._formats.examine(stored)
        return None if isinstance(found, HashDefect) else found.format.name

    def adopt(self, exported: str, origin: HashOrigin) -> str | HashDefect:
        """Return what to store for a hash as another system exported it; see `HashImporter.adopt`."""
        found = adopt(self._formats, exported, origin)
        if isinstance(found, HashDefect):
            return found
        self._adopted = found
        return found[0]

    def is_fast(self, stored: str) -> bool:
        """Say whether *stored* should be wrapped; see `HashImporter.is_fast`."""
        found = self._formats.examine(stored)
        return not isinstance(found, HashDefect) and is_fast(found)

    def wrap(self, stored: str) -> str:
        """Put a fast hash inside an Argon2id hash; see `HashImporter.wrap`.

        Raises:
            UsageError: `is_fast` says no.
            HasherBusyError: there is not enough memory now.
        """
        found = self._formats.examine(stored)
        if isinstance(found, HashDefect) or not is_fast(found):
            raise UsageError("only a hash that is_fast() names can be wrapped")
        return wrap(found, self._profile)

    def wrap_all(self, stored: Sequence[str]) -> list[str | None]:
        """Put each fast hash of *stored* inside an Argon2id hash; see `HashImporter.wrap_all`.

        Argon2 runs outside of Python's lock, so threads keep all cores busy.

        Raises:
            HasherBusyError: there is not enough memory now.
        """
        workers = max(1, min(os.cpu_count() or 1, WRAPPING_MEMORY // self._profile.memory_cost))
        with ThreadPoolExecutor(workers, "cityauth-wrap") as pool:
            return list(pool.map(self._wrap_weak, stored))

    def _wrap_weak(self, stored: str) -> str | None:
        return self.wrap(stored) if self.is_fast(stored) else None

    def describe(self, stored: str) -> HashKind | None:
        """Return which work *stored* is; see `HashImporter.describe`."""
        text, adopted = self._adopted
        found = adopted if text is stored and adopted else self._formats.examine(stored)
        return None if isinstance(found, HashDefect) else kind_of(found)

    def models(self, samples: Sequence[str]) -> list[StoredHash]:
        """Return what `verify` runs for each of *samples*; see `HashImporter.models`."""
        examined = map(self._formats.examine, samples)
        return [self._dummy if isinstance(found, HashDefect) else found for found in examined]

    def mix(self, population: Mapping[str, int]) -> HashMix:
        """Return the mix of a population's hashes, for `CityAuth(hash_mix=...)`.

        Args:
            population: One stored hash of each kind, and how many accounts have one like it.

        Raises:
            PolicyError: there is no hash, one cannot be verified here, or a number is below 1.
        """
        return self._formats.mix(population)
