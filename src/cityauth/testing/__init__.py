"""What a store promises, as tests. Whoever writes a store runs `StoreContract` against it.

A store that can also import and move a population runs `PopulationContract`, and one that counts the kinds of stored
hashes runs `HashCountContract`.

For example::

    import pytest
    from cityauth.testing import StoreContract

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self):
            return MyStore()

An asynchronous store is tested through `BlockingStore`.

``pytest.register_assert_rewrite("cityauth.testing")``, called before the import, makes a failure show its
values. `cityauth.testing.machine.StoreMachine` compares a store with `MemoryStore` over random histories; it
needs the extra ``testing``.
"""

from cityauth.testing.accounts import AccountContract
from cityauth.testing.asynchronous import BlockingStore
from cityauth.testing.contract import OutboxContract, StoreContract, ThrottleContract
from cityauth.testing.identifiers import IdentifierContract
from cityauth.testing.imports import HashCountContract
from cityauth.testing.migrations import PopulationContract
from cityauth.testing.one_time_tokens import OneTimeTokenContract
from cityauth.testing.races import RaceContract, race
from cityauth.testing.sessions import SessionContract

__all__ = [
    "AccountContract",
    "BlockingStore",
    "HashCountContract",
    "IdentifierContract",
    "OneTimeTokenContract",
    "OutboxContract",
    "PopulationContract",
    "RaceContract",
    "SessionContract",
    "StoreContract",
    "ThrottleContract",
    "race",
]
