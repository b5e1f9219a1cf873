"""Identifiers: what a person types to say who they are, and the key by which it is found.

The keys of all kinds share one namespace. Two texts with the same key are the same identifier. So where a username
equals somebody else's e-mail address, people must settle the conflict: a store never holds two accounts under one key.

An identifier that its owner gave up is retired, and never passes to another person: its key stays stored and taken
(`cityauth.core.resolution.IdentifierStatus`). Of an erased account's identifiers a store keeps tombstones
(`cityauth.core.tombstones`). Only customer service can release either (`cityauth.flows.identifiers`).
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cityauth.core.characters import MAX_BYTES, Malformed, clean
from cityauth.core.email import EmailKind, address_within
from cityauth.core.username import UsernameKind
from cityauth.errors import UsageError

__all__ = [
    "BUILT_IN",
    "EMAIL",
    "KEY_VERSION",
    "MAX_KEY_BYTES",
    "USERNAME",
    "EmailKind",
    "Identifier",
    "IdentifierKind",
    "Malformed",
    "UsernameKind",
    "exact_of",
    "inherit",
    "look_up",
    "read",
    "register",
]

KEY_VERSION = 1
"""Stands before the value in every key; it is raised when the rules change, so that old keys can be recognized."""

MAX_KEY_BYTES = len(f"{KEY_VERSION}:") + MAX_BYTES
"""The longest key in bytes of UTF-8: what a store's column must hold."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """One reading of an entered text.

    Attributes:
        kind: ``email``, ``username``, or the name of a host's own kind.
        shown: The text as given, in NFC and without what is invisible at its ends; for showing, never
            for comparing.
        key: The key version, a colon and the canonical value. Compared byte for byte, at most
            `MAX_KEY_BYTES` long, unique over all kinds and realms.
    """

    kind: str
    shown: str
    key: str


class IdentifierKind(Protocol):
    """A kind of identifier. The host may add its own, say a library-card number.

    Every method is given a text within the byte cap, without white space or invisible characters at
    its ends and without forbidden characters. Every method must be pure: the same text has the same
    answer as long as its key is stored.
    """

    @property
    def name(self) -> str:
        """What `Identifier.kind` says."""
        ...

    def recognizes(self, text: str) -> bool:
        """Whether *text* has the shape of this kind, by a quick look."""
        ...

    def canonical(self, text: str) -> str | None:
        """The value to look up, or ``None`` when *text* cannot be of this kind; idempotent."""
        ...

    def admit(self, text: str) -> str | Malformed:
        """The same value by the rules of registering, or why *text* may not be registered."""
        ...


EMAIL: Final = EmailKind()
"""E-mail addresses, for a mailer without SMTPUTF8."""

USERNAME: Final = UsernameKind()
"""Usernames by the default rules."""

BUILT_IN: Final[tuple[IdentifierKind, ...]] = (EMAIL, USERNAME)
"""The kinds that every service has; a host's own kinds are added to these: ``(*BUILT_IN, CARD)``."""


def look_up(entered: object, kinds: Sequence[IdentifierKind] = BUILT_IN) -> tuple[Identifier, ...] | Malformed:
    """Return every reading of what was entered, by the rules of looking up, or why there is none.

    The keys of the readings differ. Where two kinds give the same key, ``username`` gives way to the other,
    and among others the earlier names it: with the built-in kinds a text that is an e-mail address is read
    as one, and any other text as a username. No kind hides another's key, so that a caller sees whether a
    text is ambiguous.

    A refusal is ``NOT_TEXT``, ``TOO_LONG``, ``EMPTY``, ``FORBIDDEN_CHARACTER`` or ``UNRECOGNIZED``.

    Raises:
        UsageError: A host's kind broke the promises of `IdentifierKind`.
    """
    text = clean(entered)
    if isinstance(text, Malformed):
        return text
    readings: dict[str, str] = {}
    for kind in kinds:
        if kind.recognizes(text):
            value = _canonical(kind, text)
            if value is not None and readings.get(value, USERNAME.name) == USERNAME.name:
                readings[value] = kind.name
    if not readings:
        return Malformed.UNRECOGNIZED
    return tuple([_identifier(kind, text, value) for value, kind in readings.items()])


def read(entered: object, kinds: Sequence[IdentifierKind] = BUILT_IN) -> tuple[Identifier, ...] | Malformed:
    """Return what a person who wants to sign in may mean by *entered*, or why it cannot be an identifier.

    First come the readings of `look_up`, with its refusals. Where the text holds an e-mail address and
    more (``<name@example.com>``, ``mailto:name@example.com``, an address with a final full stop), that
    address follows as a correction. `exact_of` tells the two apart.

    Raises:
        UsageError: A host's kind broke the promises of `IdentifierKind`.
    """
    exact = look_up(entered, kinds)
    if isinstance(exact, Malformed) or (exact[0].kind == EMAIL.name and exact[0].shown.isascii()):
        return exact  # such an address is written as it is: there is nothing to correct
    if EMAIL.name not in {kind.name for kind in kinds}:
        return exact
    address = address_within(exact[0].shown)
    corrected = look_up(address, (EMAIL,)) if address else ()
    known = {one.key for one in exact}
    return (*exact, *(one for one in corrected if isinstance(one, Identifier) and one.key not in known))


def exact_of(readings: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
    """Return the *readings* of the text as it was typed, without the corrected one."""
    if len(readings) == 1:
        return readings
    return tuple(one for one in readings if one.shown == readings[0].shown)


def register(entered: object, kind: IdentifierKind) -> Identifier | Malformed:
    """Return the new identifier of *kind* that was entered, or why it may not be registered.

    Whether somebody has it already is decided by the store.

    Raises:
        UsageError: A host's kind broke the promises of `IdentifierKind`, or admits what it would not find.
    """
    text = clean(entered)
    if isinstance(text, Malformed):
        return text
    value = kind.admit(text)
    if isinstance(value, Malformed):
        return value
    if not isinstance(kind, (EmailKind, UsernameKind)) and value != _canonical(kind, text):
        raise UsageError(f"identifier kind {kind.name!r} admits a text that it would not find again")
    return _identifier(kind.name, text, value)


def inherit(entered: object) -> Identifier | Malformed:
    """Return an old username as it is taken over from another system, or why it cannot be.

    The rules are those of looking up, so every name that is taken over can be found. A name that is an
    e-mail address stays a username, under the key of that address.

    A refusal is ``NOT_TEXT``, ``TOO_LONG``, ``EMPTY``, ``FORBIDDEN_CHARACTER`` or ``UNRECOGNIZED``.
    """
    text = clean(entered)
    if isinstance(text, Malformed):
        return text
    value = USERNAME.canonical(text)
    return Malformed.UNRECOGNIZED if value is None else _identifier(USERNAME.name, text, value)


def _identifier(kind: str, text: str, value: str) -> Identifier:
    return Identifier(kind, unicodedata.normalize("NFC", text), f"{KEY_VERSION}:{value}")


def _canonical(kind: IdentifierKind, text: str) -> str | None:
    """Return the kind's canonical value, after a check that a host's kind keeps the promises of `IdentifierKind`."""
    value = kind.canonical(text)
    if value is None or isinstance(kind, (EmailKind, UsernameKind)):
        return value
    if clean(value) != value:
        raise UsageError(f"identifier kind {kind.name!r} gave a value that no identifier may have")
    if kind.canonical(value) != value:
        raise UsageError(f"identifier kind {kind.name!r} gave a value that it would canonicalize again")
    return value
