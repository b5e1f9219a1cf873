"""Usernames: strict rules for a new one, tolerant rules for finding an old one.

Where both accept a name, both give the same value: that of the RFC 8265 profile UsernameCaseMapped.
"""

import functools
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from cityauth.core.characters import Malformed, exceeds, is_clean, mixes_scripts
from cityauth.core.email import canonical_address
from cityauth.errors import PolicyError

if TYPE_CHECKING:
    from precis_i18n.profile import Profile

# fmt: off
RESERVED_NAMES = frozenset(
    {
        # RFC 2142, sections 3 to 5
        "abuse", "ftp", "hostmaster", "info", "marketing", "news", "noc", "postmaster", "sales",
        "security", "support", "usenet", "uucp", "webmaster", "www",
        # what a person would take for the service itself
        "admin", "administrator", "anonymous", "api", "help", "helpdesk", "mailer-daemon",
        "no-reply", "nobody", "noreply", "null", "official", "operator", "owner", "root", "staff",
        "superuser", "sysadmin", "system", "undefined", "user",
    }
)
# fmt: on
"""Usernames that nobody may register, because they speak for the service or its machines."""

MAX_PROFILED = 128
"""The longest text, in code points, that is given to RFC 8265, which is slow: twice the longest new name."""


def canonical_username(text: str) -> str | None:
    """Return the value by which the username *text* is looked up, or ``None`` when it cannot be a username.

    A text that is an e-mail address has the address's value: both share one namespace. It is a conflict
    when one person has the text as a username and another has it as an address.
    Otherwise it is the RFC 8265 value if that profile accepts the text. If not (old names with spaces,
    symbols, mixed directions, or longer than `MAX_PROFILED`), it is the text in NFC and lower case.

    Args:
        text: A text that `cityauth.core.characters.clean` let through.
    """
    if text.isascii():
        return text.lower()  # the code below gives the same for printable ASCII
    value = _mapped(text)
    stable = value == text or _mapped(value) == value
    return value if stable and is_clean(value) and not exceeds(value) else None


def _mapped(text: str) -> str:
    if "@" in text and (address := canonical_address(text)) is not None:
        return address
    composed = _composed(text)
    return _precis(composed) or _composed(composed.lower())


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _precis(composed: str) -> str:
    """The RFC 8265 value, or the empty text when the profile refuses. No accepted name gives the empty text."""
    if len(composed) > MAX_PROFILED:
        return ""
    try:
        return _profile().enforce(composed)
    except UnicodeEncodeError:
        return ""


@functools.cache
def _profile() -> "Profile":
    from precis_i18n import get_profile

    return get_profile("UsernameCaseMapped")


def _has_compatibility_form(text: str) -> bool:
    """Whether another text differs in form alone: NFKC differs from NFC once widths are mapped."""
    mapped = _profile().width_mapping_rule(text)
    return unicodedata.normalize("NFKC", mapped) != _composed(mapped)


@final
@dataclass(frozen=True, slots=True)
class UsernameKind:
    """The kind ``username``: any text for looking up, RFC 8265 without an at sign for registering.

    Attributes:
        shortest: Fewest code points of a new username; 3, so that nobody takes a single letter.
        longest: Most code points of a new username, at most `MAX_PROFILED`; 64, as for the local part of
            an address.
        reserved: Canonical usernames that nobody may register.
    """

    shortest: int = 3
    longest: int = 64
    reserved: frozenset[str] = field(default=RESERVED_NAMES, repr=False)
    name: str = field(default="username", init=False)

    def __post_init__(self) -> None:
        """Refuse lengths that no name can have, or that are not given to RFC 8265."""
        if not 1 <= self.shortest <= self.longest <= MAX_PROFILED:
            raise PolicyError(f"usernames: 1 <= shortest <= longest <= {MAX_PROFILED}")

    def recognizes(self, text: str) -> bool:
        """Return whether there is text: old usernames have every shape."""
        return bool(text)

    def canonical(self, text: str) -> str | None:
        """See `canonical_username`."""
        return canonical_username(text)

    def admit(self, text: str) -> str | Malformed:
        """Return the canonical username for registering, or why it is refused.

        A refusal is ``WRONG_KIND``, ``COMPATIBILITY_CHARACTER``, ``FORBIDDEN_CHARACTER``, ``TOO_SHORT``,
        ``TOO_LONG``, ``RESERVED`` or ``MIXED_SCRIPT``.
        """
        if "@" in text:
            return Malformed.WRONG_KIND
        composed = _composed(text)
        if len(composed) > MAX_PROFILED:
            return Malformed.TOO_LONG
        if _has_compatibility_form(composed):
            return Malformed.COMPATIBILITY_CHARACTER
        value = _precis(composed)
        if not value or value != canonical_username(text):
            return Malformed.FORBIDDEN_CHARACTER
        if len(value) < self.shortest:
            return Malformed.TOO_SHORT
        if len(value) > self.longest:
            return Malformed.TOO_LONG
        if value in self.reserved:
            return Malformed.RESERVED
        return Malformed.MIXED_SCRIPT if mixes_scripts(value) else value
