"""Deployments to run the command on. Without the extra 'cli' this file still loads, and the tests are left out."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.command import Deployment


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Deployment":
    """An empty working folder, and no variable of cityauth in the environment."""
    for name in os.environ:
        if name.startswith("CITYAUTH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    from tests.support.command import Deployment

    return Deployment(tmp_path)


@pytest.fixture
def configured(empty: "Deployment") -> "Deployment":
    """A configuration and a key file, and no database yet."""
    empty.configure()
    return empty


@pytest.fixture
def deployment(configured: "Deployment") -> "Deployment":
    """A deployment with its tables."""
    configured.well("db", "init")
    return configured
