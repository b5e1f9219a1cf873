"""Hashes of a home-made format: the stored text names the recipe, the salt and the digest."""

import base64
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from cityauth.core.hashing import HashDefect, HashMatch, HashParameters
from cityauth.errors import PolicyError
from cityauth.hashing.computed import Computed
from cityauth.hashing.recipes import read_recipe
from cityauth.policy import HashLimits, HashProfile

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_PLAIN_SALT: Final = "!\"#&'()*+,/:;<=>?@[\\]^`{|}"
"""What stands for itself in a stored salt, besides letters, digits and "_.-~". The rest is written as %XX."""

_MOST_SALT: Final = 256


@dataclass(frozen=True, slots=True)
class RecipeCosts:
    """Costs of a recipe: how many *digests* it takes, and its *work*, where one of a long value counts as several."""

    digests: int
    work: int

    def is_sound(self, salt_bytes: int, digest_bytes: int) -> bool:  # noqa: ARG002 - the format checks the digest
        """Say whether the salt is no longer than the bound that the recipe was judged by."""
        return salt_bytes <= _MOST_SALT

    def exceeds(self, limits: HashLimits) -> bool:
        """Say whether the recipe takes more digests than *limits* allow."""
        return self.work > limits.digest_rounds


class HashRecipe(Computed[RecipeCosts]):
    """A `HashFormat` that a recipe describes; `cityauth.hashing.recipes` has the grammar.

    A stored hash is ``$recipe$<name>$<salt>$<digest>``. An import whose format is the recipe's name may write
    ``<salt>$<digest>`` or ``<salt>:<digest>``, or the digest alone where the recipe has no salt.
    """

    __slots__ = ("_costs", "_recipe", "name")

    def __init__(self, name: str, recipe: str) -> None:
        """Read a recipe.

        Args:
            name: The name of the format: small letters, digits and "_".
            recipe: Such as ``hex(sha1(salt + password))``.

        Raises:
            PolicyError: the name or the recipe is wrong; the message says what and where.
        """
        if not _NAME.fullmatch(name):
            raise PolicyError(f"hashes: {name!r} is no name of a format: small letters, digits and _, a letter first")
        self.name: str = name
        self._recipe = read_recipe(name, recipe)
        self._costs = RecipeCosts(self._recipe.step.digests, self._recipe.step.work)

    def identify(self, stored: str) -> bool:
        """Say whether *stored* names this recipe."""
        return stored.startswith(f"$recipe${self.name}$")

    def spell_out(self, exported: str) -> str:
        """Return the stored text for what an old system exported: a digest, with its salt before it."""
        if exported.startswith("$recipe$"):
            return exported
        salt, digest = "", exported
        if "salt" in self._recipe.step.uses:
            salt, _, digest = exported.rpartition("$" if "$" in exported else ":")
        return f"$recipe${self.name}${quote(salt, safe=_PLAIN_SALT)}${digest}"

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[RecipeCosts] | HashDefect:
        """Take *stored* apart; see `HashFormat.parse`."""
        salt_text, _, digest_text = stored.removeprefix(f"$recipe${self.name}$").partition("$")
        salt = unquote_to_bytes(salt_text)
        digest = self._read(digest_text)
        as_written = quote(salt, safe=_PLAIN_SALT) == salt_text
        if digest is None or not as_written or bool(salt) is not ("salt" in self._recipe.step.uses):
            return HashDefect.CORRUPT
        if len(digest) != self._recipe.step.most_bytes or not self._costs.is_sound(len(salt), len(digest)):
            return HashDefect.CORRUPT
        return HashDefect.OVER_LIMIT if self._costs.exceeds(limits) else HashParameters(self._costs, salt, digest)

    def digest_of(self, password: bytes, parameters: HashParameters[RecipeCosts]) -> bytes:
        """Follow the recipe once."""
        return self._recipe.step.run(password, parameters.salt, b"")

    def match_of(self, password: bytes, parameters: HashParameters[RecipeCosts]) -> HashMatch:  # noqa: ARG002 - the protocol's signature
        """Return no for a password that ends with a NUL where HMAC would not see it."""
        return HashMatch.NO if self._recipe.step.pads and password.endswith(b"\0") else HashMatch.YES

    def rounds_of(self, parameters: HashParameters[RecipeCosts]) -> int:
        """Return how many digests the recipe takes."""
        return parameters.costs.digests

    def needs_rehash(self, parameters: HashParameters[RecipeCosts], profile: HashProfile) -> bool:  # noqa: ARG002 - the protocol's signature
        """Say yes: new hashes are Argon2id."""
        return True

    def render(self, parameters: HashParameters[RecipeCosts]) -> str:
        """Write *parameters* down in this format."""
        digest = parameters.digest
        written = digest.hex() if self._recipe.in_hex else base64.b64encode(digest).decode()
        return f"$recipe${self.name}${quote(parameters.salt, safe=_PLAIN_SALT)}${written}"

    def _read(self, text: str) -> bytes | None:
        """Return the digest that *text* writes; ``None`` where it writes none."""
        try:
            if self._recipe.in_hex:
                return bytes.fromhex(text) if text.isalnum() else None
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except ValueError:
            return None
