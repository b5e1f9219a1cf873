"""`SmtpMailer`: hands mail to an SMTP server, encrypted unless that server is this machine."""

import smtplib
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Literal

from cityauth.core.identifier import EmailKind, Malformed, register
from cityauth.core.mail import QueuedMail, as_html
from cityauth.errors import ConfigurationError, MailerUnavailableError, MailRefusedError

Security = Literal["starttls", "tls", "none"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_RECIPIENT = EmailKind(smtputf8=True)
_PERMANENT = range(500, 600)
_REMEMBERED = 3.0
"""Seconds for which the last word on the server's health is believed: a page asks it before each mail."""


class SmtpMailer:
    """A `Mailer` on `smtplib`.

    The envelope's recipient is the stored address byte for byte (B-7); no header is built from text that
    could hold a line break (B-9). When STARTTLS fails, nothing is sent in the clear (B-91).
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
        context: ssl.SSLContext | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Name the server; nothing is connected yet.

        Args:
            host: Its name or address.
            port: 587 for STARTTLS, 465 for TLS from the first byte.
            sender: The address that mails come from.
            sender_name: The name shown with it.
            security: ``"none"`` is allowed for a loopback host alone.
            username: For a server that asks who is sending; needs *password*.
            password: The same.
            timeout: Seconds for each step of the conversation (ASVS 13.1.3).
            context: How the server's certificate is verified; the system's trust when ``None``.
            monotonic: The clock by which a health check is remembered.

        Raises:
            ConfigurationError: an unencrypted server that is not this machine, or no sender.
        """
        if security == "none" and host not in _LOOPBACK:
            msg = f"mail to {host} would go unencrypted: use security='starttls' or 'tls'"
            raise ConfigurationError(msg)
        self._sender = _address(sender_name, sender)
        self._host, self._port, self._security, self._timeout = host, port, security, timeout
        self._login = (username, password) if username is not None and password is not None else None
        self._context = context
        self._monotonic = monotonic
        self._health: tuple[float, bool] | None = None
        self._asking = threading.Lock()

    def is_up(self) -> bool:
        """See `Mailer.is_up`: greets the server, unless that was done in the last few seconds.

        One caller at a time does so; meanwhile the others take the last word, so that a server that hangs
        holds one page up and not all of them.
        """
        known = self._health
        if known is not None and self._monotonic() - known[0] < _REMEMBERED:
            return known[1]
        if not self._asking.acquire(blocking=known is None):
            return known is not None and known[1]
        try:
            if self._health is known:
                up = self._greets()
                self._health = (self._monotonic(), up)  # from the answer on, however long it took
        finally:
            self._asking.release()
        return self._health is not None and self._health[1]

    def _greets(self) -> bool:
        try:
            self._connect().quit()
        except (OSError, smtplib.SMTPException):
            return False
        return True

    def send(self, mail: QueuedMail) -> None:
        """See `Mailer.send`."""
        try:
            self._hand_over(mail)
        except smtplib.SMTPRecipientsRefused as refused:
            code = next(iter(refused.recipients.values()))[0]
            raise _trouble(code) from None
        except smtplib.SMTPResponseException as answer:
            # only an answer to the message itself is about this mail; a refused sender or login is about us
            raise _trouble(answer.smtp_code if isinstance(answer, smtplib.SMTPDataError) else 0) from None
        except (OSError, smtplib.SMTPException) as error:
            self._health = (self._monotonic(), False)
            raise MailerUnavailableError(type(error).__name__) from None
        except ValueError:  # last: a certificate that is not trusted is one, too
            raise MailRefusedError("the mail cannot be written as a message") from None
        self._health = (self._monotonic(), True)

    def _hand_over(self, mail: QueuedMail) -> None:
        """Send one message to one recipient.

        `smtplib` would parse the address again, leniently (B-8): only one plain address gets that far.
        """
        if register(mail.to, _RECIPIENT) in set(Malformed):
            raise ValueError(mail.id)
        message = self._message(mail).as_bytes()
        options = () if mail.to.isascii() else ("SMTPUTF8", "BODY=8BITMIME")
        server = self._connect()
        try:
            if options and not server.has_extn("smtputf8"):
                raise ValueError(mail.id)  # about this address, and not about the server's health
            server.sendmail(self._sender.addr_spec, [mail.to], message, options)
            with suppress(OSError, smtplib.SMTPException):  # the mail is taken, however the farewell goes
                server.quit()
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        """Connect, encrypt and log in; raise rather than go on in the clear."""
        context = self._context or ssl.create_default_context()
        server: smtplib.SMTP
        if self._security == "tls":
            server = smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        try:
            if self._security == "starttls":
                server.starttls(context=context)
            server.ehlo_or_helo_if_needed()
            if self._login is not None:
                server.login(*self._login)
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, mail: QueuedMail) -> EmailMessage:
        """Return *mail* as text and simple HTML, with a Message-ID that stays the same if it is sent again."""
        message = EmailMessage(policy=SMTP if mail.to.isascii() else SMTPUTF8)
        local, _, domain = mail.to.rpartition("@")
        message["From"] = self._sender
        message["To"] = Address("", local, domain)
        message["Subject"] = mail.content.subject
        message["Date"] = mail.queued_at
        message["Message-ID"] = f"<{mail.id}@{self._sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.content.body)
        message.add_alternative(as_html(mail.content, mail.language), subtype="html")
        message["Content-Language"] = mail.language
        return message


def _address(name: str, sender: str) -> Address:
    """Read the configured sender."""
    local, _, domain = sender.rpartition("@")
    try:
        address = Address(name, local, domain)
    except (ValueError, HeaderParseError):
        address = None
    if address is None or not local or not domain:
        msg = "sender must be one plain e-mail address, and its name one line"
        raise ConfigurationError(msg)
    return address


def _trouble(code: int) -> MailerUnavailableError | MailRefusedError:
    """Return what an SMTP reply means: a 5xx about this mail is final, anything else is tried again."""
    if code in _PERMANENT:
        return MailRefusedError(f"SMTP {code}")
    return MailerUnavailableError(f"SMTP {code}" if code else "the server would not start")
