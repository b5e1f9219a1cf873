"""Taking hashes over: which texts are stored, and which contradictions are named."""

import hashlib

import pytest

from cityauth.core.hash_kinds import HashOrigin
from cityauth.core.hashing import HashDefect
from cityauth.hashing.hasher import Argon2Hasher
from cityauth.policy import HashProfile
from tests.support.hashes import SAMPLES, password
from tests.support.old_hashes import MAKERS

HASHER = Argon2Hasher(HashProfile(memory_cost=64, time_cost=1, parallelism=1))
MD5 = hashlib.md5("kesä".encode(), usedforsecurity=False).hexdigest()
SHA1 = hashlib.sha1("kesä".encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("declared", "text", "name"),
    [
        ("md5", MD5, "ldap_md5"),
        ("MD5", MD5.upper(), "ldap_md5"),
        ("hex-md5", MD5, "ldap_md5"),
        ("sha1", SHA1, "ldap_sha"),
        ("unsalted_sha1", SHA1, "ldap_sha"),
        ("sha256", hashlib.sha256("kesä".encode()).hexdigest(), "ldap_sha256"),
        ("sha384", hashlib.sha384("kesä".encode()).hexdigest(), "ldap_sha384"),
        ("SHA512", hashlib.sha512("kesä".encode()).hexdigest(), "ldap_sha512"),
        ("NTLM", MAKERS["nt"]("kesä").removeprefix("$3$$"), "nt"),
        ("mysql41", MAKERS["mysql"]("kesä").removeprefix("*"), "mysql"),
        ("mssql", MAKERS["mssql_2012"]("kesä").removeprefix("0x"), "mssql_2012"),
        ("des", "cGmkzO4twKhgY", "ldap_des_crypt"),
    ],
)
def test_a_text_that_does_not_say_what_it_is_needs_its_format(declared: str, text: str, name: str) -> None:
    """Bare digits are taken as the declared format, verify, and say from then on what they are."""
    stored = HASHER.adopt(text, HashOrigin(declared))
    assert isinstance(stored, str), stored
    assert HASHER.identify(stored) == name
    assert HASHER.verify(password("kesa" if declared == "des" else "kesä"), stored).matched
    assert HASHER.adopt(text, HashOrigin()) is HashDefect.UNKNOWN_SCHEME
    assert HASHER.adopt(stored, HashOrigin()) == stored


def test_a_text_that_says_what_it_is_is_stored_as_it_is() -> None:
    """A text of a known format needs no declaration; the name of its format, in any case, changes nothing."""
    for name, stored in SAMPLES.items():
        for declared in ("", name, name.upper(), name.replace("_", "-")):
            assert HASHER.adopt(f" {stored}\n", HashOrigin(declared)) == stored


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        ("bcrypt", "django_bcrypt"),
        ("2y", "bcrypt"),
        ("argon2id", "argon2"),
        ("django", "django_pbkdf2"),
        ("pbkdf2_sha256", "django_pbkdf2"),
        ("werkzeug", "werkzeug_scrypt"),
        ("ldap", "ldap_ssha"),
        ("ssha", "ldap_ssha"),
        ("wordpress", "phpass"),
        ("wordpress", "wordpress_bcrypt"),
        ("drupal7", "drupal"),
        ("aspnet-identity", "aspnet_v3"),
        ("crypt", "ldap_bcrypt"),
        ("sha512crypt", "sha512_crypt"),
        ("spring", "spring_bcrypt"),
        ("nextcloud", "nextcloud_argon2id"),
        ("mssql2012", "mssql_2012"),
    ],
)
def test_usual_names_are_understood(declared: str, name: str) -> None:
    """The names that other systems and people use for a format name it here."""
    assert HASHER.adopt(SAMPLES[name], HashOrigin(declared)) == SAMPLES[name]


@pytest.mark.parametrize(
    ("declared", "text", "defect"),
    [
        ("", "", HashDefect.MISSING),
        ("bcrypt", "", HashDefect.MISSING),
        ("", "salasana", HashDefect.UNKNOWN_SCHEME),
        ("md5", "salasana", HashDefect.UNKNOWN_SCHEME),
        ("md5", MD5[:-1], HashDefect.UNKNOWN_SCHEME),
        ("md5", SAMPLES["bcrypt"], HashDefect.CORRUPT),
        ("bcrypt", SAMPLES["argon2"], HashDefect.CORRUPT),
        ("rot13", SAMPLES["bcrypt"], HashDefect.UNKNOWN_SCHEME),
        ("bcrypt", SAMPLES["bcrypt"][:-1], HashDefect.CORRUPT),
        ("", "{noop}salasana", HashDefect.PLAIN_TEXT),
        ("bcrypt", SAMPLES["bcrypt"].replace("$12$", "$31$"), HashDefect.OVER_LIMIT),
        ("", "!", HashDefect.UNUSABLE),
        ("", "{cityauth:latin-2}" + SAMPLES["bcrypt"], HashDefect.CORRUPT),
    ],
)
def test_what_is_not_stored_says_why(declared: str, text: str, defect: HashDefect) -> None:
    """An empty, unknown, damaged or contradicting hash is not stored, and has a sentence for the report (C-48)."""
    assert HASHER.adopt(text, HashOrigin(declared)) is defect
    assert defect.sentence
    assert "{" not in defect.sentence


@pytest.mark.parametrize("stored", ["", "salasana", "!", "*", "{SSHA}x", "$wrapped$", "{cityauth:latin-1}"])
def test_what_is_no_hash_has_no_kind(stored: str) -> None:
    """No method raises for a text that is no hash: it has no format, no kind, and is not fast."""
    assert HASHER.identify(stored) is None
    assert HASHER.describe(stored) is None
    assert not HASHER.is_fast(stored)
