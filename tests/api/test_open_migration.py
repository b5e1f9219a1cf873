"""A service that starts on a store with a half-carried-out plan says so, and starts anyway."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cityauth import AsyncCityAuth, CityAuth, MemoryStore
from cityauth.core.changes import Committed
from cityauth.core.migration import Migration, MigrationMoved, MigrationOpened, MigrationState
from cityauth.errors import StoreUnavailableError
from cityauth.policy.realms import Phase
from cityauth.stores.sql import SqlStore
from cityauth.testing.migration_samples import NIGHT
from cityauth.testing.samples import NOON
from tests.support.service import KEY
from tests.support.stores import MakeStore

PLAN = Migration("b2lak5oe33ppf5ye", "digest", MigrationState.LOADING, Phase.EMAIL_PREFERRED, 3, "op", NOON)


def warnings(caplog: pytest.LogCaptureFixture, store: Any) -> list[str]:
    """Return what is logged when a service starts on the store."""
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="cityauth"):
        CityAuth(store, [KEY])
    return [record.getMessage() for record in caplog.records if record.name == "cityauth"]


def test_an_open_plan_is_named_with_its_two_commands(make_store: MakeStore, caplog: pytest.LogCaptureFixture) -> None:
    """In each open state the plan and the commands that end it are logged, and in no other state."""
    store = make_store()
    assert warnings(caplog, store) == []
    assert store.commit([MigrationOpened(PLAN)]) == Committed()
    state = MigrationState.LOADING
    for now in MigrationState:
        if now is not state:
            assert store.commit([MigrationMoved(PLAN.id, state, now, NIGHT)]) == Committed()
        state = now
        said = warnings(caplog, store)
        assert len(said) == now.is_open
        for text in said:
            assert "`cityauth migrate apply`" in text
            assert f"`cityauth migrate rollback {PLAN.id}`" in text


@dataclass
class Counting:
    """A store that counts how often it is asked for its plans, and may fail to answer."""

    fails: bool = False
    asked: int = 0
    store: MemoryStore = field(default_factory=MemoryStore)

    def list_migrations(self) -> Sequence[Migration]:
        """Count, and answer or fail."""
        self.asked += 1
        if self.fails:
            raise StoreUnavailableError("down")
        return self.store.list_migrations()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@pytest.mark.parametrize("fails", [False, True])
def test_the_store_is_asked_once(caplog: pytest.LogCaptureFixture, fails: bool) -> None:
    """The plans are asked for once at the start, and a store that cannot answer does not stop the service."""
    store = Counting(fails)
    assert warnings(caplog, store) == []
    assert store.asked == 1


def test_a_missing_database_stays_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A service may be put together before its database is there: nothing is logged, and no file is made."""
    with SqlStore(f"sqlite:///{tmp_path}/service.db") as store:
        assert warnings(caplog, store) == []
    assert list(tmp_path.iterdir()) == []


class Awaited(Counting):
    """A store that must be awaited for its plans."""

    async def list_migrations(self) -> Sequence[Migration]:  # type: ignore[override]  # an asynchronous store's own form
        """Fail, since nobody may ask."""
        raise AssertionError


def test_an_asynchronous_store_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """A store that must be awaited is not asked, since nothing is awaited while a service is put together."""
    awaited: Any = Awaited()
    with caplog.at_level(logging.WARNING, logger="cityauth"):
        assert AsyncCityAuth(awaited, [KEY]).migration is not None
    assert [record for record in caplog.records if record.name == "cityauth"] == []
