"""What a host's store must be, for type checkers: the synchronous shape and its asynchronous twin."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from cityauth.core.account import Account, AccountId
from cityauth.core.change import Change, CommitOutcome
from cityauth.core.resolution import Holding, Match
from cityauth.core.session import LiveSession, Session
from cityauth.ports.accounts import AccountStore
from cityauth.ports.sessions import SessionStore


class Store(AccountStore, SessionStore, Protocol):
    """A store of accounts and sessions, such as `MemoryStore` and `SqlStore`."""


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


AnyStore: TypeAlias = Store | AsyncStore
"""What the asynchronous face takes: a synchronous store runs in worker threads."""
