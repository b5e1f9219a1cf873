"""The population of the demo: who is in it, and that it moves to e-mail addresses and back by the printed commands."""

import re
import shlex
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from cityauth import Authenticated, PasswordRequired
from cityauth.cli.command import command
from cityauth.migration import AccountClass
from flask_app.__main__ import serve
from flask_app.config import DemoError
from flask_app.moving import import_population
from flask_app.population import FAST_HASHES, PASSWORD, SLOW_HASHES, people, samples
from flask_app.tests.service import Service
from flask_app.tests.test_start import started

SMALLEST = 24
"""With so many people every kind is among them."""


def signs_in(service: Service, identifier: str) -> bool:
    """Whether *identifier* and the password of the population lead into an account."""
    step = service.auth.login.identify(identifier)
    if isinstance(step, PasswordRequired):
        step = service.auth.login.submit_password(step.pending, PASSWORD)
    return isinstance(step, Authenticated)


def test_the_same_count_gives_the_same_people() -> None:
    """The people are invented in a fixed order, so a larger population begins with a smaller one."""
    assert list(people(300)) == list(people(1000))[:300]
    assert list(people(300)) != list(people(300, seed=1))
    keys = [row["external_id"] for row in people(1000)]
    assert len(set(keys)) == len(keys)


def test_two_in_a_hundred_share_their_address() -> None:
    """So do the people of real registers; and there are Swedish names, officials and every old format."""
    rows = list(people(5000))
    used = Counter(row["email"].lower() for row in rows if row["email"])
    assert 0.015 < sum(number for number in used.values() if number > 1) / len(rows) < 0.025
    assert {row["realm"] for row in rows} == {"citizen", "official"}
    assert 0.05 < sum(row["language"] == "sv" for row in rows) / len(rows) < 0.2
    assert {row["password_hash"] for row in rows} == {*SLOW_HASHES.values(), *FAST_HASHES.values()}


@pytest.mark.parametrize("count", [SMALLEST, 400])
def test_every_class_of_a_plan_is_there(own_service: Service, tmp_path: Path, count: int) -> None:
    """All people land, and the plan finds every class but the one that asks the DNS."""
    report = import_population(own_service.auth, count)
    assert (report.added, report.quarantined) == (count, 0)
    assert import_population(own_service.auth, count).unchanged == count
    classes = own_service.auth.migration.plan(tmp_path / "plan.jsonl").header.classes
    assert {one for one in AccountClass if not classes.get(one)} == {AccountClass.DEAD_DOMAIN}


def test_everybody_has_the_password(own_service: Service) -> None:
    """Each of the sample people who is not disabled signs in by the username, whatever stored the password."""
    import_population(own_service.auth, SMALLEST)
    chosen = samples(SMALLEST)
    assert len(chosen) > len(SLOW_HASHES) + len(FAST_HASHES) + 10
    for one in chosen:
        assert signs_in(own_service, one.username) is not one.remark.startswith("disabled"), one


def test_the_printed_commands_move_everybody_and_take_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo serves while they run; a sample person has the address in between, and not afterwards."""
    monkeypatch.chdir(tmp_path)
    said = []
    with started("--database", str(tmp_path / "a b.db"), "--population", str(SMALLEST)) as (_, printed):
        assert f"{SMALLEST} people were imported" in printed
        assert PASSWORD in printed
        export, *lines = re.findall(r"^  (.*(?:export|cityauth) .*)$", printed, re.MULTILINE)
        monkeypatch.setenv(*shlex.split(export)[1].split("=", 1))
        assert len(lines) == 8
        for line in lines:
            program, *arguments = shlex.split(line)
            assert Path(program).name == "cityauth"
            done = CliRunner().invoke(command, arguments, prog_name="cityauth")
            assert (done.exit_code, done.stderr) == (0, ""), line
            said.append(done.stdout)
    assert "Locked out: 0." in said[1]
    assert re.search(r"email +active +signs in", said[6])
    assert "it is taken back" in said[7]
    modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.glob("a b.db*")}
    assert {"a b.db.secrets", "a b.db.toml"} < set(modes)
    assert not any(modes.values())


@pytest.mark.parametrize("count", [0, -5, 1_000_001])
def test_a_count_out_of_its_range_is_said(tmp_path: Path, count: int) -> None:
    """One sentence names the range, and no file is left."""
    with pytest.raises(DemoError, match="--population is 1 to 1000000 people"):
        serve(0, tmp_path / "a.db", population=count)
    assert not list(tmp_path.iterdir())


def test_no_population_in_production(own_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts with a public password are not made where people are served."""
    monkeypatch.setenv("CITYAUTH_ENV", "production")
    with pytest.raises(DemoError, match="production"):
        import_population(own_service.auth, 1)
