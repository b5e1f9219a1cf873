"""``cityauth db``, ``cityauth keys`` and ``cityauth outbox``: what an operator does with a deployment."""

from collections.abc import Callable
from contextlib import closing
from typing import TypeAlias

import click

from cityauth.api.system import SystemEntropy
from cityauth.cli.errors import Misuse, Refusal
from cityauth.cli.output import say, say_json
from cityauth.config import keyfile
from cityauth.config.configuration import SECRETS, Configuration

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


@click.group()
def keys() -> None:
    """Make signing secrets, and print the key of tombstones."""


@keys.command()
@click.option("--append", is_flag=True, help="Add it to the configured key file as the newest; print no secret.")
@click.pass_obj
def generate(load: Load, *, append: bool) -> None:
    """Print a new signing secret: 32 random bytes as 43 characters.

    The newest secret signs, all of them verify: append one to rotate, and take the oldest out when whatever
    it signed has expired. Restart the service after each step. The line of the key file that begins with
    `tombstone:` stays for ever: without it, what is kept of erased accounts is lost.
    """
    secret = keyfile.generate(SystemEntropy())
    if not append:
        say(secret)
        return
    configuration = load()
    if configuration.given_secrets:
        raise Misuse(f"{SECRETS} is set and wins over the key file: add the new secret there")
    path = configuration.key_file()
    count = keyfile.append(path, secret)
    if count == 1:
        say(f"Made the key file {path} with its first secret.", "green")
    else:
        say(
            f"Appended secret {count} to {path}. Restart the service: it signs with the new one, and verifies with all."
        )


@keys.command()
@click.pass_obj
def tombstones(load: Load) -> None:
    """Print the key of tombstones, in hexadecimal; if there are several, the oldest first.

    Tombstones are what is kept of the identifiers of erased accounts.

    `keys generate --append` writes it into the key file. Where the signing secrets come from the environment, it is
    made from the oldest of them: set CITYAUTH_TOMBSTONE_SECRET to it before that secret is removed. A key that was in
    use must stay, or the identifiers of erased accounts become free.
    """
    for secret in load().tombstone_secrets():
        say(secret.hex())


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
