"""What the mark before a stored hash changes: the encoding of passwords, and how the old system cut them."""

import unicodedata

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityauth import Authenticated, CityAuth, MemoryStore, NewAccount, PasswordRequired, Policy
from cityauth.core.hash_kinds import HashOrigin, PasswordEncoding
from cityauth.core.hashing import HashDefect
from cityauth.hashing.hasher import Argon2Hasher
from cityauth.hashing.registry import built_in_formats
from cityauth.policy import HashProfile
from cityauth.ports.services import Verdict
from tests.support.fakes import ListAudit
from tests.support.hashes import SAMPLES, password
from tests.support.old_hashes import BYTE_MAKERS, MAKERS

CHEAP = HashProfile(memory_cost=64, time_cost=1, parallelism=1)
HASHER = Argon2Hasher(CHEAP)
TRUNCATING = Argon2Hasher(CHEAP, formats=built_in_formats(bcrypt_truncates=True))
MATCHED = Verdict(matched=True, outdated=True)
WRONG = Verdict(matched=False)

FINNISH = ["kesä", "Åland ö", "ääkköset", "lösenord på ön"]


def adopted(stored: str, origin: HashOrigin) -> str:
    """What an import stores for *stored*."""
    found = HASHER.adopt(stored, origin)
    assert not isinstance(found, HashDefect), found
    return found


@pytest.mark.parametrize("encoding", list(PasswordEncoding))
@pytest.mark.parametrize("text", FINNISH)
def test_finnish_letters_work_on_the_first_try(text: str, encoding: PasswordEncoding) -> None:
    """A hash of å ä ö in the declared encoding matches, from every keyboard, and is replaced (D2)."""
    composed = encoding is not PasswordEncoding.UTF_8_NFD
    written = unicodedata.normalize("NFC" if composed else "NFD", text).encode(encoding.value.removesuffix("-nfd"))
    right = [text, unicodedata.normalize("NFD", text)]
    others = [text.upper(), text.replace("ä", "a").replace("ö", "o").replace("å", "a"), written.decode("latin-1")]
    wrong = [other for other in others if unicodedata.normalize("NFC", other) != text]
    for name, maker in BYTE_MAKERS.items():
        stored = adopted(maker(written), HashOrigin(encoding=encoding))
        assert HASHER.find_defect(stored) is None, name
        assert [HASHER.verify(password(typed), stored) for typed in right] == [MATCHED] * len(right), name
        assert [HASHER.verify(password(typed), stored) for typed in wrong] == [WRONG] * len(wrong), name


def test_the_stored_text_shows_the_encoding() -> None:
    """The mark stands in the stored text, once, and only where something differs from the default."""
    latin = adopted(SAMPLES["ldap_ssha"], HashOrigin(encoding=PasswordEncoding.LATIN_1))
    assert latin == "{cityauth:latin-1}" + SAMPLES["ldap_ssha"]
    assert adopted(latin, HashOrigin(encoding=PasswordEncoding.LATIN_1)) == latin
    assert adopted(SAMPLES["ldap_ssha"], HashOrigin()) == SAMPLES["ldap_ssha"]
    assert adopted(SAMPLES["ldap_ssha"], HashOrigin(truncates=True)) == SAMPLES["ldap_ssha"]
    everything = HashOrigin("", PasswordEncoding.CP850, truncates=True, nul_ends=True)
    assert adopted(SAMPLES["bcrypt"], everything) == "{cityauth:cp850,truncates,nul-ends}" + SAMPLES["bcrypt"]
    assert adopted(SAMPLES["bcrypt"], HashOrigin(truncates=False)) == "{cityauth:whole}" + SAMPLES["bcrypt"]


@pytest.mark.parametrize("name", ["nt", "mssql_2005", "mssql_2012"])
def test_a_format_with_its_own_encoding_keeps_it(name: str) -> None:
    """Windows hashes UTF-16: whatever encoding is declared or marked, å ä ö work, also in a wrapped hash (D2)."""
    stored = MAKERS[name]("kesä")
    assert adopted(stored, HashOrigin(encoding=PasswordEncoding.LATIN_1)) == stored
    for text in (stored, HASHER.wrap(stored)):
        assert HASHER.verify(password("kesä"), "{cityauth:latin-1}" + text) == MATCHED
        assert HASHER.verify(password("kesa"), "{cityauth:latin-1}" + text) == WRONG


@pytest.mark.parametrize(
    ("spelling", "encoding"),
    [
        ("", PasswordEncoding.UTF_8),
        ("UTF8", PasswordEncoding.UTF_8),
        ("utf-8", PasswordEncoding.UTF_8),
        ("ISO-8859-1", PasswordEncoding.LATIN_1),
        ("iso8859-1", PasswordEncoding.LATIN_1),
        ("Latin1", PasswordEncoding.LATIN_1),
        (" cp1252 ", PasswordEncoding.WINDOWS_1252),
        ("ISO_8859-15", PasswordEncoding.LATIN_9),
        ("rot13", None),
        ("utf-7", None),
        ("latin-2", None),
    ],
)
def test_an_encoding_has_many_spellings(spelling: str, encoding: PasswordEncoding | None) -> None:
    """Usual spellings name an encoding; any other text names none, so that the row is quarantined."""
    assert PasswordEncoding.named(spelling) is encoding


def test_a_password_outside_the_encoding_is_wrong() -> None:
    """A letter that the old encoding lacks is a wrong password: it is not mapped to another one (B-71)."""
    for asked, typed in (("kes?", "kesЖ"), ("kes&#1046;", "kesЖ"), ("kes", "kesЖ"), ("5 EUR", "5 €"), ("?", "€")):
        stored = adopted(BYTE_MAKERS["bcrypt"](asked.encode()), HashOrigin(encoding=PasswordEncoding.LATIN_1))
        assert HASHER.verify(password(typed), stored) == WRONG
        assert HASHER.verify(password(asked), stored) == MATCHED


LONG = "kolme vihreää omenaa ja neljä keltaista päärynää pöydällä, viisi lattialla, kuusi puussa"
CUT = Verdict(matched=True, outdated=True, defect=HashDefect.TRUNCATED)


def test_an_import_declares_how_bcrypt_was_cut() -> None:
    """What one import declares holds for its hashes alone, against the setting of the deployment either way (B-68)."""
    stored = bcrypt.hashpw(LONG.encode("latin-1")[:72], bcrypt.gensalt(4)).decode()
    cut = adopted(stored, HashOrigin(encoding=PasswordEncoding.LATIN_1, truncates=True))
    whole = adopted(stored, HashOrigin(encoding=PasswordEncoding.LATIN_1, truncates=False))
    unsaid = adopted(stored, HashOrigin(encoding=PasswordEncoding.LATIN_1))
    assert [HASHER.verify(password(LONG), one) for one in (cut, whole, unsaid)] == [CUT, WRONG, WRONG]
    assert [TRUNCATING.verify(password(LONG), one) for one in (cut, whole, unsaid)] == [CUT, WRONG, CUT]
    assert HASHER.verify(password("x" + LONG), cut) == WRONG


@pytest.mark.parametrize("name", ["bcrypt", "sha512_crypt", "ldap_ssha", "phpass", "wordpress_bcrypt"])
def test_an_import_declares_that_a_nul_ended_passwords(name: str) -> None:
    """Where the old system stopped at a NUL, what follows one does not count, and is replaced; else it is wrong (B-71)."""
    stored = MAKERS[name]("salasana")
    ending = adopted(stored, HashOrigin(nul_ends=True))
    assert HASHER.verify(password("salasana\0muuta"), stored) == WRONG
    assert HASHER.verify(password("salasana\0muuta"), ending) == CUT
    assert HASHER.verify(password("salasana"), ending) == MATCHED
    for other in ("\0salasana", "salasan\0a", "\0"):
        assert HASHER.verify(password(other), ending) == WRONG


@pytest.mark.parametrize(
    "mark",
    [
        "{cityauth:}",
        "{cityauth:latin-1",
        "{cityauth:Latin-1}",
        "{cityauth:latin-2}",
        "{cityauth:utf-8}",
        "{cityauth:latin-1,latin-1}",
        "{cityauth:nul-ends,latin-1}",
        "{cityauth:truncates,whole}",
        "{cityauth:truncates}",
        "{cityauth: latin-1}",
    ],
)
def test_a_damaged_mark_is_corrupt(mark: str) -> None:
    """A mark that is not written as cityauth writes it, or that means nothing for its hash, is never run (C-49)."""
    stored = mark + MAKERS["ldap_ssha"]("salasana")
    assert HASHER.verify(password("salasana"), stored) == Verdict(matched=False, defect=HashDefect.CORRUPT)
    assert HASHER.find_defect("{cityauth:latin-1}") is HashDefect.CORRUPT


@settings(max_examples=100)
@given(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12), st.sampled_from(PasswordEncoding))
def test_two_passwords_are_never_one(set_text: str, typed: str, encoding: PasswordEncoding) -> None:
    """No encoding makes two passwords one; only their Unicode form does not count (B-71)."""
    written = unicodedata.normalize("NFD" if "nfd" in encoding else "NFC", set_text)
    try:
        made = BYTE_MAKERS["ldap_sha"](written.encode(encoding.value.removesuffix("-nfd")))
    except UnicodeEncodeError:
        return
    stored = adopted(made, HashOrigin(encoding=encoding))
    same = unicodedata.normalize("NFC", set_text) == unicodedata.normalize("NFC", typed)
    assert HASHER.verify(password(typed), stored).matched is same
    assert HASHER.verify(password(set_text), stored).matched


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_latin_1_account_signs_in_and_is_replaced(wrapped: bool) -> None:
    """The first sign-in replaces an old hash by plain Argon2id, and the same password works from then on (D2, C-08)."""
    audit = ListAudit()
    auth = CityAuth(MemoryStore(), [bytes(range(32))], policy=Policy(hashing=CHEAP), audit=audit)
    stored = adopted(
        BYTE_MAKERS["ldap_ssha"]("kesäyö".encode("latin-1")), HashOrigin(encoding=PasswordEncoding.LATIN_1)
    )
    stored = HASHER.wrap(stored) if wrapped else stored
    auth.accounts.add(NewAccount("Erkki", usernames=["erkki"], password_hash=stored))
    tries = [("kesayo", PasswordRequired, None), ("kesäyö", Authenticated, "yes"), ("kesäyö", Authenticated, None)]
    for typed, expected, rehashed in tries:
        step = auth.login.identify("erkki")
        assert isinstance(step, PasswordRequired)
        assert isinstance(auth.login.submit_password(step.pending, typed), expected)
        assert audit.events[-1].detail.get("rehashed") == rehashed
