"""The version of the tables: checked, created and upgraded. Alembic is loaded only by an upgrade."""

from pathlib import Path
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    select,
)

from cityauth.errors import SchemaError
from cityauth.stores.sql.tables import METADATA

HEAD: Final = "cityauth_0001"
"""The newest revision in ``migrations/versions``: what this release of the library works with."""

MIGRATIONS: Final = Path(__file__).parent / "migrations"

# As Alembic makes it, but with a name of its own: the host may use Alembic too.
VERSION: Final = Table(
    "cityauth_alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="cityauth_alembic_version_pkc"),
)


def version_of(connection: Connection) -> str | None:
    """Return the revision that the tables are at, or ``None`` when there are none."""
    if not inspect(connection).has_table(VERSION.name):
        return None
    return connection.execute(select(VERSION.c.version_num)).scalar()


def check(connection: Connection) -> None:
    """Look whether the tables are at `HEAD`.

    Raises:
        SchemaError: they are not.
    """
    found = version_of(connection)
    if found != HEAD:
        state = "has no tables of cityauth" if found is None else f"is at {found}, not at {HEAD}"
        raise SchemaError(f"the database {state}; run `cityauth db upgrade`")


def create(connection: Connection) -> None:
    """Create the tables at `HEAD`, without Alembic; do nothing when they are there.

    Raises:
        SchemaError: there are tables of another version.
    """
    if version_of(connection) is not None:
        check(connection)
        return
    METADATA.create_all(connection, checkfirst=False)
    VERSION.create(connection)
    connection.execute(insert(VERSION), {"version_num": HEAD})


def upgrade(connection: Connection) -> None:
    """Run every revision that the tables lack.

    Raises:
        SchemaError: the tables are of a later release than this one.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    connection.begin()  # Alembic does not end a transaction that it did not begin
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", MIGRATIONS.as_posix().replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        command.upgrade(config, "cityauth@head")
    except CommandError:
        raise SchemaError("the database's tables are of another release of cityauth than this one") from None
