"""The audit trail: what it tells, and what it can never hold."""

from dataclasses import fields
from datetime import timedelta

from cityauth.core.accounts import AccountId
from cityauth.core.audit import AuditEvent, AuditEventType, audit_event, hash_identifier
from cityauth.core.client import ClientContext
from tests.support.fakes import NOON, context

CLIENT = ClientContext("192.0.2.7", "Firefox")


def test_an_event_tells_what_when_whose_and_from_where() -> None:
    """Every line has its moment in UTC, its account and its client (ASVS 16.2.1, 16.2.2)."""
    event = audit_event(
        AuditEventType.LOGIN_REFUSED,
        context(NOON, CLIENT),
        account_id=AccountId("erkki"),
        reason="wrong_password",
        identifier_hash="0011223344556677",
        detail={"why": "", "outcome": "resolved"},
    )
    assert event == AuditEvent(
        id="context",
        what=AuditEventType.LOGIN_REFUSED,
        at=NOON,
        account_id=AccountId("erkki"),
        reason="wrong_password",
        identifier_hash="0011223344556677",
        address="192.0.2.7",
        user_agent="Firefox",
        detail={"outcome": "resolved"},
    )
    assert event.at.utcoffset() == timedelta(0)


def test_an_event_has_no_field_for_a_secret() -> None:
    """No field could hold what was typed, a token or a hash (B-77, ASVS 16.2.5)."""
    assert {field.name for field in fields(AuditEvent)} == {
        "id", "what", "at", "account_id", "reason", "identifier_hash", "address", "user_agent", "detail",
    }  # fmt: skip


def test_little_is_told_where_little_is_known() -> None:
    """An event of nobody and nowhere has empty fields, and its detail cannot be written to."""
    event = audit_event(AuditEventType.SESSIONS_CLOSED, context(NOON))
    assert (event.account_id, event.address, event.reason, event.identifier_hash, event.user_agent) == (
        None,
        None,
        "",
        "",
        "",
    )
    assert not event.detail
    assert not hasattr(AuditEvent("x", AuditEventType.SESSIONS_CLOSED, NOON).detail, "__setitem__")


def test_a_subject_counts_attempts_without_telling_whose() -> None:
    """The same key has the same digest under one secret only, and 64 bits tell subjects apart (B-51, ASVS 16.2.5)."""
    one = hash_identifier("1:erkki@example.com", b"secret")
    assert one == hash_identifier("1:erkki@example.com", b"secret")
    assert one != hash_identifier("1:matti@example.com", b"secret")
    assert one != hash_identifier("1:erkki@example.com", b"other")
    assert len(bytes.fromhex(one)) == 8
    assert "erkki" not in one


def test_what_happens_has_one_name() -> None:
    """The names are stable codes of two words, each its own, so that a monitor can filter by them (ASVS 16.2.1)."""
    values = [happening.value for happening in AuditEventType]
    assert len(set(values)) == len(values)
    assert all(value.replace(".", "_").isidentifier() and value.count(".") == 1 for value in values)
