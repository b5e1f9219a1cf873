"""One installation a file, and one of its own for a test that changes accounts."""

from pathlib import Path

import pytest

from flask_app.tests.service import Service, Visitor, install


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    """The demo as served over TLS, shared by the tests of a file."""
    return install(tmp_path_factory.mktemp("demo"))


@pytest.fixture
def own_service(tmp_path: Path) -> Service:
    """The demo as served over TLS, for one test."""
    return install(tmp_path)


@pytest.fixture
def visitor(service: Service) -> Visitor:
    """Somebody who has just opened a browser."""
    return Visitor(service)
