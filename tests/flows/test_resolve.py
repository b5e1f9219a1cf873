"""Resolving, for customer service: one look-up, explained, and nothing written."""

import pytest

from cityauth.core.account import Account, AccountId
from cityauth.core.identifier import BUILT_IN, Identifier
from cityauth.core.resolution import AccountIdentifier, Outcome, Reason
from tests.support.recording import recording
from tests.support.service import CARD, Service, populate
from tests.support.stores import MakeStore


@pytest.mark.parametrize(
    ("entered", "outcome", "kind", "account_id"),
    [
        ("Erkki@Example.com", Outcome.RESOLVED, "email", "erkki"),
        (" erkki ", Outcome.RESOLVED, "username", "erkki"),
        ("VIRVE.V", Outcome.RESOLVED, "username", "virve"),
        ("nobody", Outcome.UNKNOWN, "username", None),
        ("a\0b", Outcome.MALFORMED, None, None),
        (["erkki"], Outcome.MALFORMED, None, None),
    ],
    ids=ascii,
)
def test_what_an_identifier_is(
    service: Service, entered: object, outcome: Outcome, kind: str | None, account_id: str | None
) -> None:
    """Each text is explained by one question at most, and no line is written (B-55, C-47)."""
    populate(service)
    with recording(service.auth) as asked:
        found = service.auth.identifiers.resolve(entered)
    assert (found.outcome, found.kind, found.account.id if found.account else None) == (outcome, kind, account_id)
    assert [name for name, *_ in asked] == ["Clock.now", "AccountStore.find"][: 1 if kind is None else 2]


@pytest.mark.parametrize(
    "old_name",
    ["åsa_83", "Matti.M", "x1", "matti@home", "a@b@c", "erkki@example.com.", "Matti Meikäläinen", "ﬁlip", "管理"],
)
def test_an_old_username_is_found_though_none_could_register_it_today(service: Service, old_name: str) -> None:
    """Looking up never refuses what an older system let in (B-3, B-14)."""
    account = service.add("Old", usernames=[old_name])
    assert service.auth.identifiers.resolve(old_name).account == account
    assert service.sign_in(old_name).account == account


def test_ambiguity_is_declared_whoever_was_first(make_store: MakeStore) -> None:
    """A number that is one person's username and another's card names neither, in whatever order they were added (B-11, B-12, F5)."""
    account_identifiers = {
        "username": AccountIdentifier(Identifier("username", "2001", "1:2001")),
        "card": AccountIdentifier(Identifier("card", "2001", "1:card:2001")),
    }
    service = Service(store=make_store(), kinds=(*BUILT_IN, CARD))
    service.plant(Account(AccountId("username"), "citizen", "A"), account_identifiers["username"])
    assert service.auth.identifiers.resolve("2001").outcome is Outcome.RESOLVED
    service.plant(Account(AccountId("card"), "citizen", "B"), account_identifiers["card"])
    found = service.auth.identifiers.resolve("2001")
    assert (found.outcome, found.reason, found.account) == (Outcome.AMBIGUOUS, Reason.SEVERAL_ACCOUNTS, None)
    assert service.auth.identifiers.resolve("card:2001").account is not None
