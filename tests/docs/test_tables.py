"""The numbers in the documentation are the defaults: whoever changes one has to change the other."""

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cityauth.core.accounts import Account, AccountId
from cityauth.core.characters import Malformed
from cityauth.core.hashing import HashDefect
from cityauth.core.identifiers import EMAIL, USERNAME, inherit
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus, Outcome, Reason
from cityauth.flows.recovery import words_of
from cityauth.messages import Mail
from cityauth.messages.catalogue import template_of
from cityauth.policy import (
    HashLimits,
    HashProfile,
    HashQueuePolicy,
    IdentifierPolicy,
    LegacyHashPolicy,
    LinkPolicy,
    LoginPolicy,
    MailPolicy,
    OutboxPolicy,
    PasswordPolicy,
    SessionPolicy,
    ThrottlePolicy,
)
from cityauth.policy.realms import Phase
from cityauth.policy.throttling import Backoff, Limit
from tests.docs.reading import table

UNITS = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}


def worded(value: Any) -> str:
    """A default as the documentation writes it."""
    match value:
        case None:
            return "as many as the cores"
        case bool():
            return "yes" if value else "no"
        case timedelta():
            unit, span = next((unit, span) for unit, span in UNITS.items() if not value % span)
            count = value // span
            return f"{count} {unit}{'s' if count > 1 else ''}"
        case Limit(count, window):
            return f"{count} in {worded(window)}"
        case Backoff(free, first, longest):
            return f"{free} free, then {worded(first)} to {worded(longest)}"
        case str():
            return value or "(empty)"
        case tuple():
            return ", ".join(worded(one) for one in value) or "none"
        case _:
            return f"{value:,}"


def defaults(policy: Any) -> dict[str, str]:
    """Every field of a policy with its default, worded."""
    return {f"`{field.name}`": worded(getattr(policy, field.name)) for field in fields(policy)}


def column(rows: Mapping[str, tuple[str, ...]], number: int = 0) -> dict[str, str]:
    """One column of a table, by the first one."""
    return {name: cells[number] for name, cells in rows.items()}


def test_a_changed_default_would_be_seen() -> None:
    """The comparison below sees a changed value and a new field, so it cannot pass by looking at nothing."""
    rows = column(table("sessions.md", "`SessionPolicy`"))
    assert rows != defaults(SessionPolicy(idle=timedelta(minutes=31)))
    assert {**rows, "`another`": "1"} != defaults(SessionPolicy())


def test_session_timeouts_are_documented() -> None:
    """Idle and absolute timeouts, the number of sessions, and what is beyond it stand in the documentation with their reasons (ASVS 7.1.1, 7.1.2)."""
    rows = table("sessions.md", "`SessionPolicy`")
    assert column(rows) == defaults(SessionPolicy())
    assert column(rows, 1) == defaults(SessionPolicy.AAL2)
    assert all(cells[2] for cells in rows.values())
    assert "oldest session ends" in rows["`per_account`"][2]


def test_limits_are_documented() -> None:
    """Each limit, what it is counted per and what is beyond it stand in the documentation (ASVS 6.1.1)."""
    rows = table("throttling.md", "`ThrottlePolicy`")
    assert column(rows) == defaults(ThrottlePolicy())
    assert all(all(cells) for cells in rows.values())


def test_lifetimes_of_links_are_documented() -> None:
    """The lifetime of every mailed link stands in the documentation (NIST 4.2.1.2)."""
    assert column(table("recovery.md", "`LinkPolicy`")) == defaults(LinkPolicy())


def test_the_password_policy_is_documented() -> None:
    """Lengths, hash parameters and limits stand in the documentation (ASVS 6.2.1, 6.2.9, 11.4.2)."""
    assert column(table("passwords.md", "`PasswordPolicy`")) == defaults(PasswordPolicy())
    profiles = table("passwords.md", "`HashProfile`")
    assert column(profiles) == defaults(HashProfile.RFC_9106)
    assert column(profiles, 1) == defaults(HashProfile.SMALL)
    assert column(table("passwords.md", "`HashLimits`")) == defaults(HashLimits())
    assert column(table("passwords.md", "`LegacyHashPolicy`")) == defaults(LegacyHashPolicy())
    assert set(table("passwords.md", "`HashDefect`")) == {f"`{one}`" for one in HashDefect}


def test_the_hash_queue_is_documented() -> None:
    """What bounds hashing under load stands in the documentation, each setting with its reason (ASVS 6.1.1)."""
    rows = table("hashing.md", "`HashQueuePolicy`")
    assert column(rows) == defaults(HashQueuePolicy())
    assert all(all(cells) for cells in rows.values())


def test_context_words_are_documented() -> None:
    """The words of a person that no password may be are those that the documentation lists (ASVS 6.1.2)."""
    account = Account(AccountId("1"), "citizen", "Erkki Esimerkki", contact="erkki@example.com")
    name = inherit("erkki.e")
    assert not isinstance(name, Malformed)
    refused = words_of(account, (AccountIdentifier(name, IdentifierStatus.RETIRED),))
    assert tuple(column(table("passwords.md", "word")).values()) == refused


def test_the_outbox_is_documented() -> None:
    """How mail is retried stands in the documentation (ASVS 13.1.3)."""
    assert column(table("outbox.md", "`OutboxPolicy`")) == defaults(OutboxPolicy())


@pytest.mark.parametrize(
    ("page", "policy"),
    [("login.md", LoginPolicy()), ("identifiers.md", IdentifierPolicy()), ("outbox.md", MailPolicy())],
    ids=["login", "identifiers", "mail"],
)
def test_the_other_policies_are_documented(page: str, policy: object) -> None:
    """Every field of the login's, the identifiers' and the mails' policy stands in the documentation with its default."""
    assert column(table(page, f"`{type(policy).__name__}`")) == defaults(policy)


def test_mails_are_documented() -> None:
    """Every mail stands in the documentation with the placeholders that its shipped body names."""
    rows = table("messages.md", "mail")
    assert set(rows) == {f"`{mail.name}`" for mail in Mail}
    for mail in Mail:
        named = dict.fromkeys(re.findall(r"{(\w+)}", template_of(mail.body, "en")))
        assert rows[f"`{mail.name}`"][1] == (", ".join(f"`{{{name}}}`" for name in named) or "none")


def test_phases_are_documented() -> None:
    """Which kind signs in at which phase is what the documentation says."""
    said = {name: cells[:3] for name, cells in table("identifiers.md", "`Phase`").items()}
    kinds = (USERNAME.name, EMAIL.name, "card")
    assert said == {f"`{one}`": tuple("yes" if one.admits(kind) else "no" for kind in kinds) for one in Phase}


def test_reasons_are_documented() -> None:
    """Every outcome, every reason and every fault of a text stands in the documentation."""
    page = Path(__file__).parents[2].joinpath("docs", "identifiers.md").read_text(encoding="utf-8")
    pairs = set(re.findall(r"^\| `([a-z_]+)` \| (?:`([a-z_]+)`|\(empty\)) \|", page, re.MULTILINE))
    assert {outcome for outcome, _ in pairs} == set(Outcome)
    assert {reason for _, reason in pairs} == set(Reason)
    assert set(table("identifiers.md", "`Malformed`")) == {f"`{one}`" for one in Malformed}


@pytest.mark.parametrize(("value", "said"), [(timedelta(minutes=90), "90 minutes"), ((), "none"), (65536, "65,536")])
def test_a_default_is_worded(value: object, said: str) -> None:
    """Spans take the largest unit that divides them, numbers their thousands' commas."""
    assert worded(value) == said
