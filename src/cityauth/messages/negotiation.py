"""Which language to speak before the person has said so."""

import re
from typing import Final

from cityauth.messages.catalogue import LANGUAGES

_MAX_HEADER: Final = 1024
"""Characters of ``Accept-Language`` that are looked at all. Browsers send under 100."""

_QUALITY: Final = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII)
"""A weight as HTTP has it (RFC 9110, 12.4.2)."""


def negotiate(accept_language: str | None, default: str = "fi") -> str:
    """The language of :data:`~cityauth.messages.LANGUAGES` that an ``Accept-Language`` header likes best.

    Of equal weights the first wins; ``*`` stands for *default*; ``sv-FI`` counts as ``sv``. A header that is
    missing, longer than 1,024 characters, or names none of the languages gives *default*; an entry that is
    malformed is passed over. The answer is always one of the three or *default*, never text from the header.
    """
    if not accept_language or len(accept_language) > _MAX_HEADER:
        return default
    best, liking = default, 0.0
    for entry in accept_language.split(","):
        tag, _, weight = entry.partition(";")
        quality = _quality(weight)
        language = default if tag.strip() == "*" else tag.strip().partition("-")[0].lower()
        if quality > liking and language in LANGUAGES:
            best, liking = language, quality
    return best


def _quality(weight: str) -> float:
    """The number in ``q=0.8``; 1 where no weight is given, 0 where it is malformed."""
    if not weight:
        return 1.0
    name, _, value = weight.replace(" ", "").partition("=")
    return float(value) if name.lower() == "q" and _QUALITY.fullmatch(value) else 0.0
