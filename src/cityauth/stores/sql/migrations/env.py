"""Alembic's environment: runs the revisions on the connection that `cityauth.stores.sql.schema` hands over."""

from alembic import context

from cityauth.stores.sql.schema import VERSION
from cityauth.stores.sql.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION.name,
    render_as_batch=True,  # SQLite alters a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
