"""What reaches the terminal: nothing raw from outside."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.cli.output import plain, say, say_json, say_wrong, show_fields, show_table

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "one\r\ntwo",
    "bell\x07 back\x08 del\x7f c1\x9b31m",
    "Erkki\u202eikkrE",
    "zero\u200bwidth\u2066isolate",
    "half \ud800 a pair",
    "nbsp\xa0line\u2028end",
]


@given(st.text(st.characters(categories=None)))
def test_any_text_becomes_one_harmless_line(text: str) -> None:
    """Every code point that a terminal might obey is written as an escape, and nothing else is (ASVS 16.4.1, B-92)."""
    made = plain(text)
    assert made.isprintable()
    assert "\u202e" not in made
    if text.isascii() and text.isprintable():
        assert made == text


@pytest.mark.parametrize("text", HOSTILE)
def test_no_road_to_the_terminal_is_raw(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Lines, errors, fields, tables and JSON alike escape controls, bidi controls and surrogates (ASVS 16.4.1)."""
    say(text)
    say_wrong(text)
    show_fields([("name", text)])
    show_table(("name",), [(text,)])
    say_json({"name": text})
    printed = "".join(capsys.readouterr())
    assert printed.count("\n") == 1 + 1 + 1 + 5 + 3
    assert all(char == "\n" or char.isprintable() for char in printed)


def test_nothing_is_read_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """A name may look like rich's markup, an emoji code or a link, and is printed as it is."""
    name = "[red]x[/red] :smile: [link=http://example.org]y[/link] 42"
    say(name)
    show_fields([("name", name)])
    assert capsys.readouterr().out.count(name) == 2


def test_nothing_is_wrapped_or_coloured_on_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that reads the output finds every value whole and without colour codes."""
    say("long " * 100, "green")
    show_table(("identifier",), [("x" * 500,)])
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "long " * 99 in printed
    assert " \n" not in printed.split("\n", 1)[1]
    assert "x" * 500 in printed


def test_nothing_is_cut_in_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that does not fit is folded onto further lines: what is hidden could be what matters (B-14)."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    show_table(("identifier", "status"), [("abcdefghij" * 9, "active")])
    assert capsys.readouterr().out.count("j") == 9


def test_json_is_printable_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON comes back as it was, from characters that every terminal and log takes."""
    value = {"name": "Åsa \x1b[31m\x7f\u202e", "none": None}
    say_json(value)
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == value
