"""Accounts: who signs in, and the name that is shown. The id never changes, so a host's own data refers to it."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from cityauth.core.answers import Problem
from cityauth.core.characters import strip_invisible
from cityauth.messages.codes import Code
from cityauth.policy.realms import Phase

AccountId = NewType("AccountId", str)
"""Opaque, immutable, never reused; made by cityauth or given by the host at import."""


class Status(StrEnum):
    """Whether an account may sign in."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Account:
    """What a host may know of an account: everything but its password hash.

    Attributes:
        id: See `AccountId`.
        realm: ``citizen``, ``official`` or the host's own; decides which kinds sign in.
        display_name: The person's name as shown.
        language: ``fi``, ``sv`` or ``en``: the language of pages and mails.
        status: Whether the account may sign in.
        epoch: Advanced whenever all of the account's sessions must end.
        contact: The e-mail address that mail goes to, or ``None``.
        phase: The account's own phase, or ``None`` for the realm's.
        external_id: The host's own key of the person, such as that of the system the account was imported from.
            No two accounts have the same.
        contact_verified: Whether the person has shown that mail to *contact* reaches them. False after an import of
            addresses that nobody has verified.
    """

    id: AccountId
    realm: str
    display_name: str
    language: str = "fi"
    status: Status = Status.ACTIVE
    epoch: int = 0
    contact: str | None = None
    phase: Phase | None = None
    external_id: str | None = None
    contact_verified: bool = True


MAX_NAME = 150
"""Characters of a display name; longer than any in Finland's population register needs."""

_FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Controls, format characters (bidi controls among them), surrogates, private use, unassigned, line separators."""

_JOINERS = "\u200c\u200d"
"""Zero width non-joiner and joiner: Persian, Kurdish and many Indian names are spelled with them."""

_VIRAMA = 9
"""The combining class of the sign that drops a vowel; a joiner after it may also end a word."""


_SEEN = "!-~\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff"
_LATIN_NAME = re.compile(f"[{_SEEN}](?:[{_SEEN} ]{{0,148}}[{_SEEN}])?")
"""A name that is right as it stands: visible characters of Latin-1, each its own NFC, and spaces between them."""


def read_name(entered: object) -> str | Problem:
    """Return the name in NFC, without what is invisible at its ends, or what is wrong with it."""
    if not isinstance(entered, str):
        return Problem(Code.NAME_EMPTY)
    if _LATIN_NAME.fullmatch(entered):
        return entered
    if len(entered) > 4 * MAX_NAME:
        return Problem(Code.NAME_TOO_LONG, {"maximum": MAX_NAME})
    stripped = _strip(entered)
    if any(not _is_allowed(stripped, position) for position in range(len(stripped))):
        return Problem(Code.NAME_FORBIDDEN_CHARACTER)
    name = unicodedata.normalize("NFC", stripped)
    if not name:
        return Problem(Code.NAME_EMPTY)
    if len(name) > MAX_NAME:
        return Problem(Code.NAME_TOO_LONG, {"maximum": MAX_NAME})
    return name


def _strip(entered: str) -> str:
    """Remove what is invisible at both ends, but not a joiner that belongs to the last letter."""
    stripped = strip_invisible(entered)
    if stripped and unicodedata.combining(stripped[-1]) == _VIRAMA:
        after = entered[entered.rfind(stripped) + len(stripped) :][:1]
        return stripped + after if after in _JOINERS else stripped
    return stripped


def _is_allowed(text: str, position: int) -> bool:
    """Whether the character at *position* may stand there."""
    character = text[position]
    if character in _JOINERS:
        return _joins(text, position)
    return unicodedata.category(character) not in _FORBIDDEN


def _joins(text: str, position: int) -> bool:
    """Whether the joiner at *position* stands between two letters of a script, or after a virama.

    It is never the first character: what is invisible there was removed before.
    """
    if unicodedata.combining(text[position - 1]) == _VIRAMA:
        return True
    return _is_of_letter(text[position - 1]) and _is_of_letter(text[position + 1 : position + 2])


def _is_of_letter(character: str) -> bool:
    """Whether *character* is a letter or a mark on one."""
    return character != "" and unicodedata.category(character)[0] in "LM"
