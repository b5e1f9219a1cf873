"""`SmtpMailer` against a real SMTP server on loopback."""

import email
import email.policy
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from cityauth.core.mail import QueuedMail
from cityauth.errors import ConfigurationError, MailerUnavailableError, MailRefusedError
from cityauth.mailers.smtp import SmtpMailer
from cityauth.messages.mails import MailContent
from cityauth.testing import race
from tests.support.certificates import certificate
from tests.support.fakes import NOON

SENDER = "asiointi@service.example"
BODY = "Hei!\n\nhttps://service.example/new-password?token=abc\n\nTerveisin\nEsimerkkilä <&>\n"


def mail(to: str = "erkki@example.com", subject: str = "Linkki: älä jaa") -> QueuedMail:
    """A mail as the outbox holds it."""
    return QueuedMail("abc123-0", to, MailContent(subject, BODY), "fi", NOON, NOON + timedelta(hours=1))


@dataclass
class Received:
    """What the server was given."""

    answer: str = "250 OK"
    recipients: list[list[str]] = field(default_factory=list)
    messages: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the server's own name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Take the recipient, or give the refusal that the test wants."""
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep the message."""
        self.recipients.append(list(envelope.rcpt_tos))
        self.raw.append(envelope.content)
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.messages.append(parsed)
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


Serve = Callable[..., tuple[Received, int]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that end with the test."""
    running: list[Controller] = []

    def start(received: Received | None = None, **options: Any) -> tuple[Received, int]:
        handler = received or Received()
        controller = Controller(handler, hostname="127.0.0.1", port=free_port(), **options)
        controller.start()
        running.append(controller)
        return handler, controller.port

    yield start
    for controller in running:
        controller.stop()


def test_a_mail_arrives_as_it_was_written(serve: Serve) -> None:
    """Text and simple HTML, the stored address as envelope, a Message-ID that stays the same (B-7, C-20)."""
    received, port = serve()
    mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, sender_name="Esimerkkilän kaupunki", security="none")
    assert mailer.is_up()
    mailer.send(mail())
    mailer.send(mail())
    message = received.messages[0]
    assert received.recipients == [["erkki@example.com"]] * 2
    assert message["To"] == "erkki@example.com"
    assert message["From"] == "Esimerkkilän kaupunki <asiointi@service.example>"
    assert message["Subject"] == "Linkki: älä jaa"
    assert message["Content-Language"] == "fi"
    assert message["Auto-Submitted"] == "auto-generated"
    assert {one["Message-ID"] for one in received.messages} == {"<abc123-0@service.example>"}
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == BODY
    assert '<a href="https://service.example/new-password?token=abc">' in html.get_content()
    assert "Esimerkkilä &lt;&amp;&gt;" in html.get_content()


@pytest.mark.parametrize(
    "to", ["a@b.fi\r\nBcc: c@d.fi", "a@b.fi\nRCPT TO:<c@d.fi>", "a b@c.fi", "", "a@b.fi>", "a@b.fi, c@d.fi"]
)
def test_a_hostile_address_reaches_nobody(serve: Serve, to: str) -> None:
    """No address can add a header, a recipient or a command (B-5, B-9, ASVS 1.3.11)."""
    received, port = serve()
    mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, security="none")
    with pytest.raises((MailRefusedError, MailerUnavailableError)):
        mailer.send(mail(to))
    assert received.messages == []


def test_a_line_break_in_a_subject_adds_no_header(serve: Serve) -> None:
    """A subject of several lines is refused, never split (B-9)."""
    received, port = serve()
    with pytest.raises(MailRefusedError):
        SmtpMailer("127.0.0.1", port, sender=SENDER, security="none").send(mail(subject="a\r\nBcc: c@d.fi"))
    assert received.messages == []


def test_a_recipient_that_is_refused_for_good_is_told_from_one_to_try_again(serve: Serve) -> None:
    """5xx is final, 4xx is not, and neither stops the mailer from being up."""
    for answer, error in [("550 no such user", MailRefusedError), ("451 try later", MailerUnavailableError)]:
        _, port = serve(Received(answer))
        mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, security="none")
        with pytest.raises(error):
            mailer.send(mail())
        assert mailer.is_up()


def test_a_server_that_is_down_is_known_to_be_down() -> None:
    """Nothing listens: not up, and a mail stays (C-31)."""
    mailer = SmtpMailer("127.0.0.1", free_port(), sender=SENDER, security="none", timeout=1)
    assert not mailer.is_up()
    with pytest.raises(MailerUnavailableError, match="ConnectionRefusedError"):
        mailer.send(mail())


def test_health_is_remembered_for_a_few_seconds(serve: Serve) -> None:
    """The server is greeted once in three seconds, however many pages ask."""
    seconds = [0.0]
    port = free_port()
    mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, security="none", timeout=1, monotonic=lambda: seconds[0])
    assert not mailer.is_up()
    controller = Controller(Received(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        assert not mailer.is_up()
        seconds[0] = 3.0
        assert mailer.is_up()
    finally:
        controller.stop()


@pytest.fixture
def hanging() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield int(listening.getsockname()[1])


def test_a_server_that_hangs_is_asked_once(hanging: int) -> None:
    """Its silence is remembered from when it was found, also where that took longer than it is remembered (C-31)."""
    seconds = [0.0]
    mailer = SmtpMailer("127.0.0.1", hanging, sender=SENDER, security="none", timeout=0.2, monotonic=lambda: seconds[0])
    greeted: list[None] = []
    greets = mailer._greets

    def counted() -> bool:
        greeted.append(None)
        seconds[0] += 5.0
        return greets()

    mailer._greets = counted  # type: ignore[method-assign]
    assert [mailer.is_up() for _ in range(3)] == [False] * 3
    assert len(greeted) == 1


def test_a_server_that_hangs_holds_one_page_up(hanging: int) -> None:
    """While one caller waits for its greeting, the others take the last word at once (C-31)."""
    seconds = [0.0]
    mailer = SmtpMailer("127.0.0.1", hanging, sender=SENDER, security="none", timeout=0.1, monotonic=lambda: seconds[0])
    assert not mailer.is_up()
    seconds[0] = 10.0
    waiting, enough = threading.Event(), threading.Event()
    greeted: list[None] = []

    def waits() -> bool:
        greeted.append(None)
        waiting.set()
        return enough.wait(30)

    mailer._greets = waits  # type: ignore[method-assign]
    one = threading.Thread(target=mailer.is_up)
    one.start()
    assert waiting.wait(30)
    assert not mailer.is_up()
    enough.set()
    one.join()
    assert mailer.is_up()
    assert len(greeted) == 1


def test_callers_at_the_start_wait_for_one_greeting(serve: Serve) -> None:
    """Where nothing is known yet everybody waits for the one who asks, and hears the same."""
    _, port = serve()
    mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, security="none")
    greeted: list[None] = []
    greets = mailer._greets

    def counted() -> bool:
        greeted.append(None)
        return greets()

    mailer._greets = counted  # type: ignore[method-assign]
    assert race([mailer.is_up] * 8) == [True] * 8
    assert len(greeted) == 1


def test_an_address_that_the_server_cannot_write_is_that_mails_trouble_alone(serve: Serve) -> None:
    """Without SMTPUTF8 the mail is refused for good, and the server is as healthy as before (C-31, B-7)."""
    received, port = serve(enable_SMTPUTF8=False)
    mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, security="none")
    assert mailer.is_up()
    with pytest.raises(MailRefusedError):
        mailer.send(mail("päivi@example.com"))
    assert mailer.is_up()
    assert received.messages == []


def test_an_address_beyond_ascii_is_written_as_it_is(serve: Serve) -> None:
    """Envelope and header hold the stored address itself, no encoded word (B-7)."""
    received, port = serve(enable_SMTPUTF8=True)
    SmtpMailer("127.0.0.1", port, sender=SENDER, security="none").send(mail("päivi@example.com"))
    assert received.recipients == [["päivi@example.com"]]
    assert received.raw[0].splitlines().count("To: päivi@example.com".encode()) == 1


def test_starttls_or_nothing(serve: Serve, tmp_path: Path) -> None:
    """Mail is encrypted by STARTTLS; a server that has none gets nothing in the clear (B-91)."""
    server_side, client_side = certificate(tmp_path)
    received, port = serve(tls_context=server_side)
    mailer = SmtpMailer("localhost", port, sender=SENDER, security="starttls", context=client_side)
    mailer.send(mail())
    assert received.encrypted == [True]
    plain, plain_port = serve()
    downgraded = SmtpMailer("localhost", plain_port, sender=SENDER, security="starttls", context=client_side)
    assert not downgraded.is_up()
    with pytest.raises(MailerUnavailableError):
        downgraded.send(mail())
    assert plain.messages == []


def test_a_certificate_that_is_not_trusted_gets_nothing(serve: Serve, tmp_path: Path) -> None:
    """The system's trust does not hold the server's certificate: no mail (B-91)."""
    server_side, _ = certificate(tmp_path)
    received, port = serve(tls_context=server_side)
    with pytest.raises(MailerUnavailableError):
        SmtpMailer("localhost", port, sender=SENDER, security="starttls").send(mail())
    assert received.messages == []


def test_tls_from_the_first_byte(serve: Serve, tmp_path: Path) -> None:
    """Implicit TLS works, and a plain server is no server for it."""
    server_side, client_side = certificate(tmp_path)
    received, port = serve(ssl_context=server_side)
    SmtpMailer("localhost", port, sender=SENDER, security="tls", context=client_side).send(mail())
    assert received.recipients == [["erkki@example.com"]]


def test_a_server_that_asks_who_is_sending(serve: Serve, tmp_path: Path) -> None:
    """User name and password are given under TLS; a wrong one leaves the mail in the outbox."""
    server_side, client_side = certificate(tmp_path)

    def judge(_server: SMTP, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == b"right")

    options = {"tls_context": server_side, "authenticator": judge, "auth_required": True}
    received, port = serve(**options)
    for password in ("wrong", "right"):
        mailer = SmtpMailer(
            "localhost", port, sender=SENDER, username="service", password=password, context=client_side
        )
        if password == "wrong":
            with pytest.raises(MailerUnavailableError):
                mailer.send(mail())
        else:
            mailer.send(mail())
    assert len(received.messages) == 1


def test_mail_to_another_machine_must_be_encrypted() -> None:
    """An unencrypted server that is not this machine is refused at construction (B-91)."""
    with pytest.raises(ConfigurationError, match="unencrypted"):
        SmtpMailer("mail.example.com", 25, sender=SENDER, security="none")


@pytest.mark.parametrize("sender", ["", "x", "@example.com", "a@b.fi\r\nX: y", "a@"])
def test_the_sender_must_be_an_address(sender: str) -> None:
    """A configuration without a proper sender is refused at construction."""
    with pytest.raises(ConfigurationError, match="sender"):
        SmtpMailer("localhost", sender=sender)


def test_the_context_is_the_systems_own_by_default() -> None:
    """Without a context certificates are verified by the system's trust."""
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED


@dataclass
class Odd(Received):
    """A server that answers MAIL or QUIT as few do."""

    mail: str = "250 OK"
    quit: str = "221 Bye"

    async def handle_MAIL(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Answer MAIL FROM."""
        if self.mail.startswith("250"):
            envelope.mail_from = address
        return self.mail

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802
        """Answer QUIT."""
        return self.quit


def test_a_refused_sender_loses_no_mail(serve: Serve) -> None:
    """530 to MAIL FROM is about our own set-up, so the mail stays in the outbox (C-31)."""
    _, port = serve(Odd(mail="530 5.7.0 Authentication required"))
    with pytest.raises(MailerUnavailableError):
        SmtpMailer("127.0.0.1", port, sender=SENDER, security="none").send(mail())


def test_a_rude_farewell_sends_no_second_copy(serve: Serve) -> None:
    """A mail that was taken is sent, however the server ends the conversation (C-20)."""
    received, port = serve(Odd(quit="421 going away"))
    SmtpMailer("127.0.0.1", port, sender=SENDER, security="none").send(mail())
    assert len(received.messages) == 1
