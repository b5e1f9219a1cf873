"""`AccountStore`: where accounts, identifiers, sessions and the audit trail are written."""

from collections.abc import Sequence
from typing import Protocol

from cityauth.core.account import Account, AccountId
from cityauth.core.audit import AuditEvent
from cityauth.core.change import Change, CommitOutcome
from cityauth.core.resolution import Holding, Match
from cityauth.core.secret import Concealed


class AccountStore(Protocol):
    """What a store must do for accounts: a few questions and one commit.

    Every method may be called from several threads at once. Every method raises `StoreError` when
    the store cannot answer, having written nothing. `cityauth.testing.StoreContract` holds a store
    to all of this.
    """

    def find(self, keys: Sequence[str]) -> Sequence[Match]:
        """Return what is held under any of *keys*, retired, pending and contested holdings included.

        Keys are compared byte for byte: no collation, no case folding. One to a few keys; at most
        one match a key, in no particular order. Must use a unique index, never a scan.
        """
        ...

    def load(self, account_id: AccountId) -> Account | None:
        """Return the account, or ``None`` when there is none of that id."""
        ...

    def holdings(self, account_id: AccountId) -> Sequence[Holding]:
        """Return every identifier of the account in whatever life, oldest first; empty when none."""
        ...

    def password_hash(self, account_id: AccountId) -> Concealed | None:
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
        applied again (C-25).
        """
        ...
