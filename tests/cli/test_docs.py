"""The pages on the command and the configuration say what is true: their sessions and files are run."""

import re
import shlex
from dataclasses import fields, is_dataclass
from pathlib import Path

import click
import pytest

from cityauth import Policy
from cityauth.cli.command import command
from cityauth.config.configuration import VARIABLES, load
from cityauth.config.sections import PROFILES
from tests.support.command import TOML, Deployment

DOCS = Path(__file__).parents[2] / "docs"
COMMAND = (DOCS / "command.md").read_text(encoding="utf-8")
CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")
FORMER = "pbkdf2_sha256$1$suola$soms/xfwKkSfuOsGiPFOHHpFu9Z8qZyYPfEbttw6ku8="


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def fits(printed: str, shown: str) -> bool:
    """Whether what was printed is what a page shows, where ``...`` stands for anything."""
    return re.fullmatch(re.escape(shown.strip()).replace(r"\.\.\.", "(?s:.*)"), printed.strip()) is not None


def test_the_sessions_of_the_page_run(empty: Deployment) -> None:
    """Every command on the page, in order, in one folder, prints what the page shows."""
    empty.write(blocks(COMMAND, "toml")[0])
    (empty.folder / "former.txt").write_text(FORMER, encoding="ascii")
    sessions = "".join(blocks(COMMAND, "console"))
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", sessions, re.MULTILINE)
    assert len(steps) > 8
    for line, shown in steps:
        name, *arguments = shlex.split(line)
        result = empty.run(*arguments)
        assert name == "cityauth"
        assert fits(result.output, shown), (line, result.output)
        assert (result.exit_code != 0) == shown.startswith("Error: ")


def test_the_comparison_can_fail() -> None:
    """The check above sees a difference."""
    assert fits("one\ntwo\nthree\n", "one\n...\nthree")
    assert not fits("one\ntwo", "one\ntwo, three")


def test_every_command_is_on_the_page() -> None:
    """The table of commands names all of them."""
    names = {
        f"{name} {one}".strip()
        for name, found in command.commands.items()
        for one in (found.commands if isinstance(found, click.Group) else [""])
    }
    assert {name for name in names if f"`{name}`" in COMMAND} == names


def test_the_documented_defaults_are_the_defaults(empty: Deployment) -> None:
    """The file on the page is the default policy, and no tunable is missing there (ASVS 6.1.1, 7.1.1)."""
    whole = blocks(CONFIGURATION, "toml")[0]
    empty.write(whole)
    assert load().policy == Policy()
    keys = set(re.findall(r"^(?:# )?(\w+) = ", whole, re.MULTILINE))
    wanted = {"database", "secrets_file", "tombstone_secret_file"}
    for field in fields(Policy):
        part = getattr(Policy(), field.name)
        wanted |= {inner.name for inner in fields(part)} if is_dataclass(part) else {field.name} - {"realms"}
    assert wanted - keys == set()
    for names in PROFILES.values():
        assert all(f'"{name}"' in whole for name in names)


def test_the_documented_variables_are_the_variables() -> None:
    """The table names every variable that is read, and no other."""
    assert set(re.findall(r"^\| `(CITYAUTH_\w+)` \|", CONFIGURATION, re.MULTILINE)) == set(VARIABLES)


@pytest.mark.parametrize("block", blocks(CONFIGURATION, "toml"))
def test_every_file_on_the_page_is_read(empty: Deployment, block: str) -> None:
    """What the page shows of the file is accepted as it stands, together with a database and secrets."""
    empty.write(TOML + block)
    assert load().database is not None
