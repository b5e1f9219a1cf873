"""A service's own words: in all three languages, checked when they are given, used in mails and on pages."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cityauth import ConfigurationError, MailAwaited, Problem, UsageError
from cityauth.config import load
from cityauth.messages import LANGUAGES, Code, Label, Mail, Texts, text
from cityauth.messages.catalogue import template_of
from tests.support.service import POLICY, Service

SUBJECT = {"fi": "{service}: uusi salasana", "sv": "{service}: nytt lösenord", "en": "{service}: new password"}
BODY = {language: f"{language} {{login_name}}\n\n{{link}}\n\n{{valid}} {{service}}" for language in LANGUAGES}
CLOSING = {"fi": "Terveisin kaupunki", "sv": "Hälsningar, staden", "en": "The city, {contact}"}
LABEL = {"fi": "Kirjaudu", "sv": "Logga in nu", "en": "Log on"}
SENT = {"fi": "Lähti.", "sv": "Skickat.", "en": "Sent."}
TEXTS = Texts(
    {
        Mail.RESET.subject: SUBJECT,
        Mail.RESET.body: BODY,
        "mail.closing": CLOSING,
        Label.SIGN_IN: LABEL,
        Code.RESET_SENT: SENT,
        "validity.hour": {"fi": "yhden tunnin", "sv": "en timme", "en": "an hour"},
    }
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_says_the_services_own_words(language: str) -> None:
    """Subject, body, closing and validity are the host's; what it left out is as shipped."""
    service = Service(policy=replace(POLICY, texts=TEXTS))
    service.add("Erkki", email="erkki@example.com", language=language)
    answer = service.auth.recovery.request("erkki@example.com")
    service.auth.outbox.flush()
    (mail,) = service.mailer.sent()
    assert mail.content.subject == SUBJECT[language].format(service="cityauth")
    opening, body, link, valid, closing = mail.content.body.rstrip("\n").split("\n\n")
    assert opening == text("mail.opening", language)
    assert body == f"{language} erkki@example.com"
    assert link.startswith("http://localhost/new-password?token=")
    assert valid == f"{TEXTS.text('validity.hour', language)} cityauth"
    assert closing == CLOSING[language].format(contact="")
    assert isinstance(answer, MailAwaited)
    assert answer.notice.text(language, TEXTS) == SENT[language]
    assert answer.notice.text(language) == text(Code.RESET_SENT, language)


def test_pages_ask_the_services_texts() -> None:
    """Own labels and shipped ones come from one place; an unknown language reads as English."""
    assert TEXTS.text(Label.SIGN_IN, "sv") == "Logga in nu"
    assert TEXTS.text("label.sign_in", "de") == "Log on"
    assert TEXTS.text(Label.PASSWORD, "fi") == text(Label.PASSWORD, "fi")
    short = Problem(Code.PASSWORD_TOO_SHORT, {"minimum": 15})
    own = Texts({Code.PASSWORD_TOO_SHORT: dict.fromkeys(LANGUAGES, "{minimum} {{!}}")})
    assert short.text("fi", own) == "15 {!}"
    with pytest.raises(UsageError, match="minimum"):
        own.text(Code.PASSWORD_TOO_SHORT, "fi")
    with pytest.raises(UsageError, match="no message has the code"):
        TEXTS.text("label.nothing", "fi")


@pytest.mark.parametrize(
    ("own", "complaint"),
    [
        ({"label.sign_inn": LABEL}, "there is no text 'label.sign_inn'; the nearest one is 'label.sign_in'"),
        ({"": LABEL}, "there is no text ''"),
        ({7: LABEL}, "there is no text '7'"),
        ({Label.SIGN_IN: {"fi": "a", "sv": "b"}}, "needed in fi, sv, en"),
        ({Label.SIGN_IN: LABEL | {"de": "x"}}, "needed in fi, sv, en"),
        ({Label.SIGN_IN: "Kirjaudu"}, "needed in fi, sv, en"),
        ({Label.SIGN_IN: LABEL | {"sv": " "}}, "'label.sign_in' in 'sv' must be text, and not empty"),
        ({Label.SIGN_IN: LABEL | {"sv": 7}}, "must be text"),
        ({Label.SIGN_IN: LABEL | {"sv": "a\0"}}, "control character"),
        ({Label.SIGN_IN: LABEL | {"sv": "a\r\nb"}}, "control character"),
        ({Label.SIGN_IN: LABEL | {"sv": "\ud800"}}, "control character"),
        ({Label.SIGN_IN: LABEL | {"sv": "{service}"}}, r"names \{service\}, which has no value; it may name none"),
        ({Label.SIGN_IN: LABEL | {"sv": "{"}}, "has a brace"),
        ({Label.SIGN_IN: LABEL | {"sv": "}"}}, "has a brace"),
        ({Code.PASSWORD_TOO_SHORT: dict.fromkeys(LANGUAGES, "{minimum!r}")}, "has a brace"),
        ({Code.PASSWORD_TOO_SHORT: dict.fromkeys(LANGUAGES, "{minimum:>9}")}, "has a brace"),
        ({Code.PASSWORD_TOO_SHORT: dict.fromkeys(LANGUAGES, "{minimum.__class__}")}, "has a brace"),
        ({Code.PASSWORD_TOO_SHORT: dict.fromkeys(LANGUAGES, "{}")}, "has a brace"),
        ({Mail.RESET.subject: SUBJECT | {"en": "a\nBcc: b"}}, "must be one line"),
        ({Mail.RESET.subject: SUBJECT | {"en": "{link}"}}, "names {link}"),
        ({Mail.RESET.body: BODY | {"en": "Here: {link}"}}, "paragraph of its own"),
        ({Mail.RESET.body: BODY | {"en": "Nothing"}}, "paragraph of its own"),
        ({Mail.RESET.body: BODY | {"en": "{email}\n\n{link}"}}, "names {email}"),
    ],
)
def test_a_text_that_would_fail_later_is_refused_at_once(own: Any, complaint: str) -> None:
    """A missing language, an unknown code, a placeholder without a value or a lost link is told at construction."""
    with pytest.raises(ConfigurationError, match=complaint):
        Texts(own)


@pytest.mark.parametrize("mail", Mail)
def test_every_shipped_mail_would_be_taken_as_a_services_own(mail: Mail) -> None:
    """The checks ask nothing of a host that the shipped texts do not keep."""
    for code in (mail.subject, mail.body):
        Texts({code: {language: template_of(code, language) for language in LANGUAGES}})


def test_texts_from_a_file(tmp_path: Path) -> None:
    """A TOML file holds the same, and a mistake in it names what is wrong."""
    path = tmp_path / "texts.toml"
    path.write_text('["label.sign_in"]\nfi = "Kirjaudu"\nsv = "Logga in nu"\nen = "Log on"\n', encoding="utf-8")
    assert Texts.read(path) == Texts({Label.SIGN_IN: LABEL})
    assert repr(Texts.read(path)) == "Texts(label.sign_in)"
    for content, complaint in [
        (b'["label.sign_in"]\nfi = "x"\n', "needed in"),
        (b"[", "not valid TOML"),
        (b"\xff", "TOML"),
    ]:
        path.write_bytes(content)
        with pytest.raises(ConfigurationError, match=complaint):
            Texts.read(path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Texts.read(tmp_path / "nothing.toml")


def test_the_configuration_names_the_file(tmp_path: Path) -> None:
    """``texts`` stands beside the other keys, and a mistake in its file is one of the configuration."""
    (tmp_path / "cityauth.toml").write_text('texts = "texts.toml"\n', encoding="utf-8")
    (tmp_path / "texts.toml").write_text('["label.sign_in"]\nfi = "a"\nsv = "b"\nen = "c"\n', encoding="utf-8")
    policy = load(tmp_path / "cityauth.toml", environment={}).policy
    assert policy.texts.text(Label.SIGN_IN, "sv") == "b"
    (tmp_path / "texts.toml").write_text('["label.sign_in"]\nfi = "a"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"cityauth\.toml: the text 'label\.sign_in' is needed in fi, sv, en"):
        load(tmp_path / "cityauth.toml", environment={})


def test_given_texts_cannot_be_changed_later() -> None:
    """What was checked is what is said, whatever becomes of the mapping that was given."""
    own: dict[str, dict[str, str]] = {Label.SIGN_IN: dict(LABEL)}
    texts = Texts(own)
    own[Label.SIGN_IN]["fi"] = "{nothing}"
    assert texts.text(Label.SIGN_IN, "fi") == "Kirjaudu"
    assert hash(texts) == hash(Texts({Label.SIGN_IN: LABEL}))
