"""E-mail addresses as identifiers: which texts are addresses, and from what their keys are computed.

The canonical address is the local part in NFC and lower case, an at sign, and the domain as lower-case
A-labels (UTS #46, non-transitional). Dots and ``+`` tags of the local part stay: their meaning
depends on the mailbox provider, and two people could have addresses that differ in them alone.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from cityauth.core.characters import Malformed, is_clean, mixes_scripts

if TYPE_CHECKING:
    from email_validator import ValidatedEmail

MAX_ADDRESS = 254
"""Code points of an address (RFC 3696, erratum 1690); the full validator also counts octets."""

# An ASCII address in lower case: a dot-atom of at most 64 (RFC 5321 4.5.3.1.1), then at least two host
# name labels (RFC 1123 2.1), none of the reserved form "??--", the last ending in a letter.
_ATOM = r"[a-z0-9!#$%&'*+\-/=?^_`{|}~]+"
_LABEL = r"(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}(?<=[a-z])")

_UNDELIVERABLE = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})
"""Top-level names without public mail (IANA, special-use domain names), refused by the full validator too."""


def canonical_address(text: str) -> str | None:
    """Return the canonical form of the one address that *text* is, or ``None`` when it is not one.

    It is ``None`` for lists, display names, comments, quoted local parts, IP literals, single-label and special-use
    domains, a trailing dot, a local part over 64 and an address over 254.

    Args:
        text: A text that `cityauth.core.characters.clean` let through.
    """
    if text.isascii():
        lowered = text.lower()
        if "xn--" not in lowered:  # only the full validator knows what A-labels decode to
            return lowered if _is_plain_address(lowered) else None
    value = _validated_address(text)
    if value is None or value == text:
        return value
    return value if _validated_address(value) == value else None


def _is_plain_address(lowered: str) -> bool:
    """What the full validator says of ASCII without A-labels, at a twentieth of its cost."""
    return (
        len(lowered) <= MAX_ADDRESS
        and _PLAIN.fullmatch(lowered) is not None
        and lowered.rpartition(".")[2] not in _UNDELIVERABLE
    )


def _validated_address(text: str) -> str | None:
    validated = _validate(text)
    if validated is None:
        return None
    local = unicodedata.normalize("NFC", validated.local_part.lower())
    return f"{local}@{validated.ascii_domain}"


def _validate(text: str) -> "ValidatedEmail | None":
    """Ask the full validator; every option is given, as a host may have changed its defaults."""
    from email_validator import EmailNotValidError, validate_email

    composed = unicodedata.normalize("NFC", text)
    if len(composed) > MAX_ADDRESS or composed.count("@") != 1:
        return None
    try:
        return validate_email(
            composed,
            allow_smtputf8=True,
            allow_empty_local=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
            strict=True,
            check_deliverability=False,
            test_environment=False,
            globally_deliverable=True,
        )
    except EmailNotValidError:
        return None


_AROUND = "<>()[]{}\"'\u2018\u2019\u201c\u201d\u201e\u201a\u201b\u201f\u2039\u203a\u00ab\u00bb \t"
_AFTER = ".,;:!?\u3002\u3001"
_MAILTO = "mailto:"


def address_within(text: str) -> str | None:
    """Return the address that *text* holds besides what mail programs and people put around one.

    It removes a display name before ``<...>``, ``mailto:`` with a query, brackets and quotation
    marks, and punctuation at the end; full-width letters become plain ones. Returns ``None`` when nothing
    has to be removed, or when what is left is not one address.

    Args:
        text: A text that `cityauth.core.characters.clean` let through.
    """
    if "@" not in text or (text.isascii() and _is_plain_address(text.lower())):
        return None
    left = unicodedata.normalize("NFKC", text) if len(text) <= MAX_ADDRESS * 2 else text
    if left.rstrip(_AFTER).endswith(">"):
        left = left[left.rfind("<") + 1 :]
    left = left.strip(_AROUND + _AFTER)
    if left[: len(_MAILTO)].lower() == _MAILTO:
        left = left[len(_MAILTO) :].partition("?")[0].strip(_AROUND + _AFTER)
    return left if left != text and is_clean(left) and canonical_address(left) is not None else None


@final
@dataclass(frozen=True, slots=True)
class EmailKind:
    """The kind ``email``: text with an at sign that is one deliverable address.

    Attributes:
        smtputf8: Whether the mailer delivers to non-ASCII local parts. Only registration uses it: an
            address that is already an identifier is found with either value.
    """

    smtputf8: bool = False
    name: str = field(default="email", init=False)

    def recognizes(self, text: str) -> bool:
        """Whether *text* holds an at sign."""
        return "@" in text

    def canonical(self, text: str) -> str | None:
        """See `canonical_address`."""
        return canonical_address(text)

    def admit(self, text: str) -> str | Malformed:
        """Return the canonical address for registering, or why it is refused.

        A refusal is ``NOT_AN_ADDRESS``, ``MIXED_SCRIPT`` when the local part or a label of the domain
        mixes scripts, or ``NEEDS_SMTPUTF8``.
        """
        value = canonical_address(text)
        if value is None:
            return Malformed.NOT_AN_ADDRESS
        local, _, domain = value.partition("@")
        words = [local]
        if "xn--" in domain and (validated := _validate(value)) is not None:
            words += validated.domain.split(".")
        if any(map(mixes_scripts, words)):
            return Malformed.MIXED_SCRIPT
        return value if self.smtputf8 or local.isascii() else Malformed.NEEDS_SMTPUTF8
