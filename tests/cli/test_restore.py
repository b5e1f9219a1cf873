"""The steps of docs/operations.md after a backup was restored, followed one by one."""

import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cityauth import Authenticated, CityAuth, NewAccount, Refused
from cityauth.config import load
from tests.support.command import TOML, Deployment
from tests.support.service import PASSWORD

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
SMALL = TOML + '[hashing]\nprofile = "small"\n'


def follow(deployment: Deployment) -> None:
    """Run the commands of the page, which must print what it shows."""
    (block,) = re.findall(r"^ *```console\n(.*?)```$", PAGE, re.MULTILINE | re.DOTALL)
    steps = [line.strip() for line in block.splitlines() if line.strip()]
    for line, shown in zip(steps[::2], steps[1::2], strict=True):
        printed = deployment.well(*shlex.split(line.removeprefix("$ cityauth ")))
        assert re.fullmatch(re.escape(shown).replace(r"\.\.\.", ".*"), printed.strip())


def test_a_restored_backup_revives_nothing(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that was ended after the backup, and an unfinished sign-in of before it, are dead (C-41, C-42)."""
    deployment.write(SMALL)
    database, backup = deployment.folder / "service.db", deployment.folder / "backup.db"

    with closing(load().store()) as store:
        auth: CityAuth = load().auth(store)
        hashed = auth.passwords.hash(PASSWORD)
        assert not isinstance(hashed, Refused)
        auth.accounts.add(NewAccount("Erkki", usernames=["erkki"], password_hash=hashed.get_secret_value()))
        pending = auth.login.identify("erkki").pending  # type: ignore[union-attr]
        step = auth.login.submit_password(pending, PASSWORD)
        assert isinstance(step, Authenticated)
        token = step.session.token.get_secret_value()
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("VACUUM INTO ?", (str(backup),))
        auth.sessions.sign_out(token)
    for companion in deployment.folder.glob("service.db-*"):
        companion.unlink()
    backup.replace(database)
    database.chmod(0o600)
    with closing(load().store()) as store:
        assert load().auth(store).sessions.check(token) is not None  # why the steps are needed
    monkeypatch.setenv("CITYAUTH_GENERATION", "2027-03-01")
    follow(deployment)
    with closing(load().store()) as store:
        restored = load().auth(store)
        assert restored.sessions.check(token) is None
        assert isinstance(restored.login.submit_password(pending, PASSWORD), Refused)
        again = restored.login.identify("erkki")
        assert isinstance(restored.login.submit_password(again.pending, PASSWORD), Authenticated)  # type: ignore[union-attr]
    assert "CA025" not in deployment.run("check").stdout
