"""A deployment in a folder of its own, and the command run on it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from cityauth.api.system import SystemEntropy
from cityauth.cli.command import command
from cityauth.config import keyfile

TOML = """\
database = "sqlite:///service.db"
secrets_file = "service.keys"
"""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The folder with cityauth.toml, its key file and its database; the working folder of the test."""

    folder: Path

    def run(self, *arguments: str, given: bytes | None = None) -> Result:
        """Run the command as a shell would."""
        return CliRunner().invoke(command, arguments, input=given, prog_name="cityauth")

    def well(self, *arguments: str, given: bytes | None = None) -> str:
        """Run the command, which must succeed in silence on standard error; return what it printed."""
        result = self.run(*arguments, given=given)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    def json(self, *arguments: str) -> Any:
        """Run the command with --json and read the answer."""
        return json.loads(self.well(*arguments, "--json"))

    def refused(self, status: int, *arguments: str, given: bytes | None = None) -> str:
        """Run the command, which must fail with *status* and print nothing; return the sentence."""
        result = self.run(*arguments, given=given)
        assert (result.exit_code, result.stdout) == (status, ""), result.output
        *usage, sentence = result.stderr.splitlines()
        assert sentence.startswith("Error: ")
        assert not usage or (status == 2 and usage[0].startswith("Usage: "))
        assert "Traceback" not in result.stderr
        return sentence.removeprefix("Error: ")

    def write(self, toml: str) -> None:
        """Replace the configuration."""
        (self.folder / "cityauth.toml").write_text(toml, encoding="utf-8")

    def configure(self) -> None:
        """Write a configuration and a key file."""
        self.write(TOML)
        keyfile.append(self.folder / "service.keys", keyfile.generate(SystemEntropy()))
