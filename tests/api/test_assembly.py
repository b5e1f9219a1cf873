"""What a service is told of its mail when it starts, and that no page speaks to a mail server."""

import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from cityauth import AsyncCityAuth, CityAuth, ConfigurationError, MailAwaited, MailerDown, MemoryMailer, MemoryStore
from cityauth.mailers.smtp import SmtpMailer
from cityauth.policy import MailPolicy, OutboxPolicy
from tests.mailers.test_smtp import SENDER, Received, free_port
from tests.support.service import KEY, POLICY

ELSEWHERE = "192.0.2.1"
"""A documentation address: nobody answers there, and these tests never ask."""


def remote(**given: Any) -> SmtpMailer:
    """A mailer whose server is another machine; not greeted."""
    return SmtpMailer(ELSEWHERE, sender=SENDER, check_at_start=False, **given)


@pytest.mark.parametrize(
    "base_url",
    ["http://localhost", "http://localhost:8000", "https://localhost", "http://127.0.0.1", "https://127.9.9.9:1/x",
     "http://[::1]:8000", "https://LOCALHOST.", "https://x.localhost", "https://a.B.LOCALHOST.:8443", "https://127.1",
     "https://0.0.0.0", "https://0", "https://[::]", "https://[::ffff:127.0.0.1]", "https://[::ffff:7f00:1]", "https://2130706433",
     "https://0x7f.1", "https://0177.0.0.1", "https://[::ffff:0.0.0.0]", "https://１２７.0.0.1", "https://127.0.0.1.", "https://%6cocalhost"],
)  # fmt: skip
def test_links_to_this_machine_are_not_mailed_elsewhere(base_url: str) -> None:
    """The default base_url, or another that leads here, is refused with a mail server on another machine."""
    policy = replace(POLICY, mail=MailPolicy(base_url=base_url))
    for make in (CityAuth, AsyncCityAuth):
        with pytest.raises(ConfigurationError, match=r"mail\.base_url is .* set it to the address of the service"):
            make(MemoryStore(), [KEY], policy=policy, mailer=remote())


def test_links_to_this_machine_are_fine_where_nothing_leaves_it() -> None:
    """A server on this machine, a mailbox in memory and no mailer at all take the default base_url."""
    here = SmtpMailer("127.0.0.1", free_port(), sender=SENDER, security="none", timeout=1)
    for mailer in (here, MemoryMailer(), None):
        CityAuth(MemoryStore(), [KEY], policy=POLICY, mailer=mailer)
    public = replace(POLICY, mail=MailPolicy(base_url="https://service.example"))
    CityAuth(MemoryStore(), [KEY], policy=public, mailer=remote())


def test_a_hosts_own_mailer_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """Where a mailer of the host's own sends is not known: the log says what is missing, once at the start."""

    class Own:
        def is_up(self) -> bool:
            return True

        def send(self, mail: object) -> None:
            raise AssertionError(mail)

    caplog.set_level(logging.WARNING, logger="cityauth")
    CityAuth(MemoryStore(), [KEY], policy=POLICY, mailer=Own())
    assert [record.getMessage()[:33] for record in caplog.records] == ["mail.base_url is http://localhost"]


@pytest.mark.parametrize(("lease", "given", "limit"), [(60, 60, 54), (120, 60, 60), (1, 60, 0.9), (60, 5, 5)])
def test_a_mail_ends_before_its_lease(lease: float, given: float, limit: float) -> None:
    """A mailer that may take longer than a lease is held to less, or two workers would send one mail."""
    public = MailPolicy(base_url="https://service.example")
    policy = replace(POLICY, mail=public, outbox=OutboxPolicy(lease=timedelta(seconds=lease)))
    mailer = remote(time_limit=given)
    CityAuth(MemoryStore(), [KEY], policy=policy, mailer=mailer)
    assert mailer.time_limit == pytest.approx(limit)


class Counting(Received):
    """A server that counts who connects.

    Attributes:
        connected: How often somebody did.
    """

    connected = 0

    async def handle_EHLO(  # noqa: N802 - the server's own name
        self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Count a greeting."""
        self.connected += 1
        session.host_name = hostname
        return responses


@pytest.fixture
def counting() -> Iterator[tuple[Counting, int]]:
    """A server on loopback that counts."""
    received = Counting()
    controller = Controller(received, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield received, controller.port
    controller.stop()


def ask(auth: CityAuth) -> list[object]:
    """Ask for a mail by every page that does without signing in."""
    return [auth.recovery.request("erkki@example.com"), auth.accounts.sign_up("uusi@example.com")]


def test_no_page_speaks_to_the_mail_server(counting: tuple[Counting, int]) -> None:
    """The server is greeted once at the start; requests for mails use what was seen then (C-31)."""
    received, port = counting
    auth = CityAuth(
        MemoryStore(), [KEY], policy=POLICY, mailer=SmtpMailer("127.0.0.1", port, sender=SENDER, security="none")
    )
    assert received.connected == 1
    assert all(isinstance(one, MailAwaited) for one in ask(auth))
    assert received.connected == 1
    assert auth.outbox.flush().sent == 2
    assert received.connected == 3


def test_the_first_page_knows_that_mail_is_down() -> None:
    """A server that is down when the service starts is admitted by the very first page, and mail stays (C-31)."""
    mailer = SmtpMailer("127.0.0.1", free_port(), sender=SENDER, security="none", timeout=1)
    auth = CityAuth(MemoryStore(), [KEY], policy=POLICY, mailer=mailer)
    assert all(isinstance(one, MailerDown) for one in ask(auth))
    assert auth.outbox.status().waiting == 2


def test_a_page_waits_for_no_mail_server_that_hangs() -> None:
    """The hanging server is found at the start; no page connects to it again."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as listening:
        port = int(listening.getsockname()[1])
        mailer = SmtpMailer("127.0.0.1", port, sender=SENDER, security="none", timeout=0.2, monotonic=lambda: 0.0)
        auth = CityAuth(MemoryStore(), [KEY], policy=POLICY, mailer=mailer)
        listening.settimeout(30)
        listening.accept()[0].close()
        assert all(isinstance(one, MailerDown) for one in ask(auth))
        listening.settimeout(0.1)
        with pytest.raises(TimeoutError):
            listening.accept()


def test_a_relay_that_refuses_us_is_admitted_by_the_pages(counting: tuple[Counting, int]) -> None:
    """After the outbox was told "authentication required" the pages say so, until the relay takes a mail."""
    received, port = counting
    received.answer = "530 5.7.0 Authentication required"
    auth = CityAuth(
        MemoryStore(), [KEY], policy=POLICY, mailer=SmtpMailer("127.0.0.1", port, sender=SENDER, security="none")
    )
    assert all(isinstance(one, MailAwaited) for one in ask(auth))
    assert auth.outbox.flush().reason == "SMTP 530 5.7.0"
    assert isinstance(auth.recovery.request("aino@example.com"), MailerDown)
    received.answer = "250 OK"
    assert auth.outbox.flush().sent == 1, "the mail that was asked for last; the others wait for their retry"
    assert isinstance(auth.recovery.request("virve@example.com"), MailAwaited)


def test_an_audit_log_that_is_not_set_up_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """A first service without logging hears once what to set, and then no more (ASVS 16.2.1)."""
    caplog.set_level(logging.WARNING, logger="cityauth.audit")
    auth = CityAuth(MemoryStore(), [KEY], policy=POLICY, mailer=MemoryMailer())
    ask(auth)
    assert ["'cityauth.audit' to INFO" in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize(
    "base_url",
    ["https://localhost.example.org", "https://xlocalhost", "https://128.1", "https://10.0.0.1", "https://[::ffff:192.0.2.1]",
     "https://[2001:db8::1]", "https://127.example.org", "https://service.example"],
)  # fmt: skip
def test_links_elsewhere_are_mailed(base_url: str) -> None:
    """A name or an address that only looks like this machine's is one that others reach."""
    CityAuth(MemoryStore(), [KEY], policy=replace(POLICY, mail=MailPolicy(base_url=base_url)), mailer=remote())
