"""The tables. Moments are microseconds since 1970 in UTC, so no driver and no server reads them its own way."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

EXACT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is compared byte for byte, whatever the collation of the database. SQLite does so by default."""

COUNTER = BigInteger().with_variant(Integer(), "sqlite")
"""A number that the database counts up: SQLite counts only a column that it takes for its row id."""

hash_kind: Table = Table(
    "cityauth_hash_kind",
    METADATA,
    Column("id", BigInteger(), primary_key=True, autoincrement=False),  # a digest of the sample
    Column("sample", Text(), nullable=False),
    sqlite_with_rowid=False,
)

account: Table = Table(
    "cityauth_account",
    METADATA,
    Column("id", EXACT, primary_key=True),
    Column("realm", Text(), nullable=False),
    Column("display_name", Text(), nullable=False),
    Column("language", Text(), nullable=False),
    Column("status", Text(), nullable=False),
    Column("epoch", Integer(), nullable=False),
    Column("contact", Text()),
    Column("phase", Text()),
    Column("password_hash", Text()),
    Column("created_at", BigInteger(), nullable=False),
    Column("contact_key", EXACT, index=True),  # finds the accounts of a contact
    Column("external_id", EXACT, unique=True),
    Column("contact_verified", Boolean(), nullable=False),
    Column("hash_kind", BigInteger()),  # no foreign key: an import would look each of a million up
    Column("failures", Integer(), nullable=False),  # failed sign-ins in a row
    Index(None, "hash_kind", "id"),  # counts the kinds, and finds the accounts of one
    sqlite_with_rowid=False,
)

identifier: Table = Table(
    "cityauth_identifier",
    METADATA,
    Column("key", EXACT, primary_key=True),
    Column("account_id", EXACT, ForeignKey(account.c.id), nullable=False, index=True),
    Column("kind", Text(), nullable=False),
    Column("shown", Text(), nullable=False),
    Column("status", Text(), nullable=False),
    Column("since", BigInteger(), nullable=False),
    Column("position", Integer(), nullable=False),  # orders the account's identifiers, oldest first
    sqlite_with_rowid=False,
)

session: Table = Table(
    "cityauth_session",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("family", LargeBinary(16), nullable=False, unique=True),
    Column("handle", Text(), nullable=False),
    Column("account_id", EXACT, ForeignKey(account.c.id), nullable=False),
    Column("epoch", Integer(), nullable=False),
    Column("opened_at", BigInteger(), nullable=False),
    Column("seen_at", BigInteger(), nullable=False),
    Column("verified_at", BigInteger()),
    Column("remembered", Boolean(), nullable=False),
    Column("method", Text(), nullable=False),
    Column("identifier_kind", Text(), nullable=False),
    Column("address", Text()),
    Column("user_agent", Text(), nullable=False),
    Column("position", Integer(), nullable=False),  # orders the account's sessions as they were stored, oldest first
    Index(None, "account_id", "position"),  # finds the oldest of an account without sorting
    sqlite_with_rowid=False,
)

one_time_token: Table = Table(
    "cityauth_one_time_token",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("purpose", Text(), nullable=False),
    Column("account_id", EXACT, index=True),  # no foreign key: a token that is issued during an erasure cannot be used
    Column("epoch", Integer()),
    Column("address", Text()),
    Column("issued_at", BigInteger(), nullable=False),
    Column("expires_at", BigInteger(), nullable=False),
    Column("contact", Text()),
    Column("issued_epoch", Integer()),  # orders the links of an account
    sqlite_with_rowid=False,
)

tombstone: Table = Table(
    "cityauth_tombstone",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("since", BigInteger(), nullable=False),
    sqlite_with_rowid=False,
)

mail: Table = Table(
    "cityauth_mail",
    METADATA,
    Column("id", EXACT, primary_key=True),
    Column("recipient", Text(), nullable=False),
    Column("subject", Text(), nullable=False),
    Column("body", Text(), nullable=False),
    Column("language", Text(), nullable=False),
    Column("queued_at", BigInteger(), nullable=False),
    Column("expires_at", BigInteger(), nullable=False),
    Column("attempts", Integer(), nullable=False),
    Column("due_at", BigInteger(), nullable=False, index=True),
    sqlite_with_rowid=False,
)

throttle: Table = Table(
    "cityauth_throttle",
    METADATA,
    Column("id", COUNTER, primary_key=True),
    Column("bucket", EXACT, nullable=False),
    Column("at", BigInteger(), nullable=False),
    Index(None, "bucket", "at"),
)

attempts: Table = Table(
    "cityauth_attempts",
    METADATA,
    Column("bucket", EXACT, primary_key=True),
    Column("holder", EXACT, nullable=False),
    Column("failures", Integer(), nullable=False),
    Column("free_at", BigInteger(), nullable=False, index=True),
    sqlite_with_rowid=False,
)

event: Table = Table(
    "cityauth_event",
    METADATA,
    Column("number", COUNTER, primary_key=True),  # the order of the trail
    Column("id", EXACT, nullable=False),
    Column("what", Text(), nullable=False),
    Column("at", BigInteger(), nullable=False),
    Column("account_id", EXACT, nullable=False),  # empty for no account; no foreign key: the trail outlives accounts
    Column("reason", Text(), nullable=False),
    Column("identifier_hash", Text(), nullable=False),
    Column("address", Text()),
    Column("user_agent", Text(), nullable=False),
    Column("detail", Text(), nullable=False),  # a JSON object of strings
    UniqueConstraint("account_id", "id"),  # finds the events of an account, and a commit that is repeated
)

source: Table = Table(
    "cityauth_source",
    METADATA,
    Column("external_id", EXACT, primary_key=True),
    Column("account_id", EXACT, nullable=False, index=True),
    Column("username", Text(), nullable=False),
    Column("email", Text(), nullable=False),
    Column("contact", Text(), nullable=False),
    Column("display_name", Text(), nullable=False),
    Column("language", Text(), nullable=False),
    Column("status", Text(), nullable=False),
    Column("hash_digest", Text(), nullable=False),
    Column("imported_at", BigInteger(), nullable=False),
    sqlite_with_rowid=False,
)


def has_contact(rows: FromClause) -> ColumnElement[bool]:
    """Whether a row of `source` has a ``contact``; written so that the partial index serves the query."""
    return rows.c.contact != literal_column("''")


Index(
    "ix_cityauth_source_contact",
    source.c.account_id,
    sqlite_where=has_contact(source),
    postgresql_where=has_contact(source),
)

migration: Table = Table(
    "cityauth_migration",
    METADATA,
    Column("number", COUNTER, primary_key=True),  # the order in which they began
    Column("id", EXACT, nullable=False, unique=True),
    Column("digest", Text(), nullable=False),
    Column("state", Text(), nullable=False),
    Column("phase", Text(), nullable=False),
    Column("total", Integer(), nullable=False),
    Column("actor", Text(), nullable=False),
    Column("began_at", BigInteger(), nullable=False),
    Column("ended_at", BigInteger()),
)

migration_step: Table = Table(
    "cityauth_migration_step",
    METADATA,
    Column("migration_id", EXACT, ForeignKey(migration.c.id), primary_key=True),
    Column("account_id", EXACT, primary_key=True, index=True),  # no foreign key: an account may be erased since
    Column("external_id", Text()),
    Column("account_class", Text(), nullable=False),
    Column("action", Text(), nullable=False),
    Column("kind", Text()),
    Column("shown", Text()),
    Column("key", EXACT),
    Column("contact_before", Text()),
    Column("contact_after", Text()),
    Column("phase_before", Text()),
    Column("phase_after", Text()),
    Column("may_share", Boolean(), nullable=False),
    Column("state", Text(), nullable=False),
    Column("refusal", Text(), nullable=False),
    Column("actor", Text(), nullable=False),
    Column("at", BigInteger()),
    Column("prior_kind", Text()),  # what the step replaced, for rolling it back
    Column("prior_shown", Text()),
    Column("prior_status", Text()),
    Column("prior_contact_key", EXACT),
    Column("prior_verified", Boolean()),
    sqlite_with_rowid=False,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Return the aware moment *at* as stored."""
    return (at - _EPOCH) // _MICROSECOND


def moment(stored: int) -> datetime:
    """Return a stored moment, aware, in UTC."""
    return _EPOCH + _MICROSECOND * stored  # half the time of timedelta(microseconds=stored)
