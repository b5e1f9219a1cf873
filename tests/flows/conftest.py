"""Every flow's test that takes `service` runs on each store."""

from pathlib import Path

import pytest

from tests.support.moves import Move, fill
from tests.support.service import Service
from tests.support.stores import STORES, MakeStore, maker


@pytest.fixture(params=STORES)
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """What makes an empty store."""
    return maker(str(request.param), tmp_path)


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
