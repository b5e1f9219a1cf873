"""The mails say what happened, what to do if it was not you, and nothing that a stranger chose."""

import pytest

from cityauth.errors import UsageError
from cityauth.messages import LANGUAGES, Mail, MailContent, text, write

LINK = "https://palvelut.example.fi/uusi-salasana#CANARY"
PARAMS = {
    Mail.RESET: {"login_name", "link", "valid"},
    Mail.NO_ACCOUNT: set[str](),
    Mail.RESET_DONE: {"link"},
    Mail.SIGNUP: {"link", "valid"},
    Mail.ADDRESS_TAKEN: {"link"},
    Mail.EMAIL_CHANGE: {"link", "valid"},
    Mail.EMAIL_CHANGED: {"email", "link", "valid"},
    Mail.EMAIL_RESTORED: {"email", "link"},
    Mail.PASSWORD_CHANGED: {"link"},
    Mail.PASSWORD_DISABLED: {"count", "link"},
    Mail.SIGN_IN_AFTER_FAILURES: {"at", "count", "link"},
    Mail.INVITATION: {"login_name", "link", "valid"},
    Mail.CONTACT_SHARED: {"link"},
    Mail.CONTACT_CHANGED: {"link"},
    Mail.ACCOUNT_DELETED: set[str](),
}
VALUES: dict[str, str | int] = {
    "login_name": "erkki",
    "link": LINK,
    "valid": "1 tunnin",
    "email": "e•••@example.com",
    "count": 100,
    "at": "24.12.2026 18:05 UTC",
}
NOT_YOU = {
    "fi": (
        "Jos et pyytänyt",
        "Jos et vaihtanut",
        "Jos et odottanut",
        "Jos et tehnyt",
        "Jos et itse yrittänyt",
        "Jos et kirjautunut",
    ),
    "sv": (
        "Om du inte har begärt",
        "Om du inte själv har bytt",
        "Om du inte väntade",
        "Om du inte har gjort",
        "Om du inte själv försökte",
        "Om du inte loggade in",
    ),
    "en": ("If you did not",),
}


def written(mail: Mail, language: str) -> MailContent:
    """The mail with exactly the values that it takes."""
    params = {name: VALUES[name] for name in PARAMS[mail]}
    return write(mail, language, service="Asiointi", contact="09 123 456", **params)


def test_each_mail_is_described() -> None:
    """No mail takes a value that the list above does not name: none takes a name or typed text (B-10)."""
    assert set(PARAMS) == set(Mail)
    for mail, names in PARAMS.items():
        for name in names:
            fewer = {other: VALUES[other] for other in names - {name}}
            with pytest.raises(UsageError, match=name):
                write(mail, "fi", service="Asiointi", contact="09 123 456", **fewer)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mail", Mail)
def test_a_mail_is_complete(mail: Mail, language: str) -> None:
    """Greeting, link on its own line, validity, what to do if it was not you, contact, signature (ASVS 6.3.7)."""
    content = written(mail, language)
    paragraphs = content.body.rstrip("\n").split("\n\n")
    assert content.subject.startswith("Asiointi: ")
    assert "\n" not in content.subject
    assert paragraphs[0] == text("mail.opening", language)
    assert (LINK in paragraphs) == ("link" in PARAMS[mail])
    assert ("1 tunnin" in content.body) == ("valid" in PARAMS[mail])
    assert any(phrase in content.body for phrase in NOT_YOU[language])
    assert "09 123 456" in paragraphs[-2]
    assert paragraphs[-1].endswith("\nAsiointi")
    assert "{" not in content.subject + content.body


def test_a_reader_of_another_language_gets_english() -> None:
    """A language that cityauth does not speak gives the English mail."""
    assert written(Mail.RESET, "de") == written(Mail.RESET, "en")


def test_a_mail_is_not_shown_by_repr() -> None:
    """The link in a mail does not reach a log by way of ``repr`` (B-77, ASVS 16.2.5)."""
    content = written(Mail.RESET, "fi")
    assert "CANARY" in content.body
    assert "CANARY" not in repr(content)
    assert content.subject in repr(content)
