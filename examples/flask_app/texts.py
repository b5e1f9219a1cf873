"""The city's own words in three languages, from ``texts.toml``."""

import tomllib
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@cache
def finland() -> tzinfo:
    """Return Finland's time; UTC on a computer without time zone data, where moments are then shown as UTC."""
    try:
        return ZoneInfo("Europe/Helsinki")
    except ZoneInfoNotFoundError:
        return UTC


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return every text: by its dotted name, then by language."""
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {f"{table}.{name}": text for table, texts in tables.items() for name, text in texts.items()}


def words(name: str, language: str) -> str:
    """Return the city's text *name* in *language*."""
    return catalogue()[name][language]


def written(moment: date, language: str) -> str:
    """Write a date, or an aware moment as date and time of day in Finland, the way *language* does."""
    if isinstance(moment, datetime):
        local = moment.astimezone(finland())
        return local.strftime(words("format.moment", language)) + (" UTC" if local.tzinfo is UTC else "")
    return moment.strftime(words("format.date", language))
