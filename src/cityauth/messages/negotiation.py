"""Which language to speak before the person has said so."""

import re
from typing import Final

from cityauth.messages.catalogue import LANGUAGES

_MAX_HEADER: Final = 1024
"""Characters of ``Accept-Language`` that are looked at at all. Browsers send under 100."""

_QUALITY: Final = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII)
"""A weight as HTTP has it (RFC 9110, 12.4.2)."""

_SUBTAG: Final = re.compile(r"[-_.@]")
"""What follows the language in a tag: ``sv-FI``, and ``sv_FI.UTF-8`` as some programs write it."""


def negotiate(accept_language: str | None, default: str = "fi") -> str:
    """Return the language of :data:`~cityauth.messages.LANGUAGES` that an ``Accept-Language`` header likes best.

    ``sv-FI`` and ``sv_FI`` count as ``sv``. Of equal weights the first wins. ``*`` stands for every language that
    the header does not name, *default* first. Parameters other than ``q`` are passed over.

    Args:
        accept_language: The header as it came in, or ``None``.
        default: The language for a header that is missing, longer than 1,024 characters, or names none of the
            languages. An entry that is malformed is passed over.

    Returns:
        One of the languages, or *default*; never text from the header.
    """
    if not accept_language or len(accept_language) > _MAX_HEADER:
        return default
    wishes: dict[str, float] = {}
    for entry in accept_language.split(","):
        tag, *parameters = (part.strip() for part in entry.split(";"))
        language = tag if tag == "*" else _SUBTAG.split(tag, maxsplit=1)[0].lower()
        quality = _quality(parameters)
        if quality is not None and (language == "*" or language in LANGUAGES):
            wishes[language] = max(quality, wishes.get(language, 0.0))
    return _best(wishes, default)


def _best(wishes: dict[str, float], default: str) -> str:
    """Return the language with the highest weight; ``*`` weighs for those that are not named."""
    weights: dict[str, float] = {}
    for language, quality in wishes.items():
        named = (language,) if language != "*" else (one for one in (default, *LANGUAGES) if one not in wishes)
        weights.update({one: quality for one in named if one not in weights})
    best = max(weights, key=weights.__getitem__, default=default)
    return best if weights.get(best) else default


def _quality(parameters: list[str]) -> float | None:
    """Return the number in ``q=0.8``, 1 where no weight is given, or ``None`` where it is malformed."""
    for parameter in parameters:
        name, _, value = (part.strip() for part in parameter.partition("="))
        if name.lower() == "q":
            return float(value) if _QUALITY.fullmatch(value) else None
    return 1.0
