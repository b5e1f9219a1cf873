"""`SqlStore`: every port that stores, on SQLAlchemy Core."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Self, final

from sqlalchemy import URL, Engine

from cityauth.core.accounts import Account, AccountId
from cityauth.core.audit import AuditEvent
from cityauth.core.changes import AccountErased, Change, CommitOutcome
from cityauth.core.check import StoreState
from cityauth.core.links import OneTimeToken
from cityauth.core.mail import OutboxStatus, QueuedMail
from cityauth.core.migration import Migration, MigrationStep, StepState
from cityauth.core.population import ImportedPerson, KeyUse, PopulationRow
from cityauth.core.resolution import AccountIdentifier, Match
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import LiveSession, Session
from cityauth.core.throttling import Allowance, Claim
from cityauth.errors import ConfigurationError
from cityauth.policy.throttling import Limit
from cityauth.stores.sql import (
    accounts,
    audit,
    hash_kinds,
    identifiers,
    inspection,
    journal,
    links,
    outbox,
    population,
    schema,
    sessions,
    throttling,
)
from cityauth.stores.sql.commits import DURABLE, Rollback, commit
from cityauth.stores.sql.connections import TOUCH_SECONDS, Synchronous
from cityauth.stores.sql.opening import open_database
from cityauth.stores.sql.pool_settings import PoolSettings


@final
class SqlStore:
    """Keeps accounts, sessions, links, mail and the audit trail in tables named ``cityauth_...``.

    The tables are in a SQLite file or in a database of a PostgreSQL server; both keep the same promises. Safe between
    threads and between processes. For a file each thread keeps one connection, closed when the thread ends; to a server
    each call takes one from a pool. It touches only its own tables, so they may lie in the host's database.

    Every method raises `StoreUnavailableError` when the database cannot be opened or reached, is full, stays locked
    for more than 5 seconds, or when its file was deleted or replaced while in use; `SchemaError` when the
    file or its tables are missing or of another release; `StoreError` when a stored value cannot be read.
    A method that raises has written nothing, unless the commit itself failed: see `StoreUnavailableError`.
    No exception holds SQL or stored values.

    The store writes on connections of its own. While your code holds a write transaction open on the same
    database, such as one for each request, every write of the store waits for it and fails after 5 seconds: end
    that transaction before you call cityauth, or let the store take part in it with `on`.
    """

    def __init__(
        self,
        url: str | URL | None = None,
        *,
        engine: Engine | None = None,
        synchronous: Synchronous = "normal",
        read_only: bool = False,
        pool_size: int = 10,
        pool_timeout: float = 2,
        statement_timeout: float = 3,
        prepare_threshold: int | None = 5,
    ) -> None:
        """Name the database; it is opened on first use.

        Args:
            url: Its SQLAlchemy URL, such as ``sqlite:///service.db`` or ``postgresql://user@host/db``.
            engine: The host's own engine on a SQLite file, instead of a URL. The store takes connections of its own
                from it, which never go back to its pool.
            synchronous: When a commit waits for the disk. ``normal``: a crash of the process loses
                nothing. A power cut may undo the last commits, each as a whole, but no commit that ended
                a session, used a link up or set a password. ``full``: every commit survives a power
                cut, and every sign-in waits for the disk.
            read_only: Whether the database refuses every write of this store, for a rehearsal that must not write.
                A method that writes raises `StoreUnavailableError`.
            pool_size: The most connections that are open to a PostgreSQL server at once. This and the
                following ones are not used for a file.
            pool_timeout: How many seconds a call waits until one of them is free.
            statement_timeout: How many seconds one statement may take, waiting for locks included.
            prepare_threshold: After how many runs the server keeps a statement prepared; ``None`` for never, which
                PgBouncer may need in transaction mode.

        Raises:
            ConfigurationError: not exactly one of *url* and *engine* is given, it names neither a SQLite
                file nor a PostgreSQL server, or a number is out of its range. In memory, use `MemoryStore`.
            MissingExtraError: the URL is that of a PostgreSQL server, and psycopg is not installed.
        """
        if (url is None) == (engine is None):
            raise ConfigurationError("SqlStore needs a URL or an engine, and not both")
        if synchronous not in {"normal", "full"}:
            raise ConfigurationError("synchronous is 'normal' or 'full'")
        settings = PoolSettings(pool_size, pool_timeout, statement_timeout, prepare_threshold)
        self._database = open_database(url, engine, synchronous, settings, read_only=read_only)
        self._log_holds_deleted = False

    # --- AccountStore -----------------------------------------------------------------------------

    def find(self, keys: Sequence[str]) -> Sequence[Match]:
        """See `AccountStore.find`."""
        return self._database.look_up(accounts.find(keys))

    def load(self, account_id: AccountId) -> Account | None:
        """See `AccountStore.load`."""
        return self._database.look_up(accounts.load(account_id))

    def account_identifiers(self, account_id: AccountId) -> Sequence[AccountIdentifier]:
        """See `AccountStore.account_identifiers`."""
        return self._database.look_up(identifiers.account_identifiers(account_id))

    def find_by_contact(self, key: str) -> Sequence[Account]:
        """See `AccountStore.find_by_contact`."""
        return self._database.look_up(accounts.find_by_contact(key))

    def has_tombstone(self, digests: Sequence[bytes]) -> bool:
        """See `AccountStore.has_tombstone`."""
        return self._database.look_up(identifiers.has_tombstone(digests))

    def password_hash(self, account_id: AccountId) -> SecretStr | None:
        """See `AccountStore.password_hash`."""
        return self._database.look_up(accounts.password_hash(account_id))

    def events(self, account_id: AccountId) -> Sequence[AuditEvent]:
        """See `AccountStore.events`."""
        return self._database.look_up(audit.events(account_id))

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        """See `AccountStore.commit`.

        A commit that ends sessions, uses a link up or sets a password waits for the disk, whatever
        ``synchronous`` says: a power cut must not take it back.
        """
        kinds = {type(change) for change in changes}
        run = self._database.within if DURABLE.isdisjoint(kinds) else self._database.within_durably
        try:
            outcome = run(commit, changes)
        except Rollback as rollback:
            return rollback.outcome
        self._log_holds_deleted |= AccountErased in kinds
        return outcome

    # --- PopulationStore --------------------------------------------------------------------------

    def read_population(self, after: str, most: int) -> Sequence[PopulationRow]:
        """See `PopulationStore.read_population`."""
        return self._database.look_up(population.read_population(after, most))

    def find_population(self, account_ids: Sequence[AccountId]) -> Sequence[PopulationRow]:
        """See `PopulationStore.find_population`."""
        return self._database.look_up(population.find_population(account_ids))

    def find_key_uses(self, keys: Sequence[str]) -> Sequence[KeyUse]:
        """See `PopulationStore.find_key_uses`."""
        return self._database.look_up(population.find_key_uses(keys))

    def find_imported(self, external_ids: Sequence[str]) -> Sequence[ImportedPerson]:
        """See `PopulationStore.find_imported`."""
        return self._database.look_up(population.find_imported(external_ids))

    def list_migrations(self) -> Sequence[Migration]:
        """See `PopulationStore.list_migrations`."""
        return self._database.look_up(journal.list_migrations())

    def read_steps(self, migration_id: str, state: StepState | None, after: str, most: int) -> Sequence[MigrationStep]:
        """See `PopulationStore.read_steps`."""
        return self._database.look_up(journal.read_steps(migration_id, state, after, most))

    def read_step_keys(
        self, migration_id: str, state: StepState, after: str, most: int
    ) -> Sequence[tuple[AccountId, str | None]]:
        """See `PopulationStore.read_step_keys`."""
        return self._database.look_up(journal.read_step_keys(migration_id, state, after, most))

    def read_outdated(self, migration_id: str, after: str, most: int) -> Sequence[MigrationStep]:
        """See `PopulationStore.read_outdated`."""
        return self._database.look_up(journal.read_outdated(migration_id, after, most))

    def count_steps(self, migration_id: str) -> Mapping[StepState, int]:
        """See `PopulationStore.count_steps`."""
        return self._database.look_up(journal.count_steps(migration_id))

    def account_steps(self, account_id: AccountId) -> Sequence[tuple[Migration, MigrationStep]]:
        """See `PopulationStore.account_steps`."""
        return self._database.look_up(journal.account_steps(account_id))

    # --- HashCountStore ---------------------------------------------------------------------------

    def count_hash_kinds(self, most: int) -> Mapping[str, int]:
        """See `HashCountStore.count_hash_kinds`."""
        return self._database.look_up(hash_kinds.count_hash_kinds(most))

    def read_hashes(self, hash_kind: str, after: str, most: int) -> Sequence[tuple[AccountId, SecretStr]]:
        """See `HashCountStore.read_hashes`."""
        return self._database.look_up(hash_kinds.read_hashes(hash_kind, after, most))

    # --- SessionStore -----------------------------------------------------------------------------

    def find_session(self, digest: bytes) -> LiveSession | None:
        """See `SessionStore.find_session`."""
        return self._database.look_up(sessions.find_session(digest))

    def find_family(self, family: bytes) -> LiveSession | None:
        """See `SessionStore.find_family`."""
        return self._database.look_up(sessions.find_family(family))

    def list_sessions(self, account_id: AccountId) -> Sequence[Session]:
        """See `SessionStore.list_sessions`."""
        return self._database.look_up(sessions.list_sessions(account_id))

    def touch_session(self, digest: bytes, at: datetime) -> None:
        """See `SessionStore.touch_session`. Waits only a tenth of a second for a lock, because a page waits for it."""
        self._database.write(sessions.touch_session(digest, at), seconds=TOUCH_SECONDS)

    def purge_sessions(self, opened_before: datetime) -> int:
        """See `SessionStore.purge_sessions`."""
        return self._database.write(sessions.purge_sessions(opened_before))

    # --- OneTimeTokenStore ------------------------------------------------------------------------

    def find_token(self, digest: bytes) -> OneTimeToken | None:
        """See `OneTimeTokenStore.find_token`."""
        return self._database.look_up(links.find_token(digest))

    def purge_tokens(self, expired_before: datetime) -> int:
        """See `OneTimeTokenStore.purge_tokens`."""
        purged = self._database.write(links.purge_tokens(expired_before))
        self._log_holds_deleted = True
        self._forget_deleted()
        return purged

    # --- OutboxStore ------------------------------------------------------------------------------

    def lease_mails(self, now: datetime, until: datetime, most: int) -> Sequence[QueuedMail]:
        """See `OutboxStore.lease_mails`."""
        if not self._database.look_up(outbox.any_due(now)):
            self._forget_deleted()
            return []
        return self._database.within(outbox.lease_mails, now, until, most)

    def postpone_mail(self, mail_id: str, until: datetime) -> None:
        """See `OutboxStore.postpone_mail`."""
        self._database.write(outbox.postpone_mail(mail_id, until))

    def drop_mail(self, mail_id: str) -> None:
        """See `OutboxStore.drop_mail`."""
        self._database.write(outbox.drop_mail(mail_id))
        self._log_holds_deleted = True

    def outbox_status(self) -> OutboxStatus:
        """See `OutboxStore.outbox_status`."""
        return self._database.look_up(outbox.outbox_status())

    # --- ThrottleStore ----------------------------------------------------------------------------

    def reserve(self, bucket: str, limits: Sequence[Limit], now: datetime) -> Allowance:
        """See `ThrottleStore.reserve`."""
        return self._database.within(throttling.reserve, bucket, limits, now)

    def reserve_all(self, claims: Sequence[Claim], now: datetime) -> Allowance:
        """See `ThrottleStore.reserve_all`."""
        return self._database.within(throttling.reserve_all, claims, now)

    def refund(self, claims: Sequence[Claim], at: datetime, *, forget: bool) -> None:
        """See `ThrottleStore.refund`."""
        self._database.within(throttling.refund, claims, at, forget=forget)

    def purge_throttle(self, before: datetime) -> int:
        """See `ThrottleStore.purge_throttle`."""
        return self._database.within(throttling.purge_throttle, before)

    # --- The audit trail --------------------------------------------------------------------------

    def trail(self, limit: int | None = None) -> Sequence[AuditEvent]:
        """Return the audit trail of all accounts, oldest first; only its last *limit* lines when given."""
        return self._database.look_up(audit.trail(limit))

    def inspect(self) -> StoreState:
        """See `InspectedStore.inspect`."""
        return self._database.look_up(inspection.inspect(self._database.engine))

    # --- The tables -------------------------------------------------------------------------------

    def schema_version(self) -> str | None:
        """Return the revision that the tables are at, or ``None`` when there are none, or no file."""
        if not self._database.has_file():
            return None
        return self._database.alone(schema.version_of)

    def create_schema(self) -> None:
        """Create the tables in a fresh database; do nothing when they are there.

        A missing file is made, readable by its owner alone, whatever the umask is.

        Raises:
            SchemaError: there are tables of another release; `upgrade` them.
        """
        self._database.alone(schema.create, create=True)

    def upgrade(self) -> None:
        """Bring the tables to this release, from nothing or from an earlier one, all or nothing.

        A missing file is made as by `create_schema`.

        Call it in one thread at a time, before the service starts: Alembic is not safe between threads.

        Raises:
            SchemaError: the tables are of a later release.
        """
        self._database.alone(schema.upgrade, create=True)

    # --- The host's own transaction ---------------------------------------------------------------

    def on(self, connection: object) -> AbstractContextManager[None]:
        """Take part in the host's open transaction: ``with store.on(connection): ...``.

        Within the block everything that this thread asks of the store runs on *connection*. What is written
        there is committed or rolled back with the host's transaction, and never before. A commit that is
        refused takes back what it wrote itself, and nothing that the host wrote. The host's connection decides
        whether a commit waits for the disk, how long a write waits for a lock, and whether foreign keys are checked.

        Use it with `CityAuth` only: `AsyncCityAuth` calls the store in other threads than that of the block.

        Args:
            connection: A `sqlalchemy.Connection`, a `sqlite3.Connection` or a ``psycopg.Connection`` to the same
                database, in a transaction that the host has begun and ends after the block. On PostgreSQL its isolation
                level should be READ COMMITTED: at a stricter one a write fails that meets another one.

        Raises:
            UsageError: *connection* is not such a connection, is closed, is open on another database or has no
                transaction, or the block is within another such block.
        """
        return self._database.on(connection)

    def _forget_deleted(self) -> None:
        """Remove from the write-ahead log what was deleted from the tables: sent mails, links, erased accounts."""
        if self._log_holds_deleted:
            self._log_holds_deleted = not self._database.forget_deleted()

    # --- The end ----------------------------------------------------------------------------------

    def close(self) -> None:
        """Close every thread's connection; call it when no thread is inside a method."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SqlStore({self._database.engine.url.render_as_string(hide_password=True)!r})"
