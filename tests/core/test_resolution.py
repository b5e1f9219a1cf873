"""The resolver: what was typed, explained, and never decided by order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations, product

import pytest

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.identifiers import EMAIL, USERNAME, Identifier, IdentifierKind, Malformed
from cityauth.core.resolution import (
    AccountIdentifier,
    IdentifierResolver,
    IdentifierStatus,
    Match,
    Outcome,
    Reason,
    Resolution,
)
from cityauth.core.secret import SecretStr
from cityauth.errors import PolicyError
from cityauth.policy import Policy
from cityauth.policy.realms import DatedPhase, Phase, RealmPolicy
from tests.support.fakes import NOON
from tests.support.service import CARD

REALMS = {"citizen": RealmPolicy(Phase.EMAIL_PREFERRED), "official": RealmPolicy(Phase.LEGACY_ONLY)}
KINDS: tuple[IdentifierKind, ...] = (EMAIL, USERNAME, CARD)
RESOLVER = IdentifierResolver(REALMS, KINDS)
ERKKI = Account(AccountId("erkki"), "citizen", "Erkki Esimerkki")
MATTI = Account(AccountId("matti"), "citizen", "Matti Meikäläinen")
IDENTIFIERS = {
    "email": Identifier("email", "Erkki@example.com", "1:erkki@example.com"),
    "username": Identifier("username", "Erkki", "1:erkki"),
    "card": Identifier("card", "2001", "1:card:2001"),
}


def match(kind: str, status: IdentifierStatus = IdentifierStatus.ACTIVE, account: Account = ERKKI) -> Match:
    """What a store finds."""
    return Match(account, AccountIdentifier(IDENTIFIERS[kind], status), None)


def readings(entered: str) -> tuple[Identifier, ...]:
    """What a text may mean."""
    read = RESOLVER.read(entered)
    assert isinstance(read, tuple)
    return read


def explain(entered: str, *matches: Match, resolver: IdentifierResolver = RESOLVER) -> Resolution:
    """Read and explain."""
    return resolver.explain(entered, resolver.read(entered), matches, NOON)


def expected(status: IdentifierStatus, phase: Phase, kind: str) -> tuple[Outcome, Reason]:
    """The table, written a second time by hand."""
    if status is IdentifierStatus.CONTESTED:
        return Outcome.AMBIGUOUS, Reason.CONTESTED
    if status is IdentifierStatus.PENDING:
        return Outcome.UNKNOWN, Reason.PENDING
    if status is IdentifierStatus.RETIRED:
        return Outcome.RETIRED, Reason.RETIRED
    if (kind, phase) == ("username", Phase.EMAIL_ONLY):
        return Outcome.RETIRED, Reason.KIND_NO_LONGER_SIGNS_IN
    if (kind, phase) == ("email", Phase.LEGACY_ONLY):
        return Outcome.UNKNOWN, Reason.KIND_DOES_NOT_SIGN_IN_YET
    return Outcome.RESOLVED, Reason.NONE


def assert_explained(status: IdentifierStatus, phase: Phase, kind: str) -> None:
    """The resolution says what the table says."""
    account = replace(ERKKI, phase=phase)
    found = explain(IDENTIFIERS[kind].shown, match(kind, status, account))
    outcome, reason = expected(status, phase, kind)
    holder = match(kind, status, account)
    first = min(readings(IDENTIFIERS[kind].shown), key=lambda one: one.key)
    assert found == Resolution(IDENTIFIERS[kind].shown, outcome, reason, holder, first, phase)
    assert (found.identifier, found.kind) == (IDENTIFIERS[kind], kind)
    assert found.match == (holder if outcome in {Outcome.RESOLVED, Outcome.RETIRED} else None)
    assert found.account == (found.match and account)


@pytest.mark.parametrize("status", IdentifierStatus)
def test_every_status_at_every_phase_of_every_kind(status: IdentifierStatus) -> None:
    """What an identifier is follows from its status, the phase and its kind, and is explained (B-20)."""
    for phase, kind in product(Phase, IDENTIFIERS):
        assert_explained(status, phase, kind)


def test_nothing_found_is_unknown() -> None:
    """An unknown text is explained with the identifier that was looked for."""
    found = explain("Kuka@Example.com")
    looked_for = Identifier("email", "Kuka@Example.com", "1:kuka@example.com")
    assert found == Resolution("Kuka@Example.com", Outcome.UNKNOWN, Reason.NOT_FOUND, looked_up=looked_for)
    assert (found.identifier, found.match) == (looked_for, None)


@pytest.mark.parametrize("entered", ["", None, 7, ["erkki"], "x" * 1025, "a\0b", "\ud800", "a\u202eb"], ids=ascii)
def test_malformed_text_is_explained_and_not_kept(entered: object) -> None:
    """Text that can be no identifier is named malformed, and none of it is kept (B-56, C-46, C-47)."""
    candidates = RESOLVER.read(entered)
    assert isinstance(candidates, Malformed)
    found = RESOLVER.explain(entered, candidates, (), NOON)
    assert found == Resolution("", Outcome.MALFORMED, Reason.MALFORMED, malformed=candidates)
    assert found.kind is None


@pytest.mark.parametrize(
    "lives", list(product([IdentifierStatus.ACTIVE, IdentifierStatus.RETIRED, IdentifierStatus.CONTESTED], repeat=2))
)
def test_two_accounts_are_ambiguous_whatever_their_lives(lives: tuple[IdentifierStatus, IdentifierStatus]) -> None:
    """A text that names two accounts names none: no order, kind or life picks one (B-11, B-12, F5)."""
    matches = [match("username", lives[0]), match("card", lives[1], MATTI)]
    found = {explain("2001", *order) for order in permutations(matches)}
    assert {(one.outcome, one.reason, one.account) for one in found} == {
        (Outcome.AMBIGUOUS, Reason.SEVERAL_ACCOUNTS, None)
    }


@pytest.mark.parametrize("lives", list(product(IdentifierStatus, repeat=2)))
def test_the_order_of_kinds_and_matches_decides_nothing(lives: tuple[IdentifierStatus, IdentifierStatus]) -> None:
    """Permuting the kinds and what the store answers changes nothing of the explanation (B-11, B-21, F5)."""
    matches = [match("username", lives[0]), match("card", lives[1])]
    found = {
        explain("2001", *order, resolver=IdentifierResolver(REALMS, kinds))
        for kinds in permutations(KINDS)
        for order in permutations(matches)
    }
    assert len(found) == 1


def test_a_contested_reading_signs_nobody_in() -> None:
    """One contested reading makes a text ambiguous, though another reading of it would sign in (B-11, F5)."""
    for order in permutations([match("username"), match("card", IdentifierStatus.CONTESTED)]):
        found = explain("2001", *order)
        assert (found.outcome, found.reason, found.account) == (Outcome.AMBIGUOUS, Reason.CONTESTED, None)


def test_one_account_by_two_readings_is_one_account() -> None:
    """Where both readings are the same person's, the one that signs in is used (B-12)."""
    found = explain("2001", match("username", IdentifierStatus.RETIRED), match("card"))
    assert (found.outcome, found.kind, found.account) == (Outcome.RESOLVED, "card", ERKKI)


def test_a_host_adds_a_kind() -> None:
    """A library card is read beside the built-in kinds, with a key of its own corner (B-11)."""
    assert [(one.kind, one.key) for one in readings("2001 5")] == [
        ("username", "1:2001 5"),
        ("card", "1:card:20015"),
    ]


def test_a_username_that_is_an_address_is_read_as_one() -> None:
    """A text that is somebody's e-mail is never also somebody else's username: one key (B-11, B-12, F5)."""
    assert [one.key for one in readings("Erkki@Example.com")] == ["1:erkki@example.com"]


@pytest.mark.parametrize("kinds", [(), (USERNAME, USERNAME), (CARD, CARD)])
def test_kinds_have_different_names(kinds: tuple[()]) -> None:
    """No kind at all, or two of one name, is a mistake that is told at construction."""
    with pytest.raises(PolicyError, match="different names"):
        IdentifierResolver(REALMS, kinds)


def test_the_phase_is_the_accounts_own_or_its_realms() -> None:
    """An account's own phase goes before its realm's, and a realm that the policy lacks is told."""
    official = replace(ERKKI, realm="official")
    assert RESOLVER.phase_of(official, NOON) is Phase.LEGACY_ONLY
    assert RESOLVER.phase_of(replace(official, phase=Phase.EMAIL_ONLY), NOON) is Phase.EMAIL_ONLY
    with pytest.raises(PolicyError, match="'guest' is not in the policy"):
        RESOLVER.phase_of(replace(ERKKI, realm="guest"), NOON)


def test_the_move_takes_place_by_the_calendar() -> None:
    """A username signs in until its realm's day comes, and is told as retired from then on (C-37)."""
    day = datetime(2026, 9, 1, tzinfo=UTC)
    realm = RealmPolicy(Phase.EMAIL_PREFERRED, (DatedPhase(day, Phase.EMAIL_ONLY),))
    resolver = IdentifierResolver({"citizen": realm}, (EMAIL, USERNAME))
    held = (match("username"),)
    outcomes = [
        resolver.explain("Erkki", resolver.read("Erkki"), held, now).outcome
        for now in (day - timedelta(seconds=1), day)
    ]
    assert outcomes == [Outcome.RESOLVED, Outcome.RETIRED]


def test_officials_are_exempt() -> None:
    """By the default policy an official's username signs in and an e-mail of theirs does not (B-88)."""
    resolver = IdentifierResolver(Policy().realms)
    official = replace(ERKKI, realm="official")
    outcomes = {
        kind: resolver.explain("x", resolver.read("x"), [match(kind, account=official)], NOON).outcome
        for kind in ("email", "username")
    }
    assert outcomes == {"email": Outcome.UNKNOWN, "username": Outcome.RESOLVED}


def test_a_disabled_account_is_resolved_all_the_same() -> None:
    """Whether an account is active is not the resolver's to tell: the password comes first (B-19, B-20)."""
    found = explain("Erkki", match("username", account=replace(ERKKI, status=Status.DISABLED)))
    assert found.outcome is Outcome.RESOLVED


def test_a_match_shows_no_hash() -> None:
    """What a store found shows no stored hash (B-74)."""
    assert "canary" not in repr(replace(match("email"), password_hash=SecretStr("canary")))


def test_a_realm_that_the_policy_lacks_signs_nobody_in_and_raises_nothing() -> None:
    """An account of an unknown realm is as good as unknown at sign-in, so no error tells that it exists (B-20, ASVS 16.5.1)."""
    candidates = readings("erkki")
    match = Match(replace(ERKKI, realm="guest"), AccountIdentifier(candidates[0]), None)
    found = RESOLVER.explain("erkki", candidates, [match], NOON)
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.REALM_WITHOUT_PHASES)
    assert found.account is None


def test_a_pending_claim_stands_in_nobodys_way() -> None:
    """Somebody else's identifier that is only pending does not make an active one ambiguous (C-53)."""
    candidates = readings("erkki")
    active = Match(ERKKI, AccountIdentifier(candidates[0]), None)
    pending = Match(
        replace(ERKKI, id=AccountId("other")), AccountIdentifier(candidates[0], IdentifierStatus.PENDING), None
    )
    for matches in ([active, pending], [pending, active]):
        assert RESOLVER.explain("erkki", candidates, matches, NOON).account == ERKKI


def test_a_corrected_reading_gives_way_to_the_exact_one() -> None:
    """Where two accounts are found, the holder of the text as typed is meant, not the one of its corrected form."""
    typed, corrected = IDENTIFIERS["username"], IDENTIFIERS["email"]
    found = (match("email", account=MATTI), match("username"))
    resolution = RESOLVER.explain(typed.shown, (typed, corrected), found, NOON)
    assert (resolution.outcome, resolution.account) == (Outcome.RESOLVED, ERKKI)
    alone = RESOLVER.explain(typed.shown, (typed, corrected), found[:1], NOON)
    assert alone.account == MATTI


def test_nobody_is_explained_also_without_realms() -> None:
    """A policy without realms explains an unknown identifier like any other."""
    resolver = IdentifierResolver({}, KINDS)
    assert explain("erkki", resolver=resolver).outcome is Outcome.UNKNOWN
