"""What no source of the package may use, read from the sources themselves."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "cityauth"
GUESSABLE = {"random", "uuid"}
UNSAFE = {"pickle", "marshal", "shelve", "dill", "yaml", "jsonpickle"}


def imported(source: str) -> set[str]:
    """The first names of everything that a source imports."""
    nodes = list(ast.walk(ast.parse(source)))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.partition(".")[0] for name in plain | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}}


def test_a_planted_import_is_seen() -> None:
    """The rule below can fail, also for an import inside a function."""
    assert imported("def late():\n    from random import random\n    import pickle") == {"random", "pickle"}


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_randomness_is_secure_and_nothing_is_unpickled(path: Path) -> None:
    """No module draws guessable numbers or reads a format that runs code (ASVS 6.5.3, 11.5.1, 1.5.2, B-93)."""
    assert imported(path.read_text(encoding="utf-8")).isdisjoint(GUESSABLE | UNSAFE)
