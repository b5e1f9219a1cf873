"""What a new password must be, and the bundled list of common passwords."""

import gzip
from dataclasses import dataclass
from functools import cache

from cityauth.policy.validation import require, require_types


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What a *new* password must be. It does not apply to old passwords: they keep working.

    Attributes:
        min_length: The fewest code points, counted after NFC; at least 8. NIST SP 800-63B asks for 15 where the
            password is the only factor.
        max_code_points: The most code points; 64 to 1,024. It limits passwords at sign-in as well.
        max_bytes: The most bytes of UTF-8; at most 4,096. A longer text is refused before any work, at sign-in
            as well.
        context_words: Names of the service, the organisation and its places. Each is refused as a whole password;
            a longer password may contain it.
    """

    min_length: int = 15
    max_code_points: int = 1024
    max_bytes: int = 4096
    context_words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse lengths out of these ranges."""
        require_types(self, "passwords")
        require(self.min_length >= 8, "passwords.min_length must be at least 8")  # noqa: PLR2004
        require(
            max(64, self.min_length) <= self.max_code_points <= 1024,  # noqa: PLR2004
            "passwords.max_code_points must be between 64 and 1024, and at least min_length",
        )
        require(
            self.max_code_points <= self.max_bytes <= 4096,  # noqa: PLR2004
            "passwords.max_bytes must be between max_code_points and 4096",
        )


@cache
def common_passwords() -> frozenset[str]:
    """Return the bundled common passwords, which no new password may be. Each is in its case-folded NFC.

    There are tens of thousands: the most frequent leaked passwords of at least 15 code points; for each shorter
    minimum, from 8 on, the 3,000 most frequent passwords that reach it; and the long passwords that people make
    of short ones, in English, Finnish and Swedish. ``tools/make_blocklist.py`` names the sources and makes the
    file. It is read once, at the first call.

    A host may use any other ``Container[str]`` in its place, such as a larger set that includes this one.
    """
    from importlib.resources import files

    packed = (files("cityauth.policy") / "common_passwords.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().splitlines())
