"""Resolving, for customer service: one look-up, explained, and nothing written."""

import pytest

from cityauth import PasswordRequired
from cityauth.core.accounts import Account, AccountId
from cityauth.core.identifiers import BUILT_IN, Identifier
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus, Outcome, Reason
from tests.support.recording import recording
from tests.support.service import CARD, OTHER_PASSWORD, PASSWORD, Service, populate
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


def mixed_up(make_store: MakeStore) -> Service:
    """A pending card number of Erkki that equals the username of Matti; each has a password of his own."""
    service = Service(store=make_store(), kinds=(*BUILT_IN, CARD))
    pending = AccountIdentifier(Identifier("card", "2001", "1:card:2001"), IdentifierStatus.PENDING)
    service.plant(Account(AccountId("a-erkki"), "citizen", "Erkki", contact="erkki@example.com"), pending)
    service.plant(
        Account(AccountId("matti"), "citizen", "Matti", contact="matti@example.com"),
        AccountIdentifier(Identifier("username", "2001", "1:2001")),
        password=OTHER_PASSWORD,
    )
    return service


def test_the_password_is_that_of_the_account_that_was_found(make_store: MakeStore) -> None:
    """A pending identifier of another account neither opens an account nor keeps its owner out (B-53, B-86)."""
    service = mixed_up(make_store)
    assert isinstance(service.attempt("2001", PASSWORD), PasswordRequired)
    assert service.sign_in("2001", OTHER_PASSWORD).account.id == "matti"
    assert service.audit.events[-2].account_id == "matti", "the refused attempt is told of the account it was on"


def test_a_link_goes_to_the_account_that_was_found(make_store: MakeStore) -> None:
    """A reset link is mailed to the holder, whoever has the same text as a pending identifier (B-53)."""
    service = mixed_up(make_store)
    service.auth.recovery.request("2001")
    assert service.subjects("matti@example.com")
    assert not service.subjects("erkki@example.com")


def test_customer_service_is_told_one_account_and_no_hash(make_store: MakeStore) -> None:
    """Account and identifier of an explanation are of one row, and the stored hash is left out (B-74)."""
    found = mixed_up(make_store).auth.identifiers.resolve("2001")
    assert found.match is not None
    assert found.match.account.id == "matti"
    assert found.match.account_identifier.identifier.kind == "username"
    assert found.match.password_hash is None


@pytest.mark.parametrize(
    "entered",
    [
        "<erkki@example.com>", "mailto:erkki@example.com", "MAILTO:Erkki@Example.com?subject=Hei", "erkki@example.com.",
        "erkki@example.com,", "erkki@example.com;", "Erkki Esimerkki <erkki@example.com>", '"erkki@example.com"',
        "<mailto:erkki@example.com>", "(erkki@example.com)",
        "\u2039erkki@example.com\u203a", "\uff45rkki@\uff45xample.com", "\u00a0erkki@example.com\u200b",
    ],
    ids=ascii,
)  # fmt: skip
def test_what_stands_around_an_address_does_not_keep_its_owner_out(service: Service, entered: str) -> None:
    """An address as a mail program copies it signs in and gets its link (B-3)."""
    populate(service)
    assert service.sign_in(entered).account.id == "erkki"
    service.auth.recovery.request(entered)
    assert service.subjects("erkki@example.com")


def test_a_name_as_typed_goes_before_the_address_in_it(service: Service) -> None:
    """Somebody's old username that holds another's address still names its owner alone (B-11, B-12)."""
    populate(service)
    service.add("Old", usernames=["erkki@example.com."], password=OTHER_PASSWORD)
    assert service.sign_in("erkki@example.com.", OTHER_PASSWORD).account.id == "old"
    assert isinstance(service.attempt("erkki@example.com.", PASSWORD), PasswordRequired)
    assert service.sign_in("erkki@example.com", PASSWORD).account.id == "erkki"
