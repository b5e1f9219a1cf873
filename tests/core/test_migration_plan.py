"""The classes of a plan: the first that holds is the class, and all that hold are reasons."""

from itertools import product

import pytest

from cityauth.core.accounts import AccountId
from cityauth.core.migration import StepAction
from cityauth.core.migration_plan import AccountClass, AccountFacts, Decision, PlanLine, action_of, classify
from cityauth.policy.realms import Phase

ADDRESS = AccountFacts(address="a@example.com", key="1:a@example.com")
ALONE = [
    (ADDRESS._replace(is_exempt=True), AccountClass.EXEMPT),
    (ADDRESS._replace(has_email=True), AccountClass.ALREADY),
    (ADDRESS._replace(is_active=False), AccountClass.DISABLED),
    (AccountFacts(), AccountClass.NO_EMAIL),
    (AccountFacts(address="a@b@c"), AccountClass.INVALID_EMAIL),
    (ADDRESS._replace(is_shared=True), AccountClass.SHARED_EMAIL),
    (ADDRESS._replace(is_other_username=True), AccountClass.EQUALS_OTHER_USERNAME),
    (ADDRESS._replace(username_is_other_email=True), AccountClass.USERNAME_IS_OTHER_EMAIL),
    (ADDRESS._replace(is_dead=True), AccountClass.DEAD_DOMAIN),
]


@pytest.mark.parametrize(("facts", "expected"), ALONE, ids=[one for _, one in ALONE])
def test_one_reason_is_the_class(facts: AccountFacts, expected: AccountClass) -> None:
    """An account with one thing in its way has that class and that one reason."""
    assert classify(facts) == (expected, (expected,))


def test_nothing_in_the_way_is_ready() -> None:
    """An account with nothing in its way is ready, for no reason."""
    assert classify(ADDRESS) == (AccountClass.READY, ())


def test_the_first_reason_is_the_class_and_all_are_named() -> None:
    """Of any reasons together, the first in the order of the classes is the class, and all are named in that order."""
    flags = ("is_exempt", "has_email", "is_shared", "is_other_username", "username_is_other_email", "is_dead")
    names = ("exempt", "already", "shared_email", "equals_other_username", "username_is_other_email", "dead_domain")
    for values in product((False, True), repeat=len(flags)):
        given = dict(zip(flags, values, strict=True))
        account_class, reasons = classify(AccountFacts(**{**ADDRESS._asdict(), **given}))
        expected = tuple(name for name, holds in zip(names, values, strict=True) if holds)
        assert (account_class, reasons) == ((expected or ("ready",))[0], expected)


@pytest.mark.parametrize("account_class", AccountClass)
def test_what_a_run_does_without_a_decision(account_class: AccountClass) -> None:
    """Ready accounts move, exempt and moved ones are left alone, and all others keep their username."""
    expected = {AccountClass.READY: StepAction.MOVE, AccountClass.EXEMPT: None, AccountClass.ALREADY: None}
    assert action_of(account_class, None, None, has_username=True) is expected.get(account_class, StepAction.KEEP)


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Decision.USE_EMAIL, StepAction.MOVE),
        (Decision.KEEP_USERNAME, StepAction.KEEP),
        (Decision.CLAIM_AT_LOGIN, StepAction.KEEP),
        (Decision.SKIP, None),
    ],
)
def test_what_a_run_does_by_a_decision(decision: Decision, expected: StepAction | None) -> None:
    """A decision goes before the class, for an account that is ready as for one that is not."""
    for account_class in (AccountClass.READY, AccountClass.SHARED_EMAIL):
        assert action_of(account_class, decision, None, has_username=True) is expected


@pytest.mark.parametrize(("phase", "has_username"), [(None, False), (Phase.EMAIL_ONLY, True), (Phase.BOTH, True)])
def test_a_username_that_needs_no_protection_has_no_step(phase: Phase | None, has_username: bool) -> None:
    """Without a username, or with a phase of its own, an account that cannot move is left as it is."""
    assert action_of(AccountClass.NO_EMAIL, None, phase, has_username=has_username) is None


def test_only_a_decision_lets_an_address_be_shared() -> None:
    """A shared address signs in only where people decided so."""
    key, contact = "1:home@example.com", "Home@Example.com"
    line = PlanLine(
        AccountId("a"), "1", AccountClass.SHARED_EMAIL, (AccountClass.SHARED_EMAIL,), contact, (), key, contact
    )
    assert not line.may_share
    decided = line._replace(decision=Decision.USE_EMAIL)
    assert decided.may_share
    assert not decided._replace(identifier="own@example.com", key="1:own@example.com").may_share


def test_an_account_without_an_external_id_is_named_by_its_id() -> None:
    """Reports name an account by the host's key, and by its id where there is none."""
    assert PlanLine(AccountId("a"), "7", AccountClass.READY).reference == "7"
    assert PlanLine(AccountId("a"), None, AccountClass.READY).reference == "a"
