"""`StoreMachine` compares `SqlStore` with its model, and finds a planted fault."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from cityauth.stores.sql import SqlStore
from cityauth.testing.machine import StoreMachine
from tests.support.postgresql import Databases
from tests.testing import faults


class SqlMachine(StoreMachine):
    """Random histories on a SQLite file."""

    def make_store(self) -> SqlStore:
        """A fresh file for each history."""
        self.folder = TemporaryDirectory()
        store = SqlStore(f"sqlite:///{Path(self.folder.name) / 'service.db'}")
        store.create_schema()
        return store

    def teardown(self) -> None:
        """Remove the file."""
        super().teardown()
        self.folder.cleanup()


def test_sql_does_what_memory_does() -> None:
    """Over random histories every answer and everything stored is the same in SQL as in the model."""
    run_state_machine_as_test(SqlMachine, settings=settings(max_examples=40, stateful_step_count=25))


def test_postgresql_does_what_memory_does(postgresql: Databases) -> None:
    """The same histories on a PostgreSQL server, whose transactions are not alone."""

    class PostgresqlMachine(StoreMachine):
        """Random histories in a database that is emptied for each of them."""

        def make_store(self) -> SqlStore:
            return postgresql.open()

    run_state_machine_as_test(PostgresqlMachine, settings=settings(max_examples=15, stateful_step_count=20))


@pytest.mark.parametrize("fault", [faults.ForgetsWas, faults.TouchesBackward])
def test_a_planted_fault_is_found(fault: type[faults.Faulty]) -> None:
    """A store that forgets to compare, or moves a last use back, is told from the model."""

    class Machine(StoreMachine):
        def make_store(self) -> Any:
            return fault()

    quick = settings(max_examples=300, phases=[Phase.generate], derandomize=True, database=None)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Machine, settings=quick)


def test_a_store_must_be_given() -> None:
    """The machine itself has no store."""
    with pytest.raises(NotImplementedError):
        StoreMachine()


def test_a_missing_library_names_its_extra() -> None:
    """Without Hypothesis the contract works and the machine says what to install."""
    code = "import sys; sys.modules['hypothesis'] = None\nimport cityauth.testing\nimport cityauth.testing.machine"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert "MissingExtraError" in done.stderr
    assert "pip install 'cityauth[testing]'" in done.stderr
