"""Every flow's test that takes `service` runs on each store."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.moves import Move, fill
from tests.support.service import Service
from tests.support.stores import STORES, WITH_SERVER, MakeStore, maker

POPULATION = {
    "test_hash_kinds",
    "test_hash_wrapping",
    "test_migration",
    "test_migration_check",
    "test_migration_hostile",
    "test_migration_sign_in",
    "test_migration_workers",
    "test_population",
    "test_rehearsal",
}
"""The files whose statements work on many accounts at once: their tests also run on a PostgreSQL server."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that makes a store on every kind of store that its file is about."""
    if "make_store" in metafunc.fixturenames:
        on_server = metafunc.module.__name__.rpartition(".")[2] in POPULATION
        metafunc.parametrize("make_store", WITH_SERVER if on_server else STORES, indirect=True)


@pytest.fixture
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeStore]:
    """What makes an empty store."""
    if request.param != "postgresql":
        yield maker(str(request.param), tmp_path)
        return
    with closing(request.getfixturevalue("postgresql").open()) as store:
        yield lambda: store


@pytest.fixture
def service(make_store: MakeStore) -> Service:
    """A city service on an empty store."""
    return Service(store=make_store())


@pytest.fixture
def move(service: Service, tmp_path: Path) -> Move:
    """A service with people of every class, and a plan of them."""
    fill(service)
    made = Move(service, tmp_path / "plan.jsonl")
    made.plan()
    return made
