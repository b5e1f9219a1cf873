"""Hashes that other systems stored, made here by those systems' own libraries."""

import base64
import sys
from collections.abc import Callable
from typing import Any

import bcrypt
import passlib.hash
import pytest
from werkzeug.security import generate_password_hash

from cityauth.core.hashing import HashDefect
from cityauth.core.password import Password, read
from cityauth.errors import MissingExtraError, PolicyError
from cityauth.hashing.argon2 import Argon2Hasher
from cityauth.hashing.legacy import ALL_SCHEMES, BCRYPT_SCHEMES, STANDARD_SCHEMES, require
from cityauth.policy import HashProfile, PasswordPolicy
from cityauth.ports.services import Verdict

HASHER = Argon2Hasher(HashProfile(memory_cost=64, time_cost=1, parallelism=1), legacy=ALL_SCHEMES)
WRONG = Verdict(matched=False)
PASSLIB: Any = passlib.hash  # its type stubs lack what it loads by name


def password(text: str) -> Password:
    """Read *text*, which is a password."""
    found = read(text, PasswordPolicy())
    assert isinstance(found, Password)
    return found


def django_scrypt(text: str) -> str:
    """What Django's ScryptPasswordHasher stores; its digest is taken from Werkzeug's of the same costs."""
    method, salt, digest = generate_password_hash(text, "scrypt:1024:8:5").split("$")
    _, n, r, p = method.split(":")
    return f"scrypt${n}${salt}${r}${p}${base64.b64encode(bytes.fromhex(digest)).decode()}"


def by_passlib(handler: Any, **costs: int) -> Callable[[str], str]:
    """What passlib's *handler* makes at low costs."""
    made: Callable[[str], str] = handler.using(**costs).hash
    return made


MAKERS: dict[str, Callable[[str], str]] = {
    "bcrypt": by_passlib(PASSLIB.bcrypt, rounds=4),
    "bcrypt 2a": lambda text: bcrypt.hashpw(text.encode(), bcrypt.gensalt(4, b"2a")).decode(),
    "bcrypt 2y": lambda text: bcrypt.hashpw(text.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$"),
    "django_argon2": by_passlib(PASSLIB.django_argon2, rounds=1, memory_cost=64, parallelism=1),
    "django_bcrypt": by_passlib(PASSLIB.django_bcrypt, rounds=4),
    "django_bcrypt_sha256": by_passlib(PASSLIB.django_bcrypt_sha256, rounds=4),
    "django_pbkdf2 sha1": by_passlib(PASSLIB.django_pbkdf2_sha1, rounds=10),
    "django_pbkdf2 sha256": by_passlib(PASSLIB.django_pbkdf2_sha256, rounds=10),
    "django_scrypt": django_scrypt,
    "werkzeug_pbkdf2 sha1": lambda text: generate_password_hash(text, "pbkdf2:sha1:10"),
    "werkzeug_pbkdf2 sha256": lambda text: generate_password_hash(text, "pbkdf2:sha256:10"),
    "werkzeug_pbkdf2 sha512": lambda text: generate_password_hash(text, "pbkdf2:sha512:10"),
    "werkzeug_scrypt": lambda text: generate_password_hash(text, "scrypt:1024:8:1"),
}


def test_every_older_scheme_is_made_by_its_own_library() -> None:
    """No format can be verified that these tests do not check against another implementation."""
    assert {name.split()[0] for name in MAKERS} == ALL_SCHEMES - {"argon2"}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("text", ["Ketunpoika7", "lösenordet från sommaren 2011", "𝄞" * 15, "loppu ", "x"])
def test_an_older_hash_verifies_and_is_outdated(name: str, text: str) -> None:
    """An old password works as it was, however short, and its hash asks to be replaced (ASVS 11.2.2, 11.4.2)."""
    assert HASHER.verify(password(text), MAKERS[name](text)) == Verdict(matched=True, outdated=True)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(
    ("set_text", "typed"),
    [
        ("äöåäöåäöå", "öäåöäåöäå"),
        ("äöåäöåäöå", "ЖЖЖЖЖЖЖЖЖ"),
        ("äöåäöåäöå", "?????????"),
        ("Ketunpoika7", "ketunpoika7"),
        ("Ketunpoika7", "Ketunpoika7 "),
        ("ketun\0poika", "ketun"),
        ("ketun\0poika", "ketun\0aaaaa"),
    ],
)
def test_a_different_password_is_wrong(name: str, set_text: str, typed: str) -> None:
    """Non-ASCII passwords of one length, another case, a space or what follows a NUL differ (B-71, ASVS 6.2.8)."""
    if "\0" in set_text and name in {"bcrypt", "django_bcrypt"}:
        stored = bcrypt.hashpw(set_text.encode(), bcrypt.gensalt(4)).decode()
        stored = f"bcrypt${stored}" if name == "django_bcrypt" else stored
    else:
        stored = MAKERS[name](set_text)
    assert HASHER.verify(password(typed), stored) == WRONG


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


@pytest.mark.parametrize("name", ["bcrypt", "django_bcrypt"])
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


def test_a_scheme_that_was_not_asked_for_is_not_run() -> None:
    """Without its schemes a bcrypt hash is an unknown scheme, at the dummy's cost (C-49)."""
    hasher = Argon2Hasher(HashProfile(memory_cost=64, time_cost=1, parallelism=1), legacy=STANDARD_SCHEMES)
    assert hasher.verify(password("x"), MAKERS["bcrypt"]("x")) == Verdict(
        matched=False, defect=HashDefect.UNKNOWN_SCHEME
    )


@pytest.mark.parametrize("name", ["bcrypt", "django_bcrypt", "django_scrypt"])
def test_what_is_installed_is_verified_without_being_asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever installs the extra signs in with bcrypt's hashes; without it they are an unknown scheme (C-49)."""
    profile = HashProfile(memory_cost=64, time_cost=1, parallelism=1)
    assert Argon2Hasher(profile).verify(password("x"), MAKERS[name]("x")).matched
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    assert Argon2Hasher(profile).verify(password("x"), MAKERS[name]("x")).matched == (name == "django_scrypt")


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for bcrypt without its library fails at construction and says what to install."""
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cityauth\[legacy\]'"):
        Argon2Hasher(legacy=ALL_SCHEMES)
    assert Argon2Hasher(legacy=STANDARD_SCHEMES).verify(password("x"), "").defect is HashDefect.MISSING


def test_an_unknown_scheme_is_a_mistake_of_the_caller() -> None:
    """A name that no format has is refused at construction, with the names there are."""
    with pytest.raises(PolicyError, match="'rot13'; there are argon2, bcrypt"):
        require(["rot13"])
    assert require(BCRYPT_SCHEMES) == BCRYPT_SCHEMES
