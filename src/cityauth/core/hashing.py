"""Stored password hashes: the format that each is written in, its parameters, and what can be wrong with it."""

import hashlib
import hmac
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from typing import Any, Final, Generic, Protocol, TypeVar, runtime_checkable

from cityauth.errors import PolicyError
from cityauth.policy import HashLimits, HashProfile

MAX_STORED_LENGTH: Final = 2048
"""The most characters of a stored hash; the longest built-in format needs about 200."""

C = TypeVar("C")


class HashDefect(StrEnum):
    """What is wrong with a stored hash. Only the audit trail and administrators read it.

    A hash with any defect but `TRUNCATED` is not run: the password is refused at the cost of one verification.
    """

    MISSING = "missing"
    """Nothing is stored: the account has no password."""

    UNUSABLE = "unusable"
    """A marker that says "no password": it begins with "!" or "*"."""

    UNKNOWN_SCHEME = "unknown_scheme"
    """No format of this deployment begins like this."""

    NOT_INSTALLED = "not_installed"
    """The format is known, but the library that runs it is not installed: it comes with an extra."""

    CORRUPT = "corrupt"
    """It begins like a known format, and the rest does not follow that format."""

    PLAIN_TEXT = "plain_text"
    """It is the password itself, marked as such: ``{noop}`` of Spring, ``{CLEARTEXT}`` of LDAP servers."""

    OVER_LIMIT = "over_limit"
    """Running it would cost more than the limits allow, or more than the function can do."""

    TRUNCATED = "truncated"
    """The hash was run and the password matches, but the hash holds only a part of the password."""

    @property
    def sentence(self) -> str:
        """What is wrong, in English, to follow "the stored hash"."""
        return _SENTENCES[self]


_SENTENCES: Final = {
    HashDefect.MISSING: "is empty",
    HashDefect.UNUSABLE: "marks an account without a password; leave the option out to add one",
    HashDefect.UNKNOWN_SCHEME: "is in no format that cityauth verifies; a password itself is never taken",
    HashDefect.NOT_INSTALLED: "needs a library that is not installed: pip install 'cityauth[legacy]'",
    HashDefect.CORRUPT: "begins like a known format and is damaged; export it again",
    HashDefect.PLAIN_TEXT: "is the password itself in plain text, which is never taken",
    HashDefect.OVER_LIMIT: "would cost more to verify than the limits of the configuration allow",
    HashDefect.TRUNCATED: "holds only the beginning of the password",
}


class HashMatch(Enum):
    """What one run of a hash function found."""

    NO = "no"
    """It is another password."""

    YES = "yes"
    """It is the password."""

    TRUNCATED = "truncated"
    """The password matches after it was cut as the old system cut it. It must be hashed anew."""


@dataclass(frozen=True)
class HashParameters(Generic[C]):
    """The parts of a stored hash.

    Attributes:
        costs: What running it costs; each format has its own type. Two hashes of one format with equal costs
            take equal work. Where it needs much memory, the attribute ``memory_cost`` has the KiB; see `memory_of`.
        salt: The salt's bytes, as the function takes them. Neither salt nor digest shows in ``repr``.
        digest: The digest's bytes.
    """

    costs: C
    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)


def memory_of(costs: object) -> int:
    """Return how many KiB a hash with these *costs* takes; 0 for a function that needs little and does not say."""
    memory: object = getattr(costs, "memory_cost", 0)
    return memory if isinstance(memory, int) else 0


class HashFormat(Protocol[C]):
    """One way to write a password hash down, and how to verify a password against it.

    A host that has hashes of its own writes a class with these methods and gives an object of it to
    `Argon2Hasher`. Threads share the object.
    """

    @property
    def name(self) -> str:
        """A name that no other format of the deployment has."""
        ...

    def identify(self, stored: str) -> bool:
        """Say whether *stored* begins like this format. The first format that says yes reads it."""
        ...

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[C] | HashDefect:
        """Take *stored* apart without running anything.

        Returns `HashDefect.CORRUPT` for text that does not follow the format exactly, and
        `HashDefect.OVER_LIMIT` for costs that are too high. A host's own format brings its own bounds. It never
        raises. When it returns parameters, the hash can be computed with them.
        """
        ...

    def verify(self, password: bytes, parameters: HashParameters[C]) -> HashMatch:
        """Run the function once, and compare the digests by `hmac.compare_digest`.

        Every password costs the same. A different password never matches. HMAC, for example, takes a password
        and the same password with a NUL after it for one key; the one with the NUL must get `HashMatch.NO`.

        Raises:
            HasherBusyError: there is not enough memory to run the function now.
        """
        ...

    def needs_rehash(self, parameters: HashParameters[C], profile: HashProfile) -> bool:
        """Say whether, after a match, a new hash at *profile* should take the place of this one."""
        ...

    def render(self, parameters: HashParameters[C]) -> str:
        """Write *parameters* down as `parse` reads them. Dummy hashes are written with this."""
        ...


@dataclass(frozen=True, slots=True)
class StoredHash:
    """A stored hash that may be run.

    Attributes:
        format: The format that it is written in.
        parameters: Its parts.
    """

    format: HashFormat[Any]
    parameters: HashParameters[Any]


@runtime_checkable
class WrappableFormat(HashFormat[C], Protocol[C]):
    """A `HashFormat` that can also say which digest a password gives, so that its hashes can be wrapped.

    A wrapped hash is Argon2id over the old digest: nobody who reads it can try passwords at the speed of the old
    function. The formats of fast functions have these methods.
    """

    def digest_of(self, password: bytes, parameters: HashParameters[C]) -> bytes:
        """Run the function once, and return the digest that a hash of *password* with this salt would have."""
        ...

    def match_of(self, password: bytes, parameters: HashParameters[C]) -> HashMatch:
        """Return what an equal digest means for *password*.

        It is `HashMatch.NO` for a password that the function takes for another one, and `HashMatch.TRUNCATED`
        for one that it reads only a part of.
        """
        ...

    def is_fast(self, parameters: HashParameters[C]) -> bool:
        """Say whether the hash should be wrapped: it has no salt, or a verification is a few fast digests."""
        ...


_PURPOSE: Final = b"cityauth.dummy.v1:"
_SEED_BYTES: Final = 32
_TICKET_BYTES: Final = 8
"""64 random bits for each model: their error is far below what anybody could measure."""

_LETTERS: Final = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[index % 36] for index in range(256))
"""Makes printable salts, for the formats whose salt is text."""


@dataclass(frozen=True, slots=True)
class HashMix:
    """Which stored hashes a population has, and how many accounts have each kind.

    `Argon2Hasher.mix` makes one from samples.

    Attributes:
        models: One hash of each kind. Its format, its costs and the lengths of its salt and digest count.
        weights: How many accounts have such a hash, in the order of the models; each at least 1.

    Raises:
        PolicyError: there is no model, a weight is below 1, or the numbers of models and weights differ.
    """

    models: tuple[StoredHash, ...]
    weights: tuple[int, ...]
    _labels: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a mix from which nothing can be drawn."""
        if not self.models or len(self.models) != len(self.weights) or min(self.weights) < 1:
            msg = "a mix of hashes needs at least one model, and a positive weight for each"
            raise PolicyError(msg)
        object.__setattr__(self, "_labels", _labels_of(self.models))

    def choose(self, seed: bytes) -> StoredHash:
        """Return one of the models for a random *seed*, each as often as its weight says.

        Every model gets an exponentially distributed time at the rate of its weight, and the first one is chosen. So
        when the population changes, a seed keeps its model unless this model's share has become smaller, or the new
        model's share greater: an identifier that nobody has does not change its hash more often than an account does.
        """
        if len(self.models) == 1:
            return self.models[0]
        times = [_time_of(seed, label) / weight for label, weight in zip(self._labels, self.weights, strict=True)]
        return self.models[times.index(min(times))]


def _labels_of(models: Sequence[StoredHash]) -> tuple[bytes, ...]:
    """Return what tells each of *models* from the others, in every process: its text, and how often it was there."""
    seen = Counter[str]()
    labels = []
    for model in models:
        parameters = model.parameters
        blank = replace(parameters, salt=b"0" * len(parameters.salt), digest=bytes(len(parameters.digest)))
        text = model.format.render(blank)
        labels.append(f"{seen[text]}:{text}".encode())
        seen[text] += 1
    return tuple(labels)


def _time_of(seed: bytes, label: bytes) -> float:
    """Return a random time at the rate 1 that *seed* and *label* fix."""
    drawn = int.from_bytes(hmac.digest(seed, label, hashlib.sha256)[:_TICKET_BYTES])
    return -math.log((drawn + 1) / 2 ** (8 * _TICKET_BYTES))


def draw(key: str, secret: bytes, mix: HashMix) -> str:
    """Return the dummy hash of the identifier with this key.

    The dummy is well formed. A password matches it only by a chance of 2^-128 or less. No slow function runs here.

    Args:
        key: The canonical key of the unknown identifier.
        secret: The key of the draw, used for nothing else. A person who knows it can tell dummies from real hashes.
        mix: The hashes of the population.
    """
    drawn = hashlib.shake_256(secret + _PURPOSE + key.encode())  # SHA-3 is safe with its key in front
    model = mix.choose(drawn.digest(_SEED_BYTES))
    parameters = model.parameters
    salt_end = _SEED_BYTES + len(parameters.salt)
    stream = drawn.digest(salt_end + len(parameters.digest))
    salt, digest = stream[_SEED_BYTES:salt_end].translate(_LETTERS), stream[salt_end:]
    return model.format.render(HashParameters(parameters.costs, salt, digest))
