# ruff: noqa: INP001 - a script, not a package
"""Write the diagram of the rings into ``docs/architecture.md``, made from the imports in the source.

python tools/rings_diagram.py          write it
python tools/rings_diagram.py --check  exit 1 when it is not up to date
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from diagram_block import keep

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "cityauth"
PAGE = ROOT / "docs" / "architecture.md"
ALT = "The rings, and which imports which"

OPEN = {"errors", "policy", "messages", "_lazy"}
"""Open to all rings: arrows to them would tell nothing."""

READY_MADE = {"stores", "hashing", "mailers"}
ASSEMBLY = PACKAGE / "api" / "assembly.py"
"""The one file of its ring that sees ready-made parts; its arrows are dashed."""


def rings_of(path: Path) -> Iterator[str]:
    """The rings that one file imports from, the front door under the name ``cityauth``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "cityauth":
            yield (node.module or "").partition(".")[2].partition(".")[0] or "cityauth"


def imports() -> dict[str, set[str]]:
    """Which ring imports which, the assembly's ready-made parts left out."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE).parts
        ring = inside[0] if len(inside) > 1 else path.stem.replace("__init__", "cityauth")
        seen = set(rings_of(path)) - (READY_MADE if path == ASSEMBLY else set())
        found.setdefault(ring, set()).update(seen - {ring} - OPEN)
    return {ring: seen for ring, seen in found.items() if ring not in OPEN}


def reachable(ring: str, graph: dict[str, set[str]]) -> set[str]:
    """Every ring that *ring* reaches."""
    return {there for first in graph[ring] for there in {first} | reachable(first, graph)}


def to_dot(graph: dict[str, set[str]]) -> str:
    """Return the digraph, without the arrows that follow from others."""
    lines = ["digraph rings {", '    node [shape=box, style=rounded, fontname="sans-serif"];']
    for ring, seen in sorted(graph.items()):
        implied = {there for first in seen for there in reachable(first, graph)}
        lines += [f"    {ring} -> {there};" for there in sorted(seen - implied)]
    lines += [f'    api -> {ready} [style=dashed, label="assembly.py"];' for ready in sorted(READY_MADE)]
    return "\n".join([*lines, "}", ""])


if __name__ == "__main__":
    raise SystemExit(keep(PAGE, ALT, to_dot(imports())))
