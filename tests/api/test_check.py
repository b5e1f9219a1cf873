"""A check of a service knows whether anybody hears the audit events that go to the log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from cityauth import CityAuth, MemoryStore
from tests.support.service import KEY

LOG = logging.getLogger("cityauth.audit")


@contextmanager
def alone() -> Iterator[logging.Logger]:
    """The logger of audit events, cut off from the handlers of the tests, and put back afterwards."""
    level, propagate, handlers = LOG.level, LOG.propagate, LOG.handlers[:]
    LOG.propagate = False
    LOG.handlers[:] = [logging.NullHandler()]
    try:
        yield LOG
    finally:
        LOG.propagate = propagate
        LOG.handlers[:] = handlers
        LOG.setLevel(level)


def is_unheard() -> bool:
    """Whether a check finds that nobody hears the audit events."""
    return "CA034" in [one.code for one in CityAuth(MemoryStore(), [KEY]).check()]


def test_a_log_below_its_level_is_found() -> None:
    """A handler does not help while the level is above INFO."""
    with alone() as log:
        log.addHandler(logging.StreamHandler())
        log.setLevel(logging.WARNING)
        assert is_unheard()


def test_a_log_without_a_handler_is_found() -> None:
    """The level does not help while no handler takes the events."""
    with alone() as log:
        log.setLevel(logging.INFO)
        assert is_unheard()


def test_a_log_that_is_set_up_is_no_finding() -> None:
    """A level and a handler are enough, also if the log was set up after the service was constructed."""
    auth = CityAuth(MemoryStore(), [KEY])
    with alone() as log:
        log.setLevel(logging.INFO)
        log.addHandler(logging.StreamHandler())
        assert "CA034" not in [one.code for one in auth.check()]


def test_the_handler_of_a_parent_counts() -> None:
    """A handler of a logger above takes the events, as logging.basicConfig sets it up."""
    above = logging.getLogger("cityauth")
    handler = logging.StreamHandler()
    with alone() as log:
        log.setLevel(logging.INFO)
        log.propagate = True
        above.addHandler(handler)
        try:
            assert not is_unheard()
        finally:
            above.removeHandler(handler)
