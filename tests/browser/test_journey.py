"""The journey through the demo e-service, as a person with a browser makes it."""

from collections.abc import Callable
from typing import TypeAlias

import pytest
from playwright.sync_api import Page, expect

from cityauth.messages import Label, text
from flask_app.tests.service import ASA, ERKKI, VIRVE
from flask_app.texts import words
from tests.browser.conftest import PHONE, SHAPES

pytestmark = pytest.mark.browser

Open: TypeAlias = Callable[..., Page]
Inspect: TypeAlias = Callable[[Page, str], None]
TabTo: TypeAlias = Callable[[Page, str], None]


def say(label: Label, language: str) -> str:
    """Return what a page says, so that the journey reads alike in each language."""
    return text(label, language)


def sign_in(page: Page, identifier: str, password: str, language: str = "fi") -> None:
    """Go from the start page to the signed-in pages by what the person reads."""
    page.goto("/")
    page.get_by_role("button", name=say(Label.SIGN_IN, language)).click()
    page.get_by_label(say(Label.IDENTIFIER, language)).fill(identifier)
    page.get_by_role("button", name=say(Label.CONTINUE, language)).click()
    page.get_by_label(say(Label.PASSWORD, language), exact=True).fill(password)
    page.get_by_role("button", name=say(Label.SIGN_IN, language)).click()


@SHAPES
def test_the_journey(opened: Open, inspect: Inspect, language: str, size: tuple[int, int]) -> None:
    """Every page of the journey, in each language, on a deployment and on a phone, without a finding of axe (ASVS 6.2.6)."""
    page = opened(language=language, size=size)
    page.goto("/")
    inspect(page, "1-start")
    page.get_by_role("button", name=say(Label.SIGN_IN, language)).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(say(Label.SIGNING_IN, language))
    expect(page.get_by_text(say(Label.NOTICE, language))).to_be_visible()
    expect(page.get_by_text(say(Label.OFFICIAL, language))).to_be_visible()
    inspect(page, "2-identify")
    page.get_by_role("button", name=say(Label.CONTINUE, language)).click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label(say(Label.IDENTIFIER, language))).to_be_focused()
    inspect(page, "2-identify-empty")
    page.get_by_label(say(Label.IDENTIFIER, language)).fill(ERKKI.email)
    page.get_by_role("button", name=say(Label.CONTINUE, language)).click()
    expect(page.get_by_label(say(Label.IDENTIFIER, language))).to_have_value(ERKKI.email)
    expect(page.get_by_label(say(Label.IDENTIFIER, language))).to_be_editable()
    password = page.get_by_label(say(Label.PASSWORD, language), exact=True)
    expect(password).to_be_focused()
    expect(password).to_have_attribute("type", "password")
    inspect(page, "3-password")
    password.fill("not the password, but long")
    page.get_by_label(say(Label.REMEMBER, language)).check()
    page.get_by_role("button", name=say(Label.SIGN_IN, language)).click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(password).to_be_focused()
    expect(page.get_by_label(say(Label.REMEMBER, language))).to_be_checked()
    inspect(page, "3-password-refused")
    page.locator("summary").click()
    page.locator(f'.menu button[lang="{language}"]').click()  # else Erkki's account would be answered in Finnish
    page.get_by_label(say(Label.PASSWORD, language), exact=True).fill(ERKKI.password)
    page.get_by_role("button", name=say(Label.SIGN_IN, language)).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(words("cases.title", language))
    expect(page.get_by_role("button", name=say(Label.SIGN_OUT, language))).to_be_visible()
    expect(page.get_by_text("2009-000412")).to_be_visible()
    inspect(page, "4-cases")
    page.get_by_role("link", name="Erkki Esimerkki (erkki.esimerkki@example.com)").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(say(Label.SETTINGS, language))
    inspect(page, "5-settings")
    page.locator("summary").click()
    inspect(page, "4-language-menu")
    page.get_by_role("button", name=say(Label.SIGN_OUT, language)).click()
    expect(page.get_by_role("status")).to_be_visible()
    inspect(page, "6-signed-out")


@SHAPES
def test_the_pages_beside_the_journey(opened: Open, inspect: Inspect, language: str, size: tuple[int, int]) -> None:
    """The guide, the statement, the honest pages and an error page hold the same standard."""
    page = opened(language=language, size=size)
    for path in ("guide", "accessibility", "sign-up", "forgotten", "nowhere"):
        page.goto(f"/{path}")
        inspect(page, f"7-{path}")


@pytest.mark.parametrize(("language", "other"), [("fi", "en"), ("sv", "fi"), ("en", "sv")])
def test_by_keyboard_alone(opened: Open, tab_to: TabTo, language: str, other: str) -> None:
    """The skip link comes first, every stop shows its focus, and Enter signs in and out, in each language."""
    page = opened(language=language)

    def choose(chosen: str) -> None:
        tab_to(page, say(Label.LANGUAGE_SHORT, str(page.locator("html").get_attribute("lang"))))
        page.keyboard.press("Enter")
        tab_to(page, say(Label[f"LANGUAGE_{chosen.upper()}"], chosen))
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.locator("html")).to_have_attribute("lang", chosen)

    page.goto("/login")
    choose(language)  # else Virve's account would be answered in Finnish
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name=say(Label.SKIP_TO_CONTENT, language))).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, say(Label.IDENTIFIER, language))
    page.keyboard.type(VIRVE.old_username)
    page.keyboard.press("Enter")
    expect(page.get_by_label(say(Label.PASSWORD, language), exact=True)).to_be_focused()
    page.keyboard.type(VIRVE.password)
    tab_to(page, say(Label.REMEMBER, language))
    page.keyboard.press("Space")
    tab_to(page, say(Label.SIGN_IN, language))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(words("cases.title", language))
    choose(other)
    expect(page.get_by_role("heading", level=1)).to_have_text(words("cases.title", other))
    tab_to(page, say(Label.SIGN_OUT, other))
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_visible()


def test_without_javascript(opened: Open) -> None:
    """The whole journey, the language menu included, needs no script."""
    page = opened(scripts=False, size=PHONE)
    page.goto("/login")
    page.locator("summary").click()
    page.get_by_role("button", name="Svenska").click()
    expect(page.locator("html")).to_have_attribute("lang", "sv")
    sign_in(page, ASA.email, ASA.password, "sv")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mina ärenden")
    page.get_by_role("link", name="Åsa Öhman (asa.ohman@example.com)").click()
    page.get_by_role("button", name="LOGGA UT").click()
    expect(page.get_by_role("status")).to_have_text("Du har loggat ut.")


def test_the_retired_username_leads_to_the_address(opened: Open, inspect: Inspect) -> None:
    """After the right password the page names the new login name, masked, and the focus is where it is typed."""
    page = opened(language="sv")
    sign_in(page, ASA.old_username, ASA.password, "sv")
    expect(page.get_by_role("alert")).to_contain_text("a•••@example.com")
    expect(page.get_by_label("E-postadress / användarnamn")).to_be_focused()
    inspect(page, "3-password-retired")


def test_the_back_button_shows_nothing_after_signing_out(opened: Open) -> None:
    """A signed-in page is not kept for the next person at the computer (ASVS 14.3.2)."""
    page = opened()
    sign_in(page, ERKKI.old_username, ERKKI.password)
    page.get_by_role("button", name="KIRJAUDU ULOS").click()
    expect(page.get_by_role("status")).to_have_text("Olet kirjautunut ulos.")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kirjautuminen")


def test_one_closes_the_session_of_another_device(opened: Open, inspect: Inspect) -> None:
    """The other browser is out at its next page (ASVS 7.5.2)."""
    here, there = opened(), opened(size=PHONE)
    for page in (here, there):
        sign_in(page, ERKKI.old_username, ERKKI.password)
    here.get_by_role("link", name="Omat asetukset").click()
    inspect(here, "5-settings-two-sessions")
    here.get_by_role("button", name="Lopeta muut kirjautumiset").click()
    expect(here.get_by_role("status")).to_be_visible()
    there.goto("/cases")
    expect(there.get_by_role("heading", level=1)).to_have_text("Kirjautuminen")
    inspect(there, "6-session-ended")
