"""Mail on its way: what the outbox holds."""

import html
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

from cityauth.core.identifiers import EMAIL, KEY_VERSION, Identifier, IdentifierKind, Malformed, register
from cityauth.messages.mails import MailContent


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """One mail in the outbox; deleted when it was sent.

    Attributes:
        id: Stays the same for the Message-ID, so that a mail that was sent twice after a crash can be recognized.
        to: The stored, verified address, byte for byte the envelope's recipient. Empty for a dummy mail,
            which the outbox drops: it stands for the mail that an unknown username does not get.
        content: Subject and text.
        language: The language of the text: ``fi``, ``sv`` or ``en``.
        queued_at: When it was queued.
        expires_at: When it is not worth sending any more, because its link would have ended.
        attempts: How often sending has been tried.
    """

    id: str
    to: str = field(repr=False)
    content: MailContent
    language: str
    queued_at: datetime
    expires_at: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """How the outbox stands.

    Attributes:
        waiting: Mails not yet sent, dummies left out.
        retrying: Those of them that have failed at least once.
        oldest: When the oldest of them was queued; ``None`` when there is none.
    """

    waiting: int
    retrying: int
    oldest: datetime | None


def mail_address(identifier: Identifier) -> str:
    """Return the address to mail: the local part as its owner wrote it, the domain as the DNS knows it."""
    local = identifier.shown.rpartition("@")[0]
    domain = identifier.key.rpartition("@")[2]
    return f"{local}@{domain}"


def mailbox_of(address: str) -> str:
    """Return the mailbox that *address* leads to, for counting: in lower case, without a ``+tag``.

    Text without an at sign is returned in lower case.
    """
    local, at, domain = unicodedata.normalize("NFC", address).lower().rpartition("@")
    return f"{local.partition('+')[0] or local}{at}{domain}"


def contact_key(address: str) -> str:
    """Return the key under which the accounts of a contact address are found.

    It is the key that the address has as an identifier, so that a store can compare the two. A text that is no
    address, which no contact is, gets a key that no identifier has.
    """
    value = EMAIL.canonical(address)
    return f"{KEY_VERSION}:{value}" if value else f"0:{unicodedata.normalize('NFC', address).casefold()}"


def read_contact(entered: object, kind: IdentifierKind) -> str | Malformed:
    """Return the contact address that *entered* is, as it is stored and mailed to, or why it is none.

    Outer blanks and line breaks are dropped, and the domain is written in lower-case A-labels.

    Args:
        entered: What a host or customer service gave; any type.
        kind: The deployment's e-mail kind, which knows whether mail reaches a local part that is not ASCII.

    Returns:
        The address, or a `Malformed`: ``EMPTY``, ``NOT_TEXT``, ``TOO_LONG``, ``FORBIDDEN_CHARACTER``,
        ``NOT_AN_ADDRESS``, ``NEEDS_SMTPUTF8`` or ``MIXED_SCRIPT``.
    """
    identifier = register(entered, kind)
    return identifier if isinstance(identifier, Malformed) else mail_address(identifier)


def as_html(content: MailContent, language: str) -> str:
    """Return the mail as simple HTML: the same words, with a link where a paragraph is a web address."""
    paragraphs = [_paragraph(one) for one in content.body.strip().split("\n\n")]
    title = html.escape(content.subject)
    return (
        f'<!doctype html><html lang="{html.escape(language)}"><head><meta charset="utf-8">'
        f"<title>{title}</title></head><body>{''.join(paragraphs)}</body></html>"
    )


def _paragraph(text: str) -> str:
    safe = html.escape(text).replace("\n", "<br>")
    if text.startswith(("https://", "http://")) and not any(mark.isspace() for mark in text):
        return f'<p><a href="{safe}">{safe}</a></p>'
    return f"<p>{safe}</p>"
