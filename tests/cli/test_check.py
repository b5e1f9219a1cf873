"""``cityauth check``: its findings, its exit status and its acceptances."""

import pytest

from tests.support.command import TOML, Deployment

NAMED = f'deployment = "asiointi"\n{TOML}[mail]\nbase_url = "https://asiointi.example"\n'
SMTP = '[smtp]\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\nsender = "no-reply@asiointi.example"\n'


def test_findings_are_printed_and_fail(deployment: Deployment) -> None:
    """Each finding is printed with its number, level, remedy and page; one of a warning or above is status 1."""
    result = deployment.run("check")
    assert result.exit_code == 1
    assert "CA001 error: mail.base_url is http://localhost" in result.stdout
    assert "See check.md#ca001." in result.stdout
    assert "CA011 info: " in result.stdout
    assert result.stderr == "Error: 2 findings are at the level warning or above\n"
    assert "CA034" not in result.stdout


@pytest.mark.parametrize(("level", "status", "count"), [("info", 1, 3), ("warning", 1, 2), ("error", 1, 1)])
def test_the_level_that_fails_can_be_chosen(deployment: Deployment, level: str, status: int, count: int) -> None:
    """``--fail-on`` sets which findings change the exit status: here one of each level."""
    deployment.write(NAMED + SMTP + "[hashing]\nmemory_cost = 8192\ntime_cost = 1\nparallelism = 1\n")
    result = deployment.run("check", "--fail-on", level)
    assert result.exit_code == status
    assert result.stderr.startswith(f"Error: {count} finding")


def test_accepted_findings_do_not_fail(deployment: Deployment) -> None:
    """A finding that the file accepts is shown with the reason and does not change the status."""
    accepted = '[accept.CA002]\nreason = "no mail yet"\nuntil = 2099-01-01\n'
    deployment.write(NAMED + accepted)
    said = deployment.well("check")
    assert "      accepted: no mail yet" in said
    assert deployment.json("check")[0] == {
        "code": "CA002",
        "level": "error",
        "problem": "no mailer is configured, so nobody can reset a password, sign up or change an address",
        "remedy": "Configure a mail server under [smtp], or give CityAuth a mailer.",
        "page": "check.md#ca002",
        "accepted": "no mail yet",
    }
    deployment.write(NAMED + accepted.replace("2099", "2020"))
    result = deployment.run("check")
    assert result.exit_code == 1
    assert "CA091 warning: the acceptance of CA002 ended on 2020-01-01." in result.stdout


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ("accept = 1", "accept must be a table"),
        ("[accept]\nCA002 = 1", "accept.CA002 must be a table"),
        ('[accept.CA999]\nreason = "a"\nuntil = 2099-01-01', "unknown key 'CA999'"),
        ('[accept.CA002]\nreason = "a"', "needs the key 'until'"),
        ("[accept.CA002]\nuntil = 2099-01-01", "needs the key 'reason'"),
        ('[accept.CA002]\nreason = " "\nuntil = 2099-01-01', "accept.CA002.reason"),
        ('[accept.CA002]\nreason = "a"\nuntil = "2099-01-01"', "accept.CA002.until"),
        ('[accept.CA002]\nreason = "a"\nuntil = 2099-01-01T00:00:00+02:00', "accept.CA002.until"),
        ('[accept.CA002]\nreason = "a"\nuntil = 2099-01-01\nwho = "anna"', "unknown key 'who'"),
    ],
)
def test_a_wrong_acceptance_is_refused(configured: Deployment, table: str, part: str) -> None:
    """Every wrong acceptance is refused in one sentence that names its key."""
    configured.write(f"{table}\n{TOML}" if table.startswith("accept =") else f"{TOML}\n{table}\n")
    assert part in configured.refused(2, "check")


def test_an_open_database_file_is_found(deployment: Deployment) -> None:
    """A database file that others may read is found by its name (B-37)."""
    (deployment.folder / "service.db").chmod(0o640)
    result = deployment.run("check")
    assert "CA025 error: other users of the machine may read or write service.db" in result.stdout


def test_a_database_without_tables_is_found(configured: Deployment) -> None:
    """Before `db init` the check says what to do, and is no traceback."""
    result = configured.run("check")
    assert result.exit_code == 1
    assert "CA022 error: " in result.stdout
    assert "`cityauth db upgrade`" in result.stdout


def test_a_deployment_without_findings_says_so(deployment: Deployment) -> None:
    """When nothing is found, one line says so, and the status is 0."""
    deployment.write(NAMED)
    deployment.well("keys", "generate", "--append")
    deployment.write(NAMED + '[accept.CA002]\nreason = "no mail"\nuntil = 2099-01-01\n')
    assert deployment.well("check").startswith("CA002")
