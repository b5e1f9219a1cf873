"""``cityauth db``: the tables are made, upgraded, and never lost."""

import sqlite3

import pytest

from cityauth.stores.sql import schema
from tests.support.command import Deployment


def test_init_makes_the_tables_once(configured: Deployment) -> None:
    """A fresh database gets its tables; asked again, the command says that they are there and changes nothing."""
    made = configured.well("db", "init")
    assert made == f"Created the tables, at revision {schema.HEAD}.\n"
    configured.well("account", "add", "--name", "Erkki", "--username", "erkki")
    again = configured.well("db", "init")
    assert again == f"The tables are already there, at revision {schema.HEAD}; nothing was changed.\n"
    configured.well("account", "show", "erkki")


def test_upgrade_brings_a_database_up_from_nothing(configured: Deployment) -> None:
    """An upgrade makes the same tables by Alembic's revisions, and has nothing to do when asked again."""
    assert configured.well("db", "upgrade") == f"Upgraded the tables from nothing to {schema.HEAD}.\n"
    configured.well("account", "add", "--name", "Erkki", "--username", "erkki")
    again = configured.well("db", "upgrade")
    assert again == f"The tables are at revision {schema.HEAD} already; nothing was changed.\n"


def test_purge_deletes_what_is_past_its_time(deployment: Deployment) -> None:
    """A link that expired goes, accounts and live links stay, and the numbers are told (C-55, B-26)."""
    for name in ("aino", "erkki"):
        deployment.well("account", "add", "--name", name, "--email", f"{name}@example.com")
        deployment.well("account", "invite", f"{name}@example.com")
    with sqlite3.connect(deployment.folder / "service.db") as database:
        past = (
            "UPDATE cityauth_one_time_token SET expires_at = expires_at - 2 * 86400 * 1000000 "
            "WHERE account_id = (SELECT account_id FROM cityauth_identifier WHERE shown = 'aino@example.com')"
        )
        assert database.execute(past).rowcount == 1
    database.close()
    said = "Deleted 0 sessions, {} links and 0 counts that had expired.\n"
    assert deployment.well("db", "purge") == said.format(1)
    assert deployment.well("db", "purge") == said.format(0)
    with sqlite3.connect(deployment.folder / "service.db") as database:
        assert database.execute("SELECT count(*) FROM cityauth_one_time_token").fetchone() == (1,)
    database.close()
    assert deployment.json("account", "show", "erkki@example.com")["accounts"]


def test_tables_of_another_release_are_refused(deployment: Deployment) -> None:
    """Tables of a later release are left alone by every command; the sentence says what they are."""
    with sqlite3.connect(deployment.folder / "service.db") as database:
        database.execute("UPDATE cityauth_alembic_version SET version_num = 'cityauth_9999'")
    database.close()
    assert "cityauth_9999" in deployment.refused(3, "db", "init")
    assert "another release" in deployment.refused(3, "db", "upgrade")
    assert "cityauth_9999" in deployment.refused(3, "account", "show", "erkki")


@pytest.mark.parametrize("arguments", [("account", "show", "erkki"), ("account", "disable", "erkki")])
def test_missing_tables_are_told(configured: Deployment, arguments: tuple[str, ...]) -> None:
    """A database without tables is said to have none, and how to make them (C-24)."""
    assert "run `cityauth db" in configured.refused(3, *arguments)


@pytest.mark.parametrize(
    "arguments", [("db", "init"), ("db", "upgrade"), ("account", "show", "x"), ("account", "enable", "x")]
)
def test_a_database_that_cannot_be_opened_is_told(configured: Deployment, arguments: tuple[str, ...]) -> None:
    """A store that is down gives one sentence and the status 3, never a traceback or the URL (C-24, ASVS 16.5.1)."""
    configured.write('database = "sqlite:///no/such/folder/x.db"\nsecrets_file = "service.keys"')
    assert "no/such" not in configured.refused(3, *arguments)


def test_a_damaged_database_is_told(configured: Deployment) -> None:
    """A file that is no database is neither read nor overwritten."""
    path = configured.folder / "service.db"
    path.write_bytes(b"this is no database, and it is long enough to be taken for the head of one" * 20)
    before = path.read_bytes()
    configured.refused(3, "db", "init")
    assert path.read_bytes() == before


@pytest.mark.parametrize("arguments", [("db", "init"), ("db", "upgrade")])
def test_a_wrong_configuration_is_told(empty: Deployment, arguments: tuple[str, ...]) -> None:
    """Without a database, or with one that cityauth does not speak to, the status is 2."""
    assert empty.refused(2, *arguments).startswith("no database is configured")
    empty.write('database = "nosuchdialect://user:hunter2@x/y"')
    assert "hunter2" not in empty.refused(2, *arguments)


def test_no_secret_is_needed_for_the_tables(empty: Deployment) -> None:
    """Whoever makes the tables need not have the signing secrets."""
    empty.write('database = "sqlite:///service.db"')
    empty.well("db", "init")
