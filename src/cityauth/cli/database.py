"""``cityauth db``: the tables, and what is past its time in them."""

from collections.abc import Callable
from contextlib import closing
from typing import TypeAlias

import click

from cityauth.cli.output import say
from cityauth.config.configuration import Configuration

Load: TypeAlias = Callable[[], Configuration]


@click.group()
def db() -> None:
    """Create and upgrade the tables of the configured database, and clear away what is past its time."""


@db.command()
@click.pass_obj
def init(load: Load) -> None:
    """Create the tables in a fresh database. Where they are already, nothing is changed."""
    with closing(load().store()) as store:
        before = store.schema_version()
        store.create_schema()
        after = store.schema_version()
    if before is None:
        say(f"Created the tables, at revision {after}.", "green")
    else:
        say(f"The tables are already there, at revision {after}; nothing was changed.")


@db.command()
@click.pass_obj
def upgrade(load: Load) -> None:
    """Bring the tables to this release, from an earlier one or from nothing. Stop the service first."""
    with closing(load().store()) as store:
        before = store.schema_version()
        store.upgrade()
        after = store.schema_version()
    if before == after:
        say(f"The tables are at revision {after} already; nothing was changed.")
    else:
        say(f"Upgraded the tables from {'nothing' if before is None else before} to {after}.", "green")


@db.command()
@click.pass_obj
def purge(load: Load) -> None:
    """Delete sessions, links and counts that are past their time. Run it nightly, beside the service."""
    configuration = load()
    with closing(configuration.store()) as store:
        done = configuration.auth(store, check_mailer=False).housekeeping.purge()
    say(f"Deleted {done.sessions} sessions, {done.links} links and {done.counts} counts that were past their time.")
