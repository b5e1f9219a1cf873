"""What an SMTP reply means for a mail: whose fault a refusal is, and what a page may say of it."""

import re
from enum import Enum, auto
from typing import Final

_ENHANCED: Final = re.compile(r"(?:^|#)([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
"""An enhanced status code (RFC 3463): at the start of the reply (RFC 2034), or ``#5.1.1`` as qmail writes it."""

_ADDRESS, _MAILBOX = "1", "2"
"""Subjects of an enhanced code that are about the recipient: its address, its mailbox (RFC 3463, section 3)."""

_ABOUT_SENDER: Final = frozenset({"7", "8"})
"""Details of an address code that are about the sender's address and not the recipient's: X.1.7 and X.1.8."""

_UNDEFINED: Final = "0"
"""The detail of an address code that says no more: X.1.0, of which the words tell whose address is meant."""

_SHUTTING_DOWN: Final = 421
_MAILBOX_CODES: Final = frozenset({550, 551, 553})
"""Basic codes that a server without enhanced ones gives for an unknown recipient, and for much else."""

_UNKNOWN_RECIPIENT: Final = re.compile(
    r"no such (?:user|recipient|mailbox|address|person|account)"
    r"|unknown (?:user|recipient|mailbox|account)"
    r"|(?:user|recipient|mailbox|account)(?: is| was)? (?:unknown|not found|not known)"
    r"|(?:user|recipient|mailbox|account) (?:does not|doesn't) exist"
    r"|unrout(?:e)?able address",
    re.IGNORECASE,
)
"""What servers without enhanced codes say of a recipient that does not exist (Exim, older Exchange, qmail)."""


class Fault(Enum):
    """Whose fault it is that a mail was not taken."""

    RECIPIENT = auto()
    """The recipient's, for good: no such address, or a mailbox that takes no mail."""
    PASSING = auto()
    """No lasting fault: the server asks to try this mail again later, as greylisting does."""
    OURS = auto()
    """Ours or the server's: it would refuse other mails as well."""


def fault_of(code: int, reply: bytes | str) -> Fault:
    """Return whose fault a refusal of the recipient or of the message is.

    Only 5.1.x and 5.2.x are about the recipient. A reply without an enhanced code is, when it says in words that
    there is no such recipient. Everything else that is final, such as 530, 535 or 5.7.x, is about us.
    """
    if code == _SHUTTING_DOWN:
        return Fault.OURS
    if 400 <= code < 500:  # noqa: PLR2004 - the range of replies that ask to try again
        return Fault.PASSING
    text = _text(reply)
    enhanced = _ENHANCED.search(text)
    if enhanced is None:
        is_unknown = code in _MAILBOX_CODES and _UNKNOWN_RECIPIENT.search(text) and "sender" not in text.lower()
        return Fault.RECIPIENT if is_unknown else Fault.OURS
    status, subject, detail = enhanced.groups()
    about_sender = detail in _ABOUT_SENDER or (detail == _UNDEFINED and "sender" in text.lower())
    about_recipient = subject == _MAILBOX or (subject == _ADDRESS and not about_sender)
    return Fault.RECIPIENT if status == "5" and about_recipient else Fault.OURS


def summary_of(code: int, reply: bytes | str) -> str:
    """Return the codes of a reply, and none of its words: they may hold the recipient's address."""
    enhanced = _ENHANCED.search(_text(reply))
    return f"SMTP {code} {enhanced[0].lstrip('#')}" if enhanced else f"SMTP {code}"


def _text(reply: bytes | str) -> str:
    return reply.decode("ascii", "replace").strip() if isinstance(reply, bytes) else reply.strip()
