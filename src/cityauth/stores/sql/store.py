"""`SqlStore`: every port that stores, on SQLAlchemy Core."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self, final

from sqlalchemy import URL, Engine

from cityauth.core.account import Account, AccountId
from cityauth.core.audit import AuditEvent
from cityauth.core.change import Change, CommitOutcome
from cityauth.core.mail import OutboxStatus, QueuedMail
from cityauth.core.one_time_token import OneTimeToken
from cityauth.core.resolution import AccountIdentifier, Match
from cityauth.core.secret import SecretStr
from cityauth.core.session import LiveSession, Session
from cityauth.core.throttle import Allowance
from cityauth.errors import ConfigurationError
from cityauth.policy.throttling import Limit
from cityauth.stores.sql import lookups, outbox, schema, session_changes, throttle, token_changes, tombstones
from cityauth.stores.sql.changes import Undone, apply
from cityauth.stores.sql.connections import Synchronous, engine_for, require_file
from cityauth.stores.sql.database import Database
from cityauth.stores.sql.rows import (
    account_identifier_of,
    account_of,
    event_of,
    live_session_of,
    match_of,
    micros,
    moment,
    session_of,
    token_of,
)


@final
class SqlStore:
    """Keeps accounts, sessions, links, mail and the audit trail in a SQLite file, in tables named ``cityauth_...``.

    Safe between threads and between processes. Each thread keeps one connection, closed when the
    thread ends. It touches only its own tables, so they may lie in the host's database.

    Every method raises `StoreUnavailableError` when the database cannot be opened, is full, or stays
    locked for more than 5 seconds, and `SchemaError` when its tables are missing or of another release;
    nothing was written then. No exception holds SQL or stored values.
    """

    def __init__(
        self, url: str | URL | None = None, *, engine: Engine | None = None, synchronous: Synchronous = "normal"
    ) -> None:
        """Name the database; it is opened on first use.

        Args:
            url: Its SQLAlchemy URL, such as ``sqlite:///service.db``.
            engine: The host's own engine instead of a URL. The store takes connections of its own
                from it, which never go back to its pool.
            synchronous: When a commit waits for the disk. ``normal``: a crash of the process loses
                nothing; a power cut may lose the last commits, each of them whole. ``full``: a commit
                survives a power cut, and every sign-in waits for the disk.

        Raises:
            ConfigurationError: not exactly one of *url* and *engine* is given, or it names no SQLite
                file. In memory, use `MemoryStore`.
        """
        if (url is None) == (engine is None):
            raise ConfigurationError("SqlStore needs a URL or an engine, and not both")
        if synchronous not in {"normal", "full"}:
            raise ConfigurationError("synchronous is 'normal' or 'full'")
        self._database = Database(require_file(engine) if url is None else engine_for(url), synchronous)

    # --- AccountStore -----------------------------------------------------------------------------

    def find(self, keys: Sequence[str]) -> Sequence[Match]:
        """See `AccountStore.find`."""
        if len(keys) == 1:
            return [match_of(row) for row in self._database.fetch(lookups.FIND_ONE_SQL, keys[0])]
        return [match_of(row) for row in self._database.ask(lookups.FIND, {"keys": list(keys)})]

    def load(self, account_id: AccountId) -> Account | None:
        """See `AccountStore.load`."""
        rows = self._database.ask(lookups.LOAD, {"account_id": account_id})
        return account_of(rows[0]) if rows else None

    def account_identifiers(self, account_id: AccountId) -> Sequence[AccountIdentifier]:
        """See `AccountStore.account_identifiers`."""
        return [
            account_identifier_of(row)
            for row in self._database.ask(lookups.ACCOUNT_IDENTIFIERS, {"account_id": account_id})
        ]

    def find_by_contact(self, key: str) -> Sequence[Account]:
        """See `AccountStore.find_by_contact`."""
        return [account_of(row) for row in self._database.ask(lookups.FIND_BY_CONTACT, {"key": key})]

    def has_tombstone(self, digests: Sequence[bytes]) -> bool:
        """See `AccountStore.has_tombstone`."""
        return bool(digests) and bool(self._database.ask(tombstones.ANY, {"digests": list(digests)}))

    def password_hash(self, account_id: AccountId) -> SecretStr | None:
        """See `AccountStore.password_hash`."""
        rows = self._database.ask(lookups.PASSWORD_HASH, {"account_id": account_id})
        return SecretStr(rows[0][0]) if rows and rows[0][0] is not None else None

    def events(self, account_id: AccountId) -> Sequence[AuditEvent]:
        """See `AccountStore.events`."""
        return [event_of(row) for row in self._database.ask(lookups.EVENTS, {"account_id": account_id})]

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        """See `AccountStore.commit`."""
        try:
            return self._database.within(apply, changes)
        except Undone as undone:
            return undone.outcome

    # --- SessionStore -----------------------------------------------------------------------------

    def find_session(self, digest: bytes) -> LiveSession | None:
        """See `SessionStore.find_session`."""
        rows = self._database.fetch(lookups.FIND_SESSION_SQL, digest)
        return live_session_of(rows[0]) if rows else None

    def list_sessions(self, account_id: AccountId) -> Sequence[Session]:
        """See `SessionStore.list_sessions`."""
        return [session_of(row) for row in self._database.ask(lookups.LIST_SESSIONS, {"account_id": account_id})]

    def touch_session(self, digest: bytes, at: datetime) -> None:
        """See `SessionStore.touch_session`."""
        self._database.write(session_changes.TOUCH, {"which": digest, "at": micros(at)})

    def purge_sessions(self, opened_before: datetime) -> int:
        """See `SessionStore.purge_sessions`."""
        return self._database.write(session_changes.PURGE, {"before": micros(opened_before)})

    # --- OneTimeTokenStore -------------------------------------------------------------------------------

    def find_token(self, digest: bytes) -> OneTimeToken | None:
        """See `OneTimeTokenStore.find_token`."""
        rows = self._database.ask(lookups.FIND_TOKEN, {"digest": digest})
        return token_of(rows[0]) if rows else None

    def purge_tokens(self, expired_before: datetime) -> int:
        """See `OneTimeTokenStore.purge_tokens`."""
        return self._database.write(token_changes.PURGE, {"before": micros(expired_before)})

    # --- OutboxStore ------------------------------------------------------------------------------

    def lease_mails(self, now: datetime, until: datetime, most: int) -> Sequence[QueuedMail]:
        """See `OutboxStore.lease_mails`."""
        if not self._database.ask(outbox.ANY_DUE, outbox.moments(now)):
            return []
        return self._database.within(outbox.lease, now, until, most)

    def postpone_mail(self, mail_id: str, until: datetime) -> None:
        """See `OutboxStore.postpone_mail`."""
        self._database.write(outbox.POSTPONE, {"which": mail_id, "until": micros(until)})

    def drop_mail(self, mail_id: str) -> None:
        """See `OutboxStore.drop_mail`."""
        self._database.write(outbox.DROP, {"which": mail_id})

    def outbox_status(self) -> OutboxStatus:
        """See `OutboxStore.outbox_status`."""
        row = tuple(self._database.ask(outbox.STATUS)[0])
        return OutboxStatus(row[0], row[1], None if row[2] is None else moment(row[2]))

    # --- ThrottleStore ----------------------------------------------------------------------------

    def reserve(self, bucket: str, limits: Sequence[Limit], now: datetime) -> Allowance:
        """See `ThrottleStore.reserve`."""
        return self._database.within(throttle.reserve, bucket, limits, now)

    def purge_throttle(self, before: datetime) -> int:
        """See `ThrottleStore.purge_throttle`."""
        return self._database.write(throttle.PURGE, {"before": micros(before)})

    # --- The audit trail ----------------------------------------------------------------------------

    def trail(self, limit: int | None = None) -> Sequence[AuditEvent]:
        """Return the audit trail of all accounts, oldest first; only its last *limit* lines when given."""
        if limit is None:
            return [event_of(row) for row in self._database.ask(lookups.TRAIL)]
        return [event_of(row) for row in reversed(self._database.ask(lookups.TRAIL_END, {"limit": limit}))]

    # --- The tables -------------------------------------------------------------------------------

    def schema_version(self) -> str | None:
        """Return the revision that the tables are at, or ``None`` when there are none."""
        return self._database.alone(schema.version_of)

    def create_schema(self) -> None:
        """Create the tables in a fresh database; do nothing when they are there.

        Raises:
            SchemaError: there are tables of another release; `upgrade` them.
        """
        self._database.alone(schema.create)

    def upgrade(self) -> None:
        """Bring the tables to this release, from nothing or from an earlier one, all or nothing.

        For one thread at a time, before the service starts: Alembic is not safe between threads.

        Raises:
            SchemaError: the tables are of a later release.
        """
        self._database.alone(schema.upgrade)

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
