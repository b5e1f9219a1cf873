"""Dummy hashes: what a password is verified against when no account has the identifier."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.hashing import HashDefect, HashMix, StoredHash, draw
from cityauth.errors import PolicyError
from cityauth.hashing.argon2 import model_of
from cityauth.policy import HashProfile
from tests.support.fakes import FORMATS
from tests.support.hashes import SAMPLES

SECRET = bytes(range(32))
BARE = sorted(name for name in SAMPLES if "bcrypt" not in name)
"""The formats that need no extra; tests/hashing/test_formats.py has the same for all."""

CURRENT = model_of(HashProfile.RFC_9106)


def shape(found: StoredHash | HashDefect) -> tuple[object, ...]:
    """What a hash costs: everything but the values of its salt and digest."""
    assert isinstance(found, StoredHash), found
    return found.format.name, found.parameters.costs, len(found.parameters.salt), len(found.parameters.digest)


def model(stored: str) -> StoredHash:
    """A model like *stored*."""
    found = FORMATS.examine(stored)
    assert isinstance(found, StoredHash)
    return found


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(BARE))
def test_a_dummy_has_the_shape_of_its_model(key: str, scheme: str) -> None:
    """A dummy's hash is well formed in every scheme and costs what an account's costs (B-15, F6)."""
    like = model(SAMPLES[scheme])
    assert shape(FORMATS.examine(draw(key, SECRET, HashMix((like,), (1,))))) == shape(like)


def test_the_default_mix_is_the_current_profile() -> None:
    """Where all accounts have current hashes, all dummies have (B-15)."""
    dummy = FORMATS.examine(draw("1:kuka@example.com", SECRET, HashMix((CURRENT,), (1,))))
    assert shape(dummy) == shape(CURRENT)


def test_a_dummy_is_always_the_same() -> None:
    """The same key draws the same hash each time; another key, or another secret, another one (B-15)."""
    mix = HashMix((model_of(HashProfile.SMALL),), (1,))
    first = draw("1:kuka@example.com", SECRET, mix)
    assert draw("1:kuka@example.com", SECRET, mix) == first
    assert draw("1:joku@example.com", SECRET, mix) != first
    assert draw("1:kuka@example.com", SECRET[::-1], mix) != first


def test_dummies_are_as_mixed_as_the_population() -> None:
    """The drawn parameters have the mix's distribution, within five standard errors (B-15)."""
    kinds = [CURRENT, model(SAMPLES["django_pbkdf2"]), model(SAMPLES["werkzeug_scrypt"])]
    mix = HashMix(tuple(kinds), (700, 250, 50))
    drawn = 5_000
    counted = Counter(
        shape(FORMATS.examine(draw(f"1:asukas{number}@example.com", SECRET, mix))) for number in range(drawn)
    )
    for kind, weight in zip(kinds, mix.weights, strict=True):
        share = weight / sum(mix.weights)
        assert abs(counted[shape(kind)] / drawn - share) < 5 * math.sqrt(share * (1 - share) / drawn)
    assert sum(counted.values()) == drawn


def test_a_dummy_moves_only_with_the_population() -> None:
    """When accounts get current hashes, dummies of old ones become current, and no other dummy changes (B-15)."""
    old = [model(SAMPLES["django_pbkdf2"]), model(SAMPLES["werkzeug_scrypt"])]
    before, after = HashMix((CURRENT, *old), (100, 600, 300)), HashMix((*old, CURRENT), (480, 240, 280))
    moves = Counter[tuple[str, str]]()
    for number in range(2000):
        drawn = (FORMATS.examine(draw(f"1:asukas{number}@example.com", SECRET, mix)) for mix in (before, after))
        first, second = (shape(one)[0] for one in drawn)
        moves[str(first), str(second)] += 1
    changed = {pair for pair in moves if pair[0] != pair[1]}
    assert changed == {(one.format.name, CURRENT.format.name) for one in old}


def test_equal_models_add_their_weights_up() -> None:
    """A mix that names one kind twice draws it as often as both weights say (B-15)."""
    other = model(SAMPLES["werkzeug_scrypt"])
    mix = HashMix((CURRENT, other, CURRENT), (1, 2, 1))
    drawn = Counter(shape(FORMATS.examine(draw(f"1:{number}", SECRET, mix)))[0] for number in range(2000))
    assert 0.45 < drawn[other.format.name] / 2000 < 0.55


@pytest.mark.parametrize(("models", "weights"), [((), ()), ((CURRENT,), (0,)), ((CURRENT,), (1, 1))])
def test_a_mix_of_nothing_is_refused(models: tuple[StoredHash, ...], weights: tuple[int, ...]) -> None:
    """A mix that nothing can be drawn from does not come to be (B-15)."""
    with pytest.raises(PolicyError):
        HashMix(models, weights)
