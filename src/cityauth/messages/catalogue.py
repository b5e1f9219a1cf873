"""The texts in three languages: gettext catalogues whose message ids are the stable codes."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from gettext import GNUTranslations, translation
from typing import Final, TypeAlias

from cityauth.errors import UsageError

LANGUAGES: Final = ("fi", "sv", "en")
"""The languages of every text, the default first."""

FALLBACK: Final = "en"
"""The language for a person whose own language is not one of :data:`LANGUAGES`."""

Param: TypeAlias = str | int
"""The type of a placeholder's value."""

_DOMAIN: Final = "cityauth"


def N_(code: str) -> str:  # noqa: N802 - the name that gettext tools know
    """Return *code* unchanged: it marks the code, so that ``pybabel extract -k N_`` finds it."""
    return code


# Translators: how long a link is valid, to continue "The link is valid for"
_DAY: Final = N_("validity.day")
# Translators: the same for {count} days, 2 or more
_DAYS: Final = N_("validity.days")
# Translators: how long a link is valid, to continue "The link is valid for"
_HOUR: Final = N_("validity.hour")
# Translators: the same for {count} hours, 2 or more
_HOURS: Final = N_("validity.hours")
# Translators: how long a link is valid, to continue "The link is valid for"
_MINUTE: Final = N_("validity.minute")
# Translators: the same for {count} minutes, 2 or more
_MINUTES: Final = N_("validity.minutes")

_UNITS: Final = (
    (timedelta(days=1), _DAY, _DAYS),
    (timedelta(hours=1), _HOUR, _HOURS),
    (timedelta(minutes=1), _MINUTE, _MINUTES),
)


@cache
def _catalogue(language: str) -> GNUTranslations:
    """Return the compiled catalogue of *language*. It is read on first use; threads that race read the same file."""
    from pathlib import Path  # 3 ms that `import cityauth` need not spend

    return translation(_DOMAIN, Path(__file__).parent, [language])


def text(code: str, language: str, **params: Param) -> str:
    """Return what *code* says in *language*, as plain text: escape it where it goes into HTML.

    Args:
        code: A member of :class:`~cityauth.messages.Code` or :class:`~cityauth.messages.Label`, or its value.
        language: One of :data:`LANGUAGES`; for any other the text is in :data:`FALLBACK`.
        **params: The values of the placeholders, inserted as they are. A value that the text does not use is ignored.

    Raises:
        UsageError: The code does not exist, or a placeholder of its text has no value.
    """
    return fill(code, template_of(code, language), params)


def template_of(code: str, language: str) -> str:
    """Return the shipped text of *code* in *language* with its placeholders.

    Raises:
        UsageError: the code does not exist.
    """
    found = _catalogue(language if language in LANGUAGES else FALLBACK).gettext(code)
    if found == code or not code:
        raise UsageError(f"no message has the code {code!r}")
    return found


def fill(code: str, template: str, params: Mapping[str, Param]) -> str:
    """Return the text *template* of *code* with *params* in its placeholders.

    Raises:
        UsageError: a placeholder has no value.
    """
    if "{" not in template and "}" not in template:
        return template
    try:
        return template.format_map(params)
    except KeyError as missing:
        raise UsageError(f"the message {code!r} needs a value for {missing}") from None


def validity(lifetime: timedelta, language: str, say: Callable[..., str] = text) -> str:
    """Return how long a link is valid, worded for ``{valid}`` in a mail: "60 minutes" reads "1 hour".

    The unit is the largest of days, hours and minutes that divides *lifetime*. Parts of a minute are cut, so that no
    mail promises too long a time. *say* is `text`, or `Texts.text` of a service with its own texts.
    """
    unit, one, many = next((entry for entry in _UNITS if lifetime and not lifetime % entry[0]), _UNITS[-1])
    count = lifetime // unit
    return say(one if count == 1 else many, language, count=count)


_MAX_HEADER: Final = 1024
"""Characters of ``Accept-Language`` that are looked at at all. Browsers send under 100."""

_QUALITY: Final = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII)
"""A weight as HTTP has it (RFC 9110, 12.4.2)."""

_SUBTAG: Final = re.compile(r"[-_.@]")
"""What follows the language in a tag: ``sv-FI``, and ``sv_FI.UTF-8`` as some programs write it."""


def negotiate(accept_language: str | None, default: str = "fi") -> str:
    """Return the language of :data:`~cityauth.messages.LANGUAGES` that an ``Accept-Language`` header likes best.

    ``sv-FI`` and ``sv_FI`` count as ``sv``. If two weights are equal, the first language wins. ``*`` stands for every
    language that the header does not name, *default* first. Parameters other than ``q`` and malformed entries are
    ignored.

    Args:
        accept_language: The header as it came in, or ``None``.
        default: The language if the header is missing, has more than 1,024 characters, or names none of the languages.

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
