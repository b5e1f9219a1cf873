"""The `cityauth` command: the database, the signing secrets and the accounts, from a shell."""

import io
import sys

from cityauth.errors import MissingExtraError


def main() -> None:
    """Run the command with the arguments of this process, and end with its exit status.

    The status is 0 when it was done, 1 when it was refused, 2 for a wrong command line or configuration,
    3 when the store cannot answer and 4 when it was done but its answer could not be written. Without the
    libraries of the extra 'cli' one sentence says so, and the status is 2.
    """
    try:
        from cityauth.cli.command import command
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in {"click", "rich"}:
            raise
        sys.stderr.write(f"{MissingExtraError('cli', 'The cityauth command')}\n")
        sys.exit(2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without Å is no reason to fail
    command.main(prog_name="cityauth")
