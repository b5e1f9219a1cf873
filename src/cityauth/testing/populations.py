"""Populations for property-based tests of a migration: few people, many collisions. Needs the extra ``testing``.

For example::

    from hypothesis import given
    from cityauth.testing.populations import populations, store_people

    @given(populations())
    def test_nobody_is_forgotten(people):
        store = MyStore()
        store_people(store, people)
        ...
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.changes import Committed
from cityauth.core.identifiers import EMAIL, Identifier, Malformed, inherit, register
from cityauth.core.mail import read_contact
from cityauth.core.population import NewPerson, PeopleAdded, SourceRecord
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.errors import MissingExtraError
from cityauth.policy.realms import Phase
from cityauth.ports.stores import AccountStore
from cityauth.testing.samples import NOON, OLD_HASH

try:
    from hypothesis import strategies as st
except ImportError:
    raise MissingExtraError("testing", "populations") from None

ADDRESSES: Final = (
    "anna@example.com",
    "ANNA@Example.com",
    "anna+kaupunki@example.com",
    "pari@example.com",
    "matti.v@example.com",
    "mattiv@example.com",
    "matt1v@example.com",
    "bo@b\u00fccher.example",
    "bo@bu\u0308cher.example",
    "Bo@xn--bcher-kva.example",
    "eva@gmial.com",
)
"""Addresses that pass the rules; some are one address in another spelling, and some only look alike."""

BAD_ADDRESSES: Final = ("anna@", "anna at example.com", "anna@example.com, bo@example.com", "NULL", "a@b@example.com")
"""What stands in the column of addresses of an older system."""

USERNAMES: Final = ("anna", "Anna", "bo", "\u00c5ke", "A\u030ake", "matti v", "pari@example.com ", "Eva@gmial.com")
"""Old usernames; some are one name in another spelling, and some are addresses."""

NAMES: Final = ("Anna Aalto", "aalto anna", "Bo Berg", "Matti Virtanen")


class _Draft(NamedTuple):
    """What is drawn of one person, before it is made to fit among the others."""

    realm: str
    name: str
    status: Status
    email: str
    usernames: Sequence[tuple[str, IdentifierStatus]]
    addresses: Sequence[tuple[str, IdentifierStatus]]
    phase: Phase | None


_entered = st.one_of(
    st.just(""), st.sampled_from(ADDRESSES), st.sampled_from(ADDRESSES), st.sampled_from(BAD_ADDRESSES)
)
_mostly_active = st.sampled_from(
    (IdentifierStatus.ACTIVE, IdentifierStatus.ACTIVE, IdentifierStatus.RETIRED, IdentifierStatus.PENDING)
)
_drafts = st.builds(
    _Draft,
    realm=st.sampled_from(("citizen", "citizen", "citizen", "official")),
    name=st.sampled_from(NAMES),
    status=st.sampled_from((Status.ACTIVE, Status.ACTIVE, Status.ACTIVE, Status.DISABLED)),
    email=_entered,
    usernames=st.lists(
        st.tuples(st.one_of(st.sampled_from(USERNAMES), st.sampled_from(ADDRESSES)), _mostly_active), max_size=2
    ),
    addresses=st.lists(st.tuples(st.sampled_from(ADDRESSES), _mostly_active), max_size=1),
    phase=st.none() | st.sampled_from(Phase),
)


def populations(*, min_size: int = 0, max_size: int = 8) -> st.SearchStrategy[tuple[NewPerson, ...]]:
    """Return populations that a store can hold: ids and external ids differ, and no two people have one identifier.

    They have households with one address, addresses and usernames in several spellings, usernames that are another's
    address or the own one, retired names and addresses, IDN domains, addresses that pass no rule, people without an
    address, people who sign in with an address already, officials, and disabled accounts.

    Args:
        min_size: The fewest people.
        max_size: The most people.
    """
    return st.lists(_drafts, min_size=min_size, max_size=max_size).map(_settle)


def _settle(drafts: Sequence[_Draft]) -> tuple[NewPerson, ...]:
    """Make people of what was drawn; an identifier that somebody has already is left out."""
    taken: set[str] = set()
    return tuple(_person(number, draft, taken) for number, draft in enumerate(drafts))


def _person(number: int, draft: _Draft, taken: set[str]) -> NewPerson:
    held = []
    named = [(inherit(entered), status) for entered, status in draft.usernames]
    named += [(register(entered, EMAIL), status) for entered, status in draft.addresses]
    for identifier, status in named:
        if isinstance(identifier, Identifier) and identifier.key not in taken:
            taken.add(identifier.key)
            held.append(AccountIdentifier(identifier, status))
    contact = read_contact(draft.email, EMAIL)
    account = Account(
        id=AccountId(f"account {number:02d}"),
        realm=draft.realm,
        display_name=draft.name,
        status=draft.status,
        contact=None if isinstance(contact, Malformed) else contact,
        phase=draft.phase,
        external_id=f"{900 - number}",
        contact_verified=False,
    )
    return NewPerson(account, tuple(held), OLD_HASH, _source(account, draft.email))


def _source(account: Account, email: str, username: str = "") -> SourceRecord:
    return SourceRecord(
        external_id=account.external_id or "",
        account_id=account.id,
        username=username,
        email=email,
        contact="",
        display_name=account.display_name,
        language=account.language,
        status=account.status,
        hash_digest="",
        imported_at=NOON,
    )


def city(count: int) -> Iterator[NewPerson]:
    """Give the people of a whole city, the same ones each time, for benchmarks and demonstrations.

    One in fifty shares an address with the person before. One in a hundred has no address, one in two hundred is an
    official, one in five hundred has another's address for a username, and one in a thousand is disabled, has an
    address that passes no rule, or signs in with an address already.

    Args:
        count: How many people.
    """
    for number in range(count):
        shares = number % 50 == 1
        address = _address(number - 1 if shares else number)
        email = "" if number % 100 == 7 else "nobody at example" if number % 1000 == 13 else address
        named = _address(number + 1) if number % 500 == 21 else f"citizen{number:07d}"
        name = inherit(named)
        assert isinstance(name, Identifier)
        account = Account(
            id=AccountId(f"p{number:07d}"),
            realm="official" if number % 200 == 33 else "citizen",
            display_name=f"Person {number if not number % 3 else number - 1}",
            status=Status.DISABLED if number % 1000 == 41 else Status.ACTIVE,
            contact=email if "@" in email else None,
            external_id=f"{number:07d}",
            contact_verified=False,
        )
        held = [AccountIdentifier(name)]
        if number % 1000 == 99:
            own = register(address, EMAIL)
            assert isinstance(own, Identifier)
            held.append(AccountIdentifier(own))
        yield NewPerson(account, tuple(held), OLD_HASH, _source(account, email, named))


def _address(number: int) -> str:
    return f"citizen.{number:07d}@example{number % 40}.com"


def store_people(store: AccountStore, people: Sequence[NewPerson]) -> None:
    """Put *people* into a store, as an import does.

    Raises:
        AssertionError: the store refused them.
    """
    outcome = store.commit([PeopleAdded(tuple(people), NOON)])
    assert outcome == Committed(), outcome
