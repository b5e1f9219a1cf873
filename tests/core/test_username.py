"""Usernames: strict for a new one, graceful for an old one."""

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from precis_i18n import get_profile

from cityauth.core import username
from cityauth.core.characters import MAX_BYTES, Malformed, exceeds, is_clean
from cityauth.core.username import MAX_PROFILED, UsernameKind, canonical_username
from cityauth.errors import PolicyError
from tests.support.timing import quickest

KIND = UsernameKind()
CLEAN_TEXT = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=24).filter(
    is_clean
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("erkki", "erkki"),
        ("åsa_83", "åsa_83"),
        ("ÅSA_83", "åsa_83"),
        ("A\u030asa_83", "åsa_83"),
        ("Matti.M", "matti.m"),
        ("x1", "x1"),
        ("7", "7"),
        ("Matti Meikäläinen", "matti meikäläinen"),
        ("matti@home", "matti@home"),
        ("@matti", "@matti"),
        ("a@b@c", "a@b@c"),
        ("Åsa@home", "åsa@home"),
        ("C++", "c++"),
        ("Ｍａｔｔｉ", "matti"),
        ("\u212aari", "kari"),
        ("♥matti♥", "♥matti♥"),
        ("ﬁnn", "ﬁnn"),
        ("ᴮᴵᴳᴮᴵᴿᴰ", "ᴮᴵᴳᴮᴵᴿᴰ"),
        ("aא", "aא"),
        ("admin", "admin"),
        ("Ä" * 500, "ä" * 500),
    ],
)
def test_old_names_are_found(text: str, value: str) -> None:
    """Looking up takes names that today's sign-up would refuse, by RFC 8265 where it can, else by NFC and case."""
    assert canonical_username(text) == value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Väinö", "Vaino"),
        ("mıke", "mike"),
        ("ᴮᴵᴳᴮᴵᴿᴰ", "bigbird"),
        ("ﬁnn", "finn"),
        ("maſſ", "mass"),
        ("straße", "strasse"),
        ("usеr", "user"),
        ("matti.m", "mattim"),
        ("matti m", "mattim"),
    ],
)
def test_different_names_stay_different(one: str, other: str) -> None:
    """Accents, dotless letters, ligatures and look-alikes never merge two names (B-1, B-2, B-3)."""
    assert canonical_username(one) != canonical_username(other)
    assert canonical_username(other) == other.lower()


def test_name_that_is_an_address_has_the_addresss_value() -> None:
    """A username that equals an e-mail address cannot have another key than it (B-11, B-12)."""
    assert canonical_username("Matti@EXAMPLE.com") == "matti@example.com"
    assert canonical_username("åsa@FAß.de") == "åsa@xn--fa-hia.de"


@given(st.text(string.printable[:95], min_size=1, max_size=30))
def test_ascii_road_gives_the_full_roads_value(text: str) -> None:
    """For any ASCII text the short way gives what the address rules, RFC 8265 or the fallback give (ASVS 1.1.1)."""
    assert canonical_username(text) == username._mapped(text)


@given(CLEAN_TEXT)
def test_canonical_username_is_stable(text: str) -> None:
    """What is canonical once is canonical for good, and composition makes no other name (B-3, ASVS 1.1.1)."""
    value = canonical_username(text)
    if value is not None:
        assert canonical_username(value) == value
        assert unicodedata.normalize("NFC", value) == value
        assert is_clean(value)
        assert not exceeds(value)
        assert canonical_username(unicodedata.normalize("NFD", text)) == value


@given(CLEAN_TEXT)
def test_registered_name_is_found_under_the_rfc_8265_value(text: str) -> None:
    """Whatever may be registered has one value in both ways of reading, that of RFC 8265 (B-3, ASVS 1.1.1)."""
    value = KIND.admit(text)
    if not isinstance(value, Malformed):
        assert value == canonical_username(text) == get_profile("UsernameCaseMapped").enforce(text)
        assert KIND.admit(value) == value
        assert "@" not in value


def test_value_that_grows_beyond_the_cap_is_refused() -> None:
    """Lower case and composition may lengthen a name, but no value outgrows the cap."""
    text = "İ" * (MAX_BYTES // 2)
    assert not exceeds(text)
    assert canonical_username(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("erkki", "erkki"),
        ("Åsa_83", "åsa_83"),
        ("Ｍａｔｔｉ", "matti"),
        ("\u212aari", "kari"),
        ("вера", "вера"),
        ("a" * 64, "a" * 64),
        ("matti@home", Malformed.WRONG_KIND),
        ("matti@example.com", Malformed.WRONG_KIND),
        ("ᴮᴵᴳᴮᴵᴿᴰ", Malformed.COMPATIBILITY_CHARACTER),
        ("ﬁnn", Malformed.COMPATIBILITY_CHARACTER),
        ("maſſ", Malformed.COMPATIBILITY_CHARACTER),
        ("x²y", Malformed.COMPATIBILITY_CHARACTER),
        ("matti m", Malformed.FORBIDDEN_CHARACTER),
        ("♥matti♥", Malformed.FORBIDDEN_CHARACTER),
        ("aא", Malformed.FORBIDDEN_CHARACTER),
        ("x1", Malformed.TOO_SHORT),
        ("a" * 65, Malformed.TOO_LONG),
        ("ä" * 500, Malformed.TOO_LONG),
        ("Admin", Malformed.RESERVED),
        ("ＰＯＳＴＭＡＳＴＥＲ", Malformed.RESERVED),
        ("usеr_1", Malformed.MIXED_SCRIPT),
    ],
)
def test_registering(text: str, expected: str) -> None:
    """A new name is plain: RFC 8265, no at sign, no look-alike forms, not reserved, 3 to 64 long (B-3, B-11, B-14)."""
    assert KIND.admit(text) == expected


def test_host_sets_its_own_rules() -> None:
    """Lengths and reserved names are the host's to choose."""
    kind = UsernameKind(shortest=1, longest=2, reserved=frozenset({"tk"}))
    assert kind.admit("x") == "x"
    assert kind.admit("abc") is Malformed.TOO_LONG
    assert kind.admit("TK") is Malformed.RESERVED


@pytest.mark.parametrize(("shortest", "longest"), [(0, 64), (5, 4), (3, MAX_PROFILED + 1)])
def test_lengths_that_cannot_be(shortest: int, longest: int) -> None:
    """Lengths that no name could have are refused when the kind is made (ASVS 15.3.5)."""
    with pytest.raises(PolicyError, match="shortest <= longest"):
        UsernameKind(shortest=shortest, longest=longest)


def test_every_text_has_the_shape_of_a_username() -> None:
    """No text is kept from being looked up as an old name because of its shape."""
    assert KIND.recognizes("a@b@c")


@pytest.mark.parametrize(
    "bomb",
    [
        "a" + "\u0301\u0316" * 255,
        "\u0344" * 512,
        "\ufdfa" * 341,
        "ﾊﾞ" * 170,
        "\U0001d160" * 256,
        "א" * 512,
        "·" * 512,
        "Σ" * 512,
        "a@" + "ä" * 500,
        "ä@" * 340,
    ],
)
def test_hostile_name_is_judged_at_once(bomb: str) -> None:
    """A full-length run of marks, expanding or context-bound characters costs less than 20 ms of processor time (B-64, B-65, ASVS 1.3.12)."""
    assert quickest(lambda: (KIND.canonical(bomb), KIND.admit(bomb))) < 0.02
