"""Stored hashes as text: read strictly, bounded, and compared by cost."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.hash_costs import Argon2Costs, BcryptCosts, Costs, Pbkdf2Costs, ScryptCosts
from cityauth.core.hashing import (
    SCHEMES,
    HashDefect,
    HashParameters,
    examine,
    is_weaker,
    may_replace,
    parameters_of,
    render,
)
from cityauth.policy import HashLimits, HashProfile

LIMITS = HashLimits()
SALT22, DIGEST31, DIGEST43 = "bG1jc3lsNGlrdjNoeTZiNA", "A" * 30 + ".", "A" * 43
PADDED32, PADDED64 = "A" * 43 + "=", "A" * 86 + "=="

SAMPLES = {
    "argon2": f"$argon2id$v=19$m=65536,t=3,p=4${SALT22}${DIGEST43}",
    "bcrypt": f"$2b$12$N93W0OiK6aEeGxVb4TNZLe{DIGEST31}",
    "django_argon2": f"argon2$argon2id$v=19$m=102400,t=2,p=8${SALT22}${DIGEST43}",
    "django_bcrypt": f"bcrypt$$2b$12$N93W0OiK6aEeGxVb4TNZLe{DIGEST31}",
    "django_bcrypt_sha256": f"bcrypt_sha256$$2b$12$N93W0OiK6aEeGxVb4TNZLe{DIGEST31}",
    "django_pbkdf2": f"pbkdf2_sha256$870000$uAY5cO1bXltK${PADDED32}",
    "django_scrypt": f"scrypt$16384$uAY5cO1bXltK$8$5${PADDED64}",
    "werkzeug_pbkdf2": f"pbkdf2:sha512:210000$B8L9Tsk6FZv9dWH8${'0f' * 64}",
    "werkzeug_scrypt": f"scrypt:32768:8:1$B8L9Tsk6FZv9dWH8${'0f' * 64}",
}


def parameters(stored: str) -> HashParameters:
    """Read *stored*, which may be run."""
    found = examine(stored, LIMITS)
    assert isinstance(found, HashParameters), found
    return found


def test_every_scheme_has_a_sample() -> None:
    """The formats that can be read are the ones that these tests know (C-48)."""
    assert set(SAMPLES) == SCHEMES


@pytest.mark.parametrize(("scheme", "stored"), SAMPLES.items())
def test_a_stored_hash_is_read_and_written_back(scheme: str, stored: str) -> None:
    """Each format is recognized as itself, and what is read is written back the same (C-48)."""
    assert parameters(stored).scheme == scheme
    assert render(parameters(stored)) == stored


@pytest.mark.parametrize("stored", SAMPLES.values())
def test_salt_and_digest_are_not_shown(stored: str) -> None:
    """A hash taken apart shows its costs, and neither its salt nor its digest (B-74)."""
    found = parameters(stored)
    assert "salt" not in repr(found)
    assert "digest" not in repr(found)
    assert str(found.salt) not in repr(found)


_SALT = st.binary(min_size=16, max_size=16)
_TEXT_SALT = st.text("abcXYZ019", min_size=1, max_size=64).map(str.encode)


def _hashes(
    costs: st.SearchStrategy[Costs], salts: st.SearchStrategy[bytes], digest: int, *schemes: str
) -> st.SearchStrategy[HashParameters]:
    return st.builds(
        HashParameters, st.sampled_from(schemes), costs, salts, st.binary(min_size=digest, max_size=digest)
    )


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
        ),
        _TEXT_SALT,
        64,
        "django_scrypt",
        "werkzeug_scrypt",
    ),
)


@given(_ANY_HASH)
def test_reading_undoes_writing(made: HashParameters) -> None:
    """Whatever is written within the limits is read back as it was (C-48)."""
    assert examine(render(made), LIMITS) == made


@pytest.mark.parametrize(
    "bomb",
    [
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
    ],
)
def test_cost_bombs_are_over_the_limit(bomb: str) -> None:
    """A stored hash that would burn minutes or gigabytes is refused from its text alone (B-67, B-70, C-48)."""
    assert examine(bomb, LIMITS) is HashDefect.OVER_LIMIT


@pytest.mark.parametrize(
    "corrupt",
    [
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
        f"$argon2id$v=19$m=65536,t=3,p=4${SALT22}${DIGEST43}\n",
        f" $argon2id$v=19$m=65536,t=3,p=4${SALT22}${DIGEST43}"[1:] + " ",
        f"$2b$03$N93W0OiK6aEeGxVb4TNZLe{DIGEST31}",
        f"$2x$12$N93W0OiK6aEeGxVb4TNZLe{DIGEST31}",
        f"$2b$12$N93W0OiK6aEeGxVb4TNZLe{DIGEST31[1:]}",
        f"pbkdf2_sha256$870000$uAY5cO1bXltK${'A' * 44}",
        f"pbkdf2_sha256$870000$uAY5cO1bXltK${'A' * 17}",
        f"pbkdf2_sha256$870000$${PADDED32}",
        f"pbkdf2_md5$870000$uAY5cO1bXltK${PADDED32}",
        f"pbkdf2:sha256:1000$B8L9Tsk6FZv9dWH8${'0f' * 64}",
        f"scrypt:32767:8:1$B8L9Tsk6FZv9dWH8${'0f' * 64}",
        f"scrypt:1:8:1$B8L9Tsk6FZv9dWH8${'0f' * 64}",
        f"scrypt$16384$uAY5cO1bXltK$8$5${PADDED32}",
        f"$argon2id$v=19$m=65536,t=3,p=4${SALT22}${'A' * 10_000_000}",
    ],
)
def test_a_damaged_hash_is_corrupt(corrupt: str) -> None:
    """A known beginning with anything but the exact format behind it is corrupt (C-49)."""
    assert examine(corrupt, LIMITS) is HashDefect.CORRUPT


@pytest.mark.parametrize(
    ("stored", "defect"),
    [
        ("", HashDefect.MISSING),
        ("!", HashDefect.UNUSABLE),
        ("!Kd8s0a9shdKJHkjhsd", HashDefect.UNUSABLE),
        ("*", HashDefect.UNUSABLE),
        ("null", HashDefect.UNKNOWN_SCHEME),
        ("None", HashDefect.UNKNOWN_SCHEME),
        ("salasana", HashDefect.UNKNOWN_SCHEME),
        ("$1$abc$def", HashDefect.UNKNOWN_SCHEME),
        ("d41d8cd98f00b204e9800998ecf8427e", HashDefect.UNKNOWN_SCHEME),
    ],
)
def test_what_is_no_hash_says_why(stored: str, defect: HashDefect) -> None:
    """No password, an unusable marker and an unknown scheme are told apart for the audit trail (B-72, B-73)."""
    assert examine(stored, LIMITS) is defect


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
    found = examine(stored, LIMITS)
    assert isinstance(found, HashDefect) or not found.costs.exceeds(LIMITS)


def stored_at(memory_cost: int, time_cost: int, parallelism: int = 1) -> HashParameters:
    """An Argon2id hash with these parameters."""
    return parameters_of(HashProfile(memory_cost, time_cost, parallelism), bytes(16), bytes(32))


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
def test_a_hash_is_never_made_weaker(stored: HashParameters, replaceable: bool, weaker: bool) -> None:
    """A hash is replaced only where neither its memory nor its work sinks (C-50, ASVS 11.4.2)."""
    assert (may_replace(stored, TARGET), is_weaker(stored, TARGET)) == (replaceable, weaker)


def test_a_configuration_rolled_back_rewrites_nothing() -> None:
    """A hash of 64 MiB stays under a profile of 19 MiB (C-50)."""
    assert not is_weaker(stored_at(65536, 3, 4), HashProfile.SMALL)


@pytest.mark.parametrize(
    "older",
    [
        replace(stored_at(65536, 3, 4), costs=Argon2Costs("i", 19, 65536, 3, 4)),
        replace(stored_at(65536, 3, 4), costs=Argon2Costs("d", 19, 65536, 3, 4)),
        replace(stored_at(65536, 3, 4), costs=Argon2Costs("id", 16, 65536, 3, 4)),
        replace(stored_at(65536, 3, 4), salt=bytes(8)),
        replace(stored_at(65536, 3, 4), digest=bytes(16)),
        *(parameters(SAMPLES[scheme]) for scheme in SAMPLES if "argon2" not in scheme),
    ],
)
def test_another_function_is_outdated(older: HashParameters) -> None:
    """Argon2i, Argon2d, an older version, a short salt or digest and every other scheme are replaced (ASVS 11.4.2)."""
    assert is_weaker(older, TARGET)
    assert may_replace(older, TARGET)


def test_an_unknown_scheme_cannot_be_written() -> None:
    """Writing a scheme that nobody knows is the caller's mistake."""
    with pytest.raises(KeyError):
        render(replace(stored_at(64, 1), scheme="rot13"))
