"""The demo of a move: it imports a population, and says which commands move it to e-mail addresses."""

import shlex
import sys
from pathlib import Path
from typing import Final

from cityauth import CityAuth, ImportOptions, ImportReport
from flask_app.app import POLICY
from flask_app.config import Config
from flask_app.population import PASSWORD, people, samples

COMMANDS: Final = """\
cityauth migrate plan --out plan.jsonl --report plan.html --groups collisions.csv --language en
cityauth migrate rehearse plan.jsonl
cityauth migrate apply plan.jsonl --share 10%
cityauth migrate status
cityauth migrate apply plan.jsonl
cityauth migrate verify
cityauth account show {address}
cityauth migrate rollback plan.jsonl
"""
"""What one types to move everybody and to take the move back."""


def import_population(auth: CityAuth, count: int) -> ImportReport:
    """Import *count* invented people; those who are there already are compared and not added twice.

    Raises:
        DemoError: this is production.
    """
    # With this option a person whose address does not pass is imported all the same, and the plan has that class too.
    report = auth.population.import_people(people(count), options=ImportOptions(accept_invalid_email=True))
    auth.population.wrap_weak_hashes()
    return report


def configure_command(config: Config) -> Path:
    """Write beside the database what the `cityauth` command needs to work on it; return the file to name."""
    database = config.database.resolve()
    keys, toml = (database.with_name(f"{database.name}.{end}") for end in ("secrets", "toml"))
    keys.touch(mode=0o600)
    keys.write_text("".join(f"{key}\n" for key in config.keys.signing), encoding="ascii")
    lines = (
        f"database = {_quoted(config.accounts_url)}",
        f"secrets_file = {_quoted(keys.name)}",
        f"deployment = {_quoted(POLICY.deployment)}",
        "[mail]",
        f"service = {_quoted(POLICY.mail.service)}",
        f"base_url = {_quoted(config.base_url)}",
    )
    toml.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return toml


def _quoted(text: str) -> str:
    r"""Write *text* as a string of TOML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def announce(report: ImportReport, count: int, toml: Path) -> str:
    """Return what was imported, who can sign in, and the commands that move everybody."""
    chosen = samples(count)
    rows = [("Username", "Address on file", "What is special"), *((s.username, s.email, s.remark) for s in chosen)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    address = next((one.email for one in chosen if one.email), "ADDRESS")
    command = shlex.quote(str(Path(sys.executable).with_name("cityauth")))
    commands = COMMANDS.format(address=address).replace("cityauth ", f"{command} ").splitlines()
    return "\n".join(
        [
            f"{report.added} people were imported, {report.unchanged} were there already.",
            f"Each of them has the password: {PASSWORD}",
            "",
            *table,
            "",
            "To move them to e-mail addresses and back, type in another terminal while the demo runs:",
            "",
            f"  export CITYAUTH_CONFIG={shlex.quote(str(toml))}",
            *(f"  {line}" for line in commands),
            "",
        ]
    )
