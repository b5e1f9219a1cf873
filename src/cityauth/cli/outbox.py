"""``cityauth outbox``: send what waits, and say how much does."""

from contextlib import closing

import click

from cityauth.cli.database import Load
from cityauth.cli.errors import Refusal
from cityauth.cli.output import say, say_json


@click.group()
def outbox() -> None:
    """Send the mails that wait, and see how many do."""


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
