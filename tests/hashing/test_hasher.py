"""The hasher's promises, by counting what it runs."""

import hashlib
import re
from typing import Any

import argon2
import pytest
from argon2.low_level import hash_secret_raw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityauth.core.hashing import HashDefect, HashMatch, HashMix, HashParameters, StoredHash, draw
from cityauth.core.passwords import Password
from cityauth.errors import HasherBusyError, PolicyError
from cityauth.hashing import argon2 as adapter
from cityauth.hashing.argon2 import model_of
from cityauth.hashing.hasher import Argon2Hasher
from cityauth.hashing.registry import built_in_formats
from cityauth.policy import HashLimits, HashProfile
from cityauth.ports.services import PasswordHasher, Verdict
from tests.support.fakes import FORMATS
from tests.support.hashes import SAMPLES, password

CHEAP = HashProfile(memory_cost=64, time_cost=1, parallelism=1)
HASHER: PasswordHasher = Argon2Hasher(CHEAP, formats=[one for one in built_in_formats() if "bcrypt" not in one.name])
WRONG = Verdict(matched=False)


RIGHT = password("vanha salasana vuodelta 1998")
STORED = HASHER.hash(RIGHT)

Run = tuple[object, ...]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Every run of a slow function: its name and its costs, in order."""
    seen: list[Run] = []
    real_argon2, real_pbkdf2, real_scrypt = hash_secret_raw, hashlib.pbkdf2_hmac, hashlib.scrypt

    def spy_argon2(secret: bytes, salt: bytes, **costs: Any) -> bytes:
        seen.append(("argon2", len(salt), *costs.values()))
        return real_argon2(secret, salt, **costs)

    def spy_pbkdf2(algorithm: str, secret: bytes, salt: bytes, iterations: int) -> bytes:
        seen.append(("pbkdf2", algorithm, iterations))
        return real_pbkdf2(algorithm, secret, salt, iterations)

    def spy_scrypt(secret: bytes, **costs: Any) -> bytes:
        seen.append(("scrypt", costs["n"], costs["r"], costs["p"]))
        return real_scrypt(secret, **costs)

    monkeypatch.setattr(adapter, "hash_secret_raw", spy_argon2)
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", spy_pbkdf2)
    monkeypatch.setattr(hashlib, "scrypt", spy_scrypt)
    return seen


def runs_of(runs: list[Run], entered: Password, stored: str) -> list[Run]:
    """What one verification runs."""
    runs.clear()
    HASHER.verify(entered, stored)
    return list(runs)


def test_a_hash_is_argon2id_that_others_can_read() -> None:
    """A new hash is Argon2id of the profile with 16 bytes of salt, readable by any Argon2 (ASVS 11.4.2, NIST 3.1.1.2)."""
    found = argon2.extract_parameters(STORED)
    assert (found.type, found.version) == (argon2.Type.ID, 19)
    assert (found.memory_cost, found.time_cost, found.parallelism) == (64, 1, 1)
    assert (found.salt_len, found.hash_len) == (16, 32)
    assert argon2.PasswordHasher().verify(STORED, RIGHT.nfc)


def test_the_default_profile_is_rfc_9106() -> None:
    """Without a word the hasher works with 64 MiB, 3 passes and 4 lanes (ASVS 11.4.2)."""
    found = argon2.extract_parameters(Argon2Hasher().hash(RIGHT))
    assert (found.memory_cost, found.time_cost, found.parallelism) == (65536, 3, 4)


def test_every_hash_has_its_own_salt() -> None:
    """Hashing the same password twice gives two hashes (ASVS 11.4.2)."""
    assert HASHER.hash(RIGHT) != STORED


def test_the_right_password_matches() -> None:
    """The password that was hashed matches, and its current hash stays (ASVS 6.2.8)."""
    assert HASHER.verify(RIGHT, STORED) == Verdict(matched=True, outdated=False, defect=None)


@pytest.mark.parametrize(
    ("set_text", "typed"),
    [
        ("a" * 199 + "b", "a" * 199 + "c"),
        ("a" * 200, "a" * 199),
        ("Vanha Salasana", "vanha salasana"),
        ("vanha salasana", "vanha salasana "),
        (" vanha salasana", "vanha salasana"),
        ("vanha\0salasana", "vanha"),
        ("vanha\0salasana", "vanha\0salaisuus"),
        ("Väinö", "Vaino"),
        ("ﬁ", "fi"),
        ("ß", "ss"),
    ],
)
def test_the_whole_password_counts(set_text: str, typed: str) -> None:
    """One different last character, letter case, a space or what follows a NUL is a wrong password (ASVS 6.2.8)."""
    assert HASHER.verify(password(typed), HASHER.hash(password(set_text))) == WRONG


@pytest.mark.parametrize("length", [1, 7, 14, 64, 1024])
def test_any_length_verifies(length: int) -> None:
    """Old short passwords keep working, and 1024 code points do too (ASVS 6.2.9)."""
    entered = password("ä" * length)
    assert HASHER.verify(entered, HASHER.hash(entered)).matched


@pytest.mark.parametrize(("set_text", "typed"), [("Väinö", "Va\u0308ino\u0308"), ("Va\u0308ino\u0308", "Väinö")])
def test_a_decomposed_letter_is_the_same_letter(set_text: str, typed: str) -> None:
    """What was set in NFC is right when typed in NFD, and the other way round (NIST 3.1.1.2)."""
    assert HASHER.verify(password(typed), HASHER.hash(password(set_text))) == Verdict(matched=True)


def hash_of(text: str, profile: HashProfile) -> str:
    """A hash of exactly *text*, as a system without normalization stored it."""
    return argon2.PasswordHasher(profile.time_cost, profile.memory_cost, profile.parallelism).hash(text)


def test_a_hash_of_the_raw_text_is_found_and_replaced() -> None:
    """A hash that an older system made of unnormalized text matches as received, and is to be replaced (ASVS 11.2.2)."""
    raw = "Va\u0308ino\u0308"
    assert HASHER.verify(password(raw), hash_of(raw, CHEAP)) == Verdict(matched=True, outdated=True)


def test_a_stronger_hash_of_the_raw_text_stays() -> None:
    """A raw text's hash is not replaced by a weaker one either (C-50)."""
    raw = "Va\u0308ino\u0308"
    stronger = HashProfile(memory_cost=128, time_cost=1, parallelism=1)
    assert HASHER.verify(password(raw), hash_of(raw, stronger)) == Verdict(matched=True, outdated=False)


def test_the_second_candidate_depends_on_the_input_alone(runs: list[Run]) -> None:
    """Text that NFC changes is run twice, whichever candidate matches or none, and other text once (B-15, F6)."""
    raw = "Va\u0308ino\u0308"
    decomposed, other = password(raw), password("joku muu")
    stored = [HASHER.hash(decomposed), hash_of(raw, CHEAP), STORED, "", "!"]
    assert [len(runs_of(runs, decomposed, text)) for text in stored] == [2] * 5
    assert [len(runs_of(runs, other, text)) for text in stored] == [1] * 5


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(STORED, id="right"),
        pytest.param(HASHER.hash(password("jokin muu")), id="wrong"),
        pytest.param(draw("1:kuka@example.com", bytes(range(32)), HashMix((model_of(CHEAP),), (1,))), id="unknown"),
        pytest.param("", id="no password"),
        pytest.param("!x8Kd", id="unusable"),
        pytest.param("$argon2id$v=19$m=64,t=1,p=1$", id="corrupt"),
        pytest.param("{SSHA}abc", id="unknown scheme"),
        pytest.param(SAMPLES["bcrypt"], id="scheme not enabled"),
        pytest.param(SAMPLES["argon2"].replace("m=65536", "m=2097152"), id="over the limit"),
    ],
)
def test_every_outcome_costs_one_verification(runs: list[Run], stored: str) -> None:
    """Right, wrong, unknown, unusable, corrupt and refused hashes run Argon2 once at equal costs (B-15, B-16, B-17, C-49, F6)."""
    assert runs_of(runs, RIGHT, stored) == [("argon2", 16, 1, 64, 1, 32, argon2.Type.ID, 19)]


@pytest.mark.parametrize(
    "stored",
    [
        SAMPLES["argon2"].replace("m=65536", "m=128"),
        SAMPLES["django_argon2"].replace("m=102400", "m=256"),
        SAMPLES["django_pbkdf2"].replace("$870000$", "$12$"),
        SAMPLES["django_scrypt"].replace("$16384$", "$64$"),
        SAMPLES["werkzeug_pbkdf2"].replace(":210000$", ":34$"),
        SAMPLES["werkzeug_scrypt"].replace(":32768:", ":32:"),
    ],
)
def test_a_dummy_costs_what_its_model_costs(runs: list[Run], stored: str) -> None:
    """A dummy drawn like an older hash runs the same function at the same costs as that hash (B-15, F6)."""
    like = FORMATS.examine(stored)
    assert isinstance(like, StoredHash)
    dummy = draw("1:kuka@example.com", bytes(range(32)), HashMix((like,), (1,)))
    assert runs_of(runs, RIGHT, dummy) == runs_of(runs, RIGHT, stored) != []
    assert HASHER.verify(RIGHT, dummy) == WRONG


@pytest.mark.parametrize(
    "bomb",
    [
        SAMPLES["argon2"].replace("m=65536", "m=2097152"),
        SAMPLES["argon2"].replace("t=3", "t=4294967295"),
        SAMPLES["bcrypt"].replace("$12$", "$31$"),
        SAMPLES["django_pbkdf2"].replace("870000", "2147483648"),
        SAMPLES["werkzeug_scrypt"].replace("32768", "1073741824"),
    ],
)
def test_a_cost_bomb_is_never_run(runs: list[Run], bomb: str) -> None:
    """A stored hash over the limits is refused with its defect, and only the dummy runs (B-67, B-70, C-48)."""
    assert Argon2Hasher(CHEAP).verify(RIGHT, bomb) == Verdict(matched=False, defect=HashDefect.OVER_LIMIT)
    assert runs == [("argon2", 16, 1, 64, 1, 32, argon2.Type.ID, 19)]


@pytest.mark.parametrize(
    "stored",
    ["", "null", "None", "\0", "!", "NULL", pytest.param(HASHER.hash(password("x"))[:-43], id="no digest")],
)
def test_nothing_stored_matches_nothing(stored: str) -> None:
    """An empty, blank or "null" hash matches no password, not even the same text (B-72, B-73)."""
    for text in ("null", "None", " ", "\0", "!"):
        verdict = HASHER.verify(password(text), stored)
        assert not verdict.matched
        assert verdict.defect is not None


def test_a_missing_hash_that_is_none_is_no_error() -> None:
    """A store that answers None where the port says text gets the same refusal (B-72)."""
    nothing: Any = None
    assert HASHER.verify(RIGHT, nothing) == Verdict(matched=False, defect=HashDefect.MISSING)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(max_size=200),
        st.builds(
            lambda at, insert, cut: STORED[:at] + insert + STORED[at + cut :],
            st.integers(0, 100),
            st.text(max_size=4),
            st.integers(1, 4),
        ),
    )
)
def test_no_stored_text_raises_or_matches(stored: str) -> None:
    """Any text in place of the hash is refused without an exception (C-49, ASVS 11.2.5)."""
    entered = password("jotakin aivan muuta")
    assert not Argon2Hasher(CHEAP, limits=HashLimits(argon2_memory_cost=640)).verify(entered, stored).matched


@pytest.mark.parametrize(
    ("stored", "outdated"),
    [
        (HashProfile(memory_cost=32, time_cost=1, parallelism=1), True),
        (HashProfile(memory_cost=64, time_cost=1, parallelism=1), False),
        (HashProfile(memory_cost=64, time_cost=2, parallelism=1), False),
        (HashProfile(memory_cost=128, time_cost=1, parallelism=1), False),
    ],
)
def test_only_a_weaker_hash_is_outdated(stored: HashProfile, outdated: bool) -> None:
    """After a match the verdict asks for a new hash where the stored one is weaker, never where stronger (C-50)."""
    assert HASHER.verify(RIGHT, Argon2Hasher(stored).hash(RIGHT)) == Verdict(matched=True, outdated=outdated)


@pytest.mark.parametrize("kind", [argon2.Type.I, argon2.Type.D])
def test_argon2i_and_argon2d_are_moved_to_argon2id(kind: argon2.Type) -> None:
    """The other variants verify, and are outdated at equal costs (ASVS 11.4.2)."""
    stored = argon2.PasswordHasher(1, 64, 1, type=kind).hash(RIGHT.nfc)
    assert HASHER.verify(RIGHT, stored) == Verdict(matched=True, outdated=True)


def test_a_wrong_password_is_never_outdated() -> None:
    """Nothing is replaced on a password that does not match."""
    weak = Argon2Hasher(HashProfile(memory_cost=8, time_cost=1, parallelism=1)).hash(RIGHT)
    assert HASHER.verify(password("väärä"), weak) == WRONG


def test_non_ascii_passwords_of_one_length_differ() -> None:
    """Two different passwords of non-ASCII letters never verify for each other (B-71)."""
    stored = HASHER.hash(password("äöåäöåäöåäöåäöå"))
    assert HASHER.verify(password("öäåöäåöäåöäåöäå"), stored) == WRONG
    assert HASHER.verify(password("ЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖ"), stored) == WRONG


def test_a_profile_over_its_own_limits_is_refused() -> None:
    """A hasher whose own new hashes it would not run cannot be made (C-48)."""
    with pytest.raises(PolicyError, match="limits"):
        Argon2Hasher(HashProfile.SMALL, limits=HashLimits(argon2_memory_cost=1024))


@pytest.mark.parametrize("error", [argon2.exceptions.HashingError("Memory allocation error"), MemoryError()])
@pytest.mark.parametrize("stored", [pytest.param(STORED, id="stored"), "", SAMPLES["bcrypt"]])
def test_lack_of_memory_is_not_a_wrong_password(monkeypatch: pytest.MonkeyPatch, error: Exception, stored: str) -> None:
    """When Argon2 cannot get its memory the hasher is busy: nothing is known of the password (ASVS 16.5.3)."""

    def fail(*_: object, **__: object) -> bytes:
        raise error

    monkeypatch.setattr(adapter, "hash_secret_raw", fail)
    with pytest.raises(HasherBusyError):
        HASHER.verify(RIGHT, stored)
    with pytest.raises(HasherBusyError):
        HASHER.hash(RIGHT)


@pytest.mark.parametrize("error", [ValueError("[digital envelope routines] memory limit exceeded"), MemoryError()])
def test_lack_of_memory_for_scrypt_is_busy(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """When scrypt cannot get its memory the hasher is busy as well (ASVS 16.5.3)."""

    def fail(*_: object, **__: object) -> bytes:
        raise error

    monkeypatch.setattr(hashlib, "scrypt", fail)
    with pytest.raises(HasherBusyError):
        HASHER.verify(RIGHT, SAMPLES["django_scrypt"])


SCRYPT = st.builds(
    lambda log2, r, p: f"scrypt:{2**log2}:{r}:{p}$B8L9Tsk6FZv9dWH8${'0f' * 64}",
    st.integers(1, 18),
    st.integers(1, 3),
    st.integers(1, 3),
)


@settings(max_examples=30)
@given(SCRYPT)
def test_what_may_be_run_can_be_run(stored: str) -> None:
    """No scrypt hash passes the judgement and then raises, however its numbers are combined (C-48)."""
    verdict = HASHER.verify(RIGHT, stored)
    assert (verdict.matched, verdict.defect) == (False, HASHER.find_defect(stored))


@pytest.mark.parametrize(
    "hasher", [HASHER, Argon2Hasher(CHEAP, limits=HashLimits(argon2_memory_cost=64, bcrypt_cost=4))]
)
def test_one_question_decides_what_is_run(hasher: PasswordHasher) -> None:
    """A hash is run exactly when no defect is found in it beforehand (C-48)."""
    every = [*SAMPLES.values(), STORED, "", "!", "null", "*" * 41, "scrypt:65536:1:1$s$" + "0f" * 64]
    assert [one for one in every if hasher.verify(RIGHT, one).defect is not hasher.find_defect(one)] == []


class Md5Format:
    """A host's own format: two lines of MD5, as no new system would write it."""

    name = "esimerkki"

    def identify(self, stored: str) -> bool:
        """Say whether it begins like a hash of the old system."""
        return stored.startswith("esimerkki:")

    def parse(self, stored: str, limits: HashLimits) -> HashParameters[int] | HashDefect:
        """Take it apart."""
        match = re.fullmatch(r"esimerkki:([0-9]{1,9}):([0-9a-z]+):([0-9a-f]{32})", stored)
        if match is None:
            return HashDefect.CORRUPT
        rounds = int(match[1])
        if rounds > 1000:
            return HashDefect.OVER_LIMIT
        return HashParameters(rounds, match[2].encode(), bytes.fromhex(match[3]))

    def verify(self, password: bytes, parameters: HashParameters[int]) -> HashMatch:
        """Run it once; the old system cut passwords at 8 bytes."""
        found = self.digest(password[:8], parameters.salt, parameters.costs) == parameters.digest
        if not found:
            return HashMatch.NO
        return HashMatch.TRUNCATED if len(password) > 8 else HashMatch.YES

    def needs_rehash(self, parameters: HashParameters[int], profile: HashProfile) -> bool:
        """Replace it always."""
        return True

    def render(self, parameters: HashParameters[int]) -> str:
        """Write it down."""
        return f"esimerkki:{parameters.costs}:{parameters.salt.decode()}:{parameters.digest.hex()}"

    def digest(self, password: bytes, salt: bytes, rounds: int) -> bytes:
        """The old system's digest."""
        made = salt + password
        for _ in range(rounds):
            made = hashlib.md5(made, usedforsecurity=False).digest()
        return made


OWN = Md5Format()
OWN_STORED = OWN.render(HashParameters(3, b"suola", OWN.digest(b"salasana", b"suola", 3)))
EXTENDED = Argon2Hasher(CHEAP, formats=(*built_in_formats(), OWN))


def test_a_hosts_own_format_is_verified() -> None:
    """A format that a host registers works like a built-in one: match, cut match, wrong, damaged, over its bounds."""
    assert EXTENDED.verify(password("salasana"), OWN_STORED) == Verdict(matched=True, outdated=True)
    cut = Verdict(matched=True, outdated=True, defect=HashDefect.TRUNCATED)
    assert EXTENDED.verify(password("salasana1234"), OWN_STORED) == cut
    assert EXTENDED.verify(password("väärä"), OWN_STORED) == WRONG
    assert EXTENDED.find_defect(OWN_STORED) is None
    assert EXTENDED.find_defect(OWN_STORED[:-1]) is HashDefect.CORRUPT
    assert EXTENDED.find_defect(OWN_STORED.replace(":3:", ":1001:")) is HashDefect.OVER_LIMIT
    assert HASHER.find_defect(OWN_STORED) is HashDefect.UNKNOWN_SCHEME


def test_a_format_that_lacks_memory_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lack of memory in a host's own format is the same error as in a built-in one (ASVS 16.5.3)."""

    def fail(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(OWN, "digest", fail)
    with pytest.raises(HasherBusyError):
        EXTENDED.verify(RIGHT, OWN_STORED)


def test_a_hosts_own_format_has_dummies() -> None:
    """Dummy hashes are drawn in a host's own format as well, with the costs of its sample (B-15, F6)."""
    mix = EXTENDED.mix({OWN_STORED: 3, STORED: 1})
    drawn = [draw(f"1:asukas{number}@example.com", bytes(32), mix) for number in range(100)]
    own = [one for one in drawn if OWN.identify(one)]
    assert 50 < len(own) < 100
    assert {one.split(":")[1] for one in own} == {"3"}
    assert [one for one in drawn if EXTENDED.find_defect(one)] == []
    assert EXTENDED.verify(RIGHT, own[0]) == WRONG


@pytest.mark.parametrize("sample", ["", "salasana", SAMPLES["bcrypt"].replace("$12$", "$31$")])
def test_a_mix_of_what_cannot_be_verified_is_refused(sample: str) -> None:
    """A sample that the hasher does not run, or none at all, makes no mix of dummies (B-15)."""
    with pytest.raises(PolicyError):
        EXTENDED.mix({sample: 1})
    with pytest.raises(PolicyError):
        EXTENDED.mix({})


def test_a_hasher_that_could_not_verify_its_own_hashes_is_refused() -> None:
    """The formats must have Argon2, which new hashes are made with (C-48)."""
    with pytest.raises(PolicyError, match="lack Argon2"):
        Argon2Hasher(CHEAP, formats=[OWN])


def test_the_hasher_shows_nothing() -> None:
    """Neither the hasher nor a verdict shows a hash or a password (B-74, B-77)."""
    shown = repr(HASHER) + repr(HASHER.verify(RIGHT, STORED))
    assert STORED not in shown
    assert RIGHT.nfc not in shown


@pytest.mark.parametrize(
    ("stored", "memory"),
    [
        (None, 64),
        ("$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHQ$" + "A" * 43, 4096),
        ("  $argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHQ$" + "A" * 43, 4096),
        ("$argon2id$v=19$p=1,t=1,m=4096$c29tZXNhbHQ$" + "A" * 43, 4096),
        ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$" + "A" * 43, 64),
        ("$argon2id$v=19$m=64,t=1,p=1$damaged", 64),
        ("$argon2id$v=19$m=999999,t=1,p=1$c29tZXNhbHQ$" + "A" * 43, 64),
        ("scrypt:16384:8:1$salt$" + "0" * 128, 16387),
        ("pbkdf2:sha256:1000$salt$" + "0" * 64, 0),
        ("$y$j75$TYea2yMGZxjlYt0Kxwx7A.$R6fx2.kYwO83iUWuKa30dQMcldRJbtZ0QFQ.ruz.CU4", 1024),
        ("$wrapped$argon2id$v=19$m=2048,t=1,p=1$c29tZXNhbHQ$" + "A" * 43 + "$md5$salt$" + "0" * 32, 2048),
        ("no hash at all", 64),
        ("", 64),
    ],
)
def test_a_hash_says_how_much_memory_it_takes(stored: str | None, memory: int) -> None:
    """Each format counts with its own costs; what is not run counts as the dummy that runs instead (C-44)."""
    assert Argon2Hasher(CHEAP).memory_of(stored) == memory
