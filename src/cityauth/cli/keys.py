"""``cityauth keys``: the signing secrets."""

import click

from cityauth.api.system import SystemEntropy
from cityauth.cli.database import Load
from cityauth.cli.errors import Misuse
from cityauth.cli.output import say
from cityauth.config import keyfile
from cityauth.config.variables import SECRETS


@click.group()
def keys() -> None:
    """Make signing secrets, and keep what hangs on them."""


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
    """Print the key of what is kept of erased accounts, in hexadecimal; where there are several, the oldest first.

    `keys generate --append` writes it into the key file. Where the signing secrets come from the environment, it is
    made from the oldest of them: set CITYAUTH_TOMBSTONE_SECRET to it before that secret is removed. A key that was in
    use must stay, or the identifiers of erased accounts become free.
    """
    for secret in load().tombstone_secrets():
        say(secret.hex())
