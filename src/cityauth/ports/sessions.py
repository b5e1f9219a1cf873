"""`SessionStore`: where each request's session is looked up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cityauth.core.account import AccountId
from cityauth.core.session import LiveSession, Session


class SessionStore(Protocol):
    """What a store must do for sessions. Sessions are opened and closed by `AccountStore.commit`."""

    def find_session(self, digest: bytes) -> LiveSession | None:
        """Return the session stored under the 32 bytes *digest* with its account, in one query.

        Whether it is still alive is the caller's decision. ``None`` when there is none.
        """
        ...

    def list_sessions(self, account_id: AccountId) -> Sequence[Session]:
        """Return the account's stored sessions, the last used first."""
        ...

    def touch_session(self, digest: bytes, at: datetime) -> None:
        """Move the session's last use forward to *at*. Never backward; never revives a closed one."""
        ...

    def purge_sessions(self, opened_before: datetime) -> int:
        """Delete sessions opened before that moment and return how many (C-55)."""
        ...
