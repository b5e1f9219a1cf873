"""Which stored hashes a population has, and what the wrapping of its weak ones came to."""

from dataclasses import dataclass
from typing import NamedTuple


class StoredKind(NamedTuple):
    """One kind of stored hashes.

    Attributes:
        format: The name of the format, "wrapped" before it for a wrapped one; "unknown" where it has no name here.
        cost: What verifying one takes, as text; empty for none.
        accounts: How many accounts have such a hash.
        is_weak: Whether such hashes should be wrapped: whoever reads one could try passwords at the speed of a fast
            function.
    """

    format: str
    cost: str
    accounts: int
    is_weak: bool


@dataclass(frozen=True, slots=True)
class WrapReport:
    """What the wrapping of weak hashes came to.

    Attributes:
        found: How many weak hashes there were at the beginning.
        wrapped: How many were wrapped.
        overtaken: How many were replaced meanwhile by somebody else: by the person's sign-in or new password, or by
            another worker.
        left: How many could not be wrapped, although they are weak by their kind; they stay as they are.
    """

    found: int = 0
    wrapped: int = 0
    overtaken: int = 0
    left: int = 0
