"""The mailers that send nothing anywhere."""

from datetime import timedelta

import pytest

from cityauth.core.mail import QueuedMail
from cityauth.errors import MailerUnavailableError
from cityauth.mailers.memory import MemoryMailer, NoMailer
from cityauth.messages.mails import MailContent
from tests.support.fakes import NOON

MAIL = QueuedMail("m-1", "erkki@example.com", MailContent("Otsikko", "Teksti\n"), "fi", NOON, NOON + timedelta(hours=1))


def test_a_memory_mailer_keeps_what_it_sends() -> None:
    """Everything, or what went to one address."""
    mailer = MemoryMailer()
    mailer.send(MAIL)
    assert mailer.is_up()
    assert mailer.sent() == [MAIL]
    assert mailer.sent("erkki@example.com") == [MAIL]
    assert mailer.sent("other@example.com") == []


def test_a_memory_mailer_can_play_dead() -> None:
    """A mailer that is down says so, and takes nothing (C-31)."""
    mailer = MemoryMailer()
    mailer.up = False
    assert not mailer.is_up()
    with pytest.raises(MailerUnavailableError):
        mailer.send(MAIL)
    assert mailer.sent() == []


def test_no_mailer_is_always_down() -> None:
    """Without a mailer nothing is sent and nothing is lost."""
    assert not NoMailer().is_up()
    with pytest.raises(MailerUnavailableError, match="m-1"):
        NoMailer().send(MAIL)


def test_a_mail_shows_neither_address_nor_body() -> None:
    """The link in a mail must not get into a log (B-77, ASVS 16.2.5)."""
    secret = QueuedMail("m", "erkki@example.com", MailContent("s", "https://x/?token=abc"), "fi", NOON, NOON)
    assert "erkki" not in repr(secret)
    assert "abc" not in repr(secret)
