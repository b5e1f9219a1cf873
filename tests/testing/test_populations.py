"""The populations that the kit draws: a store can hold each of them, and every kind of trouble is among them."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import Phase, find, given, settings

from cityauth.core.accounts import Status
from cityauth.core.population import NewPerson
from cityauth.core.resolution import IdentifierStatus
from cityauth.ports.stores import PopulationStore
from cityauth.stores.memory import MemoryStore
from cityauth.testing.populations import BAD_ADDRESSES, city, populations, store_people

Population = tuple[NewPerson, ...]


@settings(max_examples=50)
@given(populations(max_size=12))
def test_a_store_holds_every_population(people: Population) -> None:
    """Whatever is drawn can be stored, and is read again person by person."""
    store: PopulationStore = (memory := MemoryStore())
    store_people(memory, people)
    rows = store.read_population("", 100)
    assert [row.account for row in rows] == [one.account for one in people]
    assert [row.account_identifiers for row in rows] == [one.account_identifiers for one in people]


def shares(people: Population) -> bool:
    """Whether two people have one address in the same spelling."""
    counted = Counter(one.account.contact for one in people if one.account.contact)
    return max(counted.values(), default=0) > 1


def names_of(one: NewPerson) -> set[str]:
    """The keys of a person's usernames."""
    return {held.identifier.key for held in one.account_identifiers if held.identifier.kind == "username"}


def own_name(people: Population) -> bool:
    """Whether somebody's username is the own address."""
    return any(f"1:{one.account.contact}" in names_of(one) for one in people)


def others_name(people: Population) -> bool:
    """Whether somebody's username is another's address."""
    return any(f"1:{other.account.contact}" in names_of(one) for one in people for other in people if one is not other)


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(shares, id="a household"),
        pytest.param(own_name, id="a username that is the own address"),
        pytest.param(others_name, id="a username that is another's address"),
        pytest.param(lambda people: any(one.source.email in BAD_ADDRESSES for one in people), id="a bad address"),
        pytest.param(lambda people: any("xn--" in (one.account.contact or "") for one in people), id="an IDN domain"),
        pytest.param(
            lambda people: any(one.account.status is Status.DISABLED for one in people), id="a disabled account"
        ),
        pytest.param(lambda people: any(one.account.realm == "official" for one in people), id="an official"),
        pytest.param(
            lambda people: any(
                held.status is IdentifierStatus.RETIRED for one in people for held in one.account_identifiers
            ),
            id="a retired name",
        ),
    ],
)
def test_every_kind_of_trouble_is_drawn(trouble: object) -> None:
    """Each kind of trouble that the documents name comes up."""
    assert callable(trouble)
    once = settings(phases=[Phase.generate], max_examples=2000, database=None)  # the first one will do
    assert find(populations(), trouble, settings=once)


def test_a_city_is_always_the_same() -> None:
    """The people of a city are the same each time; one in fifty shares the address of the person before."""
    people = list(city(1000))
    assert people == list(city(1000))
    assert sum(shares((one, other)) for one, other in pairwise(people)) == 20


def test_a_store_that_refuses_fails_loudly() -> None:
    """A population that is stored twice is an error of the test, not a silent nothing."""
    store, people = MemoryStore(), list(city(3))
    store_people(store, people)
    with pytest.raises(AssertionError, match="Rejected"):
        store_people(store, people)
