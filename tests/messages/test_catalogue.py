"""Every text exists in three languages, says the same, and is found by its code alone."""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from string import Formatter
from threading import Barrier

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from cityauth.errors import UsageError
from cityauth.messages import LANGUAGES, Code, Label, Mail, PlanText, catalogue, text, validity

MESSAGES = Path(__file__).resolve().parents[2] / "src" / "cityauth" / "messages"
VALUES = {
    name: f"<{name}>"
    for name in [
        "at", "contact", "count", "date", "email", "keep", "link", "login_name", "maximum", "minimum", "minutes", "move", "plan",
        "rest", "seconds", "service", "valid",
    ]
}  # fmt: skip


def marked() -> Iterator[tuple[str, list[str]]]:
    """Every code that the source marks, with the comments that translators read."""
    for _, _, code, comments, _ in extract_from_dir(
        MESSAGES,
        [("**.py", "python")],
        keywords={"N_": None},
        comment_tags=["Translators:"],
        strip_comment_tags=True,
    ):
        assert isinstance(code, str)
        yield code, comments


def read(language: str) -> Catalog:
    """The catalogue of a language as its translator wrote it."""
    with (MESSAGES / language / "LC_MESSAGES" / "cityauth.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


MARKED = dict(marked())
CATALOGUES = {language: {str(m.id): m for m in read(language) if m.id} for language in LANGUAGES}


def placeholders(template: str) -> set[str]:
    """The names in braces, each bare: no index, attribute, conversion or format."""
    found = set()
    for _, name, spec, conversion in Formatter().parse(template):
        if name is not None:
            assert re.fullmatch(r"[a-z_]+", name)
            assert not spec
            assert conversion is None
            found.add(name)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_is_translated(language: str) -> None:
    """Each catalogue holds every marked code and no other, none fuzzy, obsolete or empty (issue: fi, sv, en texts)."""
    assert set(CATALOGUES[language]) == set(MARKED)
    assert not [code for code, message in CATALOGUES[language].items() if message.fuzzy or not message.string]
    assert not read(language).obsolete


@pytest.mark.parametrize("language", LANGUAGES)
def test_translators_read_the_comments_of_the_source(language: str) -> None:
    """The comments in a catalogue are those of the source, so that nobody translates by an outdated one."""
    for code, message in CATALOGUES[language].items():
        assert " ".join(message.auto_comments) == " ".join(MARKED[code]), code


def test_every_code_of_the_enums_is_marked() -> None:
    """What a host can name is what the catalogues hold: no member without a text, no text that nobody can name."""
    named = {*Code, *Label, *PlanText, *(part for mail in Mail for part in (mail.subject, mail.body))}
    rest = {code for code in MARKED if not code.startswith("validity.")} - {"mail.opening", "mail.closing"}
    assert {str(code) for code in named} == rest
    for member in Code:
        assert member.name == member.value.upper().replace(".", "_")
    for line in PlanText:
        assert f"plan.{line.name.lower()}" == line.value
    for label in Label:
        assert f"label.{label.name.lower()}" == label.value


def test_the_languages_take_the_same_placeholders() -> None:
    """A text needs the same values whatever the language, so that no language fails alone."""
    for code, comments in MARKED.items():
        fi, sv, en = (placeholders(str(CATALOGUES[language][code].string)) for language in LANGUAGES)
        assert fi == sv == en, code
        assert fi <= set(VALUES), code
        documented = set(re.findall(r"{(\w+)}", " ".join(comments)))
        assert documented <= fi, code
        assert documented == fi or code.startswith("mail."), code


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_what_its_translator_wrote(language: str) -> None:
    """The compiled catalogue says in each language what its source says, and never the code itself."""
    for code, message in CATALOGUES[language].items():
        said = text(code, language, **VALUES)
        assert said == str(message.string).format_map(VALUES), "the .mo is older than the .po: compile it"
        assert said not in {"", code}
        assert said == said.strip()


def test_the_languages_differ() -> None:
    """No sentence was left in another language: only names of languages and words that are alike are equal."""
    alike = {
        code
        for code in MARKED
        for one, other in [("fi", "sv"), ("fi", "en"), ("sv", "en")]
        if CATALOGUES[one][code].string == CATALOGUES[other][code].string
    }
    assert alike == {"label.language_fi", "label.language_sv", "label.language_en"}


@pytest.mark.parametrize(
    ("label", "finnish"),
    [
        (Label.SIGN_IN, "Kirjaudu sisään"),
        (Label.SIGNING_IN, "Kirjautuminen"),
        (Label.IDENTIFIER, "Sähköpostiosoite / käyttäjätunnus"),
        (Label.CONTINUE, "Jatka"),
        (Label.FORGOTTEN, "Unohtuiko käyttäjätunnus tai salasana?"),
        (Label.CREATE_NEW_ACCOUNT, "Luo uusi käyttäjätunnus"),
        (Label.OFFICIAL, "Viranomaiskäyttäjä?"),
        (Label.PASSWORD, "Salasana"),
        (Label.REMEMBER, "Muista kirjautumiseni tässä tietokoneessa"),
        (Label.SIGN_OUT, "KIRJAUDU ULOS"),
        (Label.LANGUAGE_SHORT, "FIN"),
        (Label.SEND_LINK, "Lähetä linkki"),
        (Label.NEW_PASSWORD, "Uusi salasana"),
        (Label.CHANGE_PASSWORD, "Vaihda salasana"),
        (Label.EMAIL, "Sähköpostiosoite"),
        (Label.NAME, "Nimi"),
        (Label.CREATE_ACCOUNT, "Luo käyttäjätunnus"),
        (Label.NEW_EMAIL, "Uusi sähköpostiosoite"),
        (Label.CHANGE_EMAIL, "Vaihda sähköpostiosoite"),
        (Label.CONFIRM, "Vahvista"),
    ],
)
def test_the_labels_of_the_journey(label: Label, finnish: str) -> None:
    """The Finnish labels are those of the city's own guide, letter by letter."""
    assert text(label, "fi") == finnish


def test_the_refusal_of_a_login_tells_nothing() -> None:
    """The uniform refusal takes no value, so no text of it can depend on what was found (B-20, ASVS 6.3.8)."""
    for language in LANGUAGES:
        assert placeholders(str(CATALOGUES[language][Code.LOGIN_REFUSED].string)) == set()
        assert text(Label.FORGOTTEN, language) in text(Code.LOGIN_REFUSED, language)


@pytest.mark.parametrize("code", ["", "login", "login.refused ", "LOGIN_REFUSED", "nimi", "\0", "\ud800"])
def test_an_unknown_code_is_the_callers_mistake(code: str) -> None:
    """A code that does not exist raises and is never shown to a person in place of a text."""
    for language in (*LANGUAGES, "de"):
        with pytest.raises(UsageError, match="no message has the code"):
            text(code, language)


def test_a_missing_value_is_the_callers_mistake() -> None:
    """A placeholder without a value raises and names it; a value that no text uses is ignored."""
    with pytest.raises(UsageError, match=r"password\.too_short.*minimum"):
        text(Code.PASSWORD_TOO_SHORT, "fi")
    assert "15" in text(Code.PASSWORD_TOO_SHORT, "fi", minimum=15, maximum=1024)
    assert text(Code.PASSWORD_EMPTY, "fi", minimum=15) == "Kirjoita salasana."


@pytest.mark.parametrize("language", ["", "de", "FI", "fi_FI", "../../fi", "fi\0", "\ud800", "x" * 100_000])
def test_an_unknown_language_reads_as_english(language: str) -> None:
    """A language that is none of the three gives English and never becomes part of a path (B-66)."""
    assert text(Code.SESSION_SIGNED_OUT, language) == text(Code.SESSION_SIGNED_OUT, "en")


@given(st.text())
def test_a_value_is_put_in_as_it_is(value: str) -> None:
    """A value with braces is text: nothing in it is read as a placeholder."""
    for hostile in (value, "{minimum.__class__}" + value, "{0}" + value):
        assert hostile in text(Code.MAIL_UNDELIVERABLE, "en", contact=hostile)


def test_threads_may_race_for_a_catalogue() -> None:
    """Threads that ask first and together all read their own language (ASVS 15.4.1)."""
    catalogue._catalogue.cache_clear()
    barrier = Barrier(12)

    def ask(number: int) -> str:
        barrier.wait(timeout=10)
        return text(Label.PASSWORD, LANGUAGES[number % 3])

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(ask, range(12))) == ["Salasana", "Lösenord", "Password"] * 4


def test_no_catalogue_is_read_before_a_text_is_asked() -> None:
    """Importing the texts reads no catalogue and none of the libraries that only building needs."""
    script = """
import sys
from cityauth.messages import catalogue, text
before = catalogue._catalogue.cache_info().currsize
text("csrf.failed", "sv")
print(before, catalogue._catalogue.cache_info().currsize, "babel" in sys.modules)
"""
    seen = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert seen.stdout.split() == ["0", "1", "False"]


@pytest.mark.parametrize(
    ("lifetime", "finnish", "swedish", "english"),
    [
        (timedelta(days=7), "7 vuorokautta", "7 dygn", "7 days"),
        (timedelta(days=1), "1 vuorokauden", "1 dygn", "1 day"),
        (timedelta(hours=36), "36 tuntia", "36 timmar", "36 hours"),
        (timedelta(hours=2), "2 tuntia", "2 timmar", "2 hours"),
        (timedelta(minutes=60), "1 tunnin", "1 timme", "1 hour"),
        (timedelta(minutes=90), "90 minuuttia", "90 minuter", "90 minutes"),
        (timedelta(minutes=1), "1 minuutin", "1 minut", "1 minute"),
        (timedelta(seconds=119), "1 minuutin", "1 minut", "1 minute"),
        (timedelta(seconds=59), "0 minuuttia", "0 minuter", "0 minutes"),
        (timedelta(0), "0 minuuttia", "0 minuter", "0 minutes"),
    ],
)
def test_validity_is_worded(lifetime: timedelta, finnish: str, swedish: str, english: str) -> None:
    """The time that a mail promises is in the fitting unit and form, and never longer than the link lives."""
    assert [validity(lifetime, language) for language in LANGUAGES] == [finnish, swedish, english]
