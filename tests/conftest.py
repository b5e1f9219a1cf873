"""What holds for every test: Hypothesis' profile, and which files a run without extras leaves out."""

import ast
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.support.postgresql import Databases

#: Here no extra may be needed at all: a file in these folders is never left out.
BARE = {"core", "flows", "messages", "policy"}

settings.register_profile(
    "cityauth",
    settings.get_profile("ci" if os.environ.get("CI") == "true" else "default"),
    deadline=None,  # time says nothing about a property; the tests of hostile input bound it themselves
)
#: For the environments beside the main one.
settings.register_profile("short", settings.get_profile("cityauth"), max_examples=10)
settings.load_profile("cityauth")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option with which CI tests a bare ``pip install cityauth``."""
    parser.addoption("--without-extras", action="store_true", help="leave out test files that need an extra")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave a test file out when what it imports at the top cannot be had."""
    inside = Path(__file__).parent in collection_path.parents
    if not (inside and config.getoption("--without-extras") and collection_path.suffix == ".py"):
        return None
    if collection_path.relative_to(Path(__file__).parent).parts[0] in BARE:
        return None
    return True if lacks_an_import(collection_path.read_text(encoding="utf-8")) else None


def lacks_an_import(source: str) -> bool:
    """Whether one of the imports at the top of a source fails."""
    for node in ast.parse(source).body:
        try:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    importlib.import_module(alias.name)
            elif isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module or "")
                for alias in node.names:
                    getattr(module, alias.name, None)  # a name may load its module on first use
        except ImportError:
            return True
    return False


@pytest.fixture(scope="session")
def postgresql() -> "Iterator[Databases]":
    """The databases of a PostgreSQL server that runs until the end of the session."""
    from tests.support.postgresql import started

    yield from started()
