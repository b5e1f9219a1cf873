"""What a host's store must be, for type checkers: the synchronous shape and its asynchronous twin."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from cityauth.core.account import Account, AccountId
from cityauth.core.audit import AuditEvent
from cityauth.core.change import Change, CommitOutcome
from cityauth.core.claim import Claim
from cityauth.core.mail import OutboxStatus, QueuedMail
from cityauth.core.resolution import Holding, Match
from cityauth.core.secret import Concealed
from cityauth.core.session import LiveSession, Session
from cityauth.core.throttle import Allowance, Limit
from cityauth.ports.accounts import AccountStore
from cityauth.ports.claims import ClaimStore
from cityauth.ports.outbox import OutboxStore
from cityauth.ports.sessions import SessionStore
from cityauth.ports.throttle import ThrottleStore


class Store(AccountStore, SessionStore, ClaimStore, OutboxStore, ThrottleStore, Protocol):
    """A store of everything that cityauth stores, such as `MemoryStore` and `SqlStore`."""


class AsyncStore(Protocol):
    """The asynchronous twin of `Store`: each method means what its twin's docstring says."""

    async def find(self, keys: Sequence[str]) -> Sequence[Match]:
        """See `AccountStore.find`."""
        ...

    async def load(self, account_id: AccountId) -> Account | None:
        """See `AccountStore.load`."""
        ...

    async def holdings(self, account_id: AccountId) -> Sequence[Holding]:
        """See `AccountStore.holdings`."""
        ...

    async def password_hash(self, account_id: AccountId) -> Concealed | None:
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

    async def list_sessions(self, account_id: AccountId) -> Sequence[Session]:
        """See `SessionStore.list_sessions`."""
        ...

    async def touch_session(self, digest: bytes, at: datetime) -> None:
        """See `SessionStore.touch_session`."""
        ...

    async def purge_sessions(self, opened_before: datetime) -> int:
        """See `SessionStore.purge_sessions`."""
        ...

    async def find_claim(self, digest: bytes) -> Claim | None:
        """See `ClaimStore.find_claim`."""
        ...

    async def purge_claims(self, expired_before: datetime) -> int:
        """See `ClaimStore.purge_claims`."""
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
"""What the asynchronous face takes: a synchronous store runs in worker threads."""
