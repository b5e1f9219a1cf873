"""The hasher: Argon2id for new passwords, and older formats for as long as they are stored."""

import hmac
import secrets
from collections.abc import Iterable

from argon2.low_level import Type, hash_secret_raw

from cityauth.core.hash_costs import Argon2Costs
from cityauth.core.hashing import (
    HashDefect,
    HashParameters,
    costs_of,
    examine,
    is_weaker,
    may_replace,
    parameters_of,
    render,
)
from cityauth.core.password import Password
from cityauth.errors import PolicyError
from cityauth.hashing import legacy as older
from cityauth.policy import HashLimits, HashProfile
from cityauth.ports.services import Verdict

_VARIANTS = {"id": Type.ID, "i": Type.I, "d": Type.D}


class Argon2Hasher:
    """A `PasswordHasher` that makes Argon2id hashes and verifies older formats too.

    A stored hash is read and bounded by `examine` before it is run. Every verification runs one slow
    function once for each candidate of the password (one, or two where its NFC differs), and no way
    out is cheaper. Threads may share it: it keeps no state between calls.

    Raises:
        argon2.exceptions.HashingError: from `verify` and `hash`, when there is no memory for Argon2. That is
            broken infrastructure, and not said to be a wrong password.
    """

    __slots__ = ("_dummy", "_limits", "_profile", "_schemes")

    def __init__(
        self,
        profile: HashProfile = HashProfile.RFC_9106,
        *,
        limits: HashLimits | None = None,
        legacy: Iterable[str] | None = None,
    ) -> None:
        """Choose what new hashes are made with, and which older ones are run.

        Args:
            profile: Parameters of new hashes, and of the dummy that is run in place of a hash that cannot be.
            limits: What running a stored hash may cost at most; the policy's defaults if not given.
            legacy: Names of the older formats to run, from `cityauth.hashing.legacy`; all that can be run here
                when ``None``: those of bcrypt need the extra 'legacy'.

        Raises:
            PolicyError: *legacy* names an unknown format, or *profile* is over *limits*, so that its own
                hashes would not be run.
            MissingExtraError: *legacy* names a format of bcrypt, and the extra 'legacy' is not installed.
        """
        self._profile = profile
        self._limits = limits or HashLimits()
        self._schemes = (older.installed() if legacy is None else older.require(legacy)) | {"argon2"}
        self._dummy = parameters_of(profile, bytes(profile.salt_bytes), bytes(profile.hash_bytes))
        if self._dummy.costs.exceeds(self._limits):
            msg = "hashing: the profile of new hashes is over the limits, so they could not be verified"
            raise PolicyError(msg)

    def verify(self, password: Password, stored: str) -> Verdict:
        """Verify *password* against *stored*; see `PasswordHasher.verify` for the promises.

        The verdict is *outdated* when the hash is weaker than the profile, or holds the password as received
        where its NFC differs; never when replacing it would lower its memory or work (C-50).
        """
        found = examine(stored, self._limits)
        if isinstance(found, HashParameters) and found.scheme not in self._schemes:
            found = HashDefect.UNKNOWN_SCHEME
        runnable = self._dummy if isinstance(found, HashDefect) else found
        # Every candidate is run, also after one that matches: the list is built before it is looked at.
        matches = [_matches(runnable, candidate) for candidate in password.candidates]
        if isinstance(found, HashDefect):
            return Verdict(matched=False, defect=found)
        if not any(matches):
            return Verdict(matched=False)
        as_received = not matches[0]
        return Verdict(
            matched=True,
            outdated=is_weaker(found, self._profile) or (as_received and may_replace(found, self._profile)),
        )

    def hash(self, password: Password) -> str:
        """Make an Argon2id hash of the password's NFC, with a salt from the system's generator."""
        salt = secrets.token_bytes(self._profile.salt_bytes)
        digest = _argon2(password.nfc.encode(), salt, costs_of(self._profile), self._profile.hash_bytes)
        return render(parameters_of(self._profile, salt, digest))


def _argon2(password: bytes, salt: bytes, costs: Argon2Costs, hash_bytes: int) -> bytes:
    """Run Argon2 once."""
    return hash_secret_raw(
        password,
        salt,
        time_cost=costs.time_cost,
        memory_cost=costs.memory_cost,
        parallelism=costs.parallelism,
        hash_len=hash_bytes,
        type=_VARIANTS[costs.variant],
        version=costs.version,
    )


def _matches(parameters: HashParameters, password: bytes) -> bool:
    """Run the slow function of *parameters* once, and compare in constant time."""
    costs = parameters.costs
    if isinstance(costs, Argon2Costs):
        digest = _argon2(password, parameters.salt, costs, len(parameters.digest))
        return hmac.compare_digest(digest, parameters.digest)
    return older.matches(parameters, costs, password)
