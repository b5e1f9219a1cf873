"""The root of the ``cityauth`` command."""

import logging
from functools import partial
from importlib.metadata import version
from pathlib import Path

import click

from cityauth.cli.accounts import account
from cityauth.cli.check import check
from cityauth.cli.errors import OneSentenceGroup
from cityauth.cli.hashes import hashes
from cityauth.cli.identifiers import identifier
from cityauth.cli.import_ import import_
from cityauth.cli.keys import keys
from cityauth.cli.migrate_run import migrate
from cityauth.cli.operations import db, outbox
from cityauth.config.configuration import CONFIG, FILE, load


@click.group(cls=OneSentenceGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"The configuration; else what {CONFIG} names, else {FILE} in this folder.",
)
@click.version_option(version("cityauth"), prog_name="cityauth", message="%(prog)s %(version)s")
@click.pass_context
def command(context: click.Context, config: Path | None) -> None:
    """Look after a deployment of cityauth: its database, its signing secrets and its accounts.

    The exit status is 0 when it was done, 1 when it was refused, 2 for a wrong command line or
    configuration, 3 when the database cannot answer, and 4 when it was done but standard output did not take the
    answer.
    """
    logging.getLogger("cityauth").addHandler(logging.NullHandler())  # what the command has to say, it prints
    context.obj = partial(load, config)


command.add_command(db)
command.add_command(keys)
command.add_command(account)
command.add_command(identifier)
command.add_command(outbox)
command.add_command(migrate)
command.add_command(import_)
command.add_command(hashes)
command.add_command(check)
