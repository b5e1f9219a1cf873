"""The ports of stores, and their union, which one store may implement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from cityauth.core.accounts import Account, AccountId
from cityauth.core.audit import AuditEvent
from cityauth.core.changes import Change, CommitOutcome
from cityauth.core.check import StoreState
from cityauth.core.links import OneTimeToken
from cityauth.core.mail import OutboxStatus, QueuedMail
from cityauth.core.migration import Migration, MigrationStep, StepState
from cityauth.core.population import ImportedPerson, KeyUse, PopulationRow
from cityauth.core.resolution import AccountIdentifier, Match
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import LiveSession, Session
from cityauth.core.throttling import Allowance, Claim
from cityauth.policy.throttling import Limit


class AccountStore(Protocol):
    """What a store must do for accounts: look-ups and one commit.

    Every method may be called from several threads at once. If the store cannot answer, every method raises
    `StoreError`. Then `commit` has written all of the changes or nothing, and the caller does not know which of the
    two, unless `StoreUnavailableError.nothing_written` says so. `cityauth.testing.StoreContract` tests what it can
    test of this.
    """

    def find(self, keys: Sequence[str]) -> Sequence[Match]:
        """Return what accounts hold under any of *keys*, whatever the status of the identifier is.

        Keys are compared byte for byte, without collation and case folding. There are one to a few keys. Each key has
        at most one match; the order does not matter. Use a unique index, never a scan.
        """
        ...

    def load(self, account_id: AccountId) -> Account | None:
        """Return the account, or ``None`` if no account has the id."""
        ...

    def account_identifiers(self, account_id: AccountId) -> Sequence[AccountIdentifier]:
        """Return the account's identifiers of every status, oldest first; empty if it has none."""
        ...

    def find_by_contact(self, key: str) -> Sequence[Account]:
        """Return the accounts whose contact has the *key* that `cityauth.core.mail.contact_key` makes of it.

        A mailbox may be the contact of several accounts; their order does not matter. Use an index, never a scan.
        """
        ...

    def has_tombstone(self, digests: Sequence[bytes]) -> bool:
        """Whether one of *digests* is stored as the tombstone of an erased account's identifier."""
        ...

    def password_hash(self, account_id: AccountId) -> SecretStr | None:
        """Return the account's stored hash, or ``None`` if it has none or no account has the id."""
        ...

    def events(self, account_id: AccountId) -> Sequence[AuditEvent]:
        """Return the audit trail of one account, oldest first; empty if there is none."""
        ...

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        """Apply *changes* in order, in one transaction, all or nothing.

        Returns `Committed`, or `Rejected` with the first change whose precondition did not hold; then nothing was
        written. The write itself checks each precondition (by a unique index, or by the row count of a conditional
        update), never a read before it. If the event of an `EventRecorded` is recorded already (with the same account
        and id), return `Committed` and apply nothing.
        """
        ...


class SessionStore(Protocol):
    """What a store must do for sessions. Sessions are opened and closed by `AccountStore.commit`."""

    def find_session(self, digest: bytes) -> LiveSession | None:
        """Return the session stored under the 32 bytes *digest* with its account, or ``None``, in one query.

        The caller decides whether it is still valid.
        """
        ...

    def find_family(self, family: bytes) -> LiveSession | None:
        """Return the session of the 16 bytes *family* with its account, or ``None``."""
        ...

    def list_sessions(self, account_id: AccountId) -> Sequence[Session]:
        """Return the account's stored sessions, the last used first."""
        ...

    def touch_session(self, digest: bytes, at: datetime) -> None:
        """Set the session's last use to *at*, if that is later. A closed session stays closed."""
        ...

    def purge_sessions(self, opened_before: datetime) -> int:
        """Delete the sessions that were opened before that time; return how many."""
        ...


class OneTimeTokenStore(Protocol):
    """What a store must do for one-time tokens besides the commit."""

    def find_token(self, digest: bytes) -> OneTimeToken | None:
        """Return the unused token stored under *digest*, even if it has expired, or ``None``."""
        ...

    def purge_tokens(self, expired_before: datetime) -> int:
        """Delete the tokens that expired before that time, and no other; return how many."""
        ...


class OutboxStore(Protocol):
    """What a store must do for the outbox. Mails are queued by `AccountStore.commit`."""

    def lease_mails(self, now: datetime, until: datetime, most: int) -> Sequence[QueuedMail]:
        """Lease up to *most* mails that are due at *now*, oldest first: nobody else gets them before *until*.

        Two jobs never hold the same mail at once. Each lease counts as an attempt. If a job dies, its mails are due
        again when the lease ends. A mail that is due more than one hour after *now*
        (`cityauth.policy.mail.LONGEST_HOLD`) was queued by a clock that was ahead; it is due at once.
        """
        ...

    def postpone_mail(self, mail_id: str, until: datetime) -> None:
        """Make the mail due again at *until*."""
        ...

    def drop_mail(self, mail_id: str) -> None:
        """Delete the mail with all its text: it was sent or abandoned."""
        ...

    def outbox_status(self) -> OutboxStatus:
        """Return how many mails wait."""
        ...


class ThrottleStore(Protocol):
    """What a store must do for throttling."""

    def reserve(self, bucket: str, limits: Sequence[Limit], now: datetime) -> Allowance:
        """Count one more use of *bucket* at *now* if all of *limits* allow it, atomically.

        Returns `Reserved`; or `Exhausted`, and nothing is counted. Even if many callers come at once, no more than
        the limits allow get `Reserved`. A use that lies after *now* counts, so that a clock that is set back makes
        nothing free; one that lies ahead by more than `cityauth.core.throttling.MOST_AHEAD` does not.
        """
        ...

    def reserve_all(self, claims: Sequence[Claim], now: datetime) -> Allowance:
        """Count one more use for each of *claims* at *now* if all of them allow it, atomically.

        Returns `Reserved`; or `Exhausted` with the latest moment that one of them asks for, and nothing is counted.
        A claim with limits is as in `reserve`. For one with a `Backoff` the store keeps `Attempts` in the bucket, and
        `cityauth.core.throttling.count_attempt` decides. Even if many callers come at once, no more than allowed get
        `Reserved`. A store may forget uses of a bucket that no limit of the claim counts any more. No two claims have
        one bucket.
        """
        ...

    def refund(self, claims: Sequence[Claim], at: datetime, *, forget: bool) -> None:
        """Take back the use that was reserved for each of *claims* at *at*. What is not there any more stays so.

        With *forget*, a claim with a `Backoff` begins at nothing, if its bucket still has the holder of the claim.
        Otherwise `cityauth.core.throttling.refund_attempt` decides what is stored.
        """
        ...

    def purge_throttle(self, before: datetime) -> int:
        """Delete the uses before that time, and attempts that were free before it; no other; return how many."""
        ...


class LocalThrottleStore(Protocol):
    """Counts in this process, while a throttle of its own cannot answer. The library supplies it; it never blocks."""

    def reserve_locally(self, claims: Sequence[Claim], now: datetime) -> Allowance:
        """Do what `ThrottleStore.reserve_all` does, within a fixed amount of memory."""
        ...

    def refund_locally(self, claims: Sequence[Claim], at: datetime, *, forget: bool) -> None:
        """Do what `ThrottleStore.refund` does."""
        ...


class Store(AccountStore, SessionStore, OneTimeTokenStore, OutboxStore, ThrottleStore, Protocol):
    """A store of everything that a service needs. `MemoryStore` and `SqlStore` are a `PopulationStore` as well."""


class PopulationStore(Protocol):
    """What a store must do, besides `AccountStore`, so that a population can be imported and moved.

    A store without these methods serves everything but ``auth.population`` and ``auth.migration``. What is written is
    written by `AccountStore.commit`.
    """

    def read_population(self, after: str, most: int) -> Sequence[PopulationRow]:
        """Return up to *most* accounts with an id greater than *after*, in the order of their ids.

        Ids are compared as texts, byte for byte; an empty *after* begins. Each page must be read by an index.
        """
        ...

    def find_population(self, account_ids: Sequence[AccountId]) -> Sequence[PopulationRow]:
        """Return those of the accounts that exist, in no particular order. Up to some hundreds of ids."""
        ...

    def find_key_uses(self, keys: Sequence[str]) -> Sequence[KeyUse]:
        """Return every use of *keys*, as a contact or as an identifier, in no particular order. Up to some hundreds."""
        ...

    def find_imported(self, external_ids: Sequence[str]) -> Sequence[ImportedPerson]:
        """Return the accounts that have one of these `external_id`, in no particular order. Up to some hundreds."""
        ...

    def list_migrations(self) -> Sequence[Migration]:
        """Return every migration that was ever begun, the newest first."""
        ...

    def read_steps(self, migration_id: str, state: StepState | None, after: str, most: int) -> Sequence[MigrationStep]:
        """Return up to *most* steps of a migration, in the order of their account ids, of one state or of any.

        *after* is as in `read_population`.
        """
        ...

    def read_step_keys(
        self, migration_id: str, state: StepState, after: str, most: int
    ) -> Sequence[tuple[AccountId, str | None]]:
        """Return accounts and keys of a page of steps: what `read_steps` would, for less work."""
        ...

    def read_outdated(self, migration_id: str, after: str, most: int) -> Sequence[MigrationStep]:
        """Return a page of the planned steps that could not be carried out now, each with the reason as its refusal.

        What `StepsApplied` would find is found here before anything changes, but for tombstones.
        """
        ...

    def count_steps(self, migration_id: str) -> Mapping[StepState, int]:
        """Return how many steps of a migration are in each state; states without a step may be missing."""
        ...

    def account_steps(self, account_id: AccountId) -> Sequence[tuple[Migration, MigrationStep]]:
        """Return what migrations did to one account, the newest migration first."""
        ...


class HashCountStore(Protocol):
    """What a store must do, besides `AccountStore`, so that the library knows which stored hashes a population has.

    The changes that write a hash say which kind it is: the sample of `cityauth.hashing.HashKind`, or an empty text
    where it is not known. A store without these methods serves everything but ``auth.population.wrap_weak_hashes``.
    For such a store the host gives ``CityAuth(hash_mix=...)``.
    """

    def count_hash_kinds(self, most: int) -> Mapping[str, int]:
        """Return how many accounts have a hash of each kind, by its sample: the *most* frequent kinds, in this order.

        Accounts without a hash, and hashes of no known kind, do not count. The counts must be read from an index: a
        sign-in waits for them every five minutes.
        """
        ...

    def read_hashes(self, hash_kind: str, after: str, most: int) -> Sequence[tuple[AccountId, SecretStr]]:
        """Return up to *most* accounts with a hash of this kind, and the hashes, in the order of the accounts' ids.

        *after* is as in `PopulationStore.read_population`. Each page must be read by an index.
        """
        ...


class InspectedStore(Protocol):
    """What a store must do so that ``auth.check`` can look at what it keeps; a store without it serves all else."""

    def inspect(self) -> StoreState:
        """Return what the store says of itself. It may read whole tables: nobody signs in meanwhile because of it."""
        ...


class AsyncThrottleStore(Protocol):
    """The same as `ThrottleStore` with asynchronous methods."""

    async def reserve(self, bucket: str, limits: Sequence[Limit], now: datetime) -> Allowance:
        """See `ThrottleStore.reserve`."""
        ...

    async def reserve_all(self, claims: Sequence[Claim], now: datetime) -> Allowance:
        """See `ThrottleStore.reserve_all`."""
        ...

    async def refund(self, claims: Sequence[Claim], at: datetime, *, forget: bool) -> None:
        """See `ThrottleStore.refund`."""
        ...

    async def purge_throttle(self, before: datetime) -> int:
        """See `ThrottleStore.purge_throttle`."""
        ...


class AsyncStore(AsyncThrottleStore, Protocol):
    """The same as `Store` with asynchronous methods."""

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


AnyStore: TypeAlias = Store | AsyncStore
"""What `AsyncCityAuth` takes. A synchronous store runs in worker threads."""

AnyThrottleStore: TypeAlias = ThrottleStore | AsyncThrottleStore
"""The same for the throttle alone."""
