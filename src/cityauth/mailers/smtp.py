"""`SmtpMailer`: hands mail to an SMTP server, encrypted unless that server is this machine."""

import logging
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, Literal

from cityauth.core.identifiers import EmailKind, Malformed
from cityauth.core.mail import QueuedMail, read_contact
from cityauth.errors import ConfigurationError, MailerUnavailableError, MailRefusedError
from cityauth.mailers.message import read_sender, write_message
from cityauth.policy.mail import is_loopback

Security = Literal["starttls", "tls", "none"]

_logger = logging.getLogger("cityauth.mailers")

_RECIPIENT: Final = EmailKind(smtputf8=True)
_BELIEVED: Final = {True: 30.0, False: 3.0}
"""Seconds for which a server that was there, or was not, is believed to be as it was."""

_HIGHEST_PORT: Final = 65535


class Fault(Enum):
    """Whose fault it is that a mail was not taken."""

    RECIPIENT = auto()
    """The recipient's, for good: no such address, or a mailbox that takes no mail."""
    PASSING = auto()
    """No lasting fault: the server asks to try this mail again later, as greylisting does."""
    OURS = auto()
    """Ours or the server's: it would refuse other mails as well."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was last seen of the server: when, by the monotonic clock, and whether it was there."""

    at: float
    there: bool


class SmtpMailer:
    """Sends mail to an SMTP server.

    The recipient is the stored address, byte for byte. No header can hold a line break. When STARTTLS fails, nothing is
    sent without encryption.

    Attributes:
        is_local: Whether the server is this machine. If not, `MailPolicy.base_url` must not lead to this machine.
        time_limit: Seconds after which the connection for one mail is closed.
        check_at_start: Whether `CityAuth` connects to the server when it is constructed.
    """

    def __init__(  # noqa: PLR0913 - one keyword for each thing that a mail server may need
        self,
        host: str,
        port: int = 587,
        *,
        sender: str,
        sender_name: str = "",
        security: Security = "starttls",
        username: str | None = None,
        password: str | None = None,
        timeout: float = 5.0,
        time_limit: float = 60.0,
        check_at_start: bool = True,
        context: ssl.SSLContext | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Describe the server. Nothing is connected yet.

        Args:
            host: The name or address of the server.
            port: 587 for STARTTLS, 465 for TLS from the first byte.
            sender: The address that mails come from. A domain with letters other than a to z is written as A-labels.
            sender_name: The name that is shown with the sender.
            security: ``"starttls"``, ``"tls"``, or ``"none"``, which only a server on this machine may have.
            username: The login at a server that asks for one; needs *password*.
            password: The password of *username*.
            timeout: Seconds for each step of a connection.
            time_limit: Seconds for the whole connection for one mail. `CityAuth` shortens it to less than
                `OutboxPolicy.lease`.
            check_at_start: Whether `CityAuth` connects to the server when it is constructed. Then the first page knows
                whether mail leaves. A program without pages can switch it off.
            context: Verifies the server's certificate; ``None`` for the system's certificates.
            monotonic: The clock that measures how old the server's last answer is.

        Raises:
            ConfigurationError: the host is missing, the port or a time is out of range, a server without encryption is
                not this machine, only one of username and password is given, one of them is not ASCII, or the sender is
                not one plain address.
        """
        _check_server(host, port, timeout, time_limit)
        self.is_local: bool = is_loopback(host)
        if security == "none" and not self.is_local:
            raise ConfigurationError(f"mail to {host} would go unencrypted: use security='starttls' or 'tls'")
        self.time_limit: float = time_limit
        self.check_at_start: bool = check_at_start
        self._sender = read_sender(sender, sender_name)
        self._login = _credentials(username, password)
        self._host, self._port, self._security, self._timeout = host, port, security, timeout
        self._context = context
        self._monotonic = monotonic
        self._seen: _Seen | None = None
        self._refuses = False
        self._first, self._starting = threading.Lock(), threading.Lock()
        self._greeter: threading.Thread | None = None

    def limit_time(self, seconds: float) -> None:
        """Close each connection after *seconds* at the latest. `CityAuth` calls it with less than a mail's lease."""
        self.time_limit = min(self.time_limit, seconds)

    # --- health -----------------------------------------------------------------------------------

    def is_up(self) -> bool:
        """See `Mailer.is_up`: what was last seen of the server. The caller never waits for a conversation with it.

        `CityAuth` greets the server when it starts, and each mail that is sent shows its health anew. Knowledge that
        is older than half a minute, or 3 seconds where the server was down, is renewed in the background. Only where
        nothing is known at all does the caller wait for one greeting.
        """
        if self._seen is None:
            with self._first:
                if self._seen is None:
                    self.check()
        seen = self._seen
        if seen is not None and self._monotonic() - seen.at >= _BELIEVED[seen.there]:
            self._check_in_background()
        return seen is not None and seen.there and not self._refuses

    def check(self) -> bool:
        """Connect to the server now, log in if there is a login, and return whether mail can leave.

        A server that refused mail of this service counts as down until it takes a mail, even if it can be reached.
        """
        self._saw(there=self._greets())
        return self.is_up()

    def _greets(self) -> bool:
        try:
            with self._conversation() as server:
                server.quit()
        except (OSError, ValueError, smtplib.SMTPException):
            return False
        return True

    def _saw(self, *, there: bool) -> None:
        self._seen = _Seen(self._monotonic(), there)  # from the answer on, however long it took

    def _check_in_background(self) -> None:
        """Start one greeter, unless one is at work. After a fork the parent's is not: it counts as ended."""
        with self._starting:
            if self._greeter is None or not self._greeter.is_alive():
                self._greeter = threading.Thread(target=self.check, name="cityauth-smtp-check", daemon=True)
                self._greeter.start()

    # --- sending ----------------------------------------------------------------------------------

    def send(self, mail: QueuedMail) -> None:
        """See `Mailer.send`.

        Only a reply about the recipient (5.1.x, 5.2.x) is final. After a reply that refuses this service, such as
        "authentication required" or "relay access denied", the mail stays in the outbox and the mailer is down.
        """
        mail = _addressed(mail)
        message = self._written(mail)
        try:
            self._hand_over(mail, message)
        except smtplib.SMTPRecipientsRefused as refused:
            code, reply = next(iter(refused.recipients.values()))
            raise self._trouble(fault_of(code, reply), code, reply) from None
        except smtplib.SMTPDataError as answer:
            fault = fault_of(answer.smtp_code, answer.smtp_error)
            raise self._trouble(fault, answer.smtp_code, answer.smtp_error) from None
        except smtplib.SMTPResponseException as answer:  # to the greeting, the login or the sender: no mail can leave
            raise self._trouble(Fault.OURS, answer.smtp_code, answer.smtp_error, next_may_pass=False) from None
        except (OSError, ValueError, smtplib.SMTPException) as error:
            self._saw(there=False)
            raise MailerUnavailableError(type(error).__name__) from None
        self._saw(there=True)
        self._refuses = False

    def _written(self, mail: QueuedMail) -> bytes:
        try:
            return write_message(mail, self._sender)
        except ValueError:
            raise MailRefusedError("the mail cannot be written as a message") from None

    def _hand_over(self, mail: QueuedMail, message: bytes) -> None:
        options = () if mail.to.isascii() else ("SMTPUTF8", "BODY=8BITMIME")
        with self._conversation() as server:
            if options and not server.has_extn("smtputf8"):
                self._saw(there=True)
                raise MailRefusedError("the server takes no address that is not ASCII")
            server.sendmail(self._sender.address, [mail.to], message, options)
            with suppress(OSError, smtplib.SMTPException):  # the mail is taken, however the farewell goes
                server.quit()

    def _trouble(
        self, fault: Fault, code: int, reply: bytes | str, *, next_may_pass: bool = True
    ) -> MailerUnavailableError | MailRefusedError:
        """Remember what a reply says of the server, and return the exception that it means."""
        self._saw(there=True)
        summary = summary_of(code, reply)
        if fault is Fault.RECIPIENT:
            return MailRefusedError(summary)
        if fault is Fault.OURS:
            if not self._refuses:
                _logger.warning("the mail server refuses mail from this service: %s", summary)
            self._refuses = True
        return MailerUnavailableError(summary, answered=next_may_pass)

    # --- the conversation -------------------------------------------------------------------------

    @contextmanager
    def _conversation(self) -> Iterator[smtplib.SMTP]:
        """Connect, encrypt and log in; raise rather than go on in the clear. Ends when the time is up."""
        context = self._context or ssl.create_default_context()
        implicit = self._security == "tls"
        # made before it connects, so that the timer has a hold on it while the server keeps it waiting
        server = smtplib.SMTP_SSL.__new__(smtplib.SMTP_SSL) if implicit else smtplib.SMTP.__new__(smtplib.SMTP)
        timer = threading.Timer(self.time_limit, _hang_up, [server])
        timer.daemon = True
        timer.start()
        try:
            if isinstance(server, smtplib.SMTP_SSL):
                smtplib.SMTP_SSL.__init__(server, self._host, self._port, timeout=self._timeout, context=context)
            else:
                smtplib.SMTP.__init__(server, self._host, self._port, timeout=self._timeout)
            if timer.finished.is_set():  # while the name was looked up: there was nothing to hang up yet
                raise TimeoutError
            if self._security == "starttls":
                server.starttls(context=context)
            server.ehlo_or_helo_if_needed()
            if self._login is not None:
                server.login(*self._login)
            yield server
        finally:
            timer.cancel()
            server.close()


def _addressed(mail: QueuedMail) -> QueuedMail:
    """Return *mail* to the one plain address that it names; `smtplib` would read a list or a name leniently.

    A stored address is left as it is, byte for byte. One that a host stored raw, with blanks around it or a domain in
    other letters, is written as mail reaches it.

    Raises:
        MailRefusedError: the recipient is not one plain address.
    """
    address = read_contact(mail.to, _RECIPIENT)
    if isinstance(address, Malformed):
        raise MailRefusedError("the recipient is not one plain address")
    return mail if mail.to.lower() == address.lower() else replace(mail, to=address)


def _check_server(host: str, port: int, timeout: float, time_limit: float) -> None:
    """Refuse what can never be reached."""
    if not host.strip() or host != host.strip():
        raise ConfigurationError("host is missing: give the name of the mail server, such as smtp.example.org")
    if not 0 < port <= _HIGHEST_PORT:
        raise ConfigurationError("port must be 1 to 65535: 587 for STARTTLS, 465 for TLS")
    if not (timeout > 0 and time_limit > 0):
        raise ConfigurationError("timeout and time_limit must be more than 0 seconds")


def _credentials(username: str | None, password: str | None) -> tuple[str, str] | None:
    """Return what to log in with, or ``None`` for a server that does not ask."""
    if username is None and password is None:
        return None
    if not username or not password:
        missing = "username" if not username else "password"
        raise ConfigurationError(f"{missing} is missing: a mail server that asks who is sending needs both or neither")
    if not (username.isascii() and password.isascii()):
        raise ConfigurationError("username and password of the mail server must be ASCII")
    return username, password


def _hang_up(server: smtplib.SMTP) -> None:
    """End the conversation from another thread: the thread that waits for the server gets an error."""
    connected = server.sock
    if connected is not None:
        with suppress(OSError):
            socket.socket.shutdown(connected, socket.SHUT_RDWR)


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
