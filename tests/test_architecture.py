"""What `lint-imports` cannot say of the rings, and the bounds that keep a file readable, read from the source itself.

Each rule is first shown to refuse a planted fault, so that no rule passes by looking at nothing.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "cityauth"

CLOCKS = {"now", "utcnow", "today"}
CALLS = {"open", "print", "input", "exec", "eval"}

LONGEST_FILE = 400
LONGEST_BODY = 40


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that a source names, also inside functions: ``from a import b`` names a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def impure_calls(tree: ast.AST) -> Iterator[str]:
    """Calls that read a clock or do input and output, and the one such module whose package may be imported."""
    yield from (name for name in imports(tree) if name == "urllib.request")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
                yield node.func.attr
            elif isinstance(node.func, ast.Name) and node.func.id in CALLS:
                yield node.func.id


def size_faults(module: str, source: str) -> list[str]:
    """Files and function bodies that are too long to be read at one sitting."""
    lines = len(source.splitlines())
    faults = [f"{module} has {lines} lines"] if lines > LONGEST_FILE else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            if length > LONGEST_BODY:
                faults.append(f"{module}.{node.name} has a body of {length} lines")
    return faults


def cycles(graph: dict[str, set[str]]) -> list[str]:
    """Modules that reach themselves through their imports."""
    found = []
    for start, first in graph.items():
        reached, edge = set[str](), first
        while edge:
            reached |= edge
            edge = {after for name in edge for after in graph.get(name, ())} - reached
        if start in reached:
            found.append(start)
    return sorted(found)


def import_graph(sources: dict[str, str]) -> dict[str, set[str]]:
    """Which module imports which, within the package; of a folder's own files none counts as the folder itself."""
    graph = {}
    for module, source in sources.items():
        named = {name for name in imports(ast.parse(source)) if name in sources}
        graph[module] = named - {module, module.rpartition(".")[0]}
    return graph


def read_sources() -> dict[str, str]:
    """Every module of the package by its dotted name; Alembic's revisions are loaded by path, not imported."""
    revisions = SOURCE / "stores" / "sql" / "migrations"
    sources = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        if revisions not in path.parents:
            sources[".".join(parts).removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    return sources


SOURCES = read_sources()


def test_planted_calls_and_imports_are_refused() -> None:
    """A clock, input and output, and an import of the package itself are found, also inside a function."""
    assert list(impure_calls(ast.parse("when = datetime.now(UTC)\ntext = open('x')"))) == ["now", "open"]
    assert "cityauth" in imports(ast.parse("def late():\n    from cityauth import CityAuth"))
    assert "cityauth" not in imports(ast.parse("from cityauth.core.email import EMAIL"))


def test_planted_sizes_and_cycles_are_refused() -> None:
    """A long file, a long body and a cycle hidden in a function are found; a long docstring is not a body."""
    assert size_faults("m", "x = 1\n" * 401)
    assert size_faults("m", "def f():\n" + "    x = 1\n" * 41)
    assert not size_faults("m", 'def f():\n    """' + "long\n" * 60 + '"""\n    return 1\n')
    planted = {"a": "import b", "b": "def late():\n    from c import x", "c": "import a", "d": "import a"}
    assert cycles(import_graph(planted)) == ["a", "b", "c"]


def test_the_sources_are_seen() -> None:
    """The rules below look at the package, not at an empty folder."""
    assert {"cityauth", "cityauth.errors", "cityauth.core.login", "cityauth.testing.migrations"} <= SOURCES.keys()


def test_core_is_pure() -> None:
    """No module of core reads a clock, or does input and output by a call that needs no import."""
    core = {module: source for module, source in SOURCES.items() if module.startswith("cityauth.core")}
    faults = {module: list(impure_calls(ast.parse(source))) for module, source in core.items()}
    assert {module: calls for module, calls in faults.items() if calls} == {}


def test_the_rings_do_not_import_the_package_itself() -> None:
    """A module takes a name from where it lives; only what stands outside the rings may take it from `cityauth`."""
    outside = tuple(f"cityauth.{name}" for name in ("testing", "config", "cli"))
    rings = {module: source for module, source in SOURCES.items() if not module.startswith(outside)}
    assert [module for module, source in rings.items() if "cityauth" in imports(ast.parse(source))] == []


def test_a_file_can_be_read_at_one_sitting() -> None:
    """A file has at most 400 lines, a function body at most 40."""
    assert [fault for module, source in SOURCES.items() for fault in size_faults(module, source)] == []


def test_no_import_goes_round() -> None:
    """No module imports itself by way of others, not even inside a function."""
    assert cycles(import_graph(SOURCES)) == []
