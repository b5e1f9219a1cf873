"""The pages, in the order in which a person meets them."""

import pytest

from cityauth.core.resolution import Reason
from cityauth.messages import LANGUAGES
from flask_app.seeds import Person
from flask_app.tests.service import ASA, ERKKI, MATTI, VIRVE, Service, Visitor

PUBLIC = ("/", "/login", "/guide", "/accessibility", "/sign-up", "/forgotten")
OWN = ("/cases", "/settings")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_page_speaks_the_language_that_the_browser_asks_for(
    visitor: Visitor, path: str, language: str
) -> None:
    """Each page says which language it is in and has one first heading."""
    page = visitor.get(path, **{"Accept-Language": f"{language}-FI,{language};q=0.9"})
    assert page.status_code == 200
    assert f'<html lang="{language}">' in page.text
    assert len(visitor.soup.find_all("h1")) == 1


def test_the_start_page_offers_to_sign_in(visitor: Visitor) -> None:
    """Step 1 of the journey: a button that leads to the identify page."""
    visitor.get("/")
    button = visitor.soup.find("button", string="Kirjaudu sisään")
    assert button is not None
    assert button.parent is not None
    visitor.get(str(button.parent["action"]))
    assert visitor.heading == "Kirjautuminen"


def test_the_identify_page_has_every_label_of_the_guide(visitor: Visitor) -> None:
    """Step 2 of the journey: the notice, the guide, the new account, the officials' line and the one field."""
    page = visitor.get("/login").text
    for label in (
        "Käyttäjätunnuksesi on nyt sähköpostiosoitteesi",
        "Luo uusi käyttäjätunnus",
        "Viranomaiskäyttäjä?",
        "Sähköpostiosoite / käyttäjätunnus",
        "Jatka",
        "Unohtuiko käyttäjätunnus tai salasana?",
        'href="/guide"',
        'href="/sign-up"',
        'href="/forgotten"',
    ):
        assert label in page


def test_the_password_page_shows_the_identifier_to_be_edited(visitor: Visitor) -> None:
    """Step 3 of the journey: password managers find both fields, and the identifier can be corrected (ASVS 6.2.7)."""
    visitor.identify("Matti.M")
    identifier = visitor.soup.select_one('input[name="identifier"][autocomplete="username"]:not([type="hidden"])')
    assert identifier is not None
    assert identifier["value"] == "Matti.M"
    assert not {"readonly", "disabled"} & identifier.attrs.keys()
    password = visitor.soup.select_one('input[type="password"][autocomplete="current-password"]')
    assert password is not None
    assert not {"maxlength", "onpaste"} & password.attrs.keys()
    assert "Muista kirjautumiseni tässä tietokoneessa" in visitor.page.text


@pytest.mark.parametrize(
    ("identifier", "password", "shown"),
    [
        (ERKKI.email, ERKKI.password, "Erkki Esimerkki (erkki.esimerkki@example.com)"),
        (ERKKI.old_username, ERKKI.password, "Erkki Esimerkki (erkki.esimerkki@example.com)"),
        (ASA.email, ASA.password, "Åsa Öhman (asa.ohman@example.com)"),
        (MATTI.email, MATTI.password, "Matti Meikäläinen (matti.m@example.com)"),
        (MATTI.old_username, MATTI.password, "Matti Meikäläinen (matti.m@example.com)"),
        (VIRVE.old_username, VIRVE.password, "Virve Virkailija"),
    ],
)
def test_everybody_signs_in_with_what_their_phase_admits(
    visitor: Visitor, identifier: str, password: str, shown: str
) -> None:
    """Step 4 of the journey: the old password works with each identifier, and the top bar says who it is."""
    visitor.sign_in(identifier, password)
    assert visitor.page.request.path == "/cases"
    who = visitor.soup.select_one("a.who")
    assert who is not None
    assert shown in " ".join(who.get_text().split())
    assert who["href"] == "/settings"


@pytest.mark.parametrize("person", [ERKKI, ASA, MATTI, VIRVE], ids=lambda person: person.old_username)
def test_the_history_is_there_under_whichever_identifier(service: Service, person: Person) -> None:
    """Step 7 of the journey: every case from before the change, and nobody else's."""
    visitor = Visitor(service)
    visitor.sign_in(person.email or person.old_username, person.password)
    numbers = [dd.get_text() for dd in visitor.soup.select(".facts div:first-child dd")]
    assert sorted(numbers) == sorted(case.number for case in person.cases)


def test_a_retired_username_with_the_right_password_names_the_address_masked(visitor: Visitor) -> None:
    """After that proof the page tells that the e-mail is the login name now; nobody is signed in by it."""
    visitor.sign_in(ASA.old_username, ASA.password)
    assert "a•••@example.com" in visitor.page.text
    assert ASA.email not in visitor.page.text
    assert visitor.cookie("__Host-cityauth") is None
    visitor.send("/login/password", identifier=ASA.email, password=ASA.password)
    assert visitor.page.request.path == "/cases"


def test_the_identifier_can_be_corrected_on_the_password_page(visitor: Visitor) -> None:
    """The identifier in the form decides, not the one of the first page."""
    visitor.identify("somebody.else@example.com")
    visitor.send("/login/password", identifier=ERKKI.email, password=ERKKI.password)
    assert "Erkki Esimerkki" in visitor.page.text


def test_an_official_does_not_sign_in_with_a_citizens_way(own_service: Service) -> None:
    """The change does not concern officials: username only, also once they hold an address of their own."""
    email = "virve.virkailija@example.com"
    visitor = Visitor(own_service)
    visitor.sign_in(VIRVE.old_username, VIRVE.password)
    visitor.get("/settings")
    visitor.send("/settings/email", email=email)
    visitor.get(own_service.link(email))
    visitor.send("/settings/email/confirm")
    assert own_service.auth.identifiers.resolve(email).reason is Reason.KIND_DOES_NOT_SIGN_IN_YET  # so it is held
    assert visitor.sign_in(email, VIRVE.password).status_code == 422
    assert visitor.sign_in(VIRVE.old_username, VIRVE.password).request.path == "/cases"


@pytest.mark.parametrize("path", OWN)
def test_a_page_of_ones_own_asks_to_sign_in_and_leads_back(visitor: Visitor, path: str) -> None:
    """Whoever is sent to sign in arrives where they wanted to go."""
    visitor.get(path)
    assert visitor.heading == "Kirjautuminen"
    visitor.send("/login", identifier=ERKKI.email)
    visitor.send("/login/password", password=ERKKI.password)
    assert visitor.page.request.path == path


@pytest.mark.parametrize("path", [*PUBLIC[:1], *PUBLIC[2:], *OWN])
def test_every_page_of_a_signed_in_person_has_the_top_bar(visitor: Visitor, path: str) -> None:
    """The way out, the person's own settings and the languages are on every page (ASVS 7.4.4)."""
    visitor.sign_in(ERKKI.email, ERKKI.password)
    visitor.get(path)
    assert visitor.soup.find("form", action="/logout", method="post") is not None
    assert visitor.soup.find("button", string="KIRJAUDU ULOS") is not None
    summary = visitor.soup.summary
    assert summary is not None
    assert summary.get_text() == "FIN ▼"


def test_signing_out_ends_the_session_itself(service: Service, visitor: Visitor) -> None:
    """The cookie that was signed out opens nothing any more, wherever it is sent from (ASVS 7.4.1)."""
    visitor.sign_in(ERKKI.email, ERKKI.password)
    token = visitor.cookie("__Host-cityauth")
    visitor.send("/logout")
    assert "Olet kirjautunut ulos." in visitor.page.text
    assert visitor.cookie("__Host-cityauth") is None
    thief = Visitor(service)
    thief.client.set_cookie("__Host-cityauth", str(token), secure=True)
    thief.get("/cases")
    assert thief.heading == "Kirjautuminen"
    assert "Kirjautumisesi on päättynyt." in thief.page.text


def test_the_language_menu_changes_the_page_one_is_on(visitor: Visitor) -> None:
    """The choice is kept, and outweighs what the browser asks for."""
    visitor.get("/guide")
    visitor.send("/language", language="sv")
    assert visitor.page.request.path == "/guide"
    assert '<html lang="sv">' in visitor.page.text
    assert '<html lang="sv">' in visitor.get("/").text


def test_the_language_can_be_changed_in_the_middle_of_signing_in(visitor: Visitor) -> None:
    """The password page stays, with the identifier, and still signs in."""
    visitor.identify(ERKKI.email)
    visitor.send("/language", language="en")
    assert '<html lang="en">' in visitor.page.text
    visitor.send("/login/password", password=ERKKI.password)
    assert visitor.heading == "My cases"


def test_without_a_choice_the_accounts_language_is_spoken(visitor: Visitor) -> None:
    """A Swedish-speaking person on a Finnish computer is answered in Swedish once known."""
    visitor.sign_in(ASA.email, ASA.password)
    assert '<html lang="sv">' in visitor.page.text


def test_an_unknown_language_changes_nothing(visitor: Visitor) -> None:
    """What is no language of ours is passed over (B-66)."""
    visitor.get("/")
    visitor.send("/language", language="xx" * 1000)
    assert visitor.page.status_code == 200
    assert '<html lang="fi">' in visitor.page.text


def test_a_person_sees_and_closes_own_sessions(own_service: Service) -> None:
    """The list names sessions by handles, marks this one, and closes another one or all others (ASVS 7.5.2, B-78)."""
    here = Visitor(own_service)
    others = [Visitor(own_service, **{"User-Agent": "Mozilla/5.0 (iPhone) Safari/604.1"}) for _ in range(3)]
    for one in (here, *others):
        one.sign_in(ERKKI.email, ERKKI.password)
    here.get("/settings")
    assert here.page.text.count("Safari, iPhone") == 3 * 2  # a heading, and the name of a button
    assert all(str(one.cookie("__Host-cityauth")) not in here.page.text for one in (here, *others))
    handles = [str(button["value"]) for button in here.soup.select('button[name="handle"]')]
    assert len(handles) == 3
    here.send("/settings/sessions/close", handle=handles[0])
    assert len(here.soup.select('button[name="handle"]')) == 2
    here.send("/settings/sessions/close-others")
    assert not here.soup.select('button[name="handle"]')
    assert [one.get("/cases").request.path for one in others] == ["/login"] * 3
    assert here.get("/cases").request.path == "/cases"


def test_nobody_closes_somebody_elses_session(own_service: Service) -> None:
    """A handle counts only among one's own sessions."""
    erkki, matti = Visitor(own_service), Visitor(own_service)
    erkki.sign_in(ERKKI.email, ERKKI.password)
    matti.sign_in(MATTI.email, MATTI.password)
    account = own_service.auth.identifiers.resolve(ERKKI.email).account
    assert account is not None
    (session,) = own_service.auth.sessions.list_of_account(account.id)
    matti.get("/settings")
    matti.post("/settings/sessions/close", {"csrf_token": matti.csrf_token, "handle": session.handle})
    assert erkki.get("/cases").request.path == "/cases"


def test_a_disabled_person_is_out_at_the_next_page(own_service: Service) -> None:
    """Disabling ends every session, remembered ones too (ASVS 7.4.2)."""
    visitor = Visitor(own_service)
    visitor.sign_in(ERKKI.email, ERKKI.password, remember="1")
    account = own_service.auth.identifiers.resolve(ERKKI.email).account
    assert account is not None
    own_service.auth.accounts.disable(account.id)
    assert visitor.get("/cases").request.path == "/login"


def test_the_first_sign_in_upgrades_the_old_systems_hash(own_service: Service) -> None:
    """The password stored as the former system did becomes an Argon2id hash (ASVS 11.4.2)."""

    def stored() -> str:
        (match,) = own_service.store.find([f"1:{MATTI.email}"])
        assert match.password_hash is not None
        return match.password_hash.get_secret_value()

    assert stored().startswith("pbkdf2_sha256$")
    Visitor(own_service).sign_in(MATTI.email, MATTI.password)
    assert stored().startswith("$argon2id$")
    assert Visitor(own_service).sign_in(MATTI.old_username, MATTI.password).request.path == "/cases"
