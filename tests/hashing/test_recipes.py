"""Recipes: what they compute, that every one ends, and that a wrong one says what is wrong."""

import base64
import contextlib
import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityauth import CityAuth, MemoryStore, NewAccount, Policy
from cityauth.core.hash_kinds import HashOrigin, PasswordEncoding
from cityauth.core.hashing import HashDefect
from cityauth.errors import PolicyError
from cityauth.hashing import HashRecipe
from cityauth.hashing.hasher import Argon2Hasher
from cityauth.hashing.recipes import MOST_DIGESTS, read_recipe
from cityauth.hashing.registry import built_in_formats
from cityauth.policy import HashLimits, HashProfile
from cityauth.ports.services import Verdict
from tests.support.hashes import password

CHEAP = HashProfile(memory_cost=64, time_cost=1, parallelism=1)
MATCHED = Verdict(matched=True, outdated=True)
WRONG = Verdict(matched=False)


def sha1(data: bytes) -> bytes:
    """SHA-1."""
    return hashlib.sha1(data, usedforsecurity=False).digest()


def md5(data: bytes) -> bytes:
    """MD5."""
    return hashlib.md5(data, usedforsecurity=False).digest()


def looped(password: bytes, salt: bytes) -> bytes:
    """A thousand rounds."""
    made = hashlib.sha256(salt + password).digest()
    for _ in range(1000):
        made = hashlib.sha256(made + password + salt).digest()
    return made


def plain_loop(password: bytes, salt: bytes) -> bytes:
    """Ten rounds of MD5 on hexadecimal digits."""
    made = password
    for _ in range(10):
        made = md5(made).hex().encode()
    return md5(made + salt)


RECIPES: dict[str, Callable[[bytes, bytes], bytes]] = {
    "hex(sha1(salt + password))": lambda password, salt: sha1(salt + password),
    "hex( md5( password+salt ) )": lambda password, salt: md5(password + salt),
    "base64(sha512(salt + password + salt))": lambda password, salt: hashlib.sha512(salt + password + salt).digest(),
    "hex(hmac(sha1, salt, password))": lambda password, salt: hmac.digest(salt, password, "sha1"),
    "hex(hmac(sha256, password, salt))": lambda password, salt: hmac.digest(password, salt, "sha256"),
    "hex(hmac(md5, \"pippuri\", salt + ':' + password))": lambda password, salt: hmac.digest(
        b"pippuri", salt + b":" + password, "md5"
    ),
    "hex(md5(hex(md5(password)) + salt))": lambda password, salt: md5(md5(password).hex().encode() + salt),
    "hex(sha1(base64(sha1(password)) + 'ä' + salt))": lambda password, salt: sha1(
        base64.b64encode(sha1(password)) + "ä".encode() + salt
    ),
    "hex(repeat(1000, sha256(it + password + salt), sha256(salt + password)))": looped,
    "hex(md5(repeat(10, hex(md5(it)), password) + salt))": plain_loop,
    "hex(md5(salt) + sha1(password))": lambda password, salt: md5(salt) + sha1(password),
    "hex(sha224(password + salt) + sha384(password))": lambda password, salt: (
        hashlib.sha224(password + salt).digest() + hashlib.sha384(password).digest()
    ),
}


def hasher(recipe: str, **limits: int) -> Argon2Hasher:
    """A hasher that knows one recipe."""
    formats = built_in_formats(recipes={"oldportal": recipe})
    return Argon2Hasher(CHEAP, formats=formats, limits=HashLimits(**limits))


def exported(recipe: str, made: bytes) -> str:
    """The digest as the recipe writes it."""
    return made.hex() if recipe.startswith("hex") else base64.b64encode(made).decode()


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("kesäyö", PasswordEncoding.UTF_8),
        ("kesäyö", PasswordEncoding.LATIN_1),
        ("x", PasswordEncoding.UTF_8),
        ("pitkä " * 60, PasswordEncoding.LATIN_1),
    ],
)
def test_a_recipe_computes_what_it_says(recipe: str, text: str, encoding: PasswordEncoding) -> None:
    """A hash of a home-made format verifies, plain and wrapped, and no other password does."""
    one = hasher(recipe)
    digest = exported(recipe, RECIPES[recipe](text.encode(encoding.value), b"suola"))
    stored = one.adopt(f"suola${digest}", HashOrigin("oldportal", encoding))
    assert isinstance(stored, str), stored
    assert stored.endswith(f"$recipe$oldportal$suola${digest}")
    for hashed in (stored, one.wrap(stored)):
        assert one.verify(password(text), hashed) == MATCHED
        for other in (text + "x", text + "\0", text.upper(), "suola" + text):
            assert one.verify(password(other), hashed) == WRONG
    assert one.identify(stored) == "oldportal"
    assert one.adopt(stored, HashOrigin()) == stored
    assert one.adopt(f"suola:{digest}", HashOrigin("oldportal", encoding)) == stored


def test_a_recipe_without_a_salt_takes_the_digest_alone() -> None:
    """Without a salt the export is the digest, in any case of its letters."""
    one = hasher("hex(sha1(password))")
    stored = one.adopt(sha1(b"kesa").hex().upper(), HashOrigin("oldportal"))
    assert stored == "$recipe$oldportal$$" + sha1(b"kesa").hex().upper()
    assert one.verify(password("kesa"), stored) == MATCHED
    assert one.adopt("suola$" + sha1(b"kesa").hex(), HashOrigin("oldportal")) is HashDefect.CORRUPT


@pytest.mark.parametrize("salt", ["a b", "ä", "%41", "a$b", "a:b", "\x00\x01", "~" * 256])
def test_any_salt_can_be_stored(salt: str) -> None:
    """A salt of any characters is read as it was, and written so that the text can be taken apart."""
    one = hasher("hex(sha1(salt + password))")
    stored = one.adopt(f"{salt}${sha1((salt + 'kesä').encode()).hex()}", HashOrigin("oldportal"))
    assert isinstance(stored, str)
    assert stored.isascii()
    assert one.verify(password("kesä"), stored) == MATCHED


DIGEST = "0f" * 20


@pytest.mark.parametrize(
    "stored",
    [
        "$recipe$oldportal$",
        "$recipe$oldportal$suola",
        "$recipe$oldportal$suola$",
        f"$recipe$oldportal$${DIGEST}",
        f"$recipe$oldportal$suola${DIGEST[:-1]}",
        f"$recipe$oldportal$suola${DIGEST[:-2]}",
        f"$recipe$oldportal$suola${DIGEST}0f",
        f"$recipe$oldportal$suola$ {DIGEST[1:]}",
        f"$recipe$oldportal$suola$x${DIGEST}",
        f"$recipe$oldportal$su%olä${DIGEST}",
        f"$recipe$oldportal$su%6fla${DIGEST}",
        f"$recipe$oldportal${'s' * 257}${DIGEST}",
    ],
)
def test_a_damaged_hash_of_a_recipe_is_corrupt(stored: str) -> None:
    """Anything but the name, a salt and a whole digest is damage (C-49)."""
    assert hasher("hex(sha1(salt + password))").find_defect(stored) is HashDefect.CORRUPT


def test_an_unknown_recipe_is_an_unknown_scheme() -> None:
    """A hash of a recipe that the configuration does not have, or a declared name of none, is not stored (C-48)."""
    one = hasher("hex(sha1(salt + password))")
    assert one.find_defect(f"$recipe$other$suola${DIGEST}") is HashDefect.UNKNOWN_SCHEME
    assert one.adopt(f"suola${DIGEST}", HashOrigin("other")) is HashDefect.UNKNOWN_SCHEME
    assert one.adopt(f"suola${DIGEST}", HashOrigin()) is HashDefect.UNKNOWN_SCHEME


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("", "must begin with"),
        ("sha1(password)", "must begin with"),
        ("HEX(sha1(password))", "the grammar does not have"),
        ("hex(password)", "must write a digest"),
        ("hex(salt + password)", "must write a digest"),
        ("hex(sha1(salt))", "does not use the password"),
        ("hex('0123456789abcdef0123')", "does not use the password"),
        ("hex(sha1(salt + password)", "ends where '\\)' must stand"),
        ("hex(sha1(salt + password)))", "goes on after its end"),
        ("hex(sha1(salt password))", "has 'password' where '\\)' must stand"),
        ("hex(sha1(salt + ))", "has '\\)' where a value must stand"),
        ("hex(sha1(salt +", "ends where a value must stand"),
        ("hex(sha1(username + password))", "has 'username' where a value must stand"),
        ("hex(sha1(it + password))", "has 'it' where a value must stand"),
        ("hex(crc32(password))", "has 'crc32' where a value must stand"),
        ("hex(sha1(password.encode()))", "has '.', which the grammar does not have"),
        ("hex(sha1(__import__))", "has '_', which the grammar does not have"),
        ("hex(sha1(password + 'abc))", "which the grammar does not have"),
        ("hex(sha1(hex(password)))", "may use hex\\(\\) only on a digest"),
        ("hex(hmac(password, salt))", "has 'password' where one of"),
        ("hex(hmac(sha1, password))", "has '\\)' where ',' must stand"),
        ("hex(repeat(0, sha1, password))", "needs how many times"),
        ("hex(repeat(x, sha1, password))", "needs how many times"),
        ("hex(repeat(-1, sha1, password))", "the grammar does not have"),
        ("hex(repeat(3, sha1(password), salt))", "must repeat a function"),
        ("hex(repeat(3, it + it, password))", "must repeat a function"),
        ("hex(repeat(1000001, sha1, password))", "takes too much work"),
        ("hex(repeat(2000, repeat(2000, sha1, it), password))", "takes too much work"),
        ("hex(" + "sha1(" * 30 + "password" + ")" * 31, "brackets within each other"),
        ("hex(sha1(" + "password + " * 20 + "password))", "takes too much work"),
        ("hex(sha1(password))" + " " * 500, "one line of at most"),
        ("hex(sha1(password +\n salt))", "one line of at most"),
        ("hex(md5(password) + repeat(3, hex(hex(hex(hex(hex(it))))), md5(salt)))", "only on a digest|must repeat"),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong(recipe: str, message: str) -> None:
    """A recipe outside the grammar, without the password or without an end in sight is refused with a sentence."""
    with pytest.raises(PolicyError, match=message) as raised:
        HashRecipe("oldportal", recipe)
    assert str(raised.value).startswith("hashes.oldportal: ")


@pytest.mark.parametrize("name", ["", "Old", "old portal", "$", "old-portal", "x" * 33, "1old"])
def test_a_name_must_fit_the_stored_text(name: str) -> None:
    """A name that could not be read back from the stored text is refused."""
    with pytest.raises(PolicyError, match="no name of a format"):
        HashRecipe(name, "hex(sha1(password))")


def test_a_name_is_taken_once() -> None:
    """A recipe cannot take the place of a built-in format."""
    formats = built_in_formats(recipes={"nt": "hex(sha1(password))"})
    with pytest.raises(PolicyError, match="'nt'"):
        Argon2Hasher(CHEAP, formats=formats)


def test_the_limits_bound_a_recipe_as_well() -> None:
    """A recipe over the deployment's own limit is never run (C-48)."""
    one = hasher("hex(repeat(5000, sha1, salt + password))", digest_rounds=4999)
    assert one.find_defect(f"$recipe$oldportal$suola${DIGEST}") is HashDefect.OVER_LIMIT
    assert not hasher("hex(repeat(5000, sha1, salt + password))").is_fast(f"$recipe$oldportal$suola${DIGEST}")
    assert hasher("hex(repeat(5000, sha1, password))").is_fast(f"$recipe$oldportal$${DIGEST}")  # without a salt


_WORDS = st.sampled_from(
    [*"(),+", "hex", "base64", "md5", "sha1", "sha256", "hmac", "repeat", "password", "salt", "it", "3", "'a'", " "]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(_WORDS, max_size=25).map("".join)))
def test_any_text_is_a_recipe_or_a_sentence(text: str) -> None:
    """No text makes the reader raise anything but its sentence, and what is read is within the bound (C-48)."""
    with contextlib.suppress(PolicyError):
        read = read_recipe("oldportal", text)
        assert read.step.work <= MOST_DIGESTS
        assert len(read.step.run(b"salasana", b"suola", b"")) == read.step.most_bytes


def test_a_policy_has_recipes() -> None:
    """A deployment with a recipe in its policy takes and verifies such hashes."""
    policy = Policy(hashing=CHEAP, hashes={"oldportal": "hex(sha1(salt + password))"})
    auth = CityAuth(MemoryStore(), [bytes(range(32))], policy=policy)
    stored = f"$recipe$oldportal$suola${sha1('suolakesä'.encode()).hex()}"
    assert auth.passwords.find_defect(stored) is None
    auth.accounts.add(NewAccount("Erkki", usernames=["erkki"], password_hash=stored))
    with pytest.raises(PolicyError, match="does not use the password"):
        CityAuth(MemoryStore(), [bytes(range(32))], policy=Policy(hashes={"x": "hex(sha1(salt))"}))
