"""Commits: which program applies which change, and the program that applies them all."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, TypeAlias

from sqlalchemy import bindparam, select

from cityauth.core.audit import EventSummed
from cityauth.core.changes import (
    AccountAdded,
    AccountErased,
    AccountUnchanged,
    Change,
    CommitOutcome,
    Committed,
    ContactChanged,
    ContactVerified,
    EpochAdvanced,
    EventRecorded,
    IdentifierAdded,
    IdentifierReleased,
    IdentifierRetired,
    MailQueued,
    PasswordReplaced,
    PasswordSet,
    ProfileChanged,
    Rejected,
    SessionClosed,
    SessionOpened,
    SessionRequired,
    SessionsClosed,
    StatusChanged,
    TokenIssued,
    TokensRevoked,
    TokenUsed,
    TombstonesReleased,
)
from cityauth.core.migration import (
    MigrationDiscarded,
    MigrationMoved,
    MigrationOpened,
    StepsApplied,
    StepsPlanned,
    StepsRolledBack,
)
from cityauth.core.population import PeopleAdded, SourceRecorded
from cityauth.core.throttling import FailureCounted, FailuresCleared
from cityauth.stores.sql import (
    accounts,
    audit,
    identifiers,
    journal,
    links,
    migration_steps,
    outbox,
    population,
    sessions,
)
from cityauth.stores.sql.programs import Lock, Program, UnmetError
from cityauth.stores.sql.tables import account, one_time_token

Apply: TypeAlias = Callable[[Any], Program[None]]

APPLY: Final[Mapping[type[Change], Apply]] = {
    AccountAdded: accounts.add_account,
    IdentifierAdded: identifiers.add_identifier,
    IdentifierRetired: identifiers.retire_identifier,
    IdentifierReleased: identifiers.release_identifier,
    TombstonesReleased: identifiers.release_tombstones,
    PasswordReplaced: accounts.replace_password,
    PasswordSet: accounts.set_password,
    FailureCounted: accounts.count_failure,
    FailuresCleared: accounts.clear_failures,
    StatusChanged: accounts.change_status,
    EpochAdvanced: accounts.advance_epoch,
    ContactChanged: accounts.change_contact,
    ProfileChanged: accounts.change_profile,
    AccountErased: accounts.erase_account,
    SessionOpened: sessions.open_session,
    SessionRequired: sessions.require_session,
    SessionClosed: sessions.close_session,
    SessionsClosed: sessions.close_sessions,
    TokenIssued: links.issue_token,
    TokenUsed: links.use_token,
    TokensRevoked: links.revoke_tokens,
    AccountUnchanged: accounts.require_unchanged,
    ContactVerified: accounts.verify_contact,
    PeopleAdded: population.add_people,
    SourceRecorded: population.record_source,
    MigrationOpened: journal.open_migration,
    MigrationMoved: journal.move_migration,
    MigrationDiscarded: journal.discard_migration,
    StepsPlanned: journal.plan_steps,
    StepsApplied: migration_steps.apply_steps,
    StepsRolledBack: migration_steps.roll_back_steps,
    MailQueued: outbox.queue_mail,
    EventRecorded: audit.record,
    EventSummed: audit.sum_up,
}
"""Each program writes inside the commit's transaction, and refuses the commit where its precondition does not hold."""

DURABLE: Final = frozenset(
    {
        AccountErased,
        EpochAdvanced,
        PasswordSet,
        SessionClosed,
        SessionsClosed,
        StatusChanged,
        TokensRevoked,
        TokenUsed,
    }
)
"""Changes after which something no longer works, such as a session, a link or an old password.

A commit with one of them waits for the disk, whatever `synchronous` is: a power cut must not bring back what ended.
"""


class Rollback(Exception):  # noqa: N818 - no error: it undoes the transaction and is caught outside it
    """The commit ends with *outcome*, and nothing of it stays."""

    def __init__(self, outcome: CommitOutcome) -> None:
        self.outcome = outcome


_OF_IDS: Final = account.c.id.in_(bindparam("ids", expanding=True))
_OF_TOKENS: Final = account.c.id.in_(
    select(one_time_token.c.account_id).where(one_time_token.c.digest.in_(bindparam("digests", expanding=True)))
)
_LOCK, _LOCK_OWNERS = (
    select(account.c.id).where(condition).order_by(account.c.id).with_for_update(key_share=True)
    for condition in (_OF_IDS, _OF_TOKENS)
)


def _lock_accounts(changes: Sequence[Change]) -> Program[None]:
    """Lock the accounts of *changes*, in the order of their ids, so that no two commits wait for each other."""
    digests = sorted({one.digest for one in changes if isinstance(one, TokenUsed)})
    if digests:
        yield Lock(_LOCK_OWNERS, {"digests": digests})
    ids = sorted({one for one in map(_account_of, changes) if isinstance(one, str)})
    if ids:
        yield Lock(_LOCK, {"ids": ids})


_ACCOUNT_OF: Final[Mapping[type[Change], Callable[[Any], str | None]]] = {
    SessionOpened: attrgetter("session.account_id"),
    TokenIssued: lambda change: change.one_time_token.account_id or "",  # that of nobody takes a lock, so as long
    AccountUnchanged: attrgetter("account.id"),
    SourceRecorded: attrgetter("source.account_id"),
}
"""Returns the stored account that a change is about, where the change has no ``account_id`` of its own."""


def _account_of(change: Change) -> str | None:
    """Return the stored account that *change* is about."""
    get = _ACCOUNT_OF.get(type(change))
    return get(change) if get else getattr(change, "account_id", None)


def commit(changes: Sequence[Change]) -> Program[CommitOutcome]:
    """Apply *changes* within a transaction. All events go first: a stored event shows that it was committed before.

    Before them the accounts that the changes are about are locked. So every statement after that sees these accounts as
    the last commit left them, and none of two commits about one account can decide by what the other one changes.

    Raises:
        Rollback: a precondition did not hold, or all of it was committed before.
    """
    yield from _lock_accounts(changes)
    events = {one.event.id: one for one in changes if isinstance(one, EventRecorded)}
    others = [one for one in changes if not isinstance(one, EventRecorded)]
    for change in (*events.values(), *others):
        try:
            yield from APPLY[type(change)](change)
        except UnmetError as unmet:
            outcome = unmet.why if isinstance(unmet.why, Committed) else Rejected(change, unmet.why)
            raise Rollback(outcome) from None
    return Committed()
