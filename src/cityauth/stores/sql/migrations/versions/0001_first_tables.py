"""The first tables: accounts, sessions, links, mails, limits and the audit trail."""

import sqlalchemy as sa
from alembic import op

revision = "cityauth_0001"
down_revision = None
branch_labels: tuple[str, ...] = ("cityauth",)
depends_on = None

EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "cityauth_account",
        sa.Column("id", EXACT, nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("contact", sa.Text()),
        sa.Column("phase", sa.Text()),
        sa.Column("password_hash", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("contact_key", EXACT),
        sa.Column("external_id", EXACT),
        sa.Column("contact_verified", sa.Boolean(), nullable=False),
        sa.Column("hash_kind", sa.BigInteger()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cityauth_account"),
        sa.UniqueConstraint("external_id", name="uq_cityauth_account_external_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cityauth_account_contact_key", "cityauth_account", ["contact_key"])
    op.create_index("ix_cityauth_account_hash_kind", "cityauth_account", ["hash_kind", "id"])
    op.create_table(
        "cityauth_hash_kind",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sample", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cityauth_hash_kind"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cityauth_identifier",
        sa.Column("key", EXACT, nullable=False),
        sa.Column("account_id", EXACT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_cityauth_identifier"),
        sa.ForeignKeyConstraint(["account_id"], ["cityauth_account.id"], name="fk_cityauth_identifier_account_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cityauth_identifier_account_id", "cityauth_identifier", ["account_id"])
    op.create_table(
        "cityauth_session",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("family", sa.LargeBinary(16), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("account_id", EXACT, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.BigInteger()),
        sa.Column("remembered", sa.Boolean(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("identifier_kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_cityauth_session"),
        sa.UniqueConstraint("family", name="uq_cityauth_session_family"),
        sa.ForeignKeyConstraint(["account_id"], ["cityauth_account.id"], name="fk_cityauth_session_account_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cityauth_session_account_id", "cityauth_session", ["account_id", "position"])
    op.create_table(
        "cityauth_one_time_token",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("account_id", EXACT),
        sa.Column("epoch", sa.Integer()),
        sa.Column("address", sa.Text()),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("contact", sa.Text()),
        sa.Column("issued_epoch", sa.Integer()),
        sa.PrimaryKeyConstraint("digest", name="pk_cityauth_one_time_token"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cityauth_one_time_token_account_id", "cityauth_one_time_token", ["account_id"])
    op.create_table(
        "cityauth_tombstone",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_cityauth_tombstone"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cityauth_mail",
        sa.Column("id", EXACT, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cityauth_mail"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cityauth_mail_due_at", "cityauth_mail", ["due_at"])
    op.create_table(
        "cityauth_throttle",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("bucket", EXACT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cityauth_throttle"),
    )
    op.create_index("ix_cityauth_throttle_bucket", "cityauth_throttle", ["bucket", "at"])
    op.create_table(
        "cityauth_attempts",
        sa.Column("bucket", EXACT, nullable=False),
        sa.Column("holder", EXACT, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name="pk_cityauth_attempts"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cityauth_attempts_free_at", "cityauth_attempts", ["free_at"])
    op.create_table(
        "cityauth_event",
        sa.Column("number", COUNTER, nullable=False),
        sa.Column("id", EXACT, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("account_id", EXACT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("identifier_hash", sa.Text(), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_cityauth_event"),
        sa.UniqueConstraint("account_id", "id", name="uq_cityauth_event_account_id"),
    )
    op.create_table(
        "cityauth_source",
        sa.Column("external_id", EXACT, nullable=False),
        sa.Column("account_id", EXACT, nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("hash_digest", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("external_id", name="pk_cityauth_source"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cityauth_source_account_id", "cityauth_source", ["account_id"])
    with_contact = sa.text("contact != ''")
    op.create_index(
        "ix_cityauth_source_contact",
        "cityauth_source",
        ["account_id"],
        sqlite_where=with_contact,
        postgresql_where=with_contact,
    )
    op.create_table(
        "cityauth_migration",
        sa.Column("number", COUNTER, nullable=False),
        sa.Column("id", EXACT, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("number", name="pk_cityauth_migration"),
        sa.UniqueConstraint("id", name="uq_cityauth_migration_id"),
    )
    op.create_table(
        "cityauth_migration_step",
        sa.Column("migration_id", EXACT, nullable=False),
        sa.Column("account_id", EXACT, nullable=False),
        sa.Column("external_id", sa.Text()),
        sa.Column("account_class", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text()),
        sa.Column("shown", sa.Text()),
        sa.Column("key", EXACT),
        sa.Column("contact_before", sa.Text()),
        sa.Column("contact_after", sa.Text()),
        sa.Column("phase_before", sa.Text()),
        sa.Column("phase_after", sa.Text()),
        sa.Column("may_share", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger()),
        sa.Column("prior_kind", sa.Text()),
        sa.Column("prior_shown", sa.Text()),
        sa.Column("prior_status", sa.Text()),
        sa.Column("prior_contact_key", EXACT),
        sa.Column("prior_verified", sa.Boolean()),
        sa.PrimaryKeyConstraint("migration_id", "account_id", name="pk_cityauth_migration_step"),
        sa.ForeignKeyConstraint(
            ["migration_id"], ["cityauth_migration.id"], name="fk_cityauth_migration_step_migration_id"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cityauth_migration_step_account_id", "cityauth_migration_step", ["account_id"])


def downgrade() -> None:
    op.drop_table("cityauth_migration_step")
    op.drop_table("cityauth_migration")
    op.drop_table("cityauth_source")
    op.drop_table("cityauth_event")
    op.drop_table("cityauth_attempts")
    op.drop_table("cityauth_throttle")
    op.drop_table("cityauth_mail")
    op.drop_table("cityauth_tombstone")
    op.drop_table("cityauth_one_time_token")
    op.drop_table("cityauth_session")
    op.drop_table("cityauth_identifier")
    op.drop_table("cityauth_account")
    op.drop_table("cityauth_hash_kind")
