"""What keeps: the store ports, and the union of them that one store may be."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from cityauth.core.accounts import Account, AccountId
from cityauth.core.audit import AuditEvent
from cityauth.core.changes import Change, CommitOutcome
from cityauth.core.links import OneTimeToken
from cityauth.core.mail import OutboxStatus, QueuedMail
from cityauth.core.resolution import AccountIdentifier, Match
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import LiveSession, Session
from cityauth.core.throttling import Allowance
from cityauth.policy.throttling import Limit


class AccountStore(Protocol):
    """What a store must do for accounts: a few questions and one commit.

    Every method may be called from several threads at once. Every method raises `StoreError` when
    the store cannot answer, having written nothing. `cityauth.testing.StoreContract` holds a store
    to all of this.
    """

    def find(self, keys: Sequence[str]) -> Sequence[Match]:
        """Return what is held under any of *keys*, retired, pending and contested ones included.

        Keys are compared byte for byte: no collation, no case folding. One to a few keys; at most
        one match a key, in no particular order. Must use a unique index, never a scan.
        """
        ...

    def load(self, account_id: AccountId) -> Account | None:
        """Return the account, or ``None`` when there is none of that id."""
        ...

    def account_identifiers(self, account_id: AccountId) -> Sequence[AccountIdentifier]:
        """Return the account's identifiers of every status, oldest first; empty when it has none."""
        ...

    def find_by_contact(self, key: str) -> Sequence[Account]:
        """Return the accounts whose contact has the *key* that `cityauth.core.mail.contact_key` makes of it.

        In no particular order; a mailbox may be the contact of several accounts. Must use an index, never a scan.
        """
        ...

    def has_tombstone(self, digests: Sequence[bytes]) -> bool:
        """Whether one of *digests* is stored as the tombstone of an erased account's identifier."""
        ...

    def password_hash(self, account_id: AccountId) -> SecretStr | None:
        """Return the account's stored hash, or ``None`` when it has none or there is no such account."""
        ...

    def events(self, account_id: AccountId) -> Sequence[AuditEvent]:
        """Return the audit trail of one account, oldest first; empty when there is none."""
        ...

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        """Apply *changes* in order, in one transaction, all or nothing.

        Returns `Committed`, or `Rejected` with the first change whose precondition did not hold and
        nothing written. Preconditions are decided by the write itself (a unique index, the row count
        of a conditional update), never by a read before it. A commit whose `EventRecorded` names an
        event (by its account and its id) that is recorded already is answered `Committed` and not
        applied again.
        """
        ...


class SessionStore(Protocol):
    """What a store must do for sessions. Sessions are opened and closed by `AccountStore.commit`."""

    def find_session(self, digest: bytes) -> LiveSession | None:
        """Return the session stored under the 32 bytes *digest* with its account, in one query.

        Whether it is still alive is the caller's decision. ``None`` when there is none.
        """
        ...

    def find_family(self, family: bytes) -> LiveSession | None:
        """Return the session of the 16 bytes *family* with its account. ``None`` when there is none."""
        ...

    def list_sessions(self, account_id: AccountId) -> Sequence[Session]:
        """Return the account's stored sessions, the last used first."""
        ...

    def touch_session(self, digest: bytes, at: datetime) -> None:
        """Move the session's last use forward to *at*. Never backward; never revives a closed one."""
        ...

    def purge_sessions(self, opened_before: datetime) -> int:
        """Delete sessions opened before that moment and return how many."""
        ...


class OneTimeTokenStore(Protocol):
    """What a store must do for one-time tokens besides the commit."""

    def find_token(self, digest: bytes) -> OneTimeToken | None:
        """Return the outstanding token stored under *digest*, expired ones included, or ``None``."""
        ...

    def purge_tokens(self, expired_before: datetime) -> int:
        """Delete tokens that expired before that moment, never a live one; return how many."""
        ...


class OutboxStore(Protocol):
    """What a store must do for the outbox. Mails are queued by `AccountStore.commit`."""

    def lease_mails(self, now: datetime, until: datetime, most: int) -> Sequence[QueuedMail]:
        """Take up to *most* mails that are due at *now*, oldest first, and hide them until *until*.

        Two workers never hold the same mail at once. Each taking counts as an attempt; a worker that
        dies gives its mails back when the lease ends. No mail is held for longer than
        `cityauth.policy.mail.LONGEST_HOLD`: one that is due later than that after *now* was queued by a clock
        that was ahead, and is due at once.
        """
        ...

    def postpone_mail(self, mail_id: str, until: datetime) -> None:
        """Try the mail again at *until*."""
        ...

    def drop_mail(self, mail_id: str) -> None:
        """Forget the mail with all its text: it was sent, or is not worth sending any more."""
        ...

    def outbox_status(self) -> OutboxStatus:
        """Return how the outbox stands."""
        ...


class ThrottleStore(Protocol):
    """What a store must do for throttling."""

    def reserve(self, bucket: str, limits: Sequence[Limit], now: datetime) -> Allowance:
        """Count one more use of *bucket* at *now* if every one of *limits* allows it, atomically.

        Returns `Reserved`, or `Exhausted` and nothing counted. Of any number of callers at once, no
        more than the limits allow are reserved. A use that lies ahead of *now* counts, so that a clock that is set
        back frees nothing; one that lies ahead by more than `cityauth.core.throttling.MOST_AHEAD` does not.
        """
        ...

    def purge_throttle(self, before: datetime) -> int:
        """Forget uses before that moment and return how many; never a bucket by another's choice."""
        ...


class Store(AccountStore, SessionStore, OneTimeTokenStore, OutboxStore, ThrottleStore, Protocol):
    """A store of everything that cityauth stores, such as `MemoryStore` and `SqlStore`."""


class AsyncStore(Protocol):
    """The asynchronous twin of `Store`: each method means what its twin's docstring says."""

    async def find(self, keys: Sequence[str]) -> Sequence[Match]:
        """See `AccountStore.find`."""
        ...

    async def load(self, account_id: AccountId) -> Account | None:
        """See `AccountStore.load`."""
        ...

    async def account_identifiers(self, account_id: AccountId) -> Sequence[AccountIdentifier]:
        """See `AccountStore.account_identifiers`."""
        ...

    async def find_by_contact(self, key: str) -> Sequence[Account]:
        """See `AccountStore.find_by_contact`."""
        ...

    async def has_tombstone(self, digests: Sequence[bytes]) -> bool:
        """See `AccountStore.has_tombstone`."""
        ...

    async def password_hash(self, account_id: AccountId) -> SecretStr | None:
        """See `AccountStore.password_hash`."""
        ...

    async def events(self, account_id: AccountId) -> Sequence[AuditEvent]:
        """See `AccountStore.events`."""
        ...

    async def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        """See `AccountStore.commit`."""
        ...

    async def find_session(self, digest: bytes) -> LiveSession | None:
        """See `SessionStore.find_session`."""
        ...

    async def find_family(self, family: bytes) -> LiveSession | None:
        """See `SessionStore.find_family`."""
        ...

    async def list_sessions(self, account_id: AccountId) -> Sequence[Session]:
        """See `SessionStore.list_sessions`."""
        ...

    async def touch_session(self, digest: bytes, at: datetime) -> None:
        """See `SessionStore.touch_session`."""
        ...

    async def purge_sessions(self, opened_before: datetime) -> int:
        """See `SessionStore.purge_sessions`."""
        ...

    async def find_token(self, digest: bytes) -> OneTimeToken | None:
        """See `OneTimeTokenStore.find_token`."""
        ...

    async def purge_tokens(self, expired_before: datetime) -> int:
        """See `OneTimeTokenStore.purge_tokens`."""
        ...

    async def lease_mails(self, now: datetime, until: datetime, most: int) -> Sequence[QueuedMail]:
        """See `OutboxStore.lease_mails`."""
        ...

    async def postpone_mail(self, mail_id: str, until: datetime) -> None:
        """See `OutboxStore.postpone_mail`."""
        ...

    async def drop_mail(self, mail_id: str) -> None:
        """See `OutboxStore.drop_mail`."""
        ...

    async def outbox_status(self) -> OutboxStatus:
        """See `OutboxStore.outbox_status`."""
        ...

    async def reserve(self, bucket: str, limits: Sequence[Limit], now: datetime) -> Allowance:
        """See `ThrottleStore.reserve`."""
        ...

    async def purge_throttle(self, before: datetime) -> int:
        """See `ThrottleStore.purge_throttle`."""
        ...


AnyStore: TypeAlias = Store | AsyncStore
"""What `AsyncCityAuth` takes. A synchronous store runs in worker threads."""
