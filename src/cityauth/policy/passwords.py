"""What a new password must be, and the bundled list of common passwords."""

import gzip
from dataclasses import dataclass
from functools import cache

from cityauth.policy.validation import require


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What a *new* password must be. Old passwords keep working whatever stands here.

    Attributes:
        min_length: Code points after NFC; 15 where the password is the only factor (NIST 3.1.1.2,
            ASVS 6.2.1), never below 8.
        max_code_points: 1,024; at least 64 must be permitted (ASVS 6.2.9).
        max_bytes: 4,096 bytes of UTF-8, refused before any work on every road.
        context_words: Names of the service, the organisation and its places, refused as a whole
            password, never as a part of one (ASVS 6.1.2, 6.2.11).
    """

    min_length: int = 15
    max_code_points: int = 1024
    max_bytes: int = 4096
    context_words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse lengths that the sources forbid."""
        require(self.min_length >= 8, "passwords.min_length must be at least 8 (ASVS 6.2.1)")  # noqa: PLR2004
        require(
            max(64, self.min_length) <= self.max_code_points <= 1024,  # noqa: PLR2004
            "passwords.max_code_points must be between 64 (ASVS 6.2.9) and 1024",
        )
        require(
            self.max_code_points <= self.max_bytes <= 4096,  # noqa: PLR2004
            "passwords.max_bytes must be between max_code_points and 4096",
        )


@cache
def common_passwords() -> frozenset[str]:
    """Return the common passwords that no new password may be, by their `comparison_key`.

    Tens of thousands of entries, read once, at the first call. They hold the most frequent leaked
    passwords of at least 15 code points, the 3,000 most frequent ones for every shorter minimum down
    to 8, and what people make of short ones to reach 15, in Finnish and Swedish too.
    ``tools/make_blocklist.py`` says where they come from and makes the file again.

    A host may give any other ``Container[str]`` in its place, or a larger set that includes this one.
    """
    from importlib.resources import files

    packed = (files("cityauth.policy") / "common_passwords.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().splitlines())
