"""Every use of a mailbox, as a person with a browser goes through it."""

import email
import email.policy
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, Page, expect

from cityauth.mailers.smtp import SmtpMailer
from cityauth.messages import LANGUAGES, Code, Label, text
from cityauth.policy import SessionPolicy
from flask_app.sending import mailer_for, sending
from flask_app.tests.service import CHEAP, ERKKI, MATTI, NEW, install, serving
from flask_app.texts import words
from tests.browser.conftest import PHONE, WIDE

pytestmark = pytest.mark.browser

Open: TypeAlias = Callable[..., Page]
Inspect: TypeAlias = Callable[[Page, str], None]
TabTo: TypeAlias = Callable[[Page, str], None]

NEW_EMAIL = "erkki@uusi.example"


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Inbox:
    """An SMTP server on the loopback address that keeps what it is given, and can be stopped."""

    def __init__(self) -> None:
        """Choose the port; nothing listens yet."""
        self.port = free_port()
        self.mails: list[tuple[str, str]] = []

    @contextmanager
    def serving(self, mailer: SmtpMailer) -> Iterator[None]:
        """Take mail for the time of the block; *mailer* knows at once, before and after."""
        controller = Controller(self, hostname="127.0.0.1", port=self.port)
        controller.start()
        try:
            assert mailer.check()
            yield
        finally:
            controller.stop()
        assert not mailer.check()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the server's word
        """Keep the recipient and the text."""
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = message.get_body(("plain",))
        self.mails.extend((to, body.get_content() if body else "") for to in envelope.rcpt_tos)
        return "250 OK"

    def link(self, to: str, path: str) -> str:
        """Wait for a mail to the address *to* with a link to *path*, and return the link."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            for recipient, body in reversed(self.mails):
                found = re.search(rf"http\S+{path}\?\S+", body)
                if recipient == to and found:
                    return found[0]
            time.sleep(0.05)
        pytest.fail(f"no mail with a link to {path} came to {to}")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The demo with its own mailbox, as ``python -m flask_app`` serves it, and nobody else in it."""
    port = free_port()
    service = install(tmp_path, plain_localhost=True, base_url=f"http://localhost:{port}")
    with serving(service.app, port) as url, sending(service.auth):
        yield url


@pytest.fixture
def mailer_and_inbox() -> tuple[SmtpMailer, Inbox]:
    """A real SMTP server, not started, and what sends to it."""
    inbox = Inbox()
    mailer = mailer_for(f"127.0.0.1:{inbox.port}")
    assert isinstance(mailer, SmtpMailer)
    return mailer, inbox


@pytest.fixture
def smtp_address(tmp_path: Path, mailer_and_inbox: tuple[SmtpMailer, Inbox]) -> Iterator[str]:
    """The demo that sends its mail to that server."""
    port = free_port()
    mailer, _ = mailer_and_inbox
    service = install(tmp_path, plain_localhost=True, base_url=f"http://localhost:{port}", mailer=mailer)
    with serving(service.app, port) as url, sending(service.auth):
        yield url


class Person:
    """Somebody who reads the page in one language, and does what it says."""

    def __init__(self, page: Page, language: str) -> None:
        """Sit down in front of *page*."""
        self.page = page
        self.language = language

    def say(self, label: Label | Code, **params: int) -> str:
        """Return what a page says."""
        return text(label, self.language, **params)

    def fill(self, label: Label, value: str) -> None:
        """Fill in the field of that name."""
        self.page.get_by_label(self.say(label), exact=True).fill(value)

    def press(self, label: Label) -> None:
        """Press the button of that name."""
        self.page.get_by_role("button", name=self.say(label), exact=True).click()

    def heads(self, heading: str) -> None:
        """See the page's heading."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)

    def reads(self, code: Code, **params: int) -> None:
        """See a message."""
        expect(self.page.get_by_role("status")).to_have_text(self.say(code, **params))

    def sign_in(self, identifier: str, password: str) -> None:
        """Go through both pages of signing in."""
        self.page.goto("/login")
        self.fill(Label.IDENTIFIER, identifier)
        self.press(Label.CONTINUE)
        self.fill(Label.PASSWORD, password)
        self.press(Label.SIGN_IN)

    def ask_for_link(self, identifier: str) -> None:
        """Ask for a link as whoever forgot the password does, from the password page."""
        self.page.goto("/login")
        self.fill(Label.IDENTIFIER, identifier)
        self.press(Label.CONTINUE)
        self.page.get_by_role("link", name=self.say(Label.FORGOTTEN)).click()
        expect(self.page.get_by_label(self.say(Label.IDENTIFIER))).to_have_value(identifier)
        self.press(Label.SEND_LINK)

    def follow_newest(self, path: str) -> None:
        """Open the demo mailbox and follow the first link to *path* in it."""
        found = self.page.locator(f'.letter a[href*="{path}?token="]')
        self.page.goto("/mailbox")
        for _ in range(60):
            if found.count():
                break
            self.page.wait_for_timeout(250)
            self.page.reload()
        found.first.click()


@pytest.fixture
def mail_reader(browser: Browser, smtp_address: str, language: str) -> Iterator[Person]:
    """Somebody with a browser in the test's language, in front of the demo that sends real mail."""
    context = browser.new_context(base_url=smtp_address, locale=language)
    yield Person(context.new_page(), language)
    context.close()


@pytest.mark.parametrize(("language", "size"), [("fi", WIDE), ("sv", PHONE), ("en", WIDE)])
def test_through_the_demo_mailbox(opened: Open, inspect: Inspect, language: str, size: tuple[int, int]) -> None:
    """Forget and reset, change and undo the address, sign up: each page without a finding of axe (ASVS 6.2.6)."""
    page = opened(language=language, size=size)
    person = Person(page, language)
    page.goto("/mailbox")
    inspect(page, "10-mailbox-empty")
    page.goto("/forgotten")
    person.press(Label.SEND_LINK)
    expect(page.get_by_role("alert")).to_be_visible()
    inspect(page, "11-forgotten-empty")
    person.ask_for_link(ERKKI.email)
    person.heads(person.say(Label.CHECK_EMAIL))
    inspect(page, "12-mail-sent")
    page.get_by_role("link", name=words("mailbox.open", language)).click()
    person.follow_newest("/new-password")
    assert "token" not in page.url
    person.heads(person.say(Label.NEW_PASSWORD_HEADING))
    expect(page.get_by_text("e•••@example.com")).to_be_visible()
    inspect(page, "13-new-password")
    person.fill(Label.NEW_PASSWORD, "lyhyt")
    person.press(Label.CHANGE_PASSWORD)
    expect(page.get_by_label(person.say(Label.NEW_PASSWORD))).to_be_focused()
    inspect(page, "13-new-password-refused")
    person.fill(Label.NEW_PASSWORD, NEW)
    person.press(Label.CHANGE_PASSWORD)
    person.reads(Code.RESET_DONE)
    page.goto("/new-password")
    person.heads(words("link.open_again", language))
    inspect(page, "14-open-again")
    page.goto("/new-password?token=x")
    person.heads(words("link.dead", language))
    inspect(page, "14-dead-link")
    person.sign_in(ERKKI.email, NEW)
    person.heads(words("cases.title", "fi"))  # Erkki's account is in Finnish
    page.goto("/mailbox")
    inspect(page, "15-mailbox")


@pytest.mark.parametrize("language", LANGUAGES)
def test_own_settings(opened: Open, inspect: Inspect, language: str) -> None:
    """The whole page, its refusals, the password, name and language changed, the account deleted (ASVS 6.2.2)."""
    page = opened(language=language, size=PHONE if language == "sv" else WIDE)
    person = Person(page, language)
    person.sign_in(ERKKI.email, ERKKI.password)
    page.locator("summary").click()
    page.locator(f'.menu button[lang="{language}"]').click()
    page.goto("/settings")
    inspect(page, "20-settings")
    person.fill(Label.NEW_EMAIL, "erkki")
    person.press(Label.CHANGE_EMAIL)
    expect(page.get_by_label(person.say(Label.NEW_EMAIL))).to_be_focused()
    inspect(page, "21-settings-refused")
    person.fill(Label.CURRENT_PASSWORD, ERKKI.password)
    person.fill(Label.NEW_PASSWORD, NEW)
    person.press(Label.CHANGE_PASSWORD)
    person.reads(Code.PASSWORD_CHANGED)
    inspect(page, "22-settings-done")
    person.fill(Label.NAME, "Erkki Juhani Esimerkki")
    person.press(Label.CHANGE_NAME)
    person.reads(Code.NAME_CHANGED)
    expect(page.get_by_role("link", name="Erkki Juhani Esimerkki (erkki.esimerkki@example.com)")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name=person.say(Label.DOWNLOAD_DATA)).click()
    assert "Erkki Juhani Esimerkki" in download.value.path().read_text(encoding="utf-8")
    page.get_by_role("link", name=person.say(Label.DELETE_ACCOUNT)).click()
    inspect(page, "23-delete")
    person.press(Label.DELETE_ACCOUNT)
    expect(page.get_by_label(person.say(Label.DELETE_ACCOUNT_CONFIRM))).to_be_focused()
    inspect(page, "23-delete-unticked")
    page.get_by_label(person.say(Label.DELETE_ACCOUNT_CONFIRM)).check()
    person.press(Label.DELETE_ACCOUNT)
    person.reads(Code.ACCOUNT_DELETED)
    inspect(page, "24-deleted")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fresh_sign_in_is_due(browser: Browser, tmp_path: Path, inspect: Inspect, language: str) -> None:
    """Some time after signing in the password is asked for once more, and then the change goes on (B-61)."""
    policy = replace(CHEAP, sessions=SessionPolicy(fresh=timedelta(seconds=1)))
    service = install(tmp_path, plain_localhost=True, policy=policy)
    with serving(service.app) as url:
        context = browser.new_context(base_url=url, locale=language)
        person = Person(context.new_page(), language)
        person.sign_in(ERKKI.email, ERKKI.password)
        person.page.locator("summary").click()
        person.page.locator(f'.menu button[lang="{language}"]').click()
        person.page.goto("/settings")
        person.page.wait_for_timeout(1100)
        person.fill(Label.NEW_EMAIL, NEW_EMAIL)
        person.press(Label.CHANGE_EMAIL)
        person.heads(person.say(Label.CONFIRM_HEADING))
        inspect(person.page, "25-confirm")
        person.fill(Label.PASSWORD, "not the password, but long")
        person.press(Label.CONFIRM)
        expect(person.page.get_by_role("alert")).to_be_visible()
        inspect(person.page, "25-confirm-refused")
        person.fill(Label.PASSWORD, ERKKI.password)
        person.press(Label.CONFIRM)
        person.heads(person.say(Label.CHECK_EMAIL))
        context.close()


def set_password(page: Page, person: Person, inbox: Inbox) -> None:
    """Set a new password with the newest link that was mailed to Erkki."""
    page.goto(inbox.link(ERKKI.email, "/new-password"))
    person.fill(Label.NEW_PASSWORD, NEW)
    person.press(Label.CHANGE_PASSWORD)


@pytest.mark.parametrize("language", LANGUAGES)
def test_through_a_real_mail_server(
    mail_reader: Person,
    mailer_and_inbox: tuple[SmtpMailer, Inbox],
    inspect: Inspect,
    language: str,
) -> None:
    """Forget, reset and sign in; change the address, sign in with it, undo it; sign up (C-57)."""
    mailer, inbox = mailer_and_inbox
    person, page = mail_reader, mail_reader.page
    with inbox.serving(mailer):
        person.ask_for_link(ERKKI.old_username)
        person.heads(person.say(Label.CHECK_EMAIL))
        assert page.get_by_role("link", name=words("mailbox.open", language)).count() == 0
        set_password(page, person, inbox)
        person.sign_in(ERKKI.email, NEW)
        page.locator("summary").click()
        page.locator(f'.menu button[lang="{language}"]').click()
        page.goto("/settings")
        person.fill(Label.NEW_EMAIL, NEW_EMAIL)
        person.press(Label.CHANGE_EMAIL)
        person.heads(person.say(Label.CHECK_EMAIL))
        page.goto(inbox.link(NEW_EMAIL, "/settings/email/confirm"))
        inspect(page, "30-confirm-email")
        person.press(Label.CONFIRM)
        person.reads(Code.EMAIL_CHANGE_DONE)
        person.sign_in(NEW_EMAIL, NEW)
        expect(page.get_by_role("link", name=f"Erkki Esimerkki ({NEW_EMAIL})")).to_be_visible()
        expect(page.get_by_text("2009-000412")).to_be_visible()
        page.goto(inbox.link(ERKKI.email, "/settings/email/undo"))
        inspect(page, "31-undo-email")
        inbox.mails.clear()
        person.press(Label.UNDO_EMAIL)
        person.reads(Code.EMAIL_CHANGE_UNDONE)
        inspect(page, "32-undone")
        page.goto("/settings/email/undo?token=x")
        inspect(page, "32-undo-dead")
        set_password(page, person, inbox)
        person.sign_in(ERKKI.email, NEW)
        expect(page.get_by_role("link", name=f"Erkki Esimerkki ({ERKKI.email})")).to_be_visible()
        page.get_by_role("button", name=person.say(Label.SIGN_OUT)).click()
        page.goto("/login")
        page.get_by_role("link", name=person.say(Label.CREATE_NEW_ACCOUNT)).click()
        inspect(page, "33-sign-up")
        person.fill(Label.EMAIL, "uusi@asukas.example")
        person.press(Label.CONTINUE)
        page.goto(inbox.link("uusi@asukas.example", "/sign-up/confirm"))
        inspect(page, "34-new-account")
        person.fill(Label.NAME, "Ulla Uusi")
        person.fill(Label.PASSWORD, NEW)
        person.press(Label.CREATE_ACCOUNT)
        person.reads(Code.SIGNUP_DONE)
        person.sign_in("uusi@asukas.example", NEW)
        expect(page.get_by_text(words("cases.none", language))).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_server_that_is_down_is_admitted_and_the_mail_comes_later(
    mail_reader: Person,
    mailer_and_inbox: tuple[SmtpMailer, Inbox],
    inspect: Inspect,
    language: str,
) -> None:
    """Stopped: the page says so and names customer service. Started: the mail arrives, and the link works (C-31)."""
    mailer, inbox = mailer_and_inbox
    person, page = mail_reader, mail_reader.page
    with inbox.serving(mailer):
        person.ask_for_link(MATTI.email)
        person.heads(person.say(Label.CHECK_EMAIL))
        inbox.link(MATTI.email, "/new-password")
    person.ask_for_link(ERKKI.email)
    expect(page.get_by_role("alert")).to_contain_text("asiakaspalvelu@example.com")
    inspect(page, "40-mail-down")
    with inbox.serving(mailer):
        page.goto(inbox.link(ERKKI.email, "/new-password"))
        person.heads(person.say(Label.NEW_PASSWORD_HEADING))


@pytest.mark.parametrize("language", LANGUAGES)
def test_by_keyboard_alone(opened: Open, tab_to: TabTo, language: str) -> None:
    """From the password page to the new password without a mouse, each stop with its focus to be seen."""
    page = opened(language=language)
    person = Person(page, language)

    page.goto("/login")
    tab_to(page, person.say(Label.IDENTIFIER))
    page.keyboard.type(ERKKI.old_username)
    page.keyboard.press("Enter")
    expect(page.get_by_label(person.say(Label.PASSWORD), exact=True)).to_be_focused()
    tab_to(page, person.say(Label.FORGOTTEN))
    page.keyboard.press("Enter")
    person.heads(person.say(Label.FORGOTTEN_HEADING))
    tab_to(page, person.say(Label.IDENTIFIER))
    page.keyboard.press("Enter")
    person.heads(person.say(Label.CHECK_EMAIL))
    tab_to(page, words("mailbox.open", language))
    page.keyboard.press("Enter")
    person.heads(words("mailbox.title", language))
    for _ in range(60):
        if page.locator(".letter a").count():
            break
        page.wait_for_timeout(250)
        page.reload()
    tab_to(page, "http")
    page.keyboard.press("Enter")
    expect(page.get_by_label(person.say(Label.NEW_PASSWORD))).to_be_focused()
    page.keyboard.type(NEW)
    page.keyboard.press("Enter")
    person.reads(Code.RESET_DONE)


def test_without_javascript(opened: Open) -> None:
    """Recovery through the mailbox needs no script."""
    page = opened(scripts=False, size=PHONE)
    person = Person(page, "fi")
    person.ask_for_link(ERKKI.email)
    person.follow_newest("/new-password")
    person.fill(Label.NEW_PASSWORD, NEW)
    person.press(Label.CHANGE_PASSWORD)
    person.reads(Code.RESET_DONE)
