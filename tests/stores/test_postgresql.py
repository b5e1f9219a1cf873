"""`SqlStore` on PostgreSQL keeps every promise of a store."""

from collections.abc import Iterator

import pytest

from cityauth.ports.stores import Store
from cityauth.stores.sql import SqlStore
from cityauth.testing import HashCountContract, PopulationContract, StoreContract
from tests.support.postgresql import Databases, patient


class TestPostgresqlStore(StoreContract, PopulationContract, HashCountContract):
    """The contract, on a PostgreSQL server."""

    url: str

    @pytest.fixture
    def store(self, postgresql: Databases) -> Iterator[SqlStore]:
        """An empty store; its URL is remembered for `reopen`."""
        self.url = postgresql.empty()
        with patient(self.url) as made:
            yield made

    def reopen(self, store: Store) -> Store:
        """A second store on the same database, made after the first was closed."""
        assert isinstance(store, SqlStore)
        store.close()
        return patient(self.url)
