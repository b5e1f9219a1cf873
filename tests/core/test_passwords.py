"""A password as it was typed, and the judgement on a new one."""

import copy
import json
import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.passwords import Password, PasswordDefect, PasswordProblem, comparison_key, judge_new, read
from cityauth.policy import PasswordPolicy
from tests.support.timing import quickest

POLICY = PasswordPolicy(context_words=("Esimerkkikaupungin e-palvelut",))
COMMON = frozenset({"salasanasalasana", "kesäkesäkesäkesä"})


def password(text: str) -> Password:
    """Read *text*, which is a password."""
    found = read(text, POLICY)
    assert isinstance(found, Password)
    return found


@pytest.mark.parametrize(
    ("value", "defect"),
    [
        (None, PasswordDefect.NOT_TEXT),
        (1998.0, PasswordDefect.NOT_TEXT),
        (["salasana"], PasswordDefect.NOT_TEXT),
        ({"password": "salasana"}, PasswordDefect.NOT_TEXT),
        (b"salasana", PasswordDefect.NOT_TEXT),
        ("", PasswordDefect.EMPTY),
        ("a" * 1025, PasswordDefect.TOO_LONG),
        ("\ud800", PasswordDefect.NOT_UNICODE),
        ("pitkä salasana \udfff", PasswordDefect.NOT_UNICODE),
    ],
)
def test_what_is_no_password_is_a_value(value: object, defect: PasswordDefect) -> None:
    """Lists, numbers, bytes, nothing, lone surrogates and overlong text get a named defect (C-47, ASVS 15.3.5)."""
    assert read(value, POLICY) is defect


def test_bytes_are_capped_beside_code_points() -> None:
    """The cap on UTF-8 bytes holds where the one on code points would let the text through (C-45)."""
    narrow = PasswordPolicy(max_code_points=100, max_bytes=150)
    assert isinstance(read("a" * 100, narrow), Password)
    assert read("ä" * 76, narrow) is PasswordDefect.TOO_LONG


@pytest.mark.parametrize("text", ["a" * 10_000_000, "\u0301" * 10_000_000, "𝄞" * 2_500_000])
def test_ten_megabytes_are_refused_at_once(text: str) -> None:
    """A password of 10 MB is refused in less than 10 ms, before any work that grows with it (B-62, C-45)."""
    assert read(text, POLICY) is PasswordDefect.TOO_LONG
    assert quickest(lambda: read(text, POLICY)) < 0.01


def test_combining_marks_up_to_the_cap_are_cheap() -> None:
    """The longest run of combining marks that the caps admit is normalized and judged in less than 20 ms (F1, B-63)."""
    longest = "a" + "\u0345\u0301" * 511
    assert judge_new(password(longest), POLICY, (), COMMON) == ()
    assert quickest(lambda: judge_new(password(longest), POLICY, (), COMMON)) < 0.02


@pytest.mark.parametrize("text", [" reuna ", "ISOT ja pienet", "a\0b", "\t", "ﬁ", "K", "👩\u200d👩\u200d👧", "\u0378"])
def test_nothing_is_trimmed_or_mapped(text: str) -> None:
    """Spaces, case, NUL, compatibility and unassigned characters stay as they were typed (ASVS 6.2.8)."""
    assert password(text).raw == text
    assert password(text).nfc == unicodedata.normalize("NFC", text)


def test_nfc_is_the_one_mapping() -> None:
    """NFC is the one mapping: it composes a decomposed letter, and the raw text is kept (NIST 3.1.1.2)."""
    typed = password("Väino\u0308")
    assert (typed.nfc, typed.raw) == ("Väinö", "Väino\u0308")
    assert typed.candidates == ("Väinö".encode(), "Väino\u0308".encode())
    assert password("Väinö").candidates == ("Väinö".encode(),)


@pytest.mark.parametrize("length", [64, 1024])
def test_long_passwords_are_taken_whole(length: int) -> None:
    """From 64 to 1024 code points are read in full (ASVS 6.2.9)."""
    assert len(password("ä" * length).nfc) == length


def test_a_password_is_never_shown() -> None:
    """Neither repr, str, format, JSON, pickle, copy nor attributes give the password away (B-77, ASVS 16.2.5)."""
    secret = password("ketunpoika juoksi")
    assert {repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{[secret]}"[1:-1]} == {"Password(***)"}
    for get_secret_value in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars, hash):
        with pytest.raises(TypeError) as refusal:
            get_secret_value(secret)
        assert "ketunpoika" not in str(refusal.value)


def test_passwords_compare_by_what_was_received() -> None:
    """Two readings of one text are equal, any other text or type is not."""
    assert password("kuusi palaa") == password("kuusi palaa")
    assert password("Väinö") != password("Väino\u0308")
    assert password("kuusi palaa") != "kuusi palaa"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a" * 14, (PasswordProblem.TOO_SHORT,)),
        ("abcdefghijklmno", ()),
        ("𝄞" * 14, (PasswordProblem.TOO_SHORT,)),
        ("𝄞" * 15, ()),
        ("a\u0308" * 14, (PasswordProblem.TOO_SHORT,)),
        ("a\u0308" * 15, ()),
    ],
)
def test_length_counts_code_points_after_nfc(text: str, problems: tuple[PasswordProblem, ...]) -> None:
    """Fourteen code points of the NFC are too few and fifteen enough, astral ones counting one (ASVS 6.2.1)."""
    assert judge_new(password(text), POLICY, (), COMMON) == problems


@pytest.mark.parametrize("text", ["salasanasalasana", "SalasanaSALASANA", "kesa\u0308" * 4])
def test_common_passwords_are_refused(text: str) -> None:
    """A listed password is refused whatever its case and normalization (ASVS 6.2.4)."""
    assert judge_new(password(text), POLICY, (), COMMON) == (PasswordProblem.COMMON,)


@pytest.mark.parametrize(
    "text",
    [
        "erkki.esimerkki@example.com",
        "ERKKI.Esimerkki@Example.com",
        "Erkki Esimerkki",
        "esimerkkikaupungin E-PALVELUT",
    ],
)
def test_context_words_are_refused(text: str) -> None:
    """The organisation's name and one's own e-mail, username and name are no password (ASVS 6.1.2, 6.2.11)."""
    own = ("erkki.esimerkki@example.com", "erkki", "Erkki Esimerkki")
    assert judge_new(password(text), POLICY, own, COMMON) == (PasswordProblem.CONTEXT,)


def test_every_reason_is_given_at_once() -> None:
    """A short, common, own name is told all three reasons (NIST 3.1.1.2)."""
    assert judge_new(password("Erkki"), POLICY, ("erkki",), {"erkki"}) == tuple(PasswordProblem)


def test_a_passphrase_may_contain_listed_words() -> None:
    """Lists are compared with the whole password, never with a part of it (NIST 3.1.1.2)."""
    assert judge_new(password("salasanasalasana, sanoi Erkki"), POLICY, ("Erkki",), COMMON) == ()


@given(st.text(min_size=15, max_size=200))
def test_any_long_text_is_accepted(text: str) -> None:
    """There are no composition rules: only length and the lists refuse (ASVS 6.2.5)."""
    new = password(text)
    expected = () if len(new.nfc) >= POLICY.min_length else (PasswordProblem.TOO_SHORT,)
    assert judge_new(new, POLICY, (), COMMON) == expected


@given(st.text(max_size=50))
def test_comparison_keys_are_idempotent(text: str) -> None:
    """Keying a key changes nothing, so a list of keys compares as its words do (ASVS 1.1.1)."""
    assert comparison_key(comparison_key(text)) == comparison_key(text)
