"""The command on a PostgreSQL server: the same commands, and one sentence when the server cannot be used."""

import json
import re

import pytest

from tests.support.command import TOML, Deployment
from tests.support.postgresql import Databases


def on(url: str) -> str:
    """The configuration with a database at *url*."""
    return TOML.replace("sqlite:///service.db", url)


def test_the_commands_work_on_a_server(postgresql: Databases, deployment: Deployment) -> None:
    """The tables are made, a person is added and shown, mails are counted, and what is past its time is deleted."""
    deployment.write(on(postgresql.make("command")))
    assert "Created the tables" in deployment.well("db", "init")
    assert "already" in deployment.well("db", "upgrade")
    deployment.well("account", "add", "--name", "Aino Esimerkki", "--email", "aino@example.com")
    assert "Aino Esimerkki" in deployment.well("account", "show", "aino@example.com")
    assert "waiting" in deployment.well("outbox", "status")
    assert "Deleted 0 sessions" in deployment.well("db", "purge")


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("postgresql://aino:hunter2@127.0.0.1:1/db", 3, "cannot be reached"),
        ("postgresql://aino:hunter2@127.0.0.1:no/db", 2, "URL"),
        ("postgresql://aino:hunter2@127.0.0.1/db?sslmode=no", 2, "sslmode"),
        ("postgresql://aino:hunter2@127.0.0.1/db?no=1", 2, "option"),
    ],
)
def test_a_server_that_cannot_be_used_is_one_sentence(url: str, status: int, said: str, deployment: Deployment) -> None:
    """The setting is named, the password is not, and the exit status says whose fault it is (C-17)."""
    deployment.write(on(url))
    for words in (["db", "init"], ["outbox", "status"]):
        sentence = deployment.refused(status, *words)
        assert said in sentence
        assert "hunter2" not in sentence


def test_a_pool_of_none_is_refused(deployment: Deployment) -> None:
    """The limits of the configuration file are checked before the server is asked."""
    deployment.write(on("postgresql://aino@127.0.0.1:1/db") + "[postgresql]\npool_size = 0\n")
    assert "postgresql.pool_size" in deployment.refused(2, "db", "init")


COLUMNS = "external_id,realm,username,email,contact,display_name,language,status,password_hash,password_format,password_encoding\n"


def test_a_population_is_imported_and_moved_on_a_server(postgresql: Databases, deployment: Deployment) -> None:
    """Import, plan, rehearsal, move, check and the way back say on a server what they say on a file, and leave the same."""
    rows = [f"{n},citizen,name{n},name{n}@example.com,,Name {n},fi,active,,,\n" for n in range(8)]
    rows.append("8,citizen,twin,name0@example.com,,Twin,fi,active,,,\n")
    (deployment.folder / "people.csv").write_text(COLUMNS + "".join(rows), encoding="utf-8")
    said: list[list[str]] = []
    for number, url in enumerate(("sqlite:///other.db", postgresql.make("population"))):
        deployment.write(on(url))
        deployment.well("db", "init")
        plan = f"{number}.jsonl"
        said.append([deployment.well("import", "people.csv", "--dry-run"), deployment.well("import", "people.csv")])
        deployment.well("migrate", "plan", "--out", plan)
        header = json.loads((deployment.folder / plan).read_text(encoding="utf-8").splitlines()[0])
        said[-1] += [
            deployment.well("import", "people.csv"),
            deployment.well("migrate", "rehearse", plan),
            deployment.well("migrate", "apply", plan, "--batch", "2"),
            deployment.well("migrate", "verify"),
            deployment.well("migrate", "rollback", header["plan"]),
            deployment.well("migrate", "status"),
        ]
    on_file, on_server = ([masked(one) for one in texts] for texts in said)
    assert on_server == on_file
    assert "9 people would be added" in on_server[0]
    assert "9 are unchanged" in on_server[2]


def masked(text: str) -> str:
    """What was printed without ids and times."""
    text = re.sub(r"\b(?:[a-z2-7]{24}|[a-z2-7]{16})\b", "ID", text)
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?|\d+\.jsonl", "X", text)
