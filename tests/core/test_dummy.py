"""HashMixes: the stored hashes of accounts that do not exist."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.dummy import HashMix, draw
from cityauth.core.hashing import HashDefect, HashParameters, examine, parameters_of
from cityauth.errors import PolicyError
from cityauth.policy import HashLimits, HashProfile
from tests.core.test_hashing import SAMPLES

LIMITS = HashLimits()
SECRET = bytes(range(32))
CURRENT = parameters_of(HashProfile.RFC_9106, bytes(16), bytes(32))


def shape(found: HashParameters | HashDefect) -> tuple[object, ...]:
    """What a hash costs: everything but the values of its salt and digest."""
    assert isinstance(found, HashParameters), found
    return found.scheme, found.costs, len(found.salt), len(found.digest)


def template(stored: str) -> HashParameters:
    """A template like *stored*."""
    found = examine(stored, LIMITS)
    assert isinstance(found, HashParameters)
    return found


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(sorted(SAMPLES)))
def test_a_dummy_has_the_shape_of_its_template(key: str, scheme: str) -> None:
    """A dummy's hash is well formed in every scheme and costs what an account's costs (B-15, F6)."""
    like = template(SAMPLES[scheme])
    assert shape(examine(draw(key, SECRET, HashMix((like,), (1,))), LIMITS)) == shape(like)


def test_the_default_mix_is_the_current_profile() -> None:
    """Where all accounts have current hashes, all hash_mix have (B-15)."""
    dummy = examine(draw("1:kuka@example.com", SECRET, HashMix.only(HashProfile.RFC_9106)), LIMITS)
    assert shape(dummy) == shape(CURRENT)


def test_a_dummy_is_always_the_same() -> None:
    """The same key draws the same hash each time; another key, or another secret, another one (B-15)."""
    mix = HashMix.only(HashProfile.SMALL)
    first = draw("1:kuka@example.com", SECRET, mix)
    assert draw("1:kuka@example.com", SECRET, mix) == first
    assert draw("1:joku@example.com", SECRET, mix) != first
    assert draw("1:kuka@example.com", SECRET[::-1], mix) != first


def test_dummys_are_as_mixed_as_the_population() -> None:
    """The drawn parameters have the mix's distribution, within five standard errors (B-15)."""
    kinds = [CURRENT, template(SAMPLES["django_pbkdf2"]), template(SAMPLES["bcrypt"])]
    mix = HashMix(tuple(kinds), (700, 250, 50))
    drawn = 5_000
    counted = Counter(
        shape(examine(draw(f"1:asukas{number}@example.com", SECRET, mix), LIMITS)) for number in range(drawn)
    )
    for kind, weight in zip(kinds, mix.weights, strict=True):
        share = weight / sum(mix.weights)
        assert abs(counted[shape(kind)] / drawn - share) < 5 * math.sqrt(share * (1 - share) / drawn)
    assert sum(counted.values()) == drawn


@pytest.mark.parametrize(("templates", "weights"), [((), ()), ((CURRENT,), (0,)), ((CURRENT,), (1, 1))])
def test_a_mix_of_nothing_is_refused(templates: tuple[HashParameters, ...], weights: tuple[int, ...]) -> None:
    """A mix that nothing can be drawn from does not come to be (B-15)."""
    with pytest.raises(PolicyError):
        HashMix(templates, weights)
