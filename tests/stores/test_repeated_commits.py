"""What makes a commit a repeated one, on every store."""

from dataclasses import replace
from pathlib import Path

import pytest

from cityauth.core.changes import Committed, EpochAdvanced
from cityauth.testing.samples import AINO, added, commit, recorded
from tests.support.stores import STORES, maker


@pytest.mark.parametrize("name", STORES)
def test_an_event_is_known_by_its_account_and_its_id(name: str, tmp_path: Path) -> None:
    """An event of the same id for nobody or for another account does not make a commit a repeated one (C-25)."""
    store = maker(name, tmp_path)()
    commit(store, added(), recorded("e"))
    assert store.commit([EpochAdvanced(AINO), recorded("e", None)]) == Committed()
    assert store.load(AINO) == replace(added().account, epoch=1)
    assert store.commit([EpochAdvanced(AINO), recorded("e")]) == Committed()
    assert store.load(AINO) == replace(added().account, epoch=1)
