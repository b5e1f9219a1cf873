"""``cityauth db`` and ``cityauth outbox``: what an operator does with a deployment."""

from collections.abc import Callable
from contextlib import closing
from typing import TypeAlias

import click

from cityauth.api.system import SystemClock
from cityauth.cli.errors import Refusal
from cityauth.cli.output import say, say_json
from cityauth.config.configuration import Configuration

Load: TypeAlias = Callable[[], Configuration]


@click.group()
def db() -> None:
    """Create and upgrade the tables of the configured database, and delete what has expired."""


@db.command()
@click.pass_obj
def init(load: Load) -> None:
    """Create the tables in a new database. If they are there already, nothing is changed."""
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
    """Upgrade the tables to this release, or create them. Stop the service first."""
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
    """Delete sessions, links and counts that have expired. Run it every night, beside the service."""
    configuration = load()
    with closing(configuration.store()) as store:
        done = configuration.auth(store, check_mailer=False).housekeeping.purge()
    say(f"Deleted {done.sessions} sessions, {done.links} links and {done.counts} counts that had expired.")


@db.command(name="end-sessions")
@click.pass_obj
def end_sessions(load: Load) -> None:
    """End every session of everybody, after a backup was restored. Run it before the service starts."""
    with closing(load().store()) as store:
        ended = store.purge_sessions(SystemClock().now())
    say(f"Ended {ended} sessions; everybody signs in again.", "green")


@click.group()
def outbox() -> None:
    """Send the mails that wait, and show how many wait."""


@outbox.command()
@click.pass_obj
def flush(load: Load) -> None:
    """Send every mail that is due. Run it from a timer, every few seconds, beside the service."""
    configuration = load()
    with closing(configuration.store()) as store:
        auth = configuration.auth(store, check_mailer=False)
        sent = abandoned = postponed = 0
        reason = ""
        while not postponed:
            done = auth.outbox.flush()
            sent, abandoned, postponed = sent + done.sent, abandoned + done.abandoned, done.postponed
            reason = done.reason
            if not (done.sent or done.abandoned):
                break
        waiting = auth.outbox.status().waiting
    if postponed and configuration.smtp is None:
        raise Refusal(f"no mail server is configured under [smtp]: {waiting} wait")
    if postponed:
        why = f" ({reason})" if reason else ""
        raise Refusal(f"the mail server takes no mail now{why}: {waiting} wait and are tried again; {sent} were sent")
    say(f"Sent {sent}, abandoned {abandoned}, {waiting} waiting.", "green")


@outbox.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def status(load: Load, *, as_json: bool) -> None:
    """Say how many mails wait, how many of them have failed before, and since when the oldest waits."""
    configuration = load()
    with closing(configuration.store()) as store:
        found = configuration.auth(store, check_mailer=False).outbox.status()
    oldest = found.oldest.isoformat() if found.oldest else None
    if as_json:
        say_json({"waiting": found.waiting, "retrying": found.retrying, "oldest": oldest})
    else:
        since = f", the oldest since {oldest}" if oldest else ""
        say(f"{found.waiting} waiting{since}; {found.retrying} have failed before.")
