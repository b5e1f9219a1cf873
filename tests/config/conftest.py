"""The deployments of the command's tests, for those of the configuration."""

from tests.cli.conftest import configured, deployment, empty

__all__ = ["configured", "deployment", "empty"]
