"""The built-in hash formats: read strictly, bounded before they are run, and compared by cost."""

import base64
import hashlib
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.hashing import HashDefect, HashMix, HashParameters, StoredHash, draw
from cityauth.errors import PolicyError
from cityauth.hashing.argon2 import ARGON2, Argon2Costs, may_replace, model_of
from cityauth.hashing.bcrypt import BcryptCosts
from cityauth.hashing.pbkdf2 import Pbkdf2Costs
from cityauth.hashing.registry import HashFormats, built_in_formats
from cityauth.hashing.scrypt import ScryptCosts
from cityauth.policy import HashLimits, HashProfile
from tests.support.hashes import DIGEST31, DIGEST43, PADDED32, PADDED64, SALT22, SAMPLES

pytest.importorskip("bcrypt", reason="the formats of bcrypt are among those that are tested here")

FORMATS = HashFormats(built_in_formats(), HashLimits())
BY_NAME = {one.name: one for one in built_in_formats()}


def examine(stored: str) -> StoredHash:
    """Read *stored*, which may be run."""
    found = FORMATS.examine(stored)
    assert isinstance(found, StoredHash), found
    return found


def render(found: StoredHash) -> str:
    """Write *found* down."""
    return found.format.render(found.parameters)


def test_every_format_has_a_sample() -> None:
    """The formats that can be read are the ones that these tests know (C-48)."""
    assert set(SAMPLES) == set(BY_NAME)


def test_a_stored_hash_is_read_and_written_back() -> None:
    """Each format is recognized as itself, and what is read is written back the same (C-48)."""
    assert {name: examine(stored).format.name for name, stored in SAMPLES.items()} == {name: name for name in SAMPLES}
    assert [stored for stored in SAMPLES.values() if render(examine(stored)) != stored] == []


def test_salt_and_digest_are_not_shown() -> None:
    """A hash taken apart shows its costs, and neither its salt nor its digest (B-74)."""
    for found in map(examine, SAMPLES.values()):
        assert "salt=" not in repr(found)
        assert "digest=" not in repr(found)
        assert str(found.parameters.salt) not in repr(found)


def test_a_dummy_has_the_shape_of_its_model() -> None:
    """A dummy hash of every format is well formed and costs what its model costs (B-15, F6)."""
    for name, stored in SAMPLES.items():
        model = examine(stored)
        dummy = examine(draw("1:kuka@example.com", bytes(32), HashMix((model,), (1,))))
        assert dummy.format.name == model.format.name
        assert dummy.parameters.costs == model.parameters.costs, name
        assert len(dummy.parameters.salt) == len(model.parameters.salt), name
        assert len(dummy.parameters.digest) == len(model.parameters.digest), name
        assert dummy.parameters.digest != model.parameters.digest, name


_SALT = st.binary(min_size=16, max_size=16)
_TEXT_SALT = st.text("abcXYZ019", min_size=1, max_size=64).map(str.encode)


def _hashes(
    costs: st.SearchStrategy[Any], salts: st.SearchStrategy[bytes], digest: int, *names: str
) -> st.SearchStrategy[StoredHash]:
    parts = st.builds(HashParameters[Any], costs, salts, st.binary(min_size=digest, max_size=digest))
    return st.builds(StoredHash, st.sampled_from([BY_NAME[name] for name in names]), parts)


_ANY_HASH = st.one_of(
    _hashes(
        st.builds(
            Argon2Costs,
            st.sampled_from(["id", "i", "d"]),
            st.sampled_from([16, 19]),
            st.integers(128, 2**18),
            st.integers(1, 10),
            st.integers(1, 16),
        ),
        st.binary(min_size=8, max_size=64),
        32,
        "argon2",
        "django_argon2",
    ),
    _hashes(
        st.builds(BcryptCosts, st.sampled_from("aby"), st.integers(4, 14)),
        _SALT,
        23,
        "bcrypt",
        "django_bcrypt",
        "django_bcrypt_sha256",
    ),
    _hashes(
        st.builds(Pbkdf2Costs, st.just("sha1"), st.integers(1, 2_000_000)),
        _TEXT_SALT,
        20,
        "django_pbkdf2",
        "werkzeug_pbkdf2",
    ),
    _hashes(
        st.builds(
            ScryptCosts,
            st.integers(1, 17).map(lambda log2: int(2**log2)),
            st.integers(1, 8),
            st.integers(1, 10),
        ).filter(lambda costs: costs.is_sound(1, 64)),
        _TEXT_SALT,
        64,
        "django_scrypt",
        "werkzeug_scrypt",
    ),
)


@given(_ANY_HASH)
def test_reading_undoes_writing(made: StoredHash) -> None:
    """Whatever is written within the limits is read back as it was (C-48)."""
    found = examine(render(made))
    assert (found.format.name, found.parameters) == (made.format.name, made.parameters)


def test_cost_bombs_are_over_the_limit() -> None:
    """A stored hash that would burn minutes or gigabytes is refused from its text alone (B-67, B-70, C-48)."""
    bombs = [
        f"$argon2id$v=19$m=2097152,t=3,p=4${SALT22}${DIGEST43}",
        f"$argon2id$v=19$m=65536,t=4294967295,p=4${SALT22}${DIGEST43}",
        f"$argon2id$v=19$m=65536,t=3,p=255${SALT22}${DIGEST43}",
        f"argon2$argon2i$v=19$m=9999999999,t=1,p=1${SALT22}${DIGEST43}",
        f"$2b$31$N93W0OiK6aEeGxVb4TNZLe{DIGEST31}",
        f"$2y$15$N93W0OiK6aEeGxVb4TNZLe{DIGEST31}",
        f"bcrypt_sha256$$2b$20$N93W0OiK6aEeGxVb4TNZLe{DIGEST31}",
        f"pbkdf2_sha256$2147483648$uAY5cO1bXltK${PADDED32}",
        f"pbkdf2:sha256:2000001$B8L9Tsk6FZv9dWH8${'0f' * 32}",
        f"scrypt$262144$uAY5cO1bXltK$8$1${PADDED64}",
        f"scrypt:32768:9:1$B8L9Tsk6FZv9dWH8${'0f' * 64}",
        f"scrypt:32768:8:11$B8L9Tsk6FZv9dWH8${'0f' * 64}",
        f"$5$rounds=999999999$salt${'A' * 42}.",
        f"{{CRYPT}}$6$rounds=1000001$salt${'A' * 85}.",
        f"$P$I12345678{'A' * 21}.",
        f"$y$jFT$abcd${'A' * 43}",
        f"{{CRYPT}}$y$jZT$abcd${'A' * 43}",
        f"$H$S12345678{'A' * 21}.",
        f"$S$S12345678{'A' * 43}",
        f"U$S$S12345678{'A' * 43}",
        f"$pbkdf2-sha512$2000001$c3VvbGE${'A' * 86}",
        f"$pbkdf2$999999999$c3VvbGE${'A' * 27}",
        SAMPLES["aspnet_v3"].replace("AQAAAAAAAAAK", "AQAAAAAATEtA"),
        SAMPLES["keycloak"].replace('\\"hashIterations\\": 10', '\\"hashIterations\\": 500001'),
        SAMPLES["keycloak_argon2"].replace('[\\"64\\"]', '[\\"99999999999\\"]'),
        SAMPLES["keycloak_argon2"].replace('\\"hashIterations\\": 1', '\\"hashIterations\\": 11'),
        SAMPLES["keycloak"].replace('\\"hashIterations\\": 10', '\\"hashIterations\\": 999999999999999'),
    ]
    assert [bomb for bomb in bombs if FORMATS.examine(bomb) is not HashDefect.OVER_LIMIT] == []


def test_a_damaged_hash_is_corrupt() -> None:
    """A known beginning with anything but the exact format behind it is corrupt (C-49)."""
    damaged = [
        "$argon2id$",
        f"$argon2id$v=18$m=65536,t=3,p=4${SALT22}${DIGEST43}",
        f"$argon2id$v=19$m=065536,t=3,p=4${SALT22}${DIGEST43}",
        f"$argon2id$v=19$m=65536,t=0,p=4${SALT22}${DIGEST43}",
        f"$argon2id$v=19$m=65536,t=-1,p=4${SALT22}${DIGEST43}",
        f"$argon2id$v=19$m=65536,t=٣,p=4${SALT22}${DIGEST43}",
        f"$argon2id$v=19$m=16,t=3,p=4${SALT22}${DIGEST43}",
        f"$argon2id$v=19$m=65536,t=3,p=4$c2FsdA${DIGEST43}",
        f"$argon2id$v=19$m=65536,t=3,p=4${'A' * 13}${DIGEST43}",
        f"$argon2id$v=19$m=65536,t=3,p=4${SALT22}$AAAAAAAAAAAAAAA",
        f"$argon2id$v=19$m=65536,t=3,p=4${SALT22}$",
        f"$2b$03$N93W0OiK6aEeGxVb4TNZLe{DIGEST31}",
        f"$2x$12$N93W0OiK6aEeGxVb4TNZLe{DIGEST31}",
        f"$2b$12$N93W0OiK6aEeGxVb4TNZLe{DIGEST31[1:]}",
        f"pbkdf2_sha256$870000$uAY5cO1bXltK${'A' * 44}",
        f"pbkdf2_sha256$870000$uAY5cO1bXltK${'A' * 17}",
        f"pbkdf2_sha256$870000$${PADDED32}",
        f"pbkdf2_md5$870000$uAY5cO1bXltK${PADDED32}",
        f"pbkdf2:sha256:1000$B8L9Tsk6FZv9dWH8${'0f' * 64}",
        f"scrypt:32767:8:1$B8L9Tsk6FZv9dWH8${'0f' * 64}",
        f"scrypt:65536:1:1$B8L9Tsk6FZv9dWH8${'0f' * 64}",
        f"scrypt:131072:1:10$B8L9Tsk6FZv9dWH8${'0f' * 64}",
        f"scrypt$65536$uAY5cO1bXltK$1$1${PADDED64}",
        f"$argon2id$v=19$m=65536,t=3${SALT22}${DIGEST43}",
        f"$argon2id$v=19$m=65536,t=3,p=4,t=3${SALT22}${DIGEST43}",
        f"$argon2id$v=19$m=65536,t=3,p=4,keyid=AAAA${SALT22}${DIGEST43}",
        f"$argon2id$v=19$m=65536,t=3,p=4${SALT22}=${DIGEST43}",
        f"$argon2x$v=19$m=65536,t=3,p=4${SALT22}${DIGEST43}",
        f"pbkdf2:sha384:1000$B8L9Tsk6FZv9dWH8${'0f' * 32}",
        f"scrypt:1:8:1$B8L9Tsk6FZv9dWH8${'0f' * 64}",
        f"scrypt$16384$uAY5cO1bXltK$8$5${PADDED32}",
        f"$argon2id$v=19$m=65536,t=3,p=4${SALT22}${'A' * 10_000_000}",
        f"$5$rounds=999$salt${'A' * 42}.",
        f"$5$rounds=05000$salt${'A' * 42}.",
        f"$5$rounds=$salt${'A' * 42}.",
        f"$6$saltsaltsaltsalts${'A' * 85}.",
        "$1$suolä$$" + "A" * 22,
        f"$P$412345678{'A' * 21}.",
        f"$P$Z12345678{'A' * 20}",
        "$1$abc$def",
        "$y$j9T$abc$def",
        "$y$j9T$abcde$" + "A" * 43,
        "$y$j95$abc$" + "A" * 42,
        "{SSHA}abc",
        "{SSHA}lyLfhfGMnDq+IIST/gSSPwPvMPg=",
        "{SHA}lyLfhfGMnDq+IIST/gSSPwPvMPgA",
        "{SHA}lyLfhfGMnDq+IIST/gSSPwPvMPg",
        "{MD5}salasana",
        "{CRYPT}",
        "{CRYPT}kw9SrUJTmP2w",
        "md5$suola$a13bcc734da1d14a696ef3ddfdefc61",
        "sha1$suola$a13bcc734da1d14a696ef3ddfdefc61c",
        "0x0100BD77EEFD",
        "$3$$4c38c72e1dfd0f42838704c023cee9d",
        "$wp$2y$10$",
        "{pbkdf2}73756f6c",
        "{PKCS5S2}abc",
        SAMPLES["aspnet_v3"][:-8],
        SAMPLES["aspnet_v3"].replace("AQAAAAAAAAAK", "AQAAAAkAAAAK"),
        SAMPLES["keycloak"][:-1],
        SAMPLES["keycloak"].replace("pbkdf2", "pbkdf9"),
        SAMPLES["keycloak"].replace("salt", "pepper"),
        '{"credentialData": null, "secretData": []}',
        '{"credentialData": "[]", "secretData": "7"}',
        SAMPLES["keycloak_argon2"].replace('[\\"64\\"]', "[]"),
        SAMPLES["keycloak_argon2"].replace('[\\"64\\"]', '[\\"-64\\"]'),
        SAMPLES["keycloak_argon2"].replace('[\\"32\\"]', '[\\"33\\"]'),
        SAMPLES["keycloak_argon2"].replace("1.3", "1.9"),
        '{"credentialData": ' + "[" * 1500,
    ]
    assert [one for one in damaged if FORMATS.examine(one) is not HashDefect.CORRUPT] == []


@pytest.mark.parametrize(
    ("stored", "defect"),
    [
        ("", HashDefect.MISSING),
        ("!", HashDefect.UNUSABLE),
        ("!Kd8s0a9shdKJHkjhsd", HashDefect.UNUSABLE),
        ("!$6$rounds=5000$salt$digest", HashDefect.UNUSABLE),
        ("*", HashDefect.UNUSABLE),
        ("*LK*", HashDefect.UNUSABLE),
        ("*THISISNOTAVALIDPASSWORDTHATCANBEUSEDHERE", HashDefect.UNUSABLE),
        ("*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E1", HashDefect.UNUSABLE),
        ("{noop}salasana", HashDefect.PLAIN_TEXT),
        ("{CLEARTEXT}salasana", HashDefect.PLAIN_TEXT),
        ("  \n", HashDefect.MISSING),
        ("null", HashDefect.UNKNOWN_SCHEME),
        ("None", HashDefect.UNKNOWN_SCHEME),
        ("salasana", HashDefect.UNKNOWN_SCHEME),
        ("$7$abc$def", HashDefect.UNKNOWN_SCHEME),
        ("{CRYPT}$gy$j9T$abc$def", HashDefect.UNKNOWN_SCHEME),
        ("{X-UNKNOWN}abc", HashDefect.UNKNOWN_SCHEME),
        ("d41d8cd98f00b204e9800998ecf8427e", HashDefect.UNKNOWN_SCHEME),
    ],
)
def test_what_is_no_hash_says_why(stored: str, defect: HashDefect) -> None:
    """No password, an unusable marker and an unknown scheme are told apart for the audit trail (B-72, B-73)."""
    assert FORMATS.examine(stored) is defect


_NEARLY = st.builds(
    lambda sample, at, insert, cut: sample[:at] + insert + sample[at + cut :],
    st.sampled_from(sorted(SAMPLES.values())),
    st.integers(0, 120),
    st.text(max_size=5),
    st.integers(0, 5),
)


@given(st.one_of(st.text(max_size=600), _NEARLY))
def test_no_text_raises(stored: str) -> None:
    """Any text is either a hash or a defect, and a hash that is run is within the limits (C-48, C-49)."""
    found = FORMATS.examine(stored)
    assert isinstance(found, HashDefect) or not found.parameters.costs.exceeds(HashLimits())


V16 = f"$argon2i$v=16$m=64,t=2,p=1${SALT22}${DIGEST43}"
V19 = SAMPLES["argon2"]


DIALECTS = [
    (V16.replace("$v=16", ""), V16),
    (V16.replace("$v=16", "").replace("m=64,t=2,p=1", "p=1,t=2,m=64"), V16),
    (V19.replace("m=65536,t=3,p=4", "t=3,m=65536,p=4"), V19),
    (V19.replace("m=65536,t=3,p=4", "p=4,t=3,m=65536"), V19),
    (V19.replace("$v=19$m=65536,t=3,p=4", "$m=65536,t=3,p=4,v=19"), V19),
    (V19.replace("$v=19$m=65536,t=3,p=4", "$m=65536,t=3,p=4$v=19"), V19),
    (V19.replace(SALT22, SALT22 + "=="), V19),
    (V19.replace(DIGEST43, DIGEST43 + "="), V19),
    (V19.replace(SALT22, SALT22 + "==") + "=", V19),
    (
        SAMPLES["django_argon2"].replace("$v=19$m=102400,t=2,p=8", "$v=19$t=2,p=8,m=102400"),
        SAMPLES["django_argon2"],
    ),
    *(
        (blank + stored + blank, stored)
        for stored in SAMPLES.values()
        for blank in (" ", "\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2003", "\u200b", "\x85")
    ),
    *((stored + " " * 2000, stored) for stored in SAMPLES.values()),
    *(("\ufeff" + stored, stored) for stored in SAMPLES.values()),
]
"""What old systems write, and what it is stored as."""


def test_a_dialect_is_the_same_hash() -> None:
    """Other orders, a left-out version, padding and blanks around a hash change nothing in it (C-49)."""
    assert [dialect for dialect, canonical in DIALECTS if examine(dialect) != examine(canonical)] == []
    assert [dialect for dialect, canonical in DIALECTS if render(examine(dialect)) != canonical] == []


def test_padding_must_fit() -> None:
    """Padding that does not fill the last group of four letters is damage (C-49)."""
    assert FORMATS.examine(V19 + "==") is HashDefect.CORRUPT


@pytest.mark.parametrize("algorithm", ["sha1", "sha224", "sha256", "sha384", "sha512"])
def test_every_digest_of_sha_is_read(algorithm: str) -> None:
    """PBKDF2 is read with each of the SHA-1 and SHA-2 functions, in both formats (C-49)."""
    digest = hashlib.pbkdf2_hmac(algorithm, b"x", b"salt", 1)
    for stored in (
        f"pbkdf2:{algorithm}:1$salt${digest.hex()}",
        f"pbkdf2_{algorithm}$1$salt${base64.b64encode(digest).decode()}",
    ):
        assert examine(stored).parameters == HashParameters(Pbkdf2Costs(algorithm, 1), b"salt", digest)


@pytest.mark.parametrize("memory", [2**31, 2**40])
def test_what_the_function_cannot_do_is_over_the_limit(memory: int) -> None:
    """Limits that a host set too high run no scrypt and no PBKDF2 that OpenSSL refuses (C-48)."""
    formats = HashFormats(built_in_formats(), HashLimits(scrypt_n=memory, scrypt_r=64, pbkdf2_iterations=memory))
    for stored in (
        f"scrypt:16777216:1:1$B8L9Tsk6FZv9dWH8${'0f' * 64}".replace(":1:1", ":8:1"),
        f"pbkdf2_sha256$2147483648$uAY5cO1bXltK${PADDED32}",
    ):
        assert formats.examine(stored) is HashDefect.OVER_LIMIT


@pytest.mark.parametrize("name", [one.name for one in fields(HashLimits)])
def test_a_limit_below_one_is_refused(name: str) -> None:
    """A limit under which no hash could be verified does not come to be (C-48)."""
    with pytest.raises(PolicyError, match=f"hash_limits.{name} must be at least 1"):
        replace(HashLimits(), **{name: 0})


def stored_at(memory_cost: int, time_cost: int, parallelism: int = 1) -> HashParameters[Argon2Costs]:
    """The parts of an Argon2id hash with these parameters."""
    return model_of(HashProfile(memory_cost, time_cost, parallelism)).parameters


TARGET = HashProfile(memory_cost=65536, time_cost=3, parallelism=4)


@pytest.mark.parametrize(
    ("stored", "replaceable", "weaker"),
    [
        pytest.param(stored_at(65536, 3, 4), True, False, id="the same"),
        pytest.param(stored_at(65536, 3, 1), True, False, id="other lanes, same cost"),
        pytest.param(stored_at(19456, 2), True, True, id="less memory"),
        pytest.param(stored_at(65536, 2), True, True, id="fewer passes"),
        pytest.param(stored_at(19456, 10), True, True, id="less memory and work, more passes"),
        pytest.param(stored_at(65536, 4), False, False, id="more passes"),
        pytest.param(stored_at(131072, 1), False, False, id="more memory, less work"),
        pytest.param(stored_at(131072, 3), False, False, id="more of both"),
    ],
)
def test_a_hash_is_never_made_weaker(stored: HashParameters[Argon2Costs], replaceable: bool, weaker: bool) -> None:
    """A hash is replaced only where neither its memory nor its work sinks (C-50, ASVS 11.4.2)."""
    assert (may_replace(stored, TARGET), ARGON2.needs_rehash(stored, TARGET)) == (replaceable, weaker)


def test_a_configuration_rolled_back_rewrites_nothing() -> None:
    """A hash of 64 MiB stays under a profile of 19 MiB (C-50)."""
    assert not ARGON2.needs_rehash(stored_at(65536, 3, 4), HashProfile.SMALL)


@pytest.mark.parametrize(
    "older",
    [
        replace(stored_at(65536, 3, 4), costs=Argon2Costs("i", 19, 65536, 3, 4)),
        replace(stored_at(65536, 3, 4), costs=Argon2Costs("d", 19, 65536, 3, 4)),
        replace(stored_at(65536, 3, 4), costs=Argon2Costs("id", 16, 65536, 3, 4)),
        replace(stored_at(65536, 3, 4), salt=bytes(8)),
        replace(stored_at(65536, 3, 4), digest=bytes(16)),
    ],
)
def test_a_weaker_kind_of_argon2_is_outdated(older: HashParameters[Argon2Costs]) -> None:
    """Argon2i, Argon2d, an older version, a short salt or a short digest is replaced (ASVS 11.4.2)."""
    assert ARGON2.needs_rehash(older, TARGET)
    assert may_replace(older, TARGET)


def test_another_function_is_outdated() -> None:
    """A hash of any other function than Argon2 is replaced (ASVS 11.4.2)."""
    for older in (examine(stored) for name, stored in SAMPLES.items() if "argon2" not in name):
        assert older.format.needs_rehash(older.parameters, TARGET), older.format.name
        assert may_replace(older.parameters, TARGET), older.format.name


def test_two_formats_of_one_name_are_refused() -> None:
    """A format that is registered twice is the host's mistake."""
    with pytest.raises(PolicyError, match="'argon2'"):
        HashFormats((*built_in_formats(), ARGON2), HashLimits())
