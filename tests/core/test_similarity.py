"""Addresses that resemble each other, and misspelt domains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.similarity import AddressWarning, DomainTypos, family_of, resembling

CYRILLIC_A = "\u0430"
LOOKALIKE, PLUS, DOT = AddressWarning.LOOKALIKE, AddressWarning.PLUS_TWIN, AddressWarning.DOT_TWIN


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("matti+a@example.com", "matti@example.com", {PLUS}),
        ("matti+a@example.com", "matti+b@example.com", {PLUS}),
        ("matti.v@example.com", "mattiv@example.com", {DOT}),
        ("matti.v+a@example.com", "mattiv@example.com", {DOT}),
        ("matt1@example.com", "mattl@example.com", {LOOKALIKE}),
        ("ann0@example.com", "anno@example.com", {LOOKALIKE}),
        ("rnatti@example.com", "matti@example.com", {LOOKALIKE}),
        ("matti@exarnple.com", "matti@example.com", {LOOKALIKE}),
        (f"m{CYRILLIC_A}tti@example.com", "matti@example.com", {LOOKALIKE}),
        ("matti@xn--exmple-4nf.com", "matti@example.com", {LOOKALIKE}),
        ("\u0440\u043e\u0440@example.com", "pop@example.com", {LOOKALIKE}),
    ],
)
def test_what_resembles_is_named_on_both_sides(one: str, other: str, expected: set[AddressWarning]) -> None:
    """Two addresses that resemble each other are one family, and each is warned of the other."""
    assert family_of(one) == family_of(other)
    assert resembling([(1, one), (2, other)]) == {1: (expected, [2]), 2: (expected, [1])}


@pytest.mark.parametrize("other", ["maija@example.com", "matti@example.fi", "mättï@example.com", "matti_v@example.com"])
def test_what_does_not_resemble_is_no_family(other: str) -> None:
    """Other letters, another domain and letters with dots above are no resemblance."""
    assert family_of("matti@example.com") != family_of(other)


def test_a_label_that_nobody_can_read_stays_as_it_is() -> None:
    """A domain that claims to be encoded and is not is a family of its own."""
    assert family_of("a@xn--99999999999.example") == family_of("a@xn--99999999999.example")
    assert family_of("a@xn--99999999999.example") != family_of("a@xn--bcher-kva.example")


def test_the_same_address_is_no_resemblance() -> None:
    """Accounts that share one address collide, and are not warned of each other."""
    assert resembling([(1, "a@example.com"), (2, "a@example.com")]) == {}
    shared = resembling([(1, "a@example.com"), (2, "a@example.com"), (3, "a+x@example.com")])
    assert {number: others for number, (_, others) in shared.items()} == {1: [3], 2: [3], 3: [1, 2]}


@given(st.permutations([(1, "a.b@x.example"), (2, "ab@x.example"), (3, "ab+c@x.example"), (4, "a6@x.example")]))
def test_the_order_makes_no_difference(members: list[tuple[int, str]]) -> None:
    """Which warnings hold does not depend on the order of the accounts."""
    found = resembling(members)
    assert {number: warnings for number, (warnings, _) in found.items()} == {
        1: {DOT, LOOKALIKE},
        2: {PLUS, DOT, LOOKALIKE},
        3: {PLUS, DOT, LOOKALIKE},
        4: {LOOKALIKE},
    }


POPULATION = {"gmail.com": 500, "example.org": 40, "exmaple.org": 2, "city.example": 50, "citi.example": 30, "a.fi": 99}


@pytest.mark.parametrize(
    ("domain", "right"),
    [
        ("gmial.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gamil.con", "gmail.com"),
        ("gmail.fi", "gmail.com"),
        ("hotnail.com", "hotmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("luukku.con", "luukku.com"),
        ("luuku.com", "luukku.com"),
        ("saunalahti.if", "saunalahti.fi"),
        ("suomi42.fi", "suomi24.fi"),
        ("outlok.com", "outlook.com"),
        ("exmaple.org", "example.org"),
    ],
)
def test_a_misspelt_domain_is_found(domain: str, right: str) -> None:
    """A slip in a well-known domain or in a frequent one of the population is found, with what was meant."""
    assert DomainTypos(POPULATION).right_spelling(domain) == right


@pytest.mark.parametrize(
    "domain",
    ["gmail.com", "mail.com", "ymail.com", "hotmail.fi", "live.se", "live.fi", "citi.example", "b.fi", "other.example"],
)
def test_a_right_domain_is_no_typo(domain: str) -> None:
    """Providers, frequent domains, short ones and those that are near to nothing are no misspellings."""
    assert DomainTypos(POPULATION).right_spelling(domain) is None


@given(st.text("abc.", max_size=12), st.text("abc.", max_size=12))
def test_one_slip_is_what_edit_distance_says(one: str, other: str) -> None:
    """Of two frequent and rare domains, the rare one is a misspelling exactly at an edit distance of one."""
    right, rare = f"{one}municipality.example", f"{other}municipality.example"
    found = DomainTypos({right: 1000, rare: 1} if right != rare else {right: 1000}).right_spelling(rare)
    assert (found == right) == (distance(right, rare) == 1)


def distance(one: str, other: str) -> int:
    """The edit distance in which swapping two neighbours is one slip, by its definition."""
    rows = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(len(one) + 1):
        for j in range(len(other) + 1):
            if not i or not j:
                rows[i][j] = i + j
                continue
            cost = one[i - 1] != other[j - 1]
            rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost)
            if i > 1 and j > 1 and one[i - 2 : i] == other[j - 1] + other[j - 2]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]
