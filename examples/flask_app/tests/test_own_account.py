"""Own settings: each change, each refusal, and what a stranger at the computer cannot do."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from cityauth import Released
from cityauth.messages import Code, Label, text
from flask_app.tests.service import ASA, ERKKI, MATTI, NEW, STRANGER, VIRVE, Service, Visitor, answer, install

FORMS = {
    "/settings/email": {"email": STRANGER},
    "/settings/password": {"current": ERKKI.password, "new": NEW},
    "/settings/name": {"name": "Toinen Nimi"},
    "/settings/language": {"language": "en"},
    "/settings/delete": {"understood": "1"},
}


def signed_in(service: Service, **fields: Any) -> Visitor:
    """Erkki, looking at his settings."""
    visitor = Visitor(service)
    visitor.sign_in(ERKKI.email, ERKKI.password, **fields)
    visitor.get("/settings")
    return visitor


@pytest.fixture
def later() -> Iterator[None]:
    """Ten minutes from now on: the sign-in is no longer fresh."""
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=10)):
        yield


def test_the_settings_have_their_labels(own_service: Service) -> None:
    """A person finds each field and button by name, and a password manager the fields (ASVS 6.2.6, 6.2.7)."""
    visitor = signed_in(own_service)
    for label in ("Uusi sähköpostiosoite", "Nykyinen salasana", "Uusi salasana", "Nimi", "Sivujen ja viestien kieli"):
        name = visitor.soup.find("label", string=label)
        assert name is not None, label
        assert visitor.soup.find(id=str(name["for"]))
    for button in ("Vaihda sähköpostiosoite", "Vaihda salasana", "Vaihda nimi", "Vaihda kieli"):
        assert visitor.soup.find("button", string=button), button


def test_a_new_address_signs_in_after_its_link(own_service: Service) -> None:
    """Verified first, told to the old mailbox, same account and cases; the old address is no name any more (B-41)."""
    visitor = signed_in(own_service)
    visitor.send("/settings/email", email=STRANGER)
    assert visitor.heading == "Tarkista sähköpostisi"
    assert Visitor(own_service).sign_in(ERKKI.email, ERKKI.password).request.path == "/cases"
    elsewhere = Visitor(own_service)
    elsewhere.get(own_service.link(STRANGER))
    assert STRANGER in elsewhere.page.text
    elsewhere.send("/settings/email/confirm")
    assert "Sähköpostiosoite on vaihdettu" in elsewhere.page.text
    assert visitor.get("/cases").request.path == "/login"
    assert visitor.sign_in(STRANGER, ERKKI.password).request.path == "/cases"
    assert ERKKI.cases[0].number in visitor.page.text
    assert STRANGER not in own_service.mail(ERKKI.email).content.body


def test_the_old_mailbox_undoes_the_change(own_service: Service) -> None:
    """The former address signs in again, every session has ended, and the link is spent."""
    visitor = signed_in(own_service)
    visitor.send("/settings/email", email=STRANGER)
    visitor.get(own_service.link(STRANGER))
    visitor.send("/settings/email/confirm")
    intruder = Visitor(own_service)
    intruder.sign_in(STRANGER, ERKKI.password)
    undo = own_service.link(ERKKI.email)
    owner = Visitor(own_service)
    owner.get(undo)
    assert ERKKI.email in owner.page.text
    owner.send("/settings/email/undo")
    assert owner.page.request.path == "/forgotten"
    assert "taas käytössä" in owner.page.text
    assert intruder.get("/cases").request.path == "/login"
    assert Visitor(own_service).sign_in(ERKKI.email, ERKKI.password).status_code == 422
    owner.get(own_service.link(ERKKI.email))
    assert owner.page.request.path == "/new-password"
    assert Visitor(own_service).sign_in(STRANGER, ERKKI.password).status_code == 422
    assert owner.get(undo).status_code == 410


def test_a_link_about_the_address_leaves_nobody_signed_in(own_service: Service) -> None:
    """Whoever else was signed in where the mail is read is signed out, and sees no message that is not hers (B-85)."""
    signed_in(own_service).send("/settings/email", email=STRANGER)
    steps = (
        (STRANGER, "/settings/email/confirm", "/login", Code.EMAIL_CHANGE_DONE),
        (ERKKI.email, "/settings/email/undo", "/forgotten", Code.EMAIL_CHANGE_UNDONE),
    )
    for to, path, then, said in steps:
        visitor = Visitor(own_service)
        visitor.sign_in(ASA.email, ASA.password)
        token = visitor.cookie("__Host-cityauth")
        visitor.get(own_service.link(to))
        visitor.send(path)
        assert visitor.page.request.path == then
        assert text(said, "fi") in visitor.page.text
        assert ASA.name not in visitor.page.text
        assert visitor.cookie("__Host-cityauth") is None
        assert own_service.auth.sessions.check(token) is None


def test_a_taken_address_is_answered_like_a_free_one(tmp_path: Path) -> None:
    """The page is the same to the byte, and the owner hears of it (B-22)."""
    pages = []
    for folder, email in (("free", STRANGER), ("taken", ASA.email)):
        (tmp_path / folder).mkdir()
        service = install(tmp_path / folder)
        visitor = signed_in(service)
        visitor.send("/settings/email", email=email)
        pages.append(answer(visitor))
        assert service.mail(email).to == email
    assert pages[0] == pages[1]


@pytest.mark.parametrize("email", ["", "erkki", "a@example.com,b@example.com", "x" * 400 + "@example.com"])
def test_what_is_no_address_is_said_at_its_field(own_service: Service, email: str) -> None:
    """The form comes back with what was typed; no mail leaves (B-5)."""
    visitor = signed_in(own_service)
    page = visitor.send("/settings/email", email=email)
    assert page.status_code == 422
    field = visitor.soup.select_one('[name="email"][aria-invalid]')
    assert field is not None
    assert field["value"] == email[:254]
    own_service.auth.outbox.flush()
    assert not own_service.mailbox.sent()


def test_asking_too_often_is_said(own_service: Service) -> None:
    """It is about one's own account, so it may be told (C-54)."""
    visitor = signed_in(own_service)
    visitor.send("/settings/email", email=STRANGER)
    visitor.get("/settings")
    page = visitor.send("/settings/email", email="another@example.com")
    assert page.status_code == 422
    assert "Pyyntöjä on tehty liian monta" in page.text


def test_when_mail_is_down_the_settings_say_so(own_service: Service) -> None:
    """The same truthful page as for a forgotten password (C-31)."""
    visitor = signed_in(own_service)
    own_service.mailbox.up = False
    assert visitor.send("/settings/email", email=STRANGER).status_code == 503
    assert "asiakaspalvelu@example.com" in visitor.page.text


def test_a_change_of_address_needs_a_fresh_sign_in(own_service: Service, later: None) -> None:
    """After five minutes the password is asked for; then the change goes on by itself, under a new token (B-61, B-86)."""
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=10)):
        visitor = signed_in(own_service, remember="1")
        before = visitor.cookie("__Host-cityauth")
    visitor.send("/settings/email", email=STRANGER)
    assert visitor.heading == "Vahvista salasanalla"
    assert visitor.soup.find("label", string="Salasana")
    assert visitor.soup.find("button", string="Vahvista")
    for wrong in ("", MATTI.password, "a wrong password, but long"):
        assert visitor.send("/settings/email", password=wrong).status_code == 422
    own_service.auth.outbox.flush()
    assert not own_service.mailbox.sent()
    visitor.send("/settings/email", password=ERKKI.password)
    assert visitor.heading == "Tarkista sähköpostisi"
    assert own_service.link(STRANGER)
    after = visitor.client.get_cookie("__Host-cityauth")
    assert after is not None
    assert after.value != before
    assert after.max_age
    assert visitor.get("/settings").request.path == "/settings"
    thief = Visitor(own_service)
    thief.client.set_cookie("__Host-cityauth", str(before), secure=True)
    assert thief.get("/settings").request.path == "/login"


def test_a_new_password_keeps_this_session_alone(own_service: Service) -> None:
    """The current one is required, the token changes, other sessions end, and a mail tells it (B-58, ASVS 6.2.3)."""
    other = signed_in(own_service, remember="1")
    visitor = signed_in(own_service)
    before = visitor.cookie("__Host-cityauth")
    assert visitor.send("/settings/password", current="a wrong password, but long", new=NEW).status_code == 422
    assert visitor.soup.select_one("#current[aria-invalid]")
    for weak in ("lyhyt", "", ERKKI.email, [NEW, NEW]):
        assert visitor.send("/settings/password", current=ERKKI.password, new=weak).status_code == 422
        assert visitor.soup.select_one("#new[aria-invalid]:not([value])")
    visitor.send("/settings/password", current=ERKKI.password, new=NEW)
    assert "Salasana on vaihdettu" in visitor.page.text
    assert visitor.page.request.path == "/settings"
    assert visitor.cookie("__Host-cityauth") != before
    assert other.get("/cases").request.path == "/login"
    assert "salasanasi on vaihdettu" in own_service.mail(ERKKI.email).content.subject
    assert Visitor(own_service).sign_in(ERKKI.email, NEW).request.path == "/cases"


def test_the_name_changes_on_every_page(own_service: Service) -> None:
    """What is no name is said at its field; markup is shown as it was typed."""
    visitor = signed_in(own_service)
    for bad in ("", "  ", "x" * 151, "Erkki\x00", ["a", "b"]):
        assert visitor.send("/settings/name", name=bad).status_code == 422
        assert visitor.soup.select_one('[name="name"][aria-invalid]')
    visitor.send("/settings/name", name="<b>Erkki</b> Ässä")
    assert "Nimi on vaihdettu." in visitor.page.text
    assert "&lt;b&gt;Erkki&lt;/b&gt; Ässä (erkki.esimerkki@example.com)" in visitor.page.text


def test_the_language_of_pages_and_mails_changes(own_service: Service) -> None:
    """In the settings, and by the menu of every page; one that does not exist is refused (B-66)."""
    visitor = signed_in(own_service)
    visitor.send("/settings/language", language="sv")
    assert text(Code.LANGUAGE_CHANGED, "sv") in visitor.page.text
    visitor.send("/language", language="en")
    assert visitor.heading == text(Label.SETTINGS, "en")
    account = own_service.auth.identifiers.resolve(ERKKI.email).account
    assert account is not None
    assert account.language == "en"
    for bad in ("", "de", "x" * 5000, ["fi", "sv"]):
        assert visitor.send("/settings/language", language=bad).status_code == 422
    ask = Visitor(own_service)
    ask.get("/forgotten")
    ask.send("/forgotten", identifier=ERKKI.email)
    assert own_service.mail(ERKKI.email).language == "en"


def test_the_menu_changes_no_account_of_somebody_signed_out(own_service: Service) -> None:
    """Only whoever is signed in has mails of one's own."""
    visitor = Visitor(own_service)
    visitor.get("/guide")
    visitor.send("/language", language="sv")
    account = own_service.auth.identifiers.resolve(ERKKI.email).account
    assert account is not None
    assert account.language == "fi"


def test_own_data_is_a_file_without_secrets(own_service: Service) -> None:
    """Account, identifiers, sessions, events and cases; no hash, token or digest (GDPR article 15)."""
    visitor = signed_in(own_service)
    page = visitor.get("/settings/data")
    assert page.headers["Content-Disposition"].startswith("attachment")
    assert page.headers["Cache-Control"] == "no-store"
    data = json.loads(page.text)
    assert data["account"]["display_name"] == ERKKI.name
    assert {one["number"] for one in data["cases"]} == {case.number for case in ERKKI.cases}
    assert data["sessions"]
    assert data["events"]
    for secret in ("argon2", str(visitor.cookie("__Host-cityauth")), "digest", ASA.email):
        assert secret not in page.text


def test_an_account_is_deleted_only_on_purpose(own_service: Service) -> None:
    """The box must be ticked; then the account is gone, the cases stay, and the address passes to nobody."""
    other, visitor = signed_in(own_service), signed_in(own_service)
    visitor.get("/settings/delete")
    assert visitor.send("/settings/delete").status_code == 422
    assert visitor.soup.select_one("#understood[aria-invalid]")
    visitor.send("/settings/delete", understood="1")
    assert "Käyttäjätunnuksesi on poistettu." in visitor.page.text
    assert visitor.cookie("__Host-cityauth") is None
    assert other.get("/cases").request.path == "/login"
    assert "on poistettu" in own_service.mail(ERKKI.email).content.subject
    assert Visitor(own_service).sign_in(ERKKI.email, ERKKI.password).status_code == 422
    assert own_service.app.extensions["cases"].of("kunta-1001")


def test_who_returns_is_told_before_the_form(own_service: Service) -> None:
    """The page of the sign-up link of a deleted account's address shows why it is of no use, and no field."""
    visitor = signed_in(own_service)
    visitor.get("/settings/delete")
    visitor.send("/settings/delete", understood="1")
    own_service.auth.accounts.sign_up(ERKKI.email)
    visitor.get(own_service.link(ERKKI.email))
    assert text(Code.IDENTIFIER_UNAVAILABLE, "fi") in visitor.page.text
    assert not visitor.soup.select("input[type=password]")
    assert isinstance(own_service.auth.accounts.release_identifier(ERKKI.email), Released)
    visitor.get(own_service.link(ERKKI.email))
    assert visitor.soup.select("input[type=password]")


def test_deleting_needs_a_fresh_sign_in(own_service: Service, later: None) -> None:
    """The password is asked for in between, and the box stays ticked (B-61)."""
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=10)):
        visitor = signed_in(own_service)
    visitor.get("/settings/delete")
    visitor.send("/settings/delete", understood="1")
    assert visitor.heading == "Vahvista salasanalla"
    assert own_service.auth.identifiers.resolve(ERKKI.email).account
    visitor.send("/settings/delete", password=ERKKI.password)
    assert "Käyttäjätunnuksesi on poistettu." in visitor.page.text
    assert visitor.cookie("__Host-cityauth") is None


def test_the_settings_name_what_one_signs_in_with(own_service: Service) -> None:
    """An official sees the username, a citizen the address; a password manager finds the same (ASVS 6.2.7)."""
    for person, name in ((VIRVE, VIRVE.old_username), (ERKKI, ERKKI.email)):
        visitor = Visitor(own_service)
        visitor.sign_in(name, person.password)
        visitor.get("/settings")
        assert visitor.soup.find("dd", string=name)
        hidden = visitor.soup.select_one('input[autocomplete="username"]')
        assert hidden is not None
        assert hidden["value"] == name


def test_officials_read_what_is_true_for_them(own_service: Service) -> None:
    """Their username stays, whatever address their mail goes to."""
    visitor = Visitor(own_service)
    visitor.sign_in(VIRVE.old_username, VIRVE.password)
    visitor.get("/settings")
    assert "Viranomaiskäyttäjän käyttäjätunnus ei muutu." in visitor.page.text
    visitor.send("/settings/email", email="virve@example.com")
    visitor.get(own_service.link("virve@example.com"))
    visitor.send("/settings/email/confirm")
    assert visitor.sign_in(VIRVE.old_username, VIRVE.password).request.path == "/cases"


@pytest.mark.parametrize("path", FORMS)
def test_without_its_token_no_form_changes_anything(own_service: Service, path: str) -> None:
    """A page of another site cannot change an account (ASVS 3.5.1)."""
    visitor = signed_in(own_service)
    before = own_service.auth.identifiers.resolve(ERKKI.email).account
    assert visitor.post(path, FORMS[path]).status_code == 400
    assert own_service.auth.identifiers.resolve(ERKKI.email).account == before
    assert Visitor(own_service).sign_in(ERKKI.email, ERKKI.password).request.path == "/cases"


@pytest.mark.parametrize("path", FORMS)
def test_nobody_is_sent_to_sign_in_and_nothing_is_kept(own_service: Service, path: str) -> None:
    """What was posted without a session is not done after signing in (B-89)."""
    visitor = Visitor(own_service)
    visitor.get("/login")
    visitor.post(path, FORMS[path] | {"csrf_token": visitor.csrf_token})
    assert visitor.heading == "Kirjautuminen"
    before = own_service.auth.identifiers.resolve(ERKKI.email).account
    visitor.send("/login", identifier=ERKKI.email)
    visitor.send("/login/password", password=ERKKI.password)
    assert visitor.page.request.path == "/cases"
    assert own_service.auth.identifiers.resolve(ERKKI.email).account == before


@pytest.mark.parametrize("path", ["/settings", "/settings/data", "/settings/delete"])
def test_own_pages_are_for_those_signed_in(visitor: Visitor, path: str) -> None:
    """Others sign in first, and come back."""
    visitor.get(path)
    assert visitor.page.request.path == "/login"
    visitor.send("/login", identifier=ERKKI.email)
    visitor.send("/login/password", password=ERKKI.password)
    assert visitor.page.request.path == path


@pytest.mark.parametrize("path", ["/settings/email", "/settings/password", "/settings/name", "/settings/language"])
def test_a_form_is_never_sent_by_get(visitor: Visitor, path: str) -> None:
    """Nothing is changed by GET or HEAD (ASVS 3.5.3, C-58)."""
    visitor.sign_in(ERKKI.email, ERKKI.password)
    for method in ("GET", "HEAD"):
        assert visitor.client.open(path, method=method, base_url=visitor.base).status_code == 405


@pytest.mark.parametrize("path", FORMS)
def test_what_nobody_asked_for_is_ignored(own_service: Service, path: str) -> None:
    """No extra field changes the account's id, realm, state or another account (ASVS 15.3.3)."""
    visitor = signed_in(own_service)
    visitor.get("/settings/delete") if path.endswith("delete") else None
    extra = {"id": "kunta-1003", "account_id": "kunta-1003", "realm": "official", "status": "disabled", "epoch": "9"}
    visitor.send(path, **(FORMS[path] | extra))
    matti = own_service.auth.identifiers.resolve(MATTI.email).account
    assert matti is not None
    assert (matti.display_name, matti.realm, matti.epoch) == (MATTI.name, "citizen", 0)
    erkki = own_service.auth.identifiers.resolve(ERKKI.email).account
    if erkki is not None:
        assert (erkki.realm, erkki.status.value) == ("citizen", "active")
