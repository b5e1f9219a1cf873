"""What runs through the public API runs on every store."""

from tests.flows.conftest import make_store, pytest_generate_tests, service

__all__ = ["make_store", "pytest_generate_tests", "service"]
