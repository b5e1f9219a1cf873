"""What mails say, where their links lead, and how mail is sent."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from cityauth.policy.validation import require


@dataclass(frozen=True, slots=True)
class MailPolicy:
    """What mails say and where their links lead.

    Attributes:
        service: The service's name, in subjects and the signature.
        contact: How customer service is reached: an address, a number or a page.
        base_url: Where links lead, from here alone; no request header is ever looked at (B-82).
            ``https``, or ``http`` on localhost.
        reset_path: Page of the host for a forgotten password's link and an invitation; the token is added.
        sign_up_path: Page for the link of a sign-up.
        email_change_path: Page for the link to a new address.
        email_undo_path: Page for the link to the old address.
        forgotten_path: Page that asks for a link.
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
        """Refuse a base address that would send tokens in the clear."""
        parts = urlsplit(self.base_url)
        local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        require(
            parts.scheme == "https" or (parts.scheme == "http" and local),
            "mail.base_url must be https, or http on localhost",
        )
        require(
            not (parts.query or parts.fragment or parts.username) and bool(parts.netloc),
            "mail.base_url must be a plain address, such as https://service.example.org",
        )
        paths = (
            self.reset_path,
            self.sign_up_path,
            self.email_change_path,
            self.email_undo_path,
            self.forgotten_path,
        )
        require(all(path.startswith("/") for path in paths), "mail: every path must start with /")


@dataclass(frozen=True, slots=True)
class OutboxPolicy:
    """How mail is sent.

    Attributes:
        lease: How long a worker may hold mails before another one may take them.
        batch: How many mails a worker takes at once.
        first_retry: Wait after the first failure; doubled after each further one.
        longest_retry: The longest wait.
        notice_lifetime: How long a notice (a mail without a link) is worth sending.
    """

    lease: timedelta = timedelta(minutes=2)
    batch: int = 20
    first_retry: timedelta = timedelta(seconds=5)
    longest_retry: timedelta = timedelta(minutes=15)
    notice_lifetime: timedelta = timedelta(days=3)
