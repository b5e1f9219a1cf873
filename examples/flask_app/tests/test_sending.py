"""The demo mailbox, and the thread that sends what the outbox holds."""

import logging
import socket
import time
from pathlib import Path
from threading import Thread

import pytest
from werkzeug.serving import make_server

from cityauth import MemoryMailer, Purged, StoreUnavailableError
from cityauth.mailers.smtp import SmtpMailer
from flask_app.__main__ import RequestHandler
from flask_app.app import create_app
from flask_app.config import DemoError
from flask_app.sending import mailer_for, sending
from flask_app.tests.service import ERKKI, Service, Visitor, ask
from flask_app.tests.test_start import complaint, started


def wait_for(service: Service, mails: int) -> None:
    """Wait until the mailbox holds this many mails."""
    until = time.monotonic() + 30
    while len(service.mailbox.sent()) < mails:
        assert time.monotonic() < until, "no mail came"
        time.sleep(0.05)


def test_the_mailbox_shows_each_mail_with_its_link(own_service: Service) -> None:
    """Subject, recipient, text with a link that can be followed, and the HTML; marked as part of the demo."""
    visitor = Visitor(own_service)
    assert "Viestejä ei ole vielä." in visitor.get("/mailbox").text
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    assert visitor.soup.select_one('main a[href="/mailbox"]')
    assert visitor.soup.select_one('footer a[href="/mailbox"]')
    link = own_service.link(ERKKI.email)
    page = visitor.get("/mailbox")
    assert visitor.soup.select_one(f'a[href="https://localhost{link}"]')
    assert ERKKI.email in page.text
    assert "Tämä kuuluu vain esittelyyn." in page.text
    html = visitor.soup.select_one('main a[href^="/mailbox/"]')
    assert html is not None
    shown = visitor.get(str(html["href"]))
    assert visitor.soup.select_one(f'a[href="https://localhost{link}"]')
    assert "script-src" not in shown.headers["Content-Security-Policy"]
    assert visitor.get("/mailbox/nothing").status_code == 404


def test_without_a_demo_mailbox_there_is_no_such_page(own_service: Service) -> None:
    """An installation with a real mailer shows nobody's mail, and has no link to it."""
    client = create_app(own_service.config, own_service.auth).test_client()
    assert client.get("/mailbox", base_url="https://localhost").status_code == 404
    assert "/mailbox" not in client.get("/", base_url="https://localhost").text


def test_mail_leaves_by_itself(own_service: Service) -> None:
    """While the demo runs, what was queued is sent without anybody's doing."""
    with sending(own_service.auth):
        ask(own_service, "/forgotten", identifier=ERKKI.email)
        wait_for(own_service, 1)


def test_what_could_not_be_sent_is_sent_once_mail_works(own_service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """The first retry comes within ten seconds (C-31)."""
    own_service.mailbox.up = False
    with caplog.at_level(logging.WARNING), sending(own_service.auth):
        ask(own_service, "/forgotten", identifier=ERKKI.email)
        until = time.monotonic() + 30
        while "could not be sent" not in caplog.text:
            assert time.monotonic() < until
            time.sleep(0.05)
        own_service.mailbox.up = True
        wait_for(own_service, 1)
    assert ERKKI.email not in caplog.text


def test_a_store_that_is_down_does_not_end_the_sending(
    own_service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The next look at the outbox finds the mail (C-24)."""
    flush, failures = own_service.auth.outbox.flush, [1, 2]

    def failing() -> object:
        if failures:
            failures.pop()
            raise StoreUnavailableError("the database is locked")
        return flush()

    monkeypatch.setattr(own_service.auth.outbox, "flush", failing)
    with sending(own_service.auth):
        ask(own_service, "/forgotten", identifier=ERKKI.email)
        wait_for(own_service, 1)
    assert not failures
    assert "cannot be read" in caplog.text


def test_old_sessions_links_and_counts_are_cleared_away(own_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first round comes at the start, and a live link survives it (B-26)."""
    rounds: list[Purged] = []
    purge = own_service.auth.housekeeping.purge
    monkeypatch.setattr(own_service.auth.housekeeping, "purge", lambda: rounds.append(purge()))
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    with sending(own_service.auth):
        wait_for(own_service, 1)
        until = time.monotonic() + 30
        while not rounds:
            assert time.monotonic() < until
            time.sleep(0.05)
    assert rounds == [Purged()]
    assert visitor.get(own_service.link(ERKKI.email)).status_code == 200


def test_a_mail_server_is_named_by_host_and_port() -> None:
    """One on this computer is spoken to without encryption, any other one only with it (B-91)."""
    assert isinstance(mailer_for(None), MemoryMailer)
    for here in ("localhost:1025", "127.0.0.1:25", "[::1]:25"):
        assert isinstance(mailer_for(here), SmtpMailer)
    assert isinstance(mailer_for("mail.example.com:587"), SmtpMailer)


@pytest.mark.parametrize(
    "smtp", ["", "localhost", "localhost:", ":25", "localhost:x", "localhost:0", "localhost:65536"]
)
def test_what_is_no_mail_server_is_said(smtp: str) -> None:
    """The person reads what to write."""
    with pytest.raises(DemoError, match="is no mail server"):
        mailer_for(smtp)


def test_the_demo_does_not_start_with_a_mistyped_mail_server(tmp_path: Path) -> None:
    """One sentence, and the database is not touched."""
    error = complaint("--port", "0", "--database", str(tmp_path / "a.db"), "--smtp", "localhost")
    assert error.startswith("The demo cannot start: localhost is no mail server")
    assert not list(tmp_path.iterdir())


def test_the_start_says_where_mail_goes(tmp_path: Path) -> None:
    """To the demo mailbox, or to the server that was named, even while that one is down."""
    with started("--database", str(tmp_path / "a.db")) as (address, printed):
        assert f"{address}mailbox" in printed
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        smtp = f"127.0.0.1:{nobody.getsockname()[1]}"
        with started("--database", str(tmp_path / "b.db"), "--smtp", smtp) as (_, printed):
            assert smtp in printed
            assert "/mailbox" not in printed


def test_the_log_of_requests_has_no_token(own_service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """The path is logged, and nothing behind the question mark (ASVS 14.2.1, 16.2.5)."""
    server = make_server("127.0.0.1", 0, own_service.app, request_handler=RequestHandler)
    thread = Thread(target=server.handle_request)
    with caplog.at_level(logging.INFO):
        thread.start()
        with socket.create_connection(("127.0.0.1", server.port)) as caller:
            caller.sendall(b"GET /new-password?token=secret HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert b" 410 " in caller.recv(4096)
        thread.join()
    server.server_close()
    assert "GET '/new-password' 410" in caplog.text
    assert "secret" not in caplog.text
