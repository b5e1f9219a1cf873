"""Mailed links: how long they live, how often they are sent, what they say and how they leave."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from cityauth.core.throttle import Limit
from cityauth.policy.ruling import require


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """How long a mailed link lives; from its issue, whenever the mail arrives.

    Attributes:
        reset: Forgotten password; 60 minutes, at most 24 hours (NIST 4.2.1.2).
        invitation: The first password of an account that an administrator made; at most 24 hours.
        sign_up: Confirms the address of a new account; at most 24 hours.
        email_change: Confirms a new address; 2 hours, at most 24.
        email_undo: Undoes an e-mail change from the old mailbox; 7 days, at least 1, at most 30.
    """

    reset: timedelta = timedelta(minutes=60)
    invitation: timedelta = timedelta(hours=24)
    sign_up: timedelta = timedelta(hours=1)
    email_change: timedelta = timedelta(hours=2)
    email_undo: timedelta = timedelta(days=7)

    def __post_init__(self) -> None:
        """Refuse a link that lives longer than NIST allows, or none at all."""
        short = (self.reset, self.invitation, self.sign_up, self.email_change)
        require(
            all(timedelta(minutes=1) <= one <= timedelta(hours=24) for one in short),
            "links: reset, invitation, sign_up and email_change must be 1 minute to 24 hours (NIST 4.2.1.2)",
        )
        require(
            timedelta(days=1) <= self.email_undo <= timedelta(days=30),
            "links.email_undo must be 1 to 30 days",
        )


@dataclass(frozen=True, slots=True)
class ThrottlePolicy:
    """How often something may happen; each a set of limits that all hold (ASVS 6.1.1).

    Attributes:
        mail_per_account: Mails that somebody asks for, per account, or per identifier of none: one a
            minute, five an hour, ten a day (C-54 and its peers).
        mail_per_network: The same per network: 20 a minute.
        link_per_network: Links per network: 60 looked at a minute, as a scanner may, and 60 used.
        verify_per_account: Passwords tried by a signed-in person: 10 in five minutes.
    """

    mail_per_account: tuple[Limit, ...] = (
        Limit(1, timedelta(minutes=1)),
        Limit(5, timedelta(hours=1)),
        Limit(10, timedelta(days=1)),
    )
    mail_per_network: tuple[Limit, ...] = (Limit(20, timedelta(minutes=1)),)
    link_per_network: tuple[Limit, ...] = (Limit(60, timedelta(minutes=1)),)
    verify_per_account: tuple[Limit, ...] = (Limit(10, timedelta(minutes=5)),)

    @property
    def longest(self) -> timedelta:
        """The longest window of all limits: a use before it is counted by none."""
        limits = (*self.mail_per_account, *self.mail_per_network, *self.link_per_network, *self.verify_per_account)
        return max((limit.window for limit in limits), default=timedelta())


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
