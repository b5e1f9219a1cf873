"""The city's words: complete in three languages, and none that no page uses."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cityauth.messages import LANGUAGES
from flask_app.cases import Case
from flask_app.devices import device
from flask_app.seeds import PEOPLE
from flask_app.texts import catalogue, words, written

TEMPLATES = Path(__file__).parents[1] / "templates"


def test_every_text_is_there_in_every_language() -> None:
    """A person never reads another language's sentence by accident."""
    for name, texts in catalogue().items():
        assert tuple(texts) == LANGUAGES, name
        assert all(texts.values()), name


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    """Names that are put together in a template are known by their beginning."""
    source = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.html"))
    whole = set(re.findall(r'words\("([\w.]+)"\)', source))
    begun = tuple(re.findall(r'words\("([\w.]+?)(?:%d\w*)?" [~%]', source))
    assert whole <= catalogue().keys()
    unused = {name for name in catalogue() if name not in whole and not name.startswith((*begun, "format."))}
    assert not unused


@pytest.mark.parametrize("case", [case for person in PEOPLE for case in person.cases], ids=lambda case: case.number)
def test_every_case_can_be_written(case: Case) -> None:
    """Its kind and its state have a text each."""
    assert words(f"case.{case.kind}", "fi")
    assert words(f"state.{case.state}", "fi")


@pytest.mark.parametrize(
    ("language", "day", "moment"),
    [
        ("fi", "5.3.2009", "5.3.2009 klo 9.07"),
        ("sv", "5.3.2009", "5.3.2009 kl. 9.07"),
        ("en", "5 March 2009", "5 March 2009 at 09:07"),
    ],
)
def test_dates_are_written_as_the_language_does(language: str, day: str, moment: str) -> None:
    """Moments are shown in Finland's time, whatever the server's."""
    assert written(date(2009, 3, 5), language) == day
    assert written(datetime(2009, 3, 5, 7, 7, tzinfo=UTC), language) == moment


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox, Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge, Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
            "Chrome, Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Version/26.0 Safari/604.1",
            "Safari, iPhone",
        ),
        ("curl/8.0", ""),
        ("", ""),
    ],
)
def test_a_device_is_named_as_far_as_it_is_known(user_agent: str, name: str) -> None:
    """The first mark decides, since most browsers also claim to be others."""
    assert device(user_agent) == name
