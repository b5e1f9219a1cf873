"""The rules of a check: what each finds, what it leaves alone, and what an acceptance changes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from cityauth.core.check import Acceptance, Facts, Level, Setup, StoreState
from cityauth.core.check_rules import CODES, RULES, judge
from cityauth.core.mail import OutboxStatus
from cityauth.core.migration import Migration, MigrationState
from cityauth.policy import (
    DatedPhase,
    HashProfile,
    LinkPolicy,
    MailPolicy,
    OutboxPolicy,
    Phase,
    Policy,
    RealmPolicy,
)
from tests.support.fakes import NOON

POLICY = Policy(deployment="asiointi", mail=MailPolicy(base_url="https://asiointi.example"))
HEALTHY = Facts(POLICY, Setup(ring_size=2), NOON)
PAGE = (Path(__file__).parents[2] / "docs" / "check.md").read_text(encoding="utf-8")


def policy(**changed: Any) -> dict[str, Any]:
    """The facts of another policy."""
    return {"policy": replace(POLICY, **changed)}


def setup(**changed: Any) -> dict[str, Any]:
    """The facts of another setup."""
    return {"setup": replace(HEALTHY.setup, **changed)}


def store(**changed: Any) -> dict[str, Any]:
    """The facts of a store that says something of itself."""
    return {"store": StoreState(**changed)}


def realms(**given: RealmPolicy) -> dict[str, Any]:
    """The facts of other realms."""
    return policy(realms={"citizen": RealmPolicy(Phase.BOTH)} | given)


def migration(state: MigrationState) -> dict[str, Any]:
    """The facts of one migration in this state."""
    return {"migrations": [Migration("spring", "digest", state, Phase.EMAIL_ONLY, 3, "anna", NOON)]}


SOON = timedelta(seconds=61)
LATER = DatedPhase(NOON + timedelta(days=9), Phase.EMAIL_ONLY)
FOUND: list[tuple[str, Mapping[str, Any], str]] = [
    ("CA001", policy(mail=MailPolicy(base_url="http://localhost:8000")), "http://localhost:8000"),
    ("CA001", policy(mail=MailPolicy(base_url="https://127.0.0.1")), "https://127.0.0.1"),
    ("CA002", {**setup(has_mailer=False), "mail_leaves": False}, "no mailer"),
    ("CA003", {"mail_leaves": False}, "no mail now"),
    ("CA004", {"outbox": OutboxStatus(3, 2, NOON - timedelta(minutes=31))}, "2026-03-02T11:29:00+00:00; 3 wait"),
    ("CA011", setup(ring_size=1), "only one"),
    ("CA012", setup(has_tombstone_secret=False), "oldest signing secret"),
    ("CA013", policy(deployment="cityauth"), "deployment"),
    ("CA021", {"store_error": "it is locked"}, "it is locked"),
    ("CA022", {"schema_error": "the database is at 1"}, "the database is at 1"),
    ("CA023", setup(keeps_in_memory=True), "memory"),
    ("CA024", store(network_file_system="nfs4"), "(nfs4)"),
    ("CA025", store(open_files=["a.db", "a.db-wal"]), "a.db, a.db-wal"),
    ("CA026", store(database_time=NOON + SOON), "61 seconds"),
    ("CA026", store(database_time=NOON - timedelta(days=1)), "86400 seconds"),
    ("CA027", store(newest_event=NOON + SOON), "61 seconds in the future"),
    ("CA028", store(oldest_session=NOON - timedelta(days=400)), "2025-01-26"),
    ("CA029", setup(counts_in_memory=True), "multiple of each limit"),
    ("CA031", policy(hashing=HashProfile(19455, 2, 1)), "19455 KiB"),
    ("CA031", policy(hashing=HashProfile(7168, 4, 1)), "time cost 4"),
    ("CA032", {"defective_hashes": 7}, "7 accounts"),
    ("CA032", {"defective_hashes": 7, **store(unknown_hashes=3), **setup(counts_hashes=True)}, "10 accounts"),
    ("CA033", {"weak_hashes": 5}, "5 accounts"),
    ("CA034", setup(audit_is_heard=False), "audit"),
    (
        "CA041",
        store(realms={"citizen": 9, "club": 2, "alumni": 1}),
        "3 accounts are in realms without phases: alumni, club",
    ),
    ("CA042", {**realms(club=RealmPolicy(Phase.EMAIL_ONLY)), **setup(kinds=frozenset({"username"}))}, "club"),
    ("CA043", realms(citizen=RealmPolicy(Phase.LEGACY_ONLY)), "citizen"),
    ("CA044", migration(MigrationState.LOADING), "spring"),
    ("CA044", migration(MigrationState.APPLYING), "spring"),
    ("CA044", migration(MigrationState.ROLLING_BACK), "spring"),
    ("CA045", realms(club=RealmPolicy(Phase.BOTH, [LATER], NOON)), "club"),
    ("CA051", policy(links=LinkPolicy(reset=timedelta(minutes=61))), "61 minutes"),
    ("CA052", policy(links=LinkPolicy(sign_up=timedelta(minutes=5))), "900 seconds"),
]
LEFT_ALONE: list[Mapping[str, Any]] = [
    {},
    {"outbox": OutboxStatus(0, 0, None)},
    {"outbox": OutboxStatus(3, 2, NOON - timedelta(minutes=30))},
    store(database_time=NOON - timedelta(seconds=60)),
    store(newest_event=NOON + timedelta(seconds=60)),
    store(newest_event=NOON - timedelta(days=9)),
    store(oldest_session=NOON - POLICY.sessions.longest),
    store(unknown_hashes=3),  # the host's own hasher names no kinds
    store(realms={"citizen": 9, "official": 1}),
    policy(hashing=HashProfile.SMALL),
    policy(hashing=HashProfile(7168, 5, 1)),
    policy(hashing=HashProfile(47104, 1, 1)),
    realms(club=RealmPolicy(Phase.BOTH, [LATER], NOON + SOON)),
    realms(club=RealmPolicy(Phase.BOTH, [], NOON)),
    migration(MigrationState.APPLIED),
    migration(MigrationState.ROLLED_BACK),
    policy(links=LinkPolicy(reset=timedelta(minutes=60))),
    policy(outbox=OutboxPolicy(longest_retry=timedelta(minutes=59))),
]


@pytest.mark.parametrize(("code", "changed", "part"), FOUND)
def test_a_fault_is_found_alone(code: str, changed: Mapping[str, Any], part: str) -> None:
    """Each fault gives its own finding and no other, and the sentence names what is at fault."""
    (found,) = judge(replace(HEALTHY, **changed))
    assert found.code == code
    assert part in found.problem
    assert found.remedy.endswith(".")


@pytest.mark.parametrize("changed", LEFT_ALONE)
def test_what_is_right_is_left_alone(changed: Mapping[str, Any]) -> None:
    """Values at the edge of what is right, and ordinary ones, give no finding."""
    assert judge(replace(HEALTHY, **changed)) == []


def test_every_rule_is_shown_by_a_fault() -> None:
    """No rule is without a fault above, and the numbers are unique and in order."""
    codes = [rule.code for rule in RULES]
    assert {code for code, _, _ in FOUND} == set(codes)
    assert codes == sorted(set(codes))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_finding_has_a_section(rule: Any) -> None:
    """The page explains each finding under its number, with its level."""
    assert f"\n## {rule.code}\n\nLevel: {rule.level}." in PAGE


def test_the_page_explains_no_other_finding() -> None:
    """Every section of the page that begins with a number is that of a finding."""
    sections = {line.removeprefix("## ") for line in PAGE.splitlines() if line.startswith("## CA")}
    assert sections == CODES


def test_an_accepted_finding_has_the_reason() -> None:
    """Until the last day of its acceptance, a finding carries the reason, and no finding is about the acceptance."""
    facts = replace(HEALTHY, setup=Setup(ring_size=1))
    (found,) = judge(facts, [Acceptance("CA011", "rotated in May", NOON.date())])
    assert (found.code, found.accepted) == ("CA011", "rotated in May")
    assert found.page == "check.md#ca011"


def test_an_acceptance_that_ended_is_a_finding() -> None:
    """On the day after its end the acceptance has no effect and is a warning itself."""
    facts = replace(HEALTHY, setup=Setup(ring_size=1))
    single, ended = judge(facts, [Acceptance("CA011", "rotated in May", date(2026, 3, 1))])
    assert (single.code, single.accepted) == ("CA011", "")
    assert (ended.code, ended.level) == ("CA091", Level.WARNING)
    assert "CA011" in ended.problem
    assert "2026-03-01" in ended.problem


@pytest.mark.parametrize("until", [date(2020, 1, 1), date(2099, 1, 1)])
def test_an_acceptance_of_nothing_is_a_finding(until: date) -> None:
    """An acceptance whose fault was mended is named, so that it can be removed."""
    (found,) = judge(HEALTHY, [Acceptance("CA011", "rotated in May", until)])
    assert (found.code, found.level) == ("CA092", Level.INFO)


def test_levels_are_ordered() -> None:
    """An error reaches every level, and information only itself."""
    assert [one.reaches(Level.WARNING) for one in Level] == [False, True, True]
    assert all(Level.ERROR.reaches(one) for one in Level)
    assert [Level.INFO.reaches(one) for one in Level] == [True, False, False]
