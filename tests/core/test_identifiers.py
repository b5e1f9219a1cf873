"""Identifiers and their keys: one namespace over every kind."""

import subprocess
import sys
import unicodedata
from dataclasses import FrozenInstanceError, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.characters import MAX_BYTES
from cityauth.core.identifiers import (
    BUILT_IN,
    EMAIL,
    KEY_VERSION,
    MAX_KEY_BYTES,
    USERNAME,
    Identifier,
    IdentifierKind,
    Malformed,
    inherit,
    look_up,
    read,
    register,
)
from cityauth.errors import UsageError
from tests.support.code_points import code_points
from tests.support.timing import quickest

CLEAN_CHARACTERS = [one for one in code_points() if one.isprintable()]
MAPPED_CHARACTERS = [
    c
    for c in CLEAN_CHARACTERS
    if {c} != {c.lower(), c.upper(), c.casefold(), unicodedata.normalize("NFC", c), unicodedata.normalize("NFKC", c)}
]


def only(found: "tuple[Identifier, ...] | Malformed") -> Identifier:
    """The one reading of a text that has one."""
    assert isinstance(found, tuple)
    (identifier,) = found
    return identifier


def key_of(text: str) -> str | None:
    """The key that *text* is looked up by, or None when it is refused."""
    found = look_up(text)
    return None if isinstance(found, Malformed) else only(found).key


def assert_stable(text: str) -> None:
    """Looking up a key's own value gives the same key."""
    key = key_of(text)
    if key is not None:
        value = key.removeprefix(f"{KEY_VERSION}:")
        assert value == text or key_of(value) == key, ascii(text)


@pytest.mark.parametrize(
    ("entered", "kind", "shown", "key"),
    [
        (
            "Erkki.Esimerkki@Example.com",
            "email",
            "Erkki.Esimerkki@Example.com",
            "1:erkki.esimerkki@example.com",
        ),
        ("  erkki@example.com\n", "email", "erkki@example.com", "1:erkki@example.com"),
        ("User@FAß.de", "email", "User@FAß.de", "1:user@xn--fa-hia.de"),
        ("A\u030asa_83", "username", "Åsa_83", "1:åsa_83"),
        ("Matti.M", "username", "Matti.M", "1:matti.m"),
        ("x1", "username", "x1", "1:x1"),
        ("Matti Meikäläinen", "username", "Matti Meikäläinen", "1:matti meikäläinen"),
        ("matti@home", "username", "matti@home", "1:matti@home"),
        ("@matti", "username", "@matti", "1:@matti"),
        ("a@b@c", "username", "a@b@c", "1:a@b@c"),
        ("attacker@a.fi,victim@b.fi", "username", "attacker@a.fi,victim@b.fi", "1:attacker@a.fi,victim@b.fi"),
    ],
)
def test_look_up(entered: str, kind: str, shown: str, key: str) -> None:
    """An address is read as an e-mail, anything else as a username, with a versioned key (B-5, B-12, B-46)."""
    assert look_up(entered) == (Identifier(kind, shown, key),)


@pytest.mark.parametrize(
    ("entered", "why"),
    [
        (["victim@b.fi", "attacker@a.fi"], Malformed.NOT_TEXT),
        ({"identifier": "erkki"}, Malformed.NOT_TEXT),
        (None, Malformed.NOT_TEXT),
        (b"erkki", Malformed.NOT_TEXT),
        ("   ", Malformed.EMPTY),
        ("a" * (MAX_BYTES + 1), Malformed.TOO_LONG),
        ("erk\x00ki", Malformed.FORBIDDEN_CHARACTER),
        ("\ud800", Malformed.FORBIDDEN_CHARACTER),
        ("user＠example.com", Malformed.FORBIDDEN_CHARACTER),
        ("user﹫example.com", Malformed.FORBIDDEN_CHARACTER),
        ("a@x.fi\nb@x.fi", Malformed.FORBIDDEN_CHARACTER),
        ("İ" * (MAX_BYTES // 2), Malformed.UNRECOGNIZED),
    ],
)
def test_refusals_are_the_same_on_every_road(entered: object, why: Malformed) -> None:
    """Bad input gets a reason at once and never an error (B-4, B-5, B-6, C-46, C-47, ASVS 15.3.5)."""
    assert look_up(entered) is why
    assert inherit(entered) is why
    if why is not Malformed.UNRECOGNIZED:
        assert register(entered, EMAIL) is why
        assert register(entered, USERNAME) is why


def test_no_kind_takes_it() -> None:
    """Where only e-mail addresses sign in, any other text is refused with a reason of its own."""
    assert look_up("erkki", (EMAIL,)) is Malformed.UNRECOGNIZED
    assert look_up("erkki", ()) is Malformed.UNRECOGNIZED


def test_username_that_equals_an_address_collides_with_it() -> None:
    """A taken-over username keeps its kind but has the key of the address that it equals (B-11, B-12)."""
    assert inherit("Matti@EXAMPLE.com") == Identifier("username", "Matti@EXAMPLE.com", "1:matti@example.com")
    assert register("matti@example.com", EMAIL) == Identifier("email", "matti@example.com", "1:matti@example.com")


@pytest.mark.parametrize(
    ("entered", "kind", "expected"),
    [
        ("Erkki@example.com", EMAIL, Identifier("email", "Erkki@example.com", "1:erkki@example.com")),
        ("Åsa_83", USERNAME, Identifier("username", "Åsa_83", "1:åsa_83")),
        ("attacker@a.fi,victim@b.fi", EMAIL, Malformed.NOT_AN_ADDRESS),
        ('"e@attacker.com"@victim.com', EMAIL, Malformed.NOT_AN_ADDRESS),
        ("erkki", EMAIL, Malformed.NOT_AN_ADDRESS),
        ("erkki@example.com", USERNAME, Malformed.WRONG_KIND),
        ("ᴮᴵᴳᴮᴵᴿᴰ", USERNAME, Malformed.COMPATIBILITY_CHARACTER),
        ("postmaster", USERNAME, Malformed.RESERVED),
    ],
)
def test_register(entered: str, kind: IdentifierKind, expected: "Identifier | Malformed") -> None:
    """Registering gives the identifier that looking up would find, or the reason (B-3, B-5, B-7, B-11)."""
    assert register(entered, kind) == expected


def test_key_is_bounded() -> None:
    """The longest identifier has a key that fits the column which stores make for it."""
    assert len(only(look_up("a" * MAX_BYTES)).key) == MAX_KEY_BYTES


def test_identifier_cannot_be_changed() -> None:
    """A value that a decision was taken on stays what it was (ASVS 15.4.2)."""
    identifier = only(look_up("erkki"))
    with pytest.raises(FrozenInstanceError):
        identifier.key = "1:virve"  # type: ignore[misc]


def test_every_code_point_is_stable_alone() -> None:
    """Canonicalizing twice equals canonicalizing once for every code point, thinned in long runs of one category (B-3, ASVS 1.1.1)."""
    for character in code_points():
        if character.isprintable():
            assert_stable(character)
        else:
            assert look_up(character) in {Malformed.FORBIDDEN_CHARACTER, Malformed.EMPTY}
            assert look_up(f"a{character}b") is Malformed.FORBIDDEN_CHARACTER


CONTEXTS = [("a", "b"), ("", "@example.com"), ("a ", ""), ("a@ex", "ample.com"), ("matti@home", ""), ("a@ex", "ample")]
"""Within a name and within an address, by turns."""


@pytest.mark.parametrize("number", range(len(CONTEXTS)))
def test_every_mapped_code_point_is_stable_in_context(number: int) -> None:
    """Each code point that case, composition or width maps elsewhere is stable within a name and within an address (B-3, ASVS 1.1.1)."""
    assert len(MAPPED_CHARACTERS) > 7000
    before, after = CONTEXTS[number]
    for character in MAPPED_CHARACTERS[number % 3 :: 3]:
        assert_stable(before + character + after)


@given(st.text(max_size=30) | st.builds("{}@{}".format, st.text(max_size=12), st.text(max_size=16)))
def test_any_text_is_stable(text: str) -> None:
    """No text whatever raises, and each that is taken has one key in every reading (B-3, C-47, ASVS 1.1.1)."""
    assert_stable(text)
    inherited = inherit(text)
    assert key_of(text) == (None if isinstance(inherited, Malformed) else inherited.key)


@given(
    st.text(st.sampled_from(CLEAN_CHARACTERS), min_size=1, max_size=16),
    st.sampled_from(["", "@example.com", "@exämple.fi"]),
)
def test_registered_is_found_and_inherited(text: str, ending: str) -> None:
    """What is registered is found under its key, as is what is taken over, composed or not (B-46, ASVS 1.1.1)."""
    for registered in (
        register(text + ending, EMAIL),
        register(text + ending, USERNAME),
        inherit(text + ending),
    ):
        if isinstance(registered, Identifier):
            assert key_of(text + ending) == registered.key
            assert key_of(unicodedata.normalize("NFD", text + ending)) == registered.key
            assert key_of(registered.shown) == registered.key


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Väinö", "Va\u0308ino\u0308", True),
        ("Väinö", "Vaino", False),
        ("ÅSA", "åsa", True),
        ("mıke@example.org", "mike@example.org", False),
        ("DİLEK", "dilek", False),
        ("\u212aari", "kari", True),
        ("ERKKI@EXAMPLE.COM", "erkki@example.com", True),
        ("julian@cüre53.de", "julian@cure53.de", False),
        ("user@ⓔxample．com", "user@example.com", True),
        ("user@example.com.", "user@example.com", False),
    ],
)
def test_which_texts_share_a_key(one: str, other: str, same: bool) -> None:
    """Only spelling of the same thing shares a key, and keys are compared byte for byte (B-1, B-2, B-46)."""
    assert (key_of(one) == key_of(other)) is same


@dataclass(frozen=True)
class LibraryCard:
    """A host's own kind: thirteen digits, written with or without spaces."""

    name: str = "library_card"

    def recognizes(self, text: str) -> bool:
        """Digits and spaces only."""
        return text.isascii() and text.replace(" ", "").isdigit()

    def canonical(self, text: str) -> str | None:
        """The digits."""
        digits = text.replace(" ", "")
        return digits if len(digits) == 13 else None

    def admit(self, text: str) -> str | Malformed:
        """The same, with the service's own series."""
        return self.canonical(text) or Malformed.WRONG_KIND


CARD = LibraryCard()
WITH_CARD = (*BUILT_IN, CARD)


def test_hosts_kind_adds_a_reading_and_hides_none() -> None:
    """A card number written with spaces may also be an old username, and both readings come back (B-12)."""
    found = look_up("2123 4567 890 12", (CARD, *BUILT_IN))
    assert found == (
        Identifier("library_card", "2123 4567 890 12", "1:2123456789012"),
        Identifier("username", "2123 4567 890 12", "1:2123 4567 890 12"),
    )
    assert register("2123 4567 890 12", CARD) == found[0]
    assert register("2123", CARD) is Malformed.WRONG_KIND


@pytest.mark.parametrize("kinds", [WITH_CARD, (CARD, *BUILT_IN), (USERNAME, CARD, EMAIL)])
def test_readings_with_one_key_are_one(kinds: tuple[IdentifierKind, ...]) -> None:
    """Two kinds that agree on the key make one reading, and "username" is the name of last resort (B-12)."""
    assert only(look_up("2123456789012", kinds)).kind == "library_card"
    assert only(look_up("erkki@example.com", kinds)).kind == "email"
    assert only(look_up("2123", kinds)).kind == "username"
    assert only(look_up("erkki", kinds)).kind == "username"


@dataclass(frozen=True)
class UnsafeKind:
    """A host's kind that breaks a promise."""

    value: object
    name: str = "unsafe"

    def recognizes(self, text: str) -> bool:
        """Any text."""
        return bool(text)

    def canonical(self, text: str) -> str | None:
        """Whatever the test wants, or a value that grows each time."""
        return f"{text}x" if self.value is ... else self.value  # type: ignore[return-value]

    def admit(self, text: str) -> str | Malformed:
        """The entered text."""
        return text


@pytest.mark.parametrize(
    "value",
    [..., 7, b"card", ["card"], "", " card", "card\x00", "card\u202e", "\ud800", "a" * (MAX_BYTES + 1)],
)
def test_hosts_kind_that_breaks_its_promises_is_named(value: object) -> None:
    """A value that is no clean bounded text, or not stable, is the host's mistake and raises (ASVS 1.1.1)."""
    with pytest.raises(UsageError, match="'unsafe'"):
        look_up("card", (UnsafeKind(value),))
    with pytest.raises(UsageError, match="'unsafe'"):
        register("card", UnsafeKind(value))


@pytest.mark.parametrize("value", [None, "other"])
def test_hosts_kind_must_find_what_it_admits(value: object) -> None:
    """A kind that registers a text under another value than it looks up is refused (B-12)."""
    with pytest.raises(UsageError, match="would not find again"):
        register("card", UnsafeKind(value))


@pytest.mark.parametrize(
    "bomb",
    [
        "a" + "\u0301\u0316" * 50_000,
        "a" + "\u0301\u0316" * 200_000,
        "a" + "\u0301\u0316" * 200_000 + "@example.com",
        "a" + "\u0301\u0316" * 255,
        "a@" + "٣" * 100_000 + ".fi",
        "a@xn--" + "a" * 100_000 + ".fi",
        "a@xn--" + "a" * 240 + ".fi",
        "a@" + "\ufdfa" * 240 + ".fi",
        "a@" + "a-" * 500,
        "a" * 100_000,
        "ä@" * 340,
    ],
)
def test_hostile_text_is_judged_at_once(bomb: str) -> None:
    """A bomb for normalization, IDNA or a pattern costs less than 0.1 s of processor time in all four readings together (B-64, B-65, C-46, ASVS 1.3.12)."""
    readings = (look_up, inherit, lambda text: register(text, EMAIL), lambda text: register(text, USERNAME))
    assert quickest(lambda: [read(bomb) for read in readings]) < 0.1


def test_plain_identifiers_load_no_heavy_library() -> None:
    """Looking up plain ASCII needs neither the full e-mail validator nor the RFC 8265 profile (ASVS 15.2.2)."""
    script = (
        "import sys; from cityauth.core.identifiers import inherit, look_up;"
        "look_up('erkki.esimerkki@example.com'); look_up('Matti.M'); inherit('a@b@c');"
        "print(sorted({'email_validator', 'precis_i18n', 'idna'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == "[]"


def test_a_service_without_the_email_kind_corrects_nothing() -> None:
    """Where no e-mail address is an identifier, no address is read out of what was typed."""
    assert read("Aino", (USERNAME,)) == look_up("Aino", (USERNAME,))
