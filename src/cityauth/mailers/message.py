"""A queued mail as the bytes of an Internet message, and the sender that it names.

The address headers are written here, and not by `email.policy`: CPython 3.11.2 to 3.13.0 loses the quotes of
a long name when it folds the header, and a comma in the name then makes a second address.
"""

import re
import unicodedata
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from itertools import groupby
from typing import Final

from cityauth.core.email import canonical_address
from cityauth.core.mail import QueuedMail, as_html
from cityauth.errors import ConfigurationError

_ATEXT: Final = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+"
_ATOM: Final = re.compile(_ATEXT)
_LOCAL: Final = re.compile(rf"(?=.{{1,64}}$){_ATEXT}(?:\.{_ATEXT})*")
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN: Final = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Za-z:.]+\])")
_ENCODED_START: Final = "=?"
"""What an encoded word begins with (RFC 2047): a plain word that holds it would be read as one."""

_UNWRITABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that no header can hold: controls, surrogates, line and paragraph separators."""

_LINE: Final = 76
"""Characters of a header line after which it is folded, where it can be."""

_ENCODED_WORD: Final = 75
"""Most characters of an encoded word (RFC 2047, section 2)."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who mails come from.

    Attributes:
        address: The address, in ASCII: the domain is in A-labels.
        name: The name shown with it; empty when there is none.
    """

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """The part after the at sign."""
        return self.address.rpartition("@")[2]


def read_sender(address: str, name: str = "") -> Sender:
    """Return the configured sender, its domain as A-labels.

    Raises:
        ConfigurationError: there is no address, it is not one plain address with a local part in ASCII, or the
            name holds a line break or another character that no header can hold.
    """
    stripped = address.strip()
    if not stripped:
        raise ConfigurationError(
            "sender is missing: give the address that mails come from, such as noreply@example.org"
        )
    local, at, domain = stripped.rpartition("@")
    if not domain.isascii():
        domain = (canonical_address(f"x@{domain}") or "").rpartition("@")[2]
    if not at or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise ConfigurationError("sender must be one plain e-mail address with only ASCII before the @")
    if any(unicodedata.category(char) in _UNWRITABLE for char in name):
        raise ConfigurationError("the sender's name must be one line of text, without control characters")
    return Sender(f"{local}@{domain}", " ".join(name.split()))


def write_message(mail: QueuedMail, sender: Sender) -> bytes:
    """Return *mail* as text and simple HTML; the Message-ID stays the same if it is sent again.

    The recipient must be one plain address: the caller has checked that.

    Raises:
        ValueError: the mail cannot be written, such as one with a line break in its subject.
    """
    if not (mail.id.isascii() and mail.id.isprintable()):
        raise ValueError(mail.id)
    message = EmailMessage(policy=SMTP if mail.to.isascii() else SMTPUTF8)
    message["Subject"] = mail.content.subject
    message["Date"] = mail.queued_at
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.content.body)
    message.add_alternative(as_html(mail.content, mail.language), subtype="html")
    message["Content-Language"] = mail.language
    head = (
        f"From: {_sender_header(sender)}\r\n"
        f"To: {mail.to}\r\n"
        f"Message-ID: <{mail.id}@{sender.domain}>\r\n"
    )  # fmt: skip
    return head.encode() + message.as_bytes()


def _sender_header(sender: Sender) -> str:
    """Return name and address, folded between words only, so that any reader finds one address."""
    if not sender.name:
        return sender.address
    lines, room = [""], _LINE - len("From:")
    for word in (*_phrase(sender.name), f"<{sender.address}>"):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
            room = _LINE
        lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\r\n ".join(lines)


def _phrase(name: str) -> list[str]:
    """Return the words of a display name as RFC 5322 and RFC 2047 have them.

    ASCII is written as it is, or quoted as a whole. In other names the words that are not plain are encoded, and
    neighbours among them together: between two encoded words a reader drops the space.
    """
    words = name.split(" ")
    if all(map(_is_plain, words)):
        return words
    if name.isascii() and _ENCODED_START not in name:
        quoted = re.sub(r'(["\\])', r"\\\1", name)
        return [f'"{quoted}"']
    written: list[str] = []
    for plain, run in groupby(words, _is_plain):
        text = " ".join(run)
        encoded = Header(text, "utf-8", maxlinelen=_ENCODED_WORD).encode()
        written += text.split(" ") if plain else encoded.split()
    return written


def _is_plain(word: str) -> bool:
    """Whether *word* can stand in a header as it is."""
    return _ATOM.fullmatch(word) is not None and _ENCODED_START not in word
