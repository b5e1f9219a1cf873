"""``cityauth keys``: the signing secrets and the key of tombstones."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import click

from cityauth.api.system import SystemClock, SystemEntropy
from cityauth.cli.errors import Misuse, Refusal
from cityauth.cli.output import say, say_json, show_table
from cityauth.config import keyfile
from cityauth.config.configuration import SECRETS, Configuration

Load: TypeAlias = Callable[[], Configuration]


@click.group()
def keys() -> None:
    """Make, replace and remove signing secrets, and print the key of tombstones."""


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
    path = _key_file(load(), "add the new secret there")
    count = keyfile.append(path, secret, SystemClock().now())
    if count == 1:
        say(f"Made the key file {path} with its first secret.", "green")
    else:
        say(
            f"Appended secret {count} to {path}. Restart the service: it signs with the new one, and verifies with all."
        )


@keys.command()
@click.pass_obj
def rotate(load: Load) -> None:
    """Add a new signing secret to the key file. It signs from the next restart; the others still verify.

    Later, `keys retire` removes the secret that it took the place of.
    """
    path = _key_file(load(), "add the new secret there")
    if not path.exists() or not keyfile.list_keys(path):
        raise Misuse(f"there is no key in {path} yet: `cityauth keys generate --append` makes the first")
    keyfile.append(path, keyfile.generate(SystemEntropy()), SystemClock().now())
    *_, former, newest = keyfile.list_keys(path)
    say(
        f"Added the key {newest.name} to {path}. Restart the service: it signs with the new key, and verifies with"
        f" all. `cityauth keys retire {former.name}` removes the former one later.",
        "green",
    )


@keys.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(load: Load, *, as_json: bool) -> None:
    """Show the names of the signing secrets in the key file, the oldest first, and no secret."""
    entries = keyfile.list_keys(_key_file(load(), "the key file is not used"))
    if as_json:
        say_json([{"name": one.name, "added_at": _added(one) or None, "signs": one is entries[-1]} for one in entries])
        return
    uses = ["verifies"] * (len(entries) - 1) + ["signs and verifies"]
    rows = [(one.name, _added(one) or "not known", use) for one, use in zip(entries, uses, strict=False)]
    show_table(("key", "added", "use"), rows)


def _added(entry: keyfile.KeyEntry) -> str:
    return entry.added_at.isoformat() if entry.added_at else ""


@keys.command()
@click.argument("key")
@click.option("--now", is_flag=True, help="Remove it also while links that it signed may work.")
@click.pass_obj
def retire(load: Load, *, key: str, now: bool) -> None:
    """Remove the signing secret of the name KEY from the key file; `keys list` shows the names.

    It is refused for the newest secret, and while links that the secret signed may still work. With --now those links
    end at the next restart. The key of tombstones stays.
    """
    configuration = load()
    path = _key_file(configuration, "remove the secret there")
    _require_unneeded(configuration, path, key, now=now)
    left = keyfile.retire(path, key)
    say(f"Removed the key {key}; {left} left. Restart the service: what the key signed does not work then.", "green")


def _require_unneeded(configuration: Configuration, path: Path, key: str, *, now: bool) -> None:
    """Refuse to remove the newest secret; and, unless *now*, one while something that it signed may be valid."""
    entries = keyfile.list_keys(path)
    names = [one.name for one in entries]
    if key not in names:
        raise Refusal(f"the key file has no key {key}; `cityauth keys list` shows its keys")
    if key == names[-1]:
        raise Refusal(f"the key {key} is the newest and signs; `cityauth keys rotate` makes a newer one first")
    if now:
        return
    replaced_at = entries[names.index(key) + 1].added_at
    anyway = f"`cityauth keys retire {key} --now` removes it in any case"
    if replaced_at is None:
        raise Refusal(f"the key file does not say when the key {key} was replaced, so links of it may work; {anyway}")
    until = replaced_at + configuration.policy.longest_signed
    if SystemClock().now() < until:
        raise Refusal(f"links that the key {key} signed may work until {until.isoformat()}; {anyway}")


def _key_file(configuration: Configuration, otherwise: str) -> Path:
    """Return the key file, unless secrets of the environment hide it."""
    if configuration.given_secrets:
        raise Misuse(f"{SECRETS} is set and wins over the key file: {otherwise}")
    return configuration.key_file()


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
