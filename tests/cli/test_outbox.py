"""``cityauth outbox`` and ``cityauth account invite``."""

import re
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller

from tests.mailers.test_smtp import Received, free_port
from tests.support.command import TOML, Deployment

SMTP = TOML + '[smtp]\nhost = "127.0.0.1"\nport = {port}\nsender = "asiointi@service.example"\nsecurity = "none"\n'


@pytest.fixture
def server() -> Iterator[tuple[Received, int]]:
    """A mail server on loopback."""
    received = Received()
    controller = Controller(received, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield received, controller.port
    controller.stop()


def invited(deployment: Deployment) -> None:
    """Add an account with an address and invite it."""
    deployment.well("account", "add", "--name", "Erkki", "--email", "erkki@example.com")
    assert "erkki@example.com" in deployment.well("account", "invite", "erkki@example.com")


def test_an_invitation_is_mailed(deployment: Deployment, server: tuple[Received, int]) -> None:
    """Queued by the one command, sent by the other, and then nothing waits (ASVS 6.4.6)."""
    received, port = server
    deployment.write(SMTP.format(port=port))
    invited(deployment)
    assert deployment.json("outbox", "status")["waiting"] == 1
    assert "Sent 1" in deployment.well("outbox", "flush")
    assert received.recipients == [["erkki@example.com"]]
    assert deployment.json("outbox", "status") == {"waiting": 0, "retrying": 0, "oldest": None}
    assert "0 waiting" in deployment.well("outbox", "status")


def test_a_server_that_is_down_loses_nothing(deployment: Deployment) -> None:
    """Status 1, a sentence with the number that waits, and the mails stay (C-31)."""
    deployment.write(SMTP.format(port=free_port()))
    invited(deployment)
    assert "1 wait" in deployment.refused(1, "outbox", "flush")
    assert deployment.json("outbox", "status")["retrying"] == 1


def test_without_a_server_mail_waits(deployment: Deployment) -> None:
    """A deployment without [smtp] keeps its mail, and hears that it has no server, not that one is down."""
    invited(deployment)
    assert deployment.refused(1, "outbox", "flush") == "no mail server is configured under [smtp]: 1 wait"


def test_an_account_without_an_address_is_handed_its_link(deployment: Deployment) -> None:
    """The link is printed once, for the person alone; one that leads nowhere else is told as such."""
    deployment.well("account", "add", "--name", "Virve", "--username", "virve.v", "--realm", "official")
    printed = deployment.well("account", "invite", "virve.v")
    assert re.search(r"^http://localhost/new-password\?token=\S+$", printed, re.MULTILINE)
    assert "set base_url under [mail]" in printed
    deployment.write(TOML + '[mail]\nbase_url = "https://asiointi.example"\n')
    printed = deployment.well("account", "invite", "virve.v")
    assert re.search(r"^https://asiointi\.example/new-password\?token=\S+$", printed, re.MULTILINE)
    assert "base_url" not in printed
    deployment.well("account", "disable", "virve.v")
    assert "not active" in deployment.refused(1, "account", "invite", "virve.v")


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("smtp = 1", "table"),
        ('[smtp]\nhost = "x"', "sender"),
        ('[smtp]\nsender = "a@b.fi"', "host"),
        ('[smtp]\nhost = "x"\nsender = "a@b.fi"\nsecurity = "ssl"', "starttls"),
        ('[smtp]\nhost = "x"\nsender = "a@b.fi"\nprot = 25', "'port'"),
        ('[smtp]\nhost = "x"\nsender = "a@b.fi"\npassword = "CANARY"', "unknown key 'password'"),
        ('[smtp]\nhost = "mail.example.com"\nsender = "a@b.fi"\nsecurity = "none"', "unencrypted"),
        ('[smtp]\nhost = "localhost"\nsender = "nobody"', "sender"),
    ],
)
def test_a_wrong_section_is_told_in_one_sentence(deployment: Deployment, section: str, said: str) -> None:
    """Each mistake in [smtp] is a sentence that names it, and shows no password."""
    deployment.write(TOML + section + "\n")
    sentence = deployment.refused(2, "outbox", "status")
    assert said in sentence
    assert "CANARY" not in sentence


@pytest.mark.parametrize(
    ("line", "password", "said"),
    [
        ('username = "service"', None, "set CITYAUTH_SMTP_PASSWORD"),
        ("", "CANARY", "needs the key 'username'"),
        ('username = "päivi"', "CANARY", "ASCII"),
        ('sender_name = "a\\nb"', None, "one line"),
    ],
)
def test_a_mail_server_that_would_refuse_us_is_refused(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, line: str, password: str | None, said: str
) -> None:
    """Half a login is told before any mail is lost to it, without the password (B-77)."""
    deployment.write(SMTP.format(port=2525) + line)
    if password:
        monkeypatch.setenv("CITYAUTH_SMTP_PASSWORD", password)
    sentence = deployment.refused(2, "outbox", "status")
    assert said in sentence
    assert "CANARY" not in sentence


def test_links_to_this_computer_are_not_mailed_elsewhere(deployment: Deployment) -> None:
    """A mail server on another machine needs base_url under [mail]."""
    deployment.write(TOML + '[smtp]\nhost = "smtp.example.org"\nsender = "a@b.fi"\n')
    assert "mail.base_url is http://localhost" in deployment.refused(2, "outbox", "status")
    deployment.write(TOML + '[mail]\nbase_url = "https://a.fi"\n[smtp]\nhost = "smtp.example.org"\nsender = "a@b.fi"\n')
    assert "0 waiting" in deployment.well("outbox", "status")
