"""Ready-made password hashing: `Argon2Hasher`, the formats that it verifies, and how a host adds its own format."""

from typing import TYPE_CHECKING

from cityauth._lazy import attach as _attach

if TYPE_CHECKING:
    from cityauth.core.hash_kinds import HashKind, HashOrigin, PasswordEncoding
    from cityauth.core.hashing import (
        HashDefect,
        HashFormat,
        HashMatch,
        HashMix,
        HashParameters,
        StoredHash,
        WrappableFormat,
    )
    from cityauth.hashing.hasher import Argon2Hasher
    from cityauth.hashing.recipe_format import HashRecipe, RecipeCosts
    from cityauth.hashing.registry import built_in_formats

__all__ = [
    "Argon2Hasher",
    "HashDefect",
    "HashFormat",
    "HashKind",
    "HashMatch",
    "HashMix",
    "HashOrigin",
    "HashParameters",
    "HashRecipe",
    "PasswordEncoding",
    "RecipeCosts",
    "StoredHash",
    "WrappableFormat",
    "built_in_formats",
]

if not TYPE_CHECKING:  # a type checker would take every name for a public one
    _HOMES = {
        "Argon2Hasher": "cityauth.hashing.hasher",
        "HashDefect": "cityauth.core.hashing",
        "HashFormat": "cityauth.core.hashing",
        "HashKind": "cityauth.core.hash_kinds",
        "HashMatch": "cityauth.core.hashing",
        "HashMix": "cityauth.core.hashing",
        "HashOrigin": "cityauth.core.hash_kinds",
        "HashParameters": "cityauth.core.hashing",
        "HashRecipe": "cityauth.hashing.recipe_format",
        "RecipeCosts": "cityauth.hashing.recipe_format",
        "PasswordEncoding": "cityauth.core.hash_kinds",
        "StoredHash": "cityauth.core.hashing",
        "WrappableFormat": "cityauth.core.hashing",
        "built_in_formats": "cityauth.hashing.registry",
    }
    __getattr__, __dir__ = _attach(__name__, _HOMES)
