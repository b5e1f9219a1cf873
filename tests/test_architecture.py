"""The rings, and the bounds that keep a file readable, read from the source itself.

Each rule is first shown to refuse a planted fault, so that no rule passes by looking at nothing.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "cityauth"

#: What each ring may import from cityauth. ``errors``, ``policy`` and ``messages`` are open to all.
OPEN = {"errors", "policy", "messages", "_lazy"}
MAY_IMPORT = {
    "errors": set[str](),
    "policy": set[str](),
    "messages": set[str](),
    "_lazy": set[str](),
    "changes": {"core"},
    "core": {"core"},
    "ports": {"core", "ports"},
    "flows": {"core", "ports", "flows"},
    "api": {"core", "ports", "flows", "api"},
    "stores": {"core", "ports", "stores"},
    "hashing": {"core", "ports", "hashing"},
    "mailers": {"core", "ports", "mailers"},
    "config": {"core", "ports", "stores", "hashing", "mailers", "flows", "api", "config"},
    "testing": {"core", "ports", "flows", "api", "stores", "hashing", "mailers", "testing"},
    "cli": {"core", "ports", "flows", "api", "stores", "hashing", "mailers", "config", "cli"},
    "__init__": {"core", "ports", "flows", "api", "stores", "hashing", "mailers"},
}
READY_MADE = {"stores", "hashing", "mailers"}

#: Where the defaults of CityAuth are put together: the one place outside the rings.
ASSEMBLY = "cityauth.api.assembly"

#: Modules through which the world outside comes in. Core is given their values as arguments.
IMPURE = {
    "asyncio", "glob", "http", "logging", "multiprocessing", "os", "pathlib", "platform", "queue", "random",
    "secrets", "select", "shutil", "signal", "smtplib", "socket", "sqlite3", "ssl", "subprocess", "sys",
    "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
CLOCKS = {"now", "utcnow", "today"}
CALLS = {"open", "print", "input", "exec", "eval"}
FRAMEWORKS = {
    "aiohttp", "bottle", "django", "falcon", "fastapi", "flask", "litestar", "pyramid", "quart", "sanic",
    "starlette", "tornado", "werkzeug",
}  # fmt: skip

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


def within(name: str, packages: set[str]) -> bool:
    """Whether a dotted name is one of the packages or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def ring(module: str) -> str:
    """The ring of ``cityauth.core.email`` is ``core``."""
    return module.split(".")[1] if "." in module else "__init__"


def ring_faults(module: str, source: str) -> list[str]:
    """Imports that go upward, to a web framework, or out of a pure core."""
    tree, here, faults = ast.parse(source), ring(module), []
    allowed = MAY_IMPORT[here] | OPEN | {here} | (READY_MADE if module == ASSEMBLY else set())
    for name in imports(tree):
        if within(name, {"cityauth"}) and name != "cityauth":
            there = ring(name)
            if there in MAY_IMPORT and there not in allowed:
                faults.append(f"{module} ({here}) imports {name}")
        elif name == "cityauth" and here not in {"testing", "config", "cli"}:
            faults.append(f"{module} imports the package's own front door")
        elif within(name, FRAMEWORKS) or (here == "core" and within(name, IMPURE)):
            faults.append(f"{module} imports {name}")
    if here == "core":
        faults += [f"{module} calls {call}" for call in impure_calls(tree)]
    return faults


def impure_calls(tree: ast.AST) -> Iterator[str]:
    """Calls that read a clock or do input and output without an import that shows it."""
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
    """Which module imports which, within the package; of a folder's own files none counts as the folder's face."""
    graph = {}
    for module, source in sources.items():
        named = {name for name in imports(ast.parse(source)) if name in sources}
        graph[module] = named - {module, module.rpartition(".")[0]}
    return graph


def read_sources() -> dict[str, str]:
    """Every module of the package by its dotted name; Alembic's revisions are loaded by path, not imported."""
    sources = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        if "migrations" not in parts:
            sources[".".join(parts).removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    return sources


SOURCES = read_sources()


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("from cityauth.flows.login import identify", "imports cityauth.flows.login"),
        ("def late():\n    import cityauth.stores.memory", "imports cityauth.stores.memory"),
        ("import flask", "imports flask"),
        ("from django.contrib import auth", "imports django.contrib"),
        ("import time", "imports time"),
        ("from os import path", "imports os"),
        ("def late():\n    import secrets", "imports secrets"),
        ("when = datetime.now(UTC)", "calls now"),
        ("text = open('x')", "calls open"),
        ("from cityauth import CityAuth", "front door"),
    ],
)
def test_a_planted_import_is_refused(planted: str, said: str) -> None:
    """An upward import, a framework, a clock or input and output in core is found, also inside a function."""
    assert said in "\n".join(ring_faults("cityauth.core.planted", planted))


@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("cityauth.ports.planted", "from cityauth.api.sync import CityAuth"),
        ("cityauth.flows.planted", "from cityauth.stores.memory import MemoryStore"),
        ("cityauth.stores.planted", "from cityauth.flows.login import identify"),
        ("cityauth.api.planted", "from cityauth.cli import main"),
        ("cityauth.cli.planted", "from cityauth.testing import contract"),
    ],
)
def test_every_ring_is_closed_upward(module: str, planted: str) -> None:
    """No ring reaches the one above it."""
    assert ring_faults(module, planted)


def test_planted_sizes_and_cycles_are_refused() -> None:
    """A long file, a long body and a cycle hidden in a function are found; a long docstring is not a body."""
    assert size_faults("m", "x = 1\n" * 401)
    assert size_faults("m", "def f():\n" + "    x = 1\n" * 41)
    assert not size_faults("m", 'def f():\n    """' + "long\n" * 60 + '"""\n    return 1\n')
    planted = {"a": "import b", "b": "def late():\n    from c import x", "c": "import a", "d": "import a"}
    assert cycles(import_graph(planted)) == ["a", "b", "c"]


def test_the_sources_are_seen() -> None:
    """The rules below look at the package, not at an empty folder."""
    assert {"cityauth", "cityauth.errors", "cityauth.core.login", "cityauth.api"} <= SOURCES.keys()
    assert {ring(module) for module in SOURCES} <= MAY_IMPORT.keys()


def test_imports_go_downward() -> None:
    """Core is pure, every ring sees only those below it, and no web framework comes in."""
    assert [fault for module, source in SOURCES.items() for fault in ring_faults(module, source)] == []


def test_a_file_can_be_read_at_one_sitting() -> None:
    """A file has at most 400 lines, a function body at most 40."""
    assert [fault for module, source in SOURCES.items() for fault in size_faults(module, source)] == []


def test_no_import_goes_round() -> None:
    """No module imports itself by way of others, not even inside a function."""
    assert cycles(import_graph(SOURCES)) == []
