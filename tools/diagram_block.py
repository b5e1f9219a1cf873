# ruff: noqa: INP001 - a script's helper, not a package
"""Keep the one diagram of a documentation page as something else has it."""

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"```\{graphviz\}\n.*?```\n", re.DOTALL)


def with_diagram(page: str, alt: str, dot: str) -> str:
    """Return the page with its one diagram replaced by *dot*."""
    block = f"```{{graphviz}}\n:alt: {alt}\n\n{dot}```\n"
    changed, count = BLOCK.subn(lambda _: block, page)
    if count != 1:
        raise SystemExit(f"the page holds {count} diagrams instead of one")
    return changed


def keep(path: Path, alt: str, dot: str) -> int:
    """Write the page, or with ``--check`` say by 1 that it is not up to date."""
    page = path.read_text(encoding="utf-8")
    wanted = with_diagram(page, alt, dot)
    if "--check" in sys.argv[1:]:
        return int(page != wanted)
    path.write_text(wanted, encoding="utf-8")
    return 0
