"""Resolving: every life, stage and kind of an identifier, and outcomes that no order decides."""

from dataclasses import replace
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.account import Account, AccountId
from cityauth.core.identifier import BUILT_IN, EMAIL, USERNAME, Identifier, Malformed
from cityauth.core.resolution import Holding, IdentifierResolver, Life, Match, Outcome, Reason, Resolution
from cityauth.core.stage import DatedStage, RealmPolicy, Stage
from cityauth.errors import PolicyError
from tests.support.fakes import NOON
from tests.support.service import CARD

REALMS = {"citizen": RealmPolicy(Stage.EMAIL_PREFERRED), "official": RealmPolicy(Stage.LEGACY_ONLY)}
RESOLVER = IdentifierResolver(REALMS, (*BUILT_IN, CARD))
ERKKI = Account(AccountId("erkki"), "citizen", "Erkki Esimerkki")
MATTI = Account(AccountId("matti"), "citizen", "Matti Meikäläinen")
READ = {
    kind: Identifier(kind, "2001", f"1:{value}")
    for kind, value in [("email", "a@b.fi"), ("username", "2001"), ("card", "card:2001")]
}
Expected = tuple[Outcome, Reason]
RESOLVED = (Outcome.RESOLVED, Reason.NONE)
NOT_YET = (Outcome.UNKNOWN, Reason.KIND_DOES_NOT_SIGN_IN_YET)
NO_LONGER = (Outcome.RETIRED, Reason.KIND_NO_LONGER_SIGNS_IN)

#: What an active identifier is at a stage, by its kind; written out so that a change is made on purpose.
ACTIVE: dict[Stage, dict[str, Expected]] = {
    Stage.LEGACY_ONLY: {"email": NOT_YET, "username": RESOLVED, "card": RESOLVED},
    Stage.BOTH: {"email": RESOLVED, "username": RESOLVED, "card": RESOLVED},
    Stage.EMAIL_PREFERRED: {"email": RESOLVED, "username": RESOLVED, "card": RESOLVED},
    Stage.EMAIL_ONLY: {"email": RESOLVED, "username": NO_LONGER, "card": RESOLVED},
}
#: What any other life is, whatever the stage and the kind.
OTHERWISE: dict[Life, Expected] = {
    Life.PENDING: (Outcome.UNKNOWN, Reason.PENDING),
    Life.RETIRED: (Outcome.RETIRED, Reason.RETIRED),
    Life.CONTESTED: (Outcome.AMBIGUOUS, Reason.CONTESTED),
}


def found(kind: str, life: Life = Life.ACTIVE, account: Account = ERKKI) -> Match:
    """What a store answers under the key of that kind."""
    return Match(account, Holding(READ[kind], life), None)


def explain(*matches: Match, resolver: IdentifierResolver = RESOLVER) -> Resolution:
    """What those matches make of what was typed."""
    return resolver.explain("2001", resolver.read("2001"), matches, NOON)


@pytest.mark.parametrize(("life", "stage", "kind"), list(product(Life, Stage, READ)))
def test_every_life_stage_and_kind(life: Life, stage: Stage, kind: str) -> None:
    """The whole table of lives, stages and kinds: outcome, reason, and whose account is named (ASVS 6.1.3, B-88)."""
    account = replace(ERKKI, stage=stage)
    resolution = explain(found(kind, life, account))
    expected = OTHERWISE.get(life) or ACTIVE[stage][kind]
    assert (resolution.outcome, resolution.reason) == expected
    named = expected[0] in {Outcome.RESOLVED, Outcome.RETIRED}
    assert resolution.account == (account if named else None)
    assert (resolution.identifier, resolution.kind, resolution.stage) == (READ[kind], kind, stage)


def test_nothing_found_is_unknown() -> None:
    """An unknown identifier is explained by its first reading and names no account or stage (ASVS 6.3.8)."""
    resolution = explain()
    assert (resolution.outcome, resolution.reason) == (Outcome.UNKNOWN, Reason.NOT_FOUND)
    assert (resolution.entered, resolution.kind) == ("2001", "username")
    assert (resolution.account, resolution.stage, resolution.malformed) == (None, None, None)


@pytest.mark.parametrize("entered", [None, 7, ["2001"], "", "\0", "x" * 2000])
def test_what_can_be_no_identifier_is_malformed(entered: object) -> None:
    """Text that nobody can be found by is explained without keeping it, and has no kind (B-56, C-47, ASVS 15.3.5)."""
    candidates = RESOLVER.read(entered)
    resolution = RESOLVER.explain(entered, candidates, (), NOON)
    assert isinstance(resolution.malformed, Malformed)
    assert (resolution.outcome, resolution.reason) == (Outcome.MALFORMED, Reason.MALFORMED)
    assert (resolution.entered, resolution.kind, resolution.account) == ("", None, None)


@pytest.mark.parametrize(("mine", "theirs"), list(product(Life, Life)))
def test_several_accounts_are_ambiguous_in_any_order(mine: Life, theirs: Life) -> None:
    """Two accounts under one text are refused whatever their lives, and no order decides (B-11, B-12, B-21, F5)."""
    matches = [found("username", mine), found("card", theirs, MATTI)]
    resolutions = [explain(*order) for order in permutations(matches)]
    assert {(one.outcome, one.reason) for one in resolutions} == {(Outcome.AMBIGUOUS, Reason.SEVERAL_ACCOUNTS)}
    assert [one.account for one in resolutions] == [None, None]
    assert resolutions[0] == resolutions[1]


def test_a_contested_reading_refuses_the_text() -> None:
    """Where one reading is contested, an active one of the same account does not sign in: people decide (B-12, F5)."""
    resolution = explain(found("username", Life.CONTESTED), found("card"))
    assert (resolution.outcome, resolution.reason) == (Outcome.AMBIGUOUS, Reason.CONTESTED)
    assert resolution.account is None


def test_a_reading_that_signs_in_wins_over_one_that_does_not() -> None:
    """Of one account's own readings the active one counts, so a retired twin locks nobody out (B-12)."""
    for other in (Life.RETIRED, Life.PENDING):
        resolution = explain(found("username", other), found("card"))
        assert (resolution.outcome, resolution.kind) == (Outcome.RESOLVED, "card")


@given(st.permutations(list(READ)), st.data())
def test_no_order_decides_between_readings(kinds: list[str], data: st.DataObject) -> None:
    """Whatever the lives of one account's readings, the explanation is equal in every order (B-11, B-21, F5)."""
    matches = [found(kind, data.draw(st.sampled_from(Life))) for kind in kinds]
    resolutions = [explain(*order) for order in permutations(matches)]
    assert all(one == resolutions[0] for one in resolutions)


@pytest.mark.parametrize("kinds", list(permutations((EMAIL, USERNAME, CARD))), ids=lambda ks: "-".join(k.name for k in ks))
@pytest.mark.parametrize("entered", ["2001", "a@b.fi", "Matti.M", "card:7", "åsa_83"])
def test_the_order_of_kinds_changes_no_outcome(kinds: tuple[Any, ...], entered: str) -> None:
    """The host may list its kinds in any order: the same keys are read and the same outcome comes of them (B-21, F5)."""
    resolver = IdentifierResolver(REALMS, kinds)
    read, usual = resolver.read(entered), RESOLVER.read(entered)
    assert not isinstance(read, Malformed)
    assert not isinstance(usual, Malformed)
    assert set(read) == set(usual)
    matches = [Match(ERKKI, Holding(one), None) for one in usual]
    assert resolver.explain(entered, read, matches, NOON) == RESOLVER.explain(entered, usual, matches, NOON)


def test_the_stage_is_the_accounts_own_or_its_realms() -> None:
    """An account's own stage goes before its realm's, which follows its schedule (ASVS 6.1.3, C-37)."""
    moving = RealmPolicy(Stage.LEGACY_ONLY, (DatedStage(NOON, Stage.EMAIL_ONLY),))
    resolver = IdentifierResolver({"citizen": moving}, BUILT_IN)
    assert resolver.stage_of(ERKKI, NOON) is Stage.EMAIL_ONLY
    assert resolver.stage_of(replace(ERKKI, stage=Stage.BOTH), NOON) is Stage.BOTH


def test_a_realm_without_a_policy_is_the_hosts_mistake() -> None:
    """An account of a realm that no policy names raises, and signs nobody in by some default (B-87, ASVS 16.5.3)."""
    with pytest.raises(PolicyError, match="'staff' is not in the policy"):
        explain(found("username", account=replace(ERKKI, realm="staff")))


@pytest.mark.parametrize("kinds", [(), (CARD, CARD), (EMAIL, USERNAME, EMAIL)])
def test_kinds_have_names_of_their_own(kinds: tuple[Any, ...]) -> None:
    """No kinds at all, or two of one name, do not start (F5)."""
    with pytest.raises(PolicyError, match="different names"):
        IdentifierResolver(REALMS, kinds)
