"""Fast hashes inside Argon2id: which ones, that their passwords still work, and that nothing tells them apart."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityauth.core.hash_kinds import HashKind, HashOrigin, PasswordEncoding
from cityauth.core.hashing import HashDefect, HashMix, StoredHash, draw
from cityauth.errors import HasherBusyError, UsageError
from cityauth.hashing import argon2 as adapter
from cityauth.hashing.hasher import Argon2Hasher
from cityauth.hashing.registry import HashFormats, built_in_formats
from cityauth.policy import HashLimits, HashProfile
from cityauth.ports.services import HashImporter, Verdict
from tests.support.hashes import SAMPLES, password
from tests.support.old_hashes import MAKERS

CHEAP = HashProfile(memory_cost=64, time_cost=1, parallelism=1)
RECIPES = {"oldportal": "hex(sha1(salt + password))"}
HASHER = Argon2Hasher(CHEAP, formats=built_in_formats(recipes=RECIPES))
MATCHED = Verdict(matched=True, outdated=True)
WRONG = Verdict(matched=False)

SLOW_FUNCTIONS = ("bcrypt", "argon2", "scrypt")
FAST = [one for one in MAKERS if HASHER.is_fast(MAKERS[one]("x")) and "des_crypt" not in one]
KINDS = [*MAKERS, *(f"wrapped {one}" for one in FAST)]


def made(kind: str, text: str = "kesäyö") -> str:
    """A hash of this kind."""
    stored = MAKERS[kind.removeprefix("wrapped ")](text)
    return HASHER.wrap(stored) if kind.startswith("wrapped ") else stored


def examine(stored: str) -> StoredHash:
    """Take *stored* apart, which may be run."""
    found = HashFormats(built_in_formats(recipes=RECIPES), HashLimits()).examine(stored)
    assert isinstance(found, StoredHash), found
    return found


def test_the_hasher_is_an_importer() -> None:
    """The ready-made hasher has every method of the port."""
    importer: HashImporter = HASHER
    assert importer.identify(SAMPLES["ldap_ssha"]) == "ldap_ssha"


def test_slow_functions_are_not_wrapped() -> None:
    """bcrypt, Argon2, scrypt and many rounds are left as they are; fast and unsalted hashes are wrapped."""
    assert not [one for one in FAST if any(word in one for word in SLOW_FUNCTIONS)]
    assert {"ldap_md5", "ldap_ssha", "mysql", "nt", "md5_crypt", "django_sha1", "mssql_2012", "aspnet_v2"} <= set(FAST)
    assert not HASHER.is_fast(SAMPLES["django_pbkdf2"])
    assert HASHER.is_fast(MAKERS["django_pbkdf2 sha256"]("x"))  # ten iterations
    assert not HASHER.is_fast(MAKERS["sha256_crypt 5000"]("x"))


@pytest.mark.parametrize("name", FAST)
def test_a_wrapped_hash_keeps_its_password(name: str) -> None:
    """The password still matches, its hash is to be replaced, and no other password matches (C-49)."""
    stored = made(f"wrapped {name}")
    assert HASHER.verify(password("kesäyö"), stored) == MATCHED
    for other in ("kesayö", "kesäyö ", "kesäyö\0", "x"):
        assert HASHER.verify(password(other), stored) == WRONG
    old = MAKERS[name]("kesäyö")
    assert HASHER.identify(stored) == f"wrapped {HASHER.identify(old)}"
    assert HASHER.find_defect(stored) is None
    assert not HASHER.is_fast(stored)


def test_the_old_digest_is_gone() -> None:
    """Nothing of the old digest is left in the stored text, so it cannot be tried at the old speed."""
    for name in FAST:
        old = MAKERS[name]("kesäyö")
        text = HASHER.wrap(old)
        wrapped, digest = examine(text).parameters, examine(old).parameters.digest
        assert digest not in wrapped.salt + wrapped.digest, name
        blank = text.rpartition("$wrapped")[2].split("$", 6)[6]
        assert examine(blank).parameters.digest == bytes(len(digest)), name


def test_a_mark_stays_before_a_wrapped_hash() -> None:
    """A wrapped Latin-1 hash says so, and its å ä ö work (D2)."""
    origin = HashOrigin("oldportal", PasswordEncoding.LATIN_1)
    latin = HASHER.adopt("suola$0c5d7a8d3f4c9b1e2a6f8d7c5b4a39281706f5e4", origin)
    assert isinstance(latin, str)
    wrapped = HASHER.wrap(latin)
    assert wrapped.startswith("{cityauth:latin-1}$wrapped$argon2id$")
    assert HASHER.adopt(wrapped, HashOrigin()) == wrapped
    assert HASHER.wrap("{cityauth:latin-1}" + SAMPLES["ldap_ssha"]).startswith("{cityauth:latin-1}$wrapped$")


@pytest.mark.parametrize("stored", ["", "salasana", SAMPLES["bcrypt"], SAMPLES["argon2"], "{SSHA}x"])
def test_only_fast_hashes_are_wrapped(stored: str) -> None:
    """Whoever wraps what is not fast made a mistake, and is told so; a wrapped hash is not wrapped again."""
    with pytest.raises(UsageError, match="is_fast"):
        HASHER.wrap(stored)
    with pytest.raises(UsageError, match="is_fast"):
        HASHER.wrap(made("wrapped ldap_md5"))


def test_a_weaker_profile_does_not_replace_a_wrapped_hash() -> None:
    """After a configuration was rolled back, a wrapped hash is not replaced by a weaker one (C-50)."""
    stronger = Argon2Hasher(HashProfile(memory_cost=128, time_cost=1, parallelism=1)).wrap(MAKERS["ldap_md5"]("kesä"))
    assert HASHER.verify(password("kesä"), stronger) == Verdict(matched=True, outdated=False)


def test_lack_of_memory_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """When Argon2 cannot get its memory, neither wrapping nor verifying says anything of the password (ASVS 16.5.3)."""
    wrapped = made("wrapped ldap_md5")

    def fail(*_: object, **__: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(adapter, "hash_secret_raw", fail)
    with pytest.raises(HasherBusyError):
        HASHER.verify(password("x"), wrapped)
    with pytest.raises(HasherBusyError):
        HASHER.wrap(SAMPLES["ldap_md5"])


@pytest.mark.parametrize("bomb", ["m=2097152,t=1,p=1", "m=64,t=4294967295,p=1", "m=64,t=11,p=1"])
def test_a_wrapped_bomb_is_never_run(bomb: str) -> None:
    """Neither the outer nor the inner costs may be over the limits (B-67, C-48)."""
    wrapped = made("wrapped ldap_md5")
    assert HASHER.find_defect(wrapped.replace("m=64,t=1,p=1", bomb)) is HashDefect.OVER_LIMIT
    inner = made("wrapped sha512_crypt").replace("rounds=1000", "rounds=999999999")
    assert HASHER.find_defect(inner) is HashDefect.OVER_LIMIT


@pytest.mark.parametrize(
    "stored",
    [
        "$wrapped$",
        "$wrapped$argon2id$v=19$m=64,t=1,p=1$c3VvbGFzdW9sYQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$wrapped$argon2id$v=19$m=64,t=1,p=1$c3VvbGFzdW9sYQ$AAAAAAAAAAAAAAAAAAAAAA$",
        "$wrapped$argon2id$v=19$m=64,t=1,p=1$c3VvbGFzdW9sYQ$AAAA$" + SAMPLES["ldap_md5"],
        "$wrapped$argon2id$v=19$m=64,t=1,p=1$c3VvbGFzdW9sYQ$AAAAAAAAAAAAAAAAAAAAAA$" + SAMPLES["bcrypt"],
        "$wrapped$argon2id$v=19$m=64,t=1,p=1$c3VvbGFzdW9sYQ$AAAAAAAAAAAAAAAAAAAAAA${MD5}x",
        "$wrapped" + SAMPLES["ldap_md5"],
    ],
)
def test_a_damaged_wrapped_hash_is_refused(stored: str) -> None:
    """A wrapped hash without its end, of a format that is never wrapped, or within itself is refused (C-49)."""
    verdict = HASHER.verify(password("kesäyö"), stored)
    assert not verdict.matched
    assert verdict.defect in {HashDefect.CORRUPT, HashDefect.UNKNOWN_SCHEME}
    nested = f"$wrapped$argon2id$v=19$m=64,t=1,p=1$c3VvbGFzdW9sYQ${'A' * 22}$" + made("wrapped ldap_md5")
    assert HASHER.find_defect(nested) is not None


def test_every_kind_has_a_sample_without_secrets() -> None:
    """The kind of a hash is the same for all that take equal work, and its sample is enough for dummies (B-15, F6)."""
    for kind in KINDS:
        found, other = HASHER.describe(made(kind)), HASHER.describe(made(kind, "jokin muu"))
        assert isinstance(found, HashKind), kind
        assert isinstance(other, HashKind), kind
        assert HASHER.describe(found.sample) == found
        assert (other.format, other.cost) == (found.format, found.cost)
        blanked = examine(found.sample).parameters
        assert set(blanked.salt) <= set(b"0"), kind
        assert not any(blanked.digest), kind


Run = tuple[str, tuple[object, ...]]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Every digest and slow function that a format computes, by the format's own method and costs."""
    seen: list[Run] = []

    def spy_on(kind: type[Any], name: str) -> None:
        real: Callable[..., Any] = getattr(kind, name)

        def spy(self: Any, secret: bytes, parameters: Any) -> Any:
            sizes = (str(parameters.costs), len(parameters.salt), len(parameters.digest))
            seen.append((f"{self.name}.{name}", sizes))
            return real(self, secret, parameters)

        monkeypatch.setattr(kind, name, spy)

    kinds = {type(one) for one in built_in_formats(recipes=RECIPES)}
    for name in ("verify", "digest_of"):
        for kind in {next(base for base in one.__mro__ if name in vars(base)) for one in kinds if hasattr(one, name)}:
            spy_on(kind, name)
    return seen


def runs_of(runs: list[Run], typed: str, stored: str) -> list[Run]:
    """What is computed to refuse a wrong password."""
    runs.clear()
    assert HASHER.verify(password(typed), stored) == WRONG
    return list(runs)


def test_a_dummy_runs_what_its_model_runs(runs: list[Run]) -> None:
    """A refusal of nobody's password computes exactly what a refusal of an old hash's computes (B-15, B-16, F6)."""
    recipe = "$recipe$oldportal$suola$" + "0f" * 20
    special = [recipe, HASHER.wrap(recipe), "{cityauth:latin-1}" + made("ldap_ssha")]
    for stored in [*map(made, KINDS), *special]:
        sample = HASHER.describe(stored)
        assert sample is not None, stored
        dummy = draw("1:kuka@example.com", bytes(32), HASHER.mix({sample.sample: 7}))
        assert HASHER.find_defect(dummy) is None, stored
        for typed in ("väärä", "va\u0308a\u0308ra\u0308", "x" * 100):
            assert runs_of(runs, typed, dummy) == runs_of(runs, typed, stored) != [], stored


ALL = [*SAMPLES.values(), *(HASHER.wrap(one) for one in SAMPLES.values() if HASHER.is_fast(one))]
SAFE = [one for one in ALL if not one.startswith("{pbkdf2")]
SMALL = Argon2Hasher(
    CHEAP,
    limits=HashLimits(argon2_memory_cost=64, bcrypt_cost=4, pbkdf2_iterations=1000, scrypt_n=2, digest_rounds=1000),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SAFE), st.integers(0, 200), st.text(max_size=4), st.integers(0, 6), st.booleans())
def test_a_changed_hash_never_raises_or_matches(stored: str, at: int, insert: str, cut: int, ends: bool) -> None:
    """A hash that was changed or cut anywhere opens nothing and raises nothing, and a refusal has its sentence (C-49)."""
    changed = stored[:at] if ends else stored[:at] + insert + stored[at + cut :]
    verdict = SMALL.verify(password("jotakin aivan muuta"), changed)
    assert not verdict.matched
    assert verdict.defect is SMALL.find_defect(changed)
    assert verdict.defect is None or verdict.defect.sentence
    assert SMALL.describe(changed) is None or verdict.defect is None
    assert isinstance(SMALL.is_fast(changed), bool)


def test_a_hash_that_lost_its_end_is_refused() -> None:
    """A text that was cut by a column that is too short is damaged, or is another password's hash (C-49).

    Where a salt of any length stands last, a shorter text is well formed, and matches nothing. Two systems read a cut text
    as their own rules say: ASP.NET takes 16 bytes of a digest, and SQL Server 2000 wrote the same password twice.
    """
    cuts = [(name, stored[:end]) for name in FAST for stored in [MAKERS[name]("kesäyö")] for end in range(len(stored))]
    well_formed = [(name, cut) for name, cut in cuts if HASHER.find_defect(cut) is None]
    matched = {name for name, cut in well_formed if HASHER.verify(password("kesäyö"), cut).matched}
    assert matched == {"aspnet_v3 sha1", "aspnet_v3 sha256", "aspnet_v3 sha512", "mssql_2005 2000"}
    salt_last = {"ldap_smd5", "ldap_ssha", "ldap_ssha256", "ldap_ssha384", "ldap_ssha512"}
    assert {name for name, _ in well_formed} <= matched | salt_last


def test_a_mix_is_drawn_by_weight() -> None:
    """Old, wrapped and new hashes are drawn as often as the population has them."""
    kinds = [made("ldap_ssha"), made("wrapped ldap_ssha"), SAMPLES["argon2"]]
    samples = [found.sample for one in kinds if (found := HASHER.describe(one))]
    mix: HashMix = HASHER.mix(dict(zip(samples, (70, 20, 10), strict=True)))
    drawn = [HASHER.identify(draw(f"1:asukas{number}@example.com", bytes(32), mix)) for number in range(300)]
    assert {one: drawn.count(one) > 10 for one in drawn} == dict.fromkeys(
        ("ldap_ssha", "wrapped ldap_ssha", "argon2"), True
    )
    assert drawn.count("ldap_ssha") > drawn.count("wrapped ldap_ssha") > drawn.count("argon2")
