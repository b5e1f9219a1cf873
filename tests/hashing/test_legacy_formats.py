"""Hashes that other systems stored, made here by those systems' own libraries."""

import base64
import hashlib
import sys

import argon2
import bcrypt
import passlib.utils
import pytest

from cityauth import Authenticated, CityAuth, LoginStep, MemoryStore, NewAccount, PasswordRequired, Policy, UsageError
from cityauth.core.hash_kinds import HashOrigin
from cityauth.core.hashing import HashDefect
from cityauth.hashing.hasher import Argon2Hasher
from cityauth.hashing.pbkdf2 import saslprep
from cityauth.hashing.registry import built_in_formats
from cityauth.policy import HashProfile, LegacyHashPolicy
from cityauth.ports.services import Verdict
from tests.support.fakes import ListAudit
from tests.support.hashes import DIGEST31, DIGEST43, PADDED32, SALT22, password
from tests.support.old_hashes import MAKERS, PASSLIB

HASHER = Argon2Hasher(HashProfile(memory_cost=64, time_cost=1, parallelism=1))
WRONG = Verdict(matched=False)


CUT_BY_BCRYPT = [one for one in MAKERS if "bcrypt" in one and "sha256" not in one and one != "wordpress_bcrypt"]
"""bcrypt of the password itself: 72 bytes and no NUL."""

CUT_BY_CRYPT = [one for one in MAKERS if "_crypt" in one]
"""Programs in C, which end a password at a NUL."""

CUT_BY_DES = [one for one in MAKERS if "des_crypt" in one]
"""Eight bytes of seven bits: tested by themselves."""

SLOW = [one for one in MAKERS if one.startswith("spring_pbkdf2")]
"""Their iterations are fixed: they are tested once."""

NAMES = [one for one in MAKERS if one not in {*CUT_BY_DES, *SLOW}]


def test_every_older_scheme_is_made_by_its_own_library() -> None:
    """No format can be verified that these tests do not check against another implementation.

    yescrypt has no library for Python; test_yescrypt has hashes that another implementation made.
    """
    others = {"argon2", "yescrypt", "ldap_yescrypt"}
    assert {name.split()[0] for name in MAKERS} == {one.name for one in built_in_formats()} - others


@pytest.mark.parametrize("text", ["Ketunpoika7", "lösenordet från sommaren 2011", "𝄞" * 15, "loppu ", "x"])
def test_an_older_hash_verifies_and_is_outdated(text: str) -> None:
    """An old password works as it was, however short, and its hash asks to be replaced (ASVS 11.2.2, 11.4.2)."""
    typed = {name: text.strip() if name == "wordpress_bcrypt" else text for name in NAMES}  # that one has its own test
    verdicts = {name: HASHER.verify(password(typed[name]), MAKERS[name](typed[name])) for name in NAMES}
    assert verdicts == dict.fromkeys(NAMES, Verdict(matched=True, outdated=True))


@pytest.mark.parametrize(
    ("set_text", "typed"),
    [
        ("äöåäöåäöå", "öäåöäåöäå"),
        ("äöåäöåäöå", "ЖЖЖЖЖЖЖЖЖ"),
        ("äöåäöåäöå", "?????????"),
        ("Ketunpoika7", "ketunpoika7"),
        ("Ketunpoika7", "Ketunpoika7x"),
        ("Ketun poika7", "Ketunpoika7"),
        ("ketun\0poika", "ketun"),
        ("ketun\0poika", "ketun\0aaaaa"),
    ],
)
def test_a_different_password_is_wrong(set_text: str, typed: str) -> None:
    """Non-ASCII passwords of one length, another case, a space or what follows a NUL differ (B-71, ASVS 6.2.8)."""
    verdicts = {name: HASHER.verify(password(typed), made_by(name, set_text)) for name in NAMES}
    assert verdicts == dict.fromkeys(NAMES, WRONG)


@pytest.fixture
def bcrypt_runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """Every run of bcrypt: the bytes that it was fed, and the setting."""
    seen: list[tuple[bytes, bytes]] = []
    real = bcrypt.hashpw

    def spy(secret: bytes, setting: bytes) -> bytes:
        seen.append((secret, setting[:7]))
        return real(secret, setting)

    monkeypatch.setattr(bcrypt, "hashpw", spy)
    return seen


@pytest.mark.parametrize("typed", ["x" * 80, "x" * 72 + "y", "x" * 1024, "ä" * 37, "väärä"])
def test_a_long_password_is_wrong_for_bcrypt_at_equal_cost(bcrypt_runs: list[tuple[bytes, bytes]], typed: str) -> None:
    """More than 72 bytes are an ordinary wrong password that cost one bcrypt, and no error (B-69, B-16)."""
    stored = bcrypt.hashpw(b"jokin muu", bcrypt.gensalt(5)).decode()
    bcrypt_runs.clear()
    assert HASHER.verify(password(typed), stored) == WRONG
    assert [setting for _, setting in bcrypt_runs] == [b"$2b$05$"]


@pytest.mark.parametrize("name", CUT_BY_BCRYPT)
def test_passwords_that_share_72_bytes_never_verify(name: str) -> None:
    """A password whose first 72 bytes are another one, whole, does not open its account (B-68)."""
    stored = MAKERS[name]("x" * 72)
    assert HASHER.verify(password("x" * 72), stored).matched
    assert HASHER.verify(password("x" * 73), stored) == WRONG
    assert HASHER.verify(password("x" * 72 + "y" * 10), stored) == WRONG


def test_bcrypt_of_a_digest_takes_the_whole_password() -> None:
    """Django's bcrypt_sha256 tells passwords of over 72 bytes apart (B-68, ASVS 6.2.8)."""
    stored = MAKERS["django_bcrypt_sha256"]("x" * 100 + "a")
    assert HASHER.verify(password("x" * 100 + "a"), stored).matched
    assert HASHER.verify(password("x" * 100 + "b"), stored) == WRONG


def test_nothing_but_the_password_is_fed_to_bcrypt(bcrypt_runs: list[tuple[bytes, bytes]]) -> None:
    """No name, no pepper and no salt takes a part of bcrypt's 72 bytes (B-68)."""
    stored = MAKERS["bcrypt"]("lösenordet")
    bcrypt_runs.clear()
    HASHER.verify(password("lösenordet"), stored)
    assert [secret for secret, _ in bcrypt_runs] == ["lösenordet".encode()]


def test_unclean_salt_bits_still_verify() -> None:
    """A bcrypt hash whose salt sets the two bits that carry nothing is the same hash."""
    stored = bcrypt.hashpw(b"vanha", b"$2b$04$N93W0OiK6aEeGxVb4TNZLe").decode()
    assert HASHER.verify(password("vanha"), stored[:28] + "f" + stored[29:]).matched


def test_a_latin_1_candidate_is_not_tried() -> None:
    """Only NFC and the text as received are tried, so the work stays what the input says (B-15)."""
    stored = bcrypt.hashpw("lösen".encode("latin-1"), bcrypt.gensalt(4)).decode()
    assert HASHER.verify(password("lösen"), stored) == WRONG


def test_a_hash_of_decomposed_text_verifies_as_received() -> None:
    """An older system's hash of NFD text matches a keyboard that types NFD, and is replaced (NIST 3.1.1.2)."""
    raw = "lo\u0308sen"
    assert HASHER.verify(password(raw), MAKERS["bcrypt"](raw)) == Verdict(matched=True, outdated=True)


CHEAP = HashProfile(memory_cost=64, time_cost=1, parallelism=1)


def test_a_format_that_was_left_out_is_not_run() -> None:
    """Without its format a bcrypt hash is an unknown scheme, at the dummy's cost (C-49)."""
    hasher = Argon2Hasher(CHEAP, formats=[one for one in built_in_formats() if one.name != "bcrypt"])
    assert hasher.verify(password("x"), MAKERS["bcrypt"]("x")) == Verdict(
        matched=False, defect=HashDefect.UNKNOWN_SCHEME
    )


@pytest.mark.parametrize("name", ["bcrypt", "django_bcrypt", "django_bcrypt_sha256", "django_scrypt"])
def test_what_is_installed_is_verified_without_being_asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever installs the extra signs in with bcrypt's hashes; without it the library is said to be missing (C-49)."""
    stored = MAKERS[name]("x")
    assert Argon2Hasher(CHEAP).verify(password("x"), stored).matched
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    without = Argon2Hasher(CHEAP)
    missing = None if name == "django_scrypt" else HashDefect.NOT_INSTALLED
    assert without.verify(password("x"), stored) == Verdict(matched=not missing, outdated=not missing, defect=missing)
    assert without.find_defect(stored) is missing


NUL_WRONG = [
    ("", "\0"),
    ("", "\0\0\0"),
    ("", "\0" * 64),
    ("", "\0" * 71),
    ("", "\0" * 128),
    ("", "\0" * 129),
    ("salasana", "salasana\0"),
    ("salasana", "salasana\0\0\0"),
    ("salasana", "salasana\0salasana"),
    ("salasana", "salasana\0salasana\0"),
    ("salasana", "salasana\0jokin muu"),
    ("salasana", "\0salasana"),
    ("ä" * 30, "ä" * 30 + "\0" * 4),
    ("x" * 63, "x" * 63 + "\0"),
    ("x" * 64, "x" * 64 + "\0"),
    ("x" * 71, "x" * 71 + "\0"),
    ("x" * 72, "x" * 72 + "\0"),
    ("x" * 100, "x" * 100 + "\0"),
    ("x" * 127, "x" * 127 + "\0"),
    ("x" * 128, "x" * 128 + "\0"),
    ("Va\u0308ino\u0308", "Va\u0308ino\u0308\0"),
    ("Va\u0308ino\u0308", "Väinö\0"),
]


def made_by(name: str, text: str) -> str:
    """The hash of *text* as the old system made it: a bcrypt of before 2025 cut it at 72 bytes."""
    if name in CUT_BY_BCRYPT:
        text = text.encode()[:72].decode()
    if name in CUT_BY_CRYPT or name == "scram_sha256":
        text = text.replace("\0", "-")
    return MAKERS[name](text)


TAKES_NO_NUL = {"wordpress_bcrypt", "scram_sha256"}
"""WordPress takes it away at the ends, and PostgreSQL takes no password with one."""


@pytest.mark.parametrize(("set_text", "typed"), NUL_WRONG)
def test_a_nul_makes_no_password_match(set_text: str, typed: str) -> None:
    """A NUL behind or within a password never opens the account of another password, an empty one included (B-71, ASVS 6.2.8)."""
    exact, cutting = (
        Argon2Hasher(CHEAP, formats=built_in_formats(bcrypt_truncates=truncates)) for truncates in (False, True)
    )
    stored = {name: made_by(name, set_text) for name in NAMES}
    stored["argon2"] = argon2.PasswordHasher(1, 64, 1).hash(set_text)
    verdicts = {name: exact.verify(password(typed), text) for name, text in stored.items()}
    verdicts |= {f"{name}, cut": cutting.verify(password(typed), stored[name]) for name in CUT_BY_BCRYPT}
    assert verdicts == dict.fromkeys(verdicts, WRONG)


def made_with_nul(name: str, text: str) -> str:
    """The hash of a password with a NUL within it, by the libraries that take one."""
    if name == "argon2":
        return argon2.PasswordHasher(1, 64, 1).hash(text)
    if name.startswith("django_pbkdf2"):
        algorithm = name.split()[1]
        digest = hashlib.pbkdf2_hmac(algorithm, text.encode(), b"suola", 10)
        return f"pbkdf2_{algorithm}$10$suola${base64.b64encode(digest).decode()}"
    return MAKERS[name](text)


@pytest.mark.parametrize("text", ["ketun\0poika", "\0poika", "\0" * 3 + "x"])
def test_a_nul_within_a_password_is_a_character(text: str) -> None:
    """Where the function takes every byte for itself, a password with a NUL within it is right (ASVS 6.2.8)."""
    names = [*(one for one in NAMES if one not in {*CUT_BY_BCRYPT, *CUT_BY_CRYPT, *TAKES_NO_NUL}), "argon2"]
    assert [one for one in names if not HASHER.verify(password(text), made_with_nul(one, text)).matched] == []


@pytest.mark.parametrize("typed", ["salasana\0", "\0", "jokin muu", "x" * 100])
def test_a_nul_costs_one_bcrypt(bcrypt_runs: list[tuple[bytes, bytes]], typed: str) -> None:
    """A password with a NUL costs what any wrong password costs (B-16)."""
    stored = bcrypt.hashpw(b"salasana", bcrypt.gensalt(5)).decode()
    bcrypt_runs.clear()
    assert HASHER.verify(password(typed), stored) == WRONG
    assert [setting for _, setting in bcrypt_runs] == [b"$2b$05$"]


TRUNCATING = Argon2Hasher(CHEAP, formats=built_in_formats(bcrypt_truncates=True))
LONG = "kolme vihreää omenaa ja neljä keltaista päärynää pöydällä, viisi lattialla, kuusi puussa"


@pytest.mark.parametrize("text", [LONG, "x" * 73, "x" * 200, "ä" * 37, "𝄞" * 19, "lo\u0308sen" * 20])
def test_a_passphrase_that_the_old_system_cut_signs_in_where_that_is_set(text: str) -> None:
    """With the setting on, a passphrase of more than 72 bytes matches, is replaced, and is told to the audit trail."""
    cut = bcrypt.hashpw(text.encode()[:72], bcrypt.gensalt(4)).decode()
    truncated = Verdict(matched=True, outdated=True, defect=HashDefect.TRUNCATED)
    for name in CUT_BY_BCRYPT:
        stored = MAKERS[name]("x").partition("$2")[0] + cut
        assert TRUNCATING.verify(password(text), stored) == truncated, name
        assert HASHER.verify(password(text), stored) == WRONG, name


def test_the_replacement_holds_the_whole_passphrase() -> None:
    """After the rehash of a cut passphrase, its beginning and its beginning with another end are wrong (B-68)."""
    replaced = TRUNCATING.hash(password(LONG))
    assert TRUNCATING.verify(password(LONG), replaced) == Verdict(matched=True)
    for other in (LONG[:70], LONG[:-1], LONG + "x", LONG.encode()[:72].decode(errors="ignore")):
        assert TRUNCATING.verify(password(other), replaced) == WRONG


@pytest.mark.parametrize(
    ("name", "set_text", "typed"),
    [
        ("bcrypt", "x" * 71, "x" * 72),
        ("bcrypt", "x" * 72, "x" * 71),
        ("bcrypt", "x" * 71, "x" * 100),
        ("bcrypt", "lyhyt", "lyhyt ja sen perässä jotain"),
        ("bcrypt", LONG[:60], LONG),
        ("bcrypt", "x" * 72, "y" + "x" * 99),
        ("django_bcrypt_sha256", "x" * 72, "x" * 73),
        ("django_bcrypt_sha256", "x" * 100, "x" * 101),
        ("django_pbkdf2 sha256", "x" * 72, "x" * 73),
        ("werkzeug_scrypt", "x" * 72, "x" * 73),
    ],
)
def test_the_setting_opens_nothing_else(name: str, set_text: str, typed: str) -> None:
    """With the setting on, only a password that bcrypt itself cannot tell apart matches (B-68)."""
    assert TRUNCATING.verify(password(typed), MAKERS[name](set_text)) == WRONG


def test_a_whole_password_of_bcrypt_is_no_defect() -> None:
    """With the setting on, a password of at most 72 bytes matches as ever."""
    assert TRUNCATING.verify(password("x" * 72), MAKERS["bcrypt"]("x" * 72)) == Verdict(matched=True, outdated=True)


def sign_in(auth: CityAuth, typed: str) -> LoginStep:
    """Try a password for Erkki."""
    step = auth.login.identify("erkki")
    assert isinstance(step, PasswordRequired)
    return auth.login.submit_password(step.pending, typed)


@pytest.mark.parametrize("truncates", [False, True])
def test_a_cut_passphrase_is_replaced_at_its_first_sign_in(truncates: bool) -> None:
    """The setting lets a long passphrase in once; from then on only the whole of it is right, and the trail tells (B-68)."""
    audit = ListAudit()
    policy = Policy(hashing=CHEAP, legacy_hashes=LegacyHashPolicy(bcrypt_truncates=truncates))
    auth = CityAuth(MemoryStore(), [bytes(range(32))], policy=policy, audit=audit)
    stored = bcrypt.hashpw(LONG.encode()[:72], bcrypt.gensalt(4)).decode()
    auth.accounts.add(NewAccount("Erkki", usernames=["erkki"], password_hash=stored))
    assert isinstance(sign_in(auth, LONG), Authenticated if truncates else PasswordRequired)
    detail = audit.events[-1].detail
    assert (detail.get("defect"), detail.get("rehashed")) == (("truncated", "yes") if truncates else (None, None))
    assert isinstance(sign_in(auth, LONG + " ja vielä"), PasswordRequired)
    assert isinstance(sign_in(auth, LONG), Authenticated if truncates else PasswordRequired)
    assert "defect" not in audit.events[-1].detail


def test_the_library_refuses_what_the_command_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its library a bcrypt hash is not imported: it would be stored and never sign in (C-48)."""
    stored = MAKERS["bcrypt"]("salasana")
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    auth = CityAuth(MemoryStore(), [bytes(range(32))], policy=Policy(hashing=CHEAP))
    assert auth.passwords.find_defect(stored) is HashDefect.NOT_INSTALLED
    with pytest.raises(UsageError, match="not_installed"):
        auth.accounts.add(NewAccount("Erkki", usernames=["erkki"], password_hash=stored))


@pytest.mark.parametrize("name", SLOW)
def test_fixed_costs_are_verified(name: str) -> None:
    """Spring's PBKDF2, whose iterations stand nowhere in the text, works as it was made."""
    assert HASHER.verify(password("sähkö"), MAKERS[name]("sähkö")) == Verdict(matched=True, outdated=True)
    assert HASHER.verify(password("sahko"), MAKERS[name]("sähkö")) == WRONG


@pytest.mark.parametrize("name", CUT_BY_DES)
def test_des_crypt_matches_only_what_it_reads(name: str) -> None:
    """DES crypt reads eight bytes of seven bits: more than that is wrong, unless the old system cut passwords (B-68)."""
    short, long = MAKERS[name]("salasana"), MAKERS[name]("sähköposti")
    assert HASHER.verify(password("salasana"), short) == Verdict(matched=True, outdated=True)
    cut = Verdict(matched=True, outdated=True, defect=HashDefect.TRUNCATED)
    for typed, stored in (("salasana1", short), ("sähköposti", long)):
        assert HASHER.verify(password(typed), stored) == WRONG
        assert TRUNCATING.verify(password(typed), stored) == cut
    for typed in ("salasan", "Salasana", "salasana\0", "xalasana1"):
        assert TRUNCATING.verify(password(typed), short) == WRONG


def test_wordpress_takes_blanks_away() -> None:
    """A password with blanks around it signs in as it did in WordPress, and is then hashed as a whole."""
    stored = MAKERS["wordpress_bcrypt"](" kesä 2011 ")
    cut = Verdict(matched=True, outdated=True, defect=HashDefect.TRUNCATED)
    assert HASHER.verify(password("kesä 2011"), stored) == Verdict(matched=True, outdated=True)
    assert HASHER.verify(password(" kesä 2011 "), stored) == cut
    assert HASHER.verify(password("kesä2011"), stored) == WRONG


LIBPASS_NEEDED = [
    "md5_crypt",
    "apr_md5_crypt",
    "sha256_crypt",
    "sha512_crypt",
    "ldap_sha512_crypt",
    "ldap_des_crypt",
    "nt",
]


@pytest.mark.parametrize("name", LIBPASS_NEEDED)
def test_what_libpass_runs_needs_libpass(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without libpass the formats that it runs are said to be missing, and the others work (C-49)."""
    stored, other = MAKERS[name]("x"), MAKERS["ldap_ssha"]("x")
    monkeypatch.setitem(sys.modules, "passlib", None)
    missing = Verdict(matched=False, defect=HashDefect.NOT_INSTALLED)
    assert HASHER.verify(password("x"), stored) == missing
    assert HASHER.verify(password("x"), other).matched


@pytest.mark.parametrize(
    "text", ["Kesäyö 2011", "a\u00ado\u200bb", "a\u00a0b", "Ⅸ ﬁ ½ ²", "שלום", "שלוםa", "a\u0007b", "\u00ad"]
)
def test_postgresql_prepares_passwords(text: str) -> None:
    """SASLprep maps, normalizes and refuses as PostgreSQL does; what it refuses is hashed as it was typed."""
    try:
        prepared = passlib.utils.saslprep(text) or text
    except ValueError:
        prepared = text
    assert saslprep(text.encode()) == prepared.encode()
    assert saslprep(b"\xe4") == b"\xe4"


@pytest.mark.parametrize("version", [1, 2])
def test_passlib_writes_low_costs_in_one_digit(version: int) -> None:
    """A cost below 10 stands in one digit in passlib's text, and every byte of a long password counts."""
    stored = PASSLIB.bcrypt_sha256.using(rounds=4, version=version).hash("x" * 100 + "a")
    assert ("r=4$" in stored) or ("2b,4$" in stored)
    assert HASHER.verify(password("x" * 100 + "a"), stored) == Verdict(matched=True, outdated=True)
    assert HASHER.verify(password("x" * 100 + "b"), stored) == WRONG


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("declared", ["werkzeug", "Werkzeug-{}"])
def test_hashes_of_old_werkzeug_need_their_name(algorithm: str, declared: str) -> None:
    """Their text is that of Django's salted digests, so it is read as Werkzeug's only where the import says so."""
    stored = MAKERS[f"werkzeug_hmac {algorithm}"]("kesäyö")
    exported = stored.removeprefix("{werkzeug}")
    assert HASHER.adopt(exported, HashOrigin(declared.format(algorithm))) == stored
    assert HASHER.verify(password("kesäyö"), exported).matched is False


@pytest.mark.parametrize(
    ("stored", "defect"),
    [
        ("$scrypt$ln=40,r=8,p=1$" + SALT22 + "$" + DIGEST43, HashDefect.OVER_LIMIT),
        ("$scrypt$ln=64,r=8,p=1$" + SALT22 + "$" + DIGEST43, HashDefect.CORRUPT),
        ("$scrypt$ln=999999999,r=8,p=1$" + SALT22 + "$" + DIGEST43, HashDefect.CORRUPT),
        ("{scrypt}$3f0801$" + SALT22 + "==$" + PADDED32, HashDefect.OVER_LIMIT),
        ("{scrypt}$ffff0801$" + SALT22 + "==$" + PADDED32, HashDefect.CORRUPT),
        ("{scrypt}$e0001$" + SALT22 + "==$" + PADDED32, HashDefect.CORRUPT),
        ("{scrypt}$e0800$" + SALT22 + "==$" + PADDED32, HashDefect.CORRUPT),
        ("{scrypt}$e08ff$" + SALT22 + "==$" + PADDED32, HashDefect.OVER_LIMIT),
        ("{PBKDF2-SHA256}2147483647$" + SALT22 + "$" + DIGEST43, HashDefect.OVER_LIMIT),
        ("{PBKDF2-SHA256}10$" + SALT22 + "$" + DIGEST43[:-2], HashDefect.CORRUPT),
        ("SCRAM-SHA-256$2147483647:" + SALT22 + "==$" + PADDED32 + ":" + PADDED32, HashDefect.OVER_LIMIT),
        ("SCRAM-SHA-256$4096:" + SALT22 + "==$" + PADDED32, HashDefect.CORRUPT),
        ("SCRAM-SHA-256$4096:" + SALT22 + "==$" + PADDED32 + ":", HashDefect.CORRUPT),
        ("$bcrypt-sha256$v=2,t=2b,r=31$N93W0OiK6aEeGxVb4TNZLe$" + DIGEST31, HashDefect.OVER_LIMIT),
        ("$bcrypt-sha256$v=3,t=2b,r=12$N93W0OiK6aEeGxVb4TNZLe$" + DIGEST31, HashDefect.UNKNOWN_SCHEME),
        ("{sha256}" + "0f" * 32, HashDefect.CORRUPT),
        ("{werkzeug}sha1$suola$" + "0f" * 16, HashDefect.CORRUPT),
        ("plain$$salasana", HashDefect.PLAIN_TEXT),
        ("{noop}salasana", HashDefect.PLAIN_TEXT),
        ("$A$005$" + "x" * 63, HashDefect.UNKNOWN_SCHEME),
        ("md5" + "0f" * 16, HashDefect.UNKNOWN_SCHEME),
    ],
)
def test_the_newer_formats_are_bounded_before_they_run(stored: str, defect: HashDefect) -> None:
    """A cost over the limits, a damaged text, a password itself and a format that is not known have their own names."""
    assert HASHER.adopt(stored, HashOrigin()) == defect


def test_a_mark_does_not_hide_a_wrong_format() -> None:
    """A hash from another cityauth is stored with its mark, and a format that is declared beside it must be right."""
    stored = "{cityauth:latin-1}" + MAKERS["ldap_md5"]("kesä")
    assert HASHER.adopt(stored, HashOrigin("md5")) == stored
    assert HASHER.adopt(stored, HashOrigin("bcrypt")) == HashDefect.CORRUPT
    assert HASHER.adopt(stored, HashOrigin("rot13")) == HashDefect.UNKNOWN_SCHEME
