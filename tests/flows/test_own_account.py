"""A signed-in person's own account: name, language, all its data, its end."""

import json

import pytest

from cityauth import Problem
from cityauth.core.accounts import AccountId
from cityauth.core.answers import Done, Refused
from cityauth.core.resolution import Outcome
from cityauth.core.sessions import LiveSession
from cityauth.messages.codes import Code
from tests.support.service import PASSWORD, Service

ERKKI = "erkki@example.com"
ID = AccountId("erkki")


@pytest.fixture
def live(service: Service) -> LiveSession:
    """Erkki, freshly signed in."""
    service.add("Erkki", email=ERKKI, usernames=["erkki"])
    found = service.auth.sessions.check(service.token(ERKKI))
    assert found is not None
    return found


def test_the_name_changes(service: Service, live: LiveSession) -> None:
    """The new name is what every page shows, in NFC and without outer spaces."""
    assert service.auth.accounts.set_name(live, " Erkki A\u0308ssa\u0308 ") == Done(Problem(Code.NAME_CHANGED))
    record = service.auth.accounts.show(ID)
    assert record is not None
    assert record.account.display_name == "Erkki Ässä"


@pytest.mark.parametrize("name", ["", " ", None, 1, "x\ny", "x\u202ey", "\ud800", "a" * 151, "a" * 10**7, "x\u2028y"])
def test_a_name_that_is_none_is_declined(service: Service, live: LiveSession, name: object) -> None:
    """Controls, bidi marks, surrogates and names without end change nothing (B-9, ASVS 15.3.5)."""
    assert isinstance(service.auth.accounts.set_name(live, name), Refused)
    record = service.auth.accounts.show(ID)
    assert record is not None
    assert record.account.display_name == "Erkki"


def test_the_language_changes_for_pages_and_mails(service: Service, live: LiveSession) -> None:
    """Mails come in the new language."""
    assert service.auth.accounts.set_language(live, "sv") == Done(Problem(Code.LANGUAGE_CHANGED))
    service.auth.recovery.request(ERKKI)
    service.auth.outbox.flush()
    assert service.mailer.sent(ERKKI)[0].language == "sv"


@pytest.mark.parametrize("language", ["", "de", "FI", None, ["fi"], "fi\r\n", "x" * 10**6])
def test_a_language_that_is_none_of_ours_is_declined(service: Service, live: LiveSession, language: object) -> None:
    """Only fi, sv and en are languages (B-66)."""
    assert isinstance(service.auth.accounts.set_language(live, language), Refused)


def test_the_data_is_all_there_and_holds_no_secret(service: Service, live: LiveSession) -> None:
    """The export is JSON of everything personal, without hash, digest or token (B-74, B-78)."""
    data = service.auth.accounts.export(live)
    assert not isinstance(data, Refused)
    text = json.dumps(data)
    assert data["account"]["contact"] == ERKKI
    assert {one["shown"] for one in data["identifiers"]} == {ERKKI, "erkki"}
    assert len(data["sessions"]) == 1
    assert [event["what"] for event in data["events"]] == ["account.added", "login.accepted"]
    stored = service.store.password_hash(ID)
    assert stored is not None
    assert stored.get_secret_value() not in text
    assert live.session.digest.hex() not in text
    assert service.auth.accounts.export_of_account(ID) == data
    assert service.auth.accounts.export_of_account(AccountId("nobody")) is None


@pytest.mark.parametrize("address", ["vapaa@example.com", "virpi@example.com"], ids=["free", "taken"])
def test_the_data_does_not_tell_who_else_has_an_address(service: Service, live: LiveSession, address: str) -> None:
    """The export says the same of a request for a free address and for one that somebody else has (A5, B-22)."""
    service.add("Virpi", email="virpi@example.com")
    service.auth.accounts.change_email(live, address)
    data = service.auth.accounts.export(live)
    assert not isinstance(data, Refused)
    (asked,) = [event for event in data["events"] if event["what"] == "email_change.requested"]
    assert asked["reason"] == ""
    assert not {"taken", "free"} & set(json.dumps(data).split('"'))


def test_deleting_erases_and_tells(service: Service, live: LiveSession) -> None:
    """Account, identifiers and sessions are gone, a last mail tells it, nobody signs in (ASVS 7.4.2, B-95)."""
    tokens = [service.token("erkki"), service.token(ERKKI, remember=True)]
    assert service.auth.accounts.delete(live) == Done(Problem(Code.ACCOUNT_DELETED))
    assert service.auth.accounts.show(ID) is None
    assert service.store.account_identifiers(ID) == []
    assert not any(service.is_live(token) for token in tokens)
    assert service.auth.identifiers.resolve("erkki").outcome is Outcome.UNKNOWN
    assert len(service.subjects(ERKKI)) == 1
    assert not hasattr(service.attempt(ERKKI, PASSWORD), "session")


def test_deleting_takes_no_waiting_mail_back(service: Service, live: LiveSession) -> None:
    """A warning that waits is still sent, and so is what waits for somebody else who shares the mailbox (C-20)."""
    service.add("Eeva", usernames=["eeva"], contact=ERKKI)
    service.auth.accounts.change_password(service.live(service.token("eeva")), PASSWORD, "aivan uusi pitkä salasana")
    assert service.auth.accounts.delete(live) == Done(Problem(Code.ACCOUNT_DELETED))
    assert sorted(service.subjects(ERKKI)) == ["käyttäjätunnuksesi on poistettu", "salasanasi on vaihdettu"]


def test_deleting_twice_is_declined(service: Service, live: LiveSession) -> None:
    """The second of two deletions writes nothing."""
    service.auth.accounts.delete(live)
    assert service.auth.accounts.delete(live) == Refused(Problem(Code.SESSION_ENDED))
    assert service.auth.accounts.set_name(live, "Erkki Uusi") == Refused(Problem(Code.SESSION_ENDED))


def test_deleting_needs_a_fresh_session(service: Service, live: LiveSession) -> None:
    """After five minutes the password is asked first (ASVS 7.5.3)."""
    service.wait(minutes=5)
    assert service.auth.accounts.delete(live) == Refused(Problem(Code.REAUTH_REQUIRED))
    assert service.auth.accounts.show(ID) is not None


def test_two_changes_at_once_do_not_undo_each_other(service: Service, live: LiveSession) -> None:
    """A name and a language changed from the same stale page are both kept."""
    service.auth.accounts.set_name(live, "Erkki Uusi")
    service.auth.accounts.set_language(live, "sv")
    record = service.auth.accounts.show(ID)
    assert record is not None
    assert (record.account.display_name, record.account.language) == ("Erkki Uusi", "sv")


def test_a_session_of_before_a_reset_erases_nothing(service: Service, live: LiveSession) -> None:
    """What was read before the account's epoch moved on cannot erase it (C-11, ASVS 15.4.2)."""
    service.auth.sessions.close_all_of_account(ID)
    assert service.auth.accounts.delete(live) == Refused(Problem(Code.SESSION_ENDED))
    assert service.auth.accounts.show(ID) is not None
