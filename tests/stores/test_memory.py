"""`MemoryStore` keeps every promise of a store."""

import pytest

from cityauth.stores.memory import MemoryStore
from cityauth.testing import HashCountContract, PopulationContract, StoreContract


class TestMemoryStore(StoreContract, PopulationContract, HashCountContract):
    """The contract, on the reference store."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        """An empty store."""
        return MemoryStore()
