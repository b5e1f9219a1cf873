"""`SmtpMailer` against a real SMTP server on loopback."""

import email
import email.policy
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
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
    senders: list[str] = field(default_factory=list)
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
        self.senders.append(envelope.mail_from)
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


def test_a_name_that_takes_long_to_look_up_gets_no_mail(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time is up before there is a connection, the conversation ends as soon as there is one."""
    received, port = serve()
    connect = socket.create_connection

    def slowly(*args: Any, **kwargs: Any) -> socket.socket:
        until(lambda: not any(isinstance(one, threading.Timer) for one in threading.enumerate()))
        return connect(*args, **kwargs)

    monkeypatch.setattr(socket, "create_connection", slowly)
    mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, security="none", time_limit=0.01)
    with pytest.raises(MailerUnavailableError, match="TimeoutError"):
        mailer.send(mail())
    assert received.messages == []


@pytest.mark.parametrize("mail_id", ["a\r\nBcc: c@d.fi", "ä", "a\nb"])
def test_an_id_that_could_end_its_header_is_refused(serve: Serve, mail_id: str) -> None:
    """A host's store may name mails as it likes, but no name becomes a header (B-9)."""
    received, port = serve()
    with pytest.raises(MailRefusedError):
        SmtpMailer("127.0.0.1", port, sender=SENDER, security="none").send(replace(mail(), id=mail_id))
    assert received.messages == []


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        (" erkki@example.com\n", "erkki@example.com"),
        ("erkki@example.com\r\n", "erkki@example.com"),
        ("erkki@sähkö.example", "erkki@xn--shk-qla6g.example"),
        ("Erkki@Example.COM", "Erkki@Example.COM"),
    ],
)
def test_an_address_that_was_stored_raw_is_reached(serve: Serve, stored: str, written: str) -> None:
    """Blanks around an address end no header, and an international domain needs no SMTPUTF8 of the server (B-9)."""
    received, port = serve(enable_SMTPUTF8=False)
    SmtpMailer("127.0.0.1", port, sender=SENDER, security="none").send(mail(stored))
    assert received.recipients == [[written]]
    assert received.messages[0]["To"] == written
    assert received.messages[0]["Message-ID"] == "<abc123-0@service.example>"


def test_a_line_break_in_a_subject_adds_no_header(serve: Serve) -> None:
    """A subject of several lines is refused, never split (B-9)."""
    received, port = serve()
    with pytest.raises(MailRefusedError):
        SmtpMailer("127.0.0.1", port, sender=SENDER, security="none").send(mail(subject="a\r\nBcc: c@d.fi"))
    assert received.messages == []


THE_RECIPIENT = [
    "550 5.1.1 no such user", "550 5.1.1", "553 5.1.3 bad address", "550 5.1.10 null MX", "550 5.1.0 address rejected", "551 5.1.6 moved",
    "552 5.2.2 mailbox full", "550 5.2.1 mailbox disabled", "554 5.1.2 bad destination system", "501 5.1.3 syntax",
    "550 no such user", "550 Unrouteable address", "553 sorry, no mailbox here by that name (#5.1.1)",
]  # fmt: skip
US = [
    "530 5.7.0 Authentication required", "530 Must issue a STARTTLS command first", "535 5.7.8 bad credentials",
    "550 5.7.1 Relaying denied", "554 5.7.1 <a@b.fi>: Relay access denied", "550 relay not permitted",
    "550 5.4.1 Access denied", "554 5.3.0", "550", "554 no thanks", "550 5.1.8 Sender address rejected", "550 5.1.7 x", "550 5.1.0 Sender rejected",
    "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "571 5.7.1 x", "521 no mail here",
    "550 unknown user of this relay: sender refused", "550 host 5.1.1.1 is blocked", "421 4.7.0 too many connections",
]  # fmt: skip


@pytest.mark.parametrize("answer", THE_RECIPIENT)
def test_a_reply_about_the_recipient_is_final(serve: Serve, answer: str) -> None:
    """Only 5.1.x and 5.2.x, or words that say the same, give a mail up; the mailer is as healthy as before."""
    _, port = serve(Received(answer))
    mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, security="none")
    with pytest.raises(MailRefusedError, match=f"^SMTP {answer[:3]}"):
        mailer.send(mail())
    assert mailer.is_up()


@pytest.mark.parametrize("answer", US)
def test_a_reply_about_us_keeps_the_mail_and_is_told(
    serve: Serve, answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A relay that refuses us loses no mail: it stays, and the mailer counts as down until a mail is taken (C-31)."""
    caplog.set_level(logging.WARNING, logger="cityauth.mailers")
    received, port = serve(Received(answer))
    mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, security="none")
    with pytest.raises(MailerUnavailableError, match=f"^SMTP {answer[:3]}") as raised:
        mailer.send(mail())
    assert raised.value.answered
    with pytest.raises(MailerUnavailableError):
        mailer.send(mail())
    assert [record.getMessage() for record in caplog.records] == [
        f"the mail server refuses mail from this service: {raised.value}"
    ]
    assert "a@b.fi" not in str(raised.value)
    assert not mailer.is_up()
    assert not mailer.check(), "a greeting proves nothing"
    received.answer = "250 OK"
    mailer.send(mail())
    assert mailer.is_up()


@pytest.mark.parametrize("answer", ["451 try later", "450 4.7.1 greylisted", "452 4.2.2 mailbox full", "450 4.1.1 x"])
def test_a_reply_that_asks_for_patience_is_about_one_mail(serve: Serve, answer: str) -> None:
    """4xx keeps the mail and says nothing of the mailer's health."""
    _, port = serve(Received(answer))
    mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, security="none")
    with pytest.raises(MailerUnavailableError):
        mailer.send(mail())
    assert mailer.is_up()


@pytest.mark.parametrize(
    ("answer", "error"), [("550 5.2.2 full", MailRefusedError), ("554 5.7.1 spam", MailerUnavailableError)]
)
def test_a_refusal_of_the_message_is_judged_alike(serve: Serve, answer: str, error: type[Exception]) -> None:
    """The reply to the text of the mail is read by the same rule as the one to its recipient."""
    _, port = serve(Odd(data=answer))
    with pytest.raises(error):
        SmtpMailer("127.0.0.1", port, sender=SENDER, security="none").send(mail())


def test_a_server_that_is_down_is_known_to_be_down() -> None:
    """Nothing listens: not up, and a mail stays (C-31)."""
    mailer = SmtpMailer("127.0.0.1", free_port(), sender=SENDER, security="none", timeout=1)
    assert not mailer.is_up()
    with pytest.raises(MailerUnavailableError, match="ConnectionRefusedError"):
        mailer.send(mail())


def until(true: Callable[[], bool]) -> None:
    """Wait, for 30 seconds at most, until something is true."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def test_health_is_renewed_in_the_background(serve: Serve) -> None:
    """Who asks gets the last known answer at once; an old one is renewed by a thread of its own, one at a time."""
    seconds = [0.0]
    port = free_port()
    mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, security="none", timeout=1, monotonic=lambda: seconds[0])
    assert not mailer.is_up()
    controller = Controller(Received(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        assert not mailer.is_up()
        seconds[0] = 3.0
        until(mailer.is_up)
    finally:
        controller.stop()
    seconds[0] = 32.0
    assert mailer.is_up(), "a server that was there is believed for half a minute"
    seconds[0] = 34.0
    until(lambda: not mailer.is_up())


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


def test_a_server_that_hangs_holds_no_page_up(hanging: int) -> None:
    """While its greeting is awaited in the background, everybody takes the last known answer at once (C-31)."""
    seconds = [0.0]
    mailer = SmtpMailer("127.0.0.1", hanging, sender=SENDER, security="none", timeout=0.1, monotonic=lambda: seconds[0])
    assert not mailer.is_up()
    seconds[0] = 10.0
    enough = threading.Event()
    greeted: list[None] = []

    def waits() -> bool:
        greeted.append(None)
        return enough.wait(30)

    mailer._greets = waits  # type: ignore[method-assign]
    assert [mailer.is_up() for _ in range(5)] == [False] * 5
    enough.set()
    until(mailer.is_up)
    assert len(greeted) == 1


def test_a_server_that_talks_slowly_is_left_in_time() -> None:
    """One byte now and then keeps each step alive; the whole conversation ends all the same."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def dribble() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                while not ended.wait(0.02):
                    connection.sendall(b"2")

        thread = threading.Thread(target=dribble)
        thread.start()
        port = int(listening.getsockname()[1])
        mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, security="none", timeout=30, time_limit=0.3)
        with pytest.raises(MailerUnavailableError):
            mailer.send(mail())
        ended.set()
        thread.join(30)


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


@pytest.mark.parametrize(
    "sender",
    ["", " ", "x", "@example.com", "a@b.fi\r\nX: y", "a@", "päivi@example.com", "a@b.fi, c@d.fi", "Erkki <a@b.fi>",
     "a b@c.fi", "a@b..fi", "a@\u200bsähkö.fi", "a@ä@b.fi", "a" * 65 + "@b.fi", "a@-b.fi", "\ud800@b.fi"],
)  # fmt: skip
def test_the_sender_must_be_an_address(sender: str) -> None:
    """A configuration without a sender that a message can name is refused at construction."""
    with pytest.raises(ConfigurationError, match="sender"):
        SmtpMailer("localhost", sender=sender)


@pytest.mark.parametrize(
    ("sender", "written"),
    [
        ("asiointi@sähkö.example", "asiointi@xn--shk-qla6g.example"),
        ("asiointi@SÄHKÖ.example", "asiointi@xn--shk-qla6g.example"),
        ("asiointi@ｓervice．example", "asiointi@service.example"),
        ("Asiointi+x@Service.example", "Asiointi+x@Service.example"),
        (" asiointi@service.example\n", "asiointi@service.example"),
        ("noreply@localhost", "noreply@localhost"),
        ("noreply@intra.local", "noreply@intra.local"),
    ],
)
def test_a_sender_in_an_international_domain_is_written_as_a_labels(serve: Serve, sender: str, written: str) -> None:
    """Every such mail was lost; envelope, From and Message-ID hold the domain as the DNS knows it."""
    received, port = serve()
    SmtpMailer("127.0.0.1", port, sender=sender, security="none").send(mail())
    (message,) = received.messages
    assert message["From"].addresses[0].addr_spec == written
    assert received.senders == [written]
    assert message["Message-ID"].endswith(f"@{written.partition('@')[2]}>")


NAMES = [
    "Virasto, Oy", "Esimerkkilän kaupunki", 'A "quoted" name', "a@b.fi", "back\\slash", "=?utf-8?q?=2C?=", "x" * 150, "(x)",
    "Esimerkkilan kaupungin asiointipalvelu; kuntalaisten viestit, ilmoitukset: <ei vastausta> (automaattinen) @ verkko",
    "Esimerkkilän kaupungin asiointipalvelu; kuntalaisten viestit, ilmoitukset: <ei vastausta> (automaattinen) @ verkko",
    "Esimerkkilä, " * 20 + "x", "Плат, форма; " * 12 + "x", "a@b.fi, " * 20 + "x", "ä" * 200, "ä, <c@d.fi>", "漢字、" * 40,
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_sender_name_never_makes_a_second_address(serve: Serve, name: str) -> None:
    """However long the name and whatever it holds, the bytes that are sent have one From address (CPython's folding)."""
    received, port = serve()
    SmtpMailer("127.0.0.1", port, sender=SENDER, sender_name=name, security="none").send(mail())
    (raw,) = received.raw
    (address,) = received.messages[0]["From"].addresses
    assert address.addr_spec == SENDER
    assert address.display_name.replace(" ", "") == name.replace(" ", "")
    assert max(map(len, raw.splitlines())) <= 998
    old = email.message_from_bytes(raw, policy=email.policy.compat32)
    assert [spec for _, spec in getaddresses([old["From"]])] == [SENDER]
    assert str(make_header(decode_header(old["From"]))).replace(" ", "").count(SENDER) == 1


@pytest.mark.parametrize("name", ["a\r\nBcc: c@d.fi", "a\nb", "a\0b", "a\x1bb", "a\u2028b", "\ud800"])
def test_a_sender_name_is_one_line(name: str) -> None:
    """A name that could end the header, or that no message can hold, is refused at construction (B-9)."""
    with pytest.raises(ConfigurationError, match="name"):
        SmtpMailer("localhost", sender=SENDER, sender_name=name)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"username": "service"}, "password is missing"),
        ({"username": "service", "password": ""}, "password is missing"),
        ({"password": "x"}, "username is missing"),
        ({"username": "", "password": "x"}, "username is missing"),
        ({"username": "päivi", "password": "x"}, "ASCII"),
        ({"username": "x", "password": "päivä"}, "ASCII"),
        ({"timeout": 0}, "more than 0"),
        ({"time_limit": -1}, "more than 0"),
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"host": ""}, "host is missing"),
        ({"host": " smtp.example.org"}, "host"),
    ],
)
def test_what_would_lose_every_mail_is_refused_at_construction(given: dict[str, Any], complaint: str) -> None:
    """Half a login, a time of nothing and a port that is none are mistakes of the set-up, and say what is missing."""
    with pytest.raises(ConfigurationError, match=complaint):
        SmtpMailer(**{"host": "localhost", "sender": SENDER, **given})


def test_a_host_that_is_no_name_loses_no_mail() -> None:
    """A name that cannot even be looked up is a server that is down, and the mail stays."""
    mailer = SmtpMailer("smtp..example", sender=SENDER)
    with pytest.raises(MailerUnavailableError):
        mailer.send(mail())
    assert not mailer.is_up()


def test_the_context_is_the_systems_own_by_default() -> None:
    """Without a context certificates are verified by the system's trust."""
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED


@dataclass
class Odd(Received):
    """A server that answers MAIL, DATA or QUIT as few do."""

    mail: str = "250 OK"
    data: str = "250 OK"
    quit: str = "221 Bye"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Answer the end of the message."""
        await super().handle_DATA(server, session, envelope)
        return self.data

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


@pytest.mark.parametrize("answer", ["530 5.7.0 Authentication required", "550 5.1.1 unknown", "451 4.3.0 later"])
def test_a_refused_sender_loses_no_mail(serve: Serve, answer: str) -> None:
    """A refusal of MAIL FROM is about our own set-up: the mail stays, and no other is tried in this round (C-31)."""
    _, port = serve(Odd(mail=answer))
    mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, security="none")
    with pytest.raises(MailerUnavailableError) as raised:
        mailer.send(mail())
    assert not raised.value.answered
    assert not mailer.is_up()


def test_a_rude_farewell_sends_no_second_copy(serve: Serve) -> None:
    """A mail that was taken is sent, however the server ends the conversation (C-20)."""
    received, port = serve(Odd(quit="421 going away"))
    SmtpMailer("127.0.0.1", port, sender=SENDER, security="none").send(mail())
    assert len(received.messages) == 1
