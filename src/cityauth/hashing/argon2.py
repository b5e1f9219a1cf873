"""Argon2 (RFC 9106): what new hashes are made with, and its texts in old systems."""

import hmac
import re
from dataclasses import dataclass, field
from typing import Any, Final

from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw

from cityauth.core.hashing import HashDefect, HashMatch, HashParameters, StoredHash
from cityauth.errors import HasherBusyError
from cityauth.hashing.text import BASE64, NUMBER, TextFormat
from cityauth.policy import HashLimits, HashProfile

_VERSION: Final = 19
"""0x13, the version of RFC 9106."""

_VERSION_LEFT_OUT: Final = 16
"""0x10: hashes of this version may leave it out, since the first programs did not write it."""

_VARIANTS: Final = {"id": Type.ID, "i": Type.I, "d": Type.D}
_NAMES: Final = {"m": "memory_cost", "t": "time_cost", "p": "parallelism", "v": "version"}
_LEAST_SALT_BYTES: Final = 8
_LEAST_DIGEST_BYTES: Final = 16
"""A shorter digest could be guessed by chance."""

_BASE64: Final = re.compile(BASE64.pattern)
_NUMBER: Final = re.compile(NUMBER)


@dataclass(frozen=True, slots=True)
class Argon2Costs:
    """Costs of Argon2: *variant* id, i or d; *version* 16 or 19; *memory_cost* in KiB."""

    variant: str = field(metadata={"pattern": "id|i|d"})
    version: int = field(metadata={"pattern": "16|19"})
    memory_cost: int
    time_cost: int
    parallelism: int

    @property
    def work(self) -> int:
        """KiB that are filled, over all passes."""
        return self.memory_cost * self.time_cost

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:
        """Say whether Argon2 can compute this."""
        possible = self.variant in _VARIANTS and self.version in {_VERSION, _VERSION_LEFT_OUT}
        enough = salt_bytes >= _LEAST_SALT_BYTES and digest_bytes >= _LEAST_DIGEST_BYTES
        return possible and enough and self.memory_cost >= 8 * self.parallelism

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether running this would cost more than *limits* allow."""
        return (
            self.memory_cost > limits.argon2_memory_cost
            or self.time_cost > limits.argon2_time_cost
            or self.parallelism > limits.argon2_parallelism
        )


class Argon2Format(TextFormat[Argon2Costs]):
    """Verifies Argon2 hashes, and says which of them a new hash may replace.

    Argon2 puts the length of a password into its first hash, so a NUL is a character like any other.
    """

    __slots__ = ()

    def __init__(self, name: str, prefix: str = "") -> None:
        """Describe a format whose text is *prefix* and Argon2's own.

        Args:
            name: The name of the format.
            prefix: What stands before Argon2's own text.
        """
        template = "$argon2{variant}$v={version}$m={memory_cost},t={time_cost},p={parallelism}${salt}${digest}"
        super().__init__(name, template, Argon2Costs, BASE64, BASE64, prefix=prefix)

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[Argon2Costs] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`.

        The parameters may stand in any order, and the version may be left out: then it is 16. Salt and digest
        may be padded with "=".
        """
        parameters = super().parse(stored, limits)
        return self._parse_dialect(stored, limits) if parameters is HashDefect.CORRUPT else parameters

    def _parse_dialect(self, stored: str, limits: HashLimits) -> HashParameters[Argon2Costs] | HashDefect:
        """Read texts that other programs write in another way than the reference program."""
        parts = self.body_of(stored).split("$")
        numbers = _read_numbers(",".join(parts[2:-2]))
        if numbers is None or not all(map(_BASE64.fullmatch, parts[-2:])):
            return HashDefect.CORRUPT
        costs = Argon2Costs(parts[1].removeprefix("argon2"), **numbers)
        return self.judge(costs, parts[-2], parts[-1], limits)

    def verify(self, password: bytes, parameters: HashParameters[Argon2Costs]) -> HashMatch:
        """Run Argon2 once.

        Raises:
            HasherBusyError: there is not enough memory now.
        """
        digest = run_argon2(password, parameters.salt, parameters.costs, len(parameters.digest))
        return HashMatch.YES if hmac.compare_digest(digest, parameters.digest) else HashMatch.NO

    def needs_rehash(self, parameters: HashParameters[Argon2Costs], profile: HashProfile) -> bool:
        """Say whether the hash is weaker than one at *profile* in at least one value, and stronger in none.

        Another system's text is replaced as well, where it is not stronger. Weaker is: Argon2i or Argon2d, the older
        version, less memory or work, a shorter salt or digest.
        Stronger is: more memory or work.
        """
        costs = parameters.costs
        return may_replace(parameters, profile) and (
            bool(self._prefix)
            or (costs.variant, costs.version) != ("id", _VERSION)
            or costs.memory_cost < profile.memory_cost
            or costs.work < profile.memory_cost * profile.time_cost
            or len(parameters.salt) < profile.salt_bytes
            or len(parameters.digest) < profile.hash_bytes
        )


ARGON2: Final = Argon2Format("argon2")
DJANGO_ARGON2: Final = Argon2Format("django_argon2", "argon2")
SPRING_ARGON2: Final = Argon2Format("spring_argon2", "{argon2}")
SPRING_ARGON2_5_8: Final = Argon2Format("spring_argon2_5_8", "{argon2@SpringSecurity_v5_8}")
NEXTCLOUD_ARGON2I: Final = Argon2Format("nextcloud_argon2i", "2|")
NEXTCLOUD_ARGON2ID: Final = Argon2Format("nextcloud_argon2id", "3|")


def _read_numbers(text: str) -> dict[str, int] | None:
    """Read ``m=65536,t=3,p=4`` in any order, with or without ``v=19``; ``None`` where it is anything else."""
    numbers = {"version": _VERSION_LEFT_OUT}
    seen = set()
    for pair in text.split(","):
        letter, _, number = pair.partition("=")
        if letter not in _NAMES or letter in seen or not _NUMBER.fullmatch(number):
            return None
        seen.add(letter)
        numbers[_NAMES[letter]] = int(number)
    return numbers if seen | {"v"} == _NAMES.keys() else None


def may_replace(parameters: HashParameters[Any], profile: HashProfile) -> bool:
    """Say whether a new hash at *profile* is nowhere weaker than the stored one.

    Neither the memory nor the work of an Argon2 hash may sink, so that a configuration that was rolled back does
    not weaken what is stored. A hash of any other function may always be replaced.
    """
    costs = parameters.costs
    if not isinstance(costs, Argon2Costs):
        costs = getattr(costs, "argon2", None)  # a wrapped hash has its Argon2's
        if not isinstance(costs, Argon2Costs):
            return True
    return profile.memory_cost >= costs.memory_cost and profile.memory_cost * profile.time_cost >= costs.work


def costs_of(profile: HashProfile) -> Argon2Costs:
    """Return what a hash made at *profile* costs."""
    return Argon2Costs("id", _VERSION, profile.memory_cost, profile.time_cost, profile.parallelism)


def model_of(profile: HashProfile) -> StoredHash:
    """Return a hash at *profile* that no password matches: the model of dummies."""
    return StoredHash(ARGON2, HashParameters(costs_of(profile), bytes(profile.salt_bytes), bytes(profile.hash_bytes)))


def run_argon2(password: bytes, salt: bytes, costs: Argon2Costs, digest_bytes: int) -> bytes:
    """Run Argon2 once.

    Raises:
        HasherBusyError: there is not enough memory, or no thread can be started.
    """
    try:
        return hash_secret_raw(
            password,
            salt,
            time_cost=costs.time_cost,
            memory_cost=costs.memory_cost,
            parallelism=costs.parallelism,
            hash_len=digest_bytes,
            type=_VARIANTS[costs.variant],
            version=costs.version,
        )
    except (HashingError, MemoryError) as error:  # the costs were checked: only the memory can be lacking
        raise HasherBusyError("there is not enough memory to run Argon2 now") from error
