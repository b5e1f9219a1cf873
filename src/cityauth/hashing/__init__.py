"""Ready-made password hashing: `Argon2Hasher` for new hashes, and the formats of older systems."""

from typing import TYPE_CHECKING

from cityauth._lazy import attach as _attach

if TYPE_CHECKING:
    from cityauth.core.dummy import HashMix
    from cityauth.core.hash_costs import Argon2Costs, BcryptCosts, Pbkdf2Costs, ScryptCosts
    from cityauth.core.hashing import HashDefect, HashParameters, parameters_of
    from cityauth.hashing.argon2 import Argon2Hasher

__all__ = [
    "Argon2Costs",
    "Argon2Hasher",
    "BcryptCosts",
    "HashDefect",
    "HashMix",
    "HashParameters",
    "Pbkdf2Costs",
    "ScryptCosts",
    "parameters_of",
]

if not TYPE_CHECKING:  # a type checker would take every name for a public one
    _HOMES = {
        "Argon2Costs": "cityauth.core.hash_costs",
        "BcryptCosts": "cityauth.core.hash_costs",
        "Pbkdf2Costs": "cityauth.core.hash_costs",
        "ScryptCosts": "cityauth.core.hash_costs",
        "Argon2Hasher": "cityauth.hashing.argon2",
        "HashDefect": "cityauth.core.hashing",
        "HashMix": "cityauth.core.dummy",
        "HashParameters": "cityauth.core.hashing",
        "parameters_of": "cityauth.core.hashing",
    }
    __getattr__, __dir__ = _attach(__name__, _HOMES)
