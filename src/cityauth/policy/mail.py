"""What mails say, where their links lead, and how mail is sent.

How often a mail may be asked for is in `cityauth.policy.throttling`, and how long its link can be used in
`cityauth.policy.links`.
"""

import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from cityauth.policy.validation import require, require_types


def is_loopback(host: str) -> bool:
    """Whether *host*, a name or an address, is this machine: ``localhost``, 127.0.0.0/8 or ``::1``."""
    name = host.lower().strip("[]").removesuffix(".")
    if name == "localhost":
        return True
    import ipaddress  # as in `core.throttling`: most programs never need it

    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def leads_to_this_machine(host: str) -> bool:
    """Whether a browser that follows a link to *host* stays on its own machine.

    Browsers also take names below ``localhost``, the unspecified address, and every older form of an IPv4 address,
    such as ``127.1`` and ``0x7f000001``. `is_loopback` does not: a mail server is found by other rules.
    """
    name = unicodedata.normalize("NFKC", unquote(host)).lower().strip("[]").removesuffix(".")
    if is_loopback(name) or name == "localhost.localdomain" or name.endswith(".localhost"):
        return True
    import ipaddress
    import socket

    try:
        address = ipaddress.ip_address(name if ":" in name else socket.inet_aton(name))
    except (OSError, ValueError):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    return address.is_loopback or address.is_unspecified


@dataclass(frozen=True, slots=True)
class MailPolicy:
    """What mails say and where their links lead.

    Attributes:
        service: The service's name, in subjects and the signature; one line.
        contact: How customer service is reached: an address, a number or a page.
        base_url: The address that all links begin with; no header of a request changes it. ``https``, or
            ``http`` on this machine. A mailer that sends to other machines needs another one than the default.
        reset_path: The host's page that sets a password, for a reset and for an invitation. The token is added as
            ``?token=``.
        sign_up_path: The host's page that finishes a sign-up.
        email_change_path: The host's page that confirms a new address.
        email_undo_path: The host's page that undoes a change of address.
        forgotten_path: The host's page that asks for a link; notices lead to it.
    """

    service: str = "cityauth"
    contact: str = ""
    base_url: str = "http://localhost"
    reset_path: str = "/new-password"
    sign_up_path: str = "/sign-up/confirm"
    email_change_path: str = "/settings/email/confirm"
    email_undo_path: str = "/settings/email/undo"
    forgotten_path: str = "/forgotten"

    def __post_init__(self) -> None:
        """Refuse a base address that would send tokens in the clear, and text that no mail can hold."""
        require_types(self, "mail")
        parts = urlsplit(self.base_url)
        require(
            parts.scheme == "https" or (parts.scheme == "http" and self.leads_here),
            "mail.base_url must be https, or http on localhost",
        )
        require(
            not (parts.query or parts.fragment or parts.username) and bool(parts.netloc) and _is_url(self.base_url),
            "mail.base_url must be a plain address, such as https://service.example.org",
        )
        paths = (
            self.reset_path,
            self.sign_up_path,
            self.email_change_path,
            self.email_undo_path,
            self.forgotten_path,
        )
        require(all(path.startswith("/") and _is_url(path) for path in paths), "mail: every path must start with /")
        require(_is_writable(self.service), "mail.service must be one line of text, without control characters")
        require(
            all(map(_is_writable, self.contact.split("\n"))), "mail.contact must be text without control characters"
        )

    @property
    def leads_here(self) -> bool:
        """Whether links lead to this machine alone: nobody can follow them elsewhere."""
        return leads_to_this_machine(urlsplit(self.base_url).hostname or "")


def _is_url(text: str) -> bool:
    """Whether *text* holds nothing that would end a web address in a mail."""
    return text.isprintable() and not any(char.isspace() for char in text)


def _is_writable(line: str) -> bool:
    """Whether *line* can stand in a mail: no line breaks, control characters or surrogates."""
    return not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in line)


LONGEST_HOLD = timedelta(hours=1)
"""The longest that a mail may be held before it is tried again.

A mail that is held for longer was queued by a clock that was ahead, and is due at once.
"""


@dataclass(frozen=True, slots=True)
class OutboxPolicy:
    """How mail is sent.

    Attributes:
        lease: How long a job may hold one mail before another job may take it; 1 second to 1 hour. A mailer must
            end its attempt before that.
        batch: The most mails that one call sends; 1 to 10,000.
        first_retry: How long a mail waits after the first failure; each further failure doubles the wait.
        longest_retry: The longest wait; at most 1 hour.
        notice_lifetime: How long a notice (a mail without a link) may wait before it is abandoned; at least 1 minute.
    """

    lease: timedelta = timedelta(minutes=2)
    batch: int = 20
    first_retry: timedelta = timedelta(seconds=5)
    longest_retry: timedelta = timedelta(minutes=15)
    notice_lifetime: timedelta = timedelta(days=3)

    def __post_init__(self) -> None:
        """Refuse what would send nothing, or the same mail twice."""
        require_types(self, "outbox")
        require(timedelta(seconds=1) <= self.lease <= LONGEST_HOLD, "outbox.lease must be 1 second to 1 hour")
        require(1 <= self.batch <= 10_000, "outbox.batch must be 1 to 10000")  # noqa: PLR2004 - the range itself
        require(
            timedelta() < self.first_retry <= self.longest_retry <= LONGEST_HOLD,
            "outbox: 0 seconds < first_retry <= longest_retry <= 1 hour",
        )
        require(self.notice_lifetime >= timedelta(minutes=1), "outbox.notice_lifetime must be at least 1 minute")
