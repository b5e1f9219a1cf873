"""People and addresses are shown without harm, and masked addresses keep their secret."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.messages import mask_email, name_and_email

ANY_TEXT = st.text(st.characters(), max_size=60)
LOCAL = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="@•"), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("name", "email", "shown"),
    [
        ("Erkki Esimerkki", "erkki.esimerkki@example.com", "Erkki Esimerkki (erkki.esimerkki@example.com)"),
        ("Åsa Öhman", "asa.ohman@example.com", "Åsa Öhman (asa.ohman@example.com)"),
        ("  Matti\t Meikäläinen\r\n", "matti.m@example.com", "Matti Meikäläinen (matti.m@example.com)"),
        ("Virve Virkailija", None, "Virve Virkailija"),
        ("", "a@example.com", "a@example.com"),
        ("\u202e", "", ""),
        ("Erkki\u202eikkremisE", "a@example.com", "ErkkiikkremisE (a@example.com)"),
        ("Erkki\x1b[31m\0", "a@example.com", "Erkki[31m (a@example.com)"),
        ("E\u2028E", "a@example.com", "E E (a@example.com)"),
        ("\ud800E", "a@example.com", "E (a@example.com)"),
        ("דוד", "a@example.com", "\u2068דוד\u2069 (a@example.com)"),
        ("E", "דוד@example.com", "E (\u2068דוד@example.com\u2069)"),
        ("می\u200cشود", "a@example.com", "\u2068می\u200cشود\u2069 (a@example.com)"),
    ],
)
def test_name_and_email(name: str, email: str | None, shown: str) -> None:
    """The top bar shows "Name (email)", without controls and without reordering (B-92, ASVS 16.4.1)."""
    assert name_and_email(name, email) == shown


@given(ANY_TEXT, ANY_TEXT)
def test_nothing_invisible_is_left(name: str, email: str) -> None:
    """Whatever is stored, one line of visible text is shown; isolates come in pairs and from us (B-92)."""
    shown = name_and_email(name, email)
    kept = {char for char in shown if unicodedata.category(char)[0] == "C"}
    assert kept <= set("\u200c\u200d\u2068\u2069")
    assert shown.count("\u2068") == shown.count("\u2069") <= 2
    assert shown.isprintable() or kept or any(char != " " and char.isspace() for char in shown)
    assert len(shown.splitlines()) <= 1
    assert shown == " ".join(shown.split())


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("asa.ohman@example.com", "a•••@example.com"),
        ("a@example.com", "a•••@example.com"),
        ("ab@example.com", "a•••@example.com"),
        ("Åke@example.com", "Å•••@example.com"),
        ("@example.com", "•••@example.com"),
        ('"a@b"@example.com', '"•••@example.com'),
        ("\u202ea\r\nb@example.com", "a•••@example.com"),
        ("erkki", "•••"),
        ("", "•••"),
    ],
)
def test_mask_email(email: str, masked: str) -> None:
    """A masked address shows its first character and its domain, short ones too (ASVS 16.2.5)."""
    assert mask_email(email) == masked


@given(LOCAL, LOCAL)
def test_a_mask_tells_one_character(one: str, other: str) -> None:
    """Two addresses of one domain with the same first character look the same, whatever their length."""
    other = one[0] + other
    assert mask_email(f"{one}@example.com") == mask_email(f"{other}@example.com") == f"{one[0]}•••@example.com"


@given(ANY_TEXT)
def test_a_mask_is_one_harmless_line(email: str) -> None:
    """Masking never fails and never lets a control character through (B-92)."""
    masked = mask_email(email)
    assert "•••" in masked
    assert not {char for char in masked if unicodedata.category(char)[0] == "C"} - set("\u200c\u200d")
    assert len(masked.splitlines()) == 1
