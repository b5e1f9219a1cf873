"""A small storm of each way answers everybody and reports what the page needs."""

import pytest

from benchmarks.jobs import storm


@pytest.mark.timeout(120)
@pytest.mark.parametrize("way", sorted(set(storm.WAYS.values())))
def test_a_small_storm_is_measured(way: str) -> None:
    """Eight sign-ins at once are all answered, and the time, the memory and the checks beside them are reported."""
    found = storm.storm(way, 8)
    assert found["seconds"] > 0
    assert found["cores"] >= 1
    if way not in {"pool", "http"}:
        assert found.keys() >= {"check_p99", "peak", "after"}
