"""E-mail addresses as identifiers."""

import string
import unicodedata

import email_validator
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cityauth.core.characters import Malformed, is_clean
from cityauth.core.email import MAX_ADDRESS, EmailKind, canonical_address
from tests.support.timing import quickest

PLAIN = "erkki.esimerkki@example.com"


def full_verdict(text: str) -> str | None:
    """What email_validator alone makes of *text*."""
    try:
        validated = email_validator.validate_email(
            text,
            allow_smtputf8=True,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
            strict=True,
            check_deliverability=False,
            test_environment=False,
            globally_deliverable=True,
        )
    except email_validator.EmailNotValidError:
        return None
    return f"{validated.local_part}@{validated.ascii_domain}".lower()


LABELS = st.one_of(
    st.sampled_from(["example", "x", "fi", "COM", "a-b", "-a", "a-", "ab--c", "xn--fa-hia", "xn--", "xn--a", "1", ""]),
    st.text(string.ascii_letters + string.digits + "-", max_size=8),
    st.integers(60, 66).map(lambda length: "a" * length),
)
TOP_LEVELS = st.one_of(
    st.sampled_from([*email_validator.SPECIAL_USE_DOMAIN_NAMES, "fi", "c0m", "x1", "museum", ""]), LABELS
)
DOMAINS = st.builds(lambda labels, top: ".".join([*labels, top]), st.lists(LABELS, max_size=5), TOP_LEVELS)
ATOMS = st.one_of(
    st.text(string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~.", max_size=12),
    st.integers(61, 66).map(lambda length: "b" * length),
    st.text(string.printable[:95], max_size=6),
)
ASCII_ADDRESSES = st.one_of(
    st.builds(lambda local, domain: f"{local}@{domain}", ATOMS, DOMAINS),
    st.text('ab.@-"<>()[]:;, xn\\1', max_size=16),
    st.text(string.printable[:95], max_size=30),
)


@given(ASCII_ADDRESSES)
@example("a@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 63 + "." + "e" * 57 + ".fi")
@example("a@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 63 + "." + "e" * 58 + ".fi")
@example("a@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 63 + "." + "e" * 59 + ".fi")
@example('"a"@x.fi')
@example("<a@x.fi>")
@example("a@[127.0.0.1]")
def test_short_check_gives_the_full_validators_verdict(text: str) -> None:
    """On any ASCII text the short check and the full validator agree on verdict and value (ASVS 1.1.1)."""
    assert canonical_address(text) == full_verdict(text)


@given(
    st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20),
    st.sampled_from(["@example.com", "@exämple.fi", ""]),
)
def test_canonical_address_is_stable(local: str, ending: str) -> None:
    """What is canonical once is canonical for good, in NFC, with exactly one at sign (B-3, B-4, ASVS 1.1.1)."""
    text = local + ending
    value = canonical_address(text) if is_clean(text) else None
    if value is not None:
        assert canonical_address(value) == value
        assert unicodedata.normalize("NFC", value) == value
        assert value.count("@") == text.count("@") == 1
        assert len(value) <= MAX_ADDRESS
        assert canonical_address(unicodedata.normalize("NFD", text)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (PLAIN, PLAIN),
        ("Erkki.Esimerkki@EXAMPLE.com", PLAIN),
        ("first.last+tag@example.com", "first.last+tag@example.com"),
        ("user@faß.de", "user@xn--fa-hia.de"),
        ("user@FAẞ.de", "user@xn--fa-hia.de"),
        ("user@xn--fa-hia.de", "user@xn--fa-hia.de"),
        ("user@XN--FA-HIA.de", "user@xn--fa-hia.de"),
        ("user@ⓔxample.com", "user@example.com"),
        ("user@ｅxample．com", "user@example.com"),
        ("user@example。com", "user@example.com"),
        ("user@äkäslompolo.fi", "user@xn--kslompolo-u2ab.fi"),
        ("user@a\u0308ka\u0308slompolo.fi", "user@xn--kslompolo-u2ab.fi"),
        ("Väinö@example.com", "väinö@example.com"),
        ("Va\u0308ino\u0308@example.com", "väinö@example.com"),
        ("\u212aari@example.com", "kari@example.com"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ],
)
def test_canonical_form(text: str, value: str) -> None:
    """Case, composition, width and spelling of the domain do not make another address (B-46, ASVS 1.1.1)."""
    assert canonical_address(text) == value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mıke@example.org", "mike@example.org"),
        ("mike@exampıe.org", "mike@example.org"),
        ("maſſ@example.org", "mass@example.org"),
        ("straße@example.org", "strasse@example.org"),
        ("user@faß.de", "user@fass.de"),
        ("julian@cüre53.de", "julian@cure53.de"),
        ("Väinö@example.com", "Vaino@example.com"),
        ("ﬁnn@example.com", "finn@example.com"),
        ("ᴮᴵᴳ@example.com", "big@example.com"),
        ("a.b@example.com", "ab@example.com"),
        ("ab+tag@example.com", "ab@example.com"),
        ("usеr@example.com", "user@example.com"),
    ],
)
def test_different_addresses_stay_different(one: str, other: str) -> None:
    """Look-alikes, foldings, accents, dots and tags never merge two addresses (B-1, B-2, B-3)."""
    assert canonical_address(one) != canonical_address(other)
    assert canonical_address(other) == other.lower()


@pytest.mark.parametrize(
    "text",
    [
        "attacker@a.fi,victim@b.fi",
        "attacker@a.fi;victim@b.fi",
        "attacker@a.fi victim@b.fi",
        "attacker@a.fi\nvictim@b.fi",
        "victim@b.fi,",
        '"e@attacker.com"@victim.com',
        '"e@attacker.com> "@victim.com',
        '"quoted"@example.com',
        "alice@a.fi)bob@b.fi",
        "alice(comment)@a.fi",
        "alice@a.fi(comment)",
        "Alice <alice@a.fi>",
        "<alice@a.fi>",
        "a@b@example.com",
        "a＠example.com",
        "a﹫example.com",
        "a@b＠example.com",
        "user@example.com.",
        "user@example。",
        "user@localhost",
        "user@fi",
        "user@[127.0.0.1]",
        "user@[IPv6:::1]",
        "user@127.0.0.1",
        "user@server.local",
        "user@-example.com",
        "user@exam_ple.com",
        "user@xn--a.fi",
        "user@xn--fa-hia\u0301.de",
        "user@⒈com",
        ".user@example.com",
        "user.@example.com",
        "us..er@example.com",
        "a\u037eb@example.com",
        "\u0301user@example.com",
        "@example.com",
        "user@",
        "@",
        "a" * 65 + "@example.com",
        "ä" * 65 + "@example.com",
        "İ" * 40 + "@example.com",
        "a@" + "ä" * 64 + ".fi",
        "a@" + ("b" * 62 + ".") * 4 + "example",
        "ä@" + "b." * 126 + "fi",
    ],
)
def test_what_is_not_one_address(text: str) -> None:
    """Lists, display names, comments, quotes, literals, stray dots and over-long parts are no address (B-4, B-5, B-7, B-8)."""
    assert canonical_address(text) is None
    assert EmailKind(smtputf8=True).admit(text) is Malformed.NOT_AN_ADDRESS


@pytest.mark.parametrize(
    ("text", "smtputf8", "expected"),
    [
        (PLAIN, False, PLAIN),
        ("user@faß.de", False, "user@xn--fa-hia.de"),
        ("väinö@example.com", False, Malformed.NEEDS_SMTPUTF8),
        ("väinö@example.com", True, "väinö@example.com"),
        ("mıke@example.org", False, Malformed.NEEDS_SMTPUTF8),
        ("usеr@example.com", True, Malformed.MIXED_SCRIPT),
        ("user@еxample.com", False, Malformed.MIXED_SCRIPT),
        ("user@пример.com", False, "user@xn--e1afmkfd.com"),
    ],
)
def test_registering(text: str, smtputf8: bool, expected: str) -> None:
    """Registering also asks whether mail arrives and whether a word mixes scripts; finding does not (B-1, B-14)."""
    kind = EmailKind(smtputf8=smtputf8)
    assert kind.admit(text) == expected
    assert kind.canonical(text) is not None


def test_shape() -> None:
    """Only a text with an at sign has the shape of an address (B-12)."""
    assert EmailKind().recognizes("a@b@c")
    assert not EmailKind().recognizes("matti")


@pytest.mark.parametrize(
    "bomb",
    [
        "a" + "\u0301\u0316" * 120 + "@example.com",
        "a@" + "b" + "\u0301\u0316" * 120 + ".fi",
        "a@" + "٣" * 240 + ".fi",
        "a@xn--" + "a" * 240 + ".fi",
        "a@" + ("xn--" + "a" * 55 + ".") * 4 + "fi",
        "a@" + "ⓔ" * 240 + ".fi",
        "a@" + "\ufdfa" * 240 + ".fi",
        "a@" + "ä." * 120 + "fi",
        "a@" + "a-" * 500,
        "a@" + "a." * 500 + "1",
        "a." * 500 + "@example.com",
        "a" * 1000,
        "@" * 1000,
        "<" * 250 + "ä",
        '"' * 250 + "ä@x.fi",
        "\\" * 250 + "ä@x.fi",
    ],
)
def test_hostile_address_is_judged_at_once(bomb: str) -> None:
    """Runs of marks, long labels, Punycode and expanding characters cost less than 0.1 s of processor time (B-64, B-65, ASVS 1.3.12)."""
    assert quickest(lambda: canonical_address(bomb)) < 0.1
