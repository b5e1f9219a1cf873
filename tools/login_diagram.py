# ruff: noqa: INP001 - a script, not a package
"""Write the login machine's diagram into ``docs/login.md``, made from its table.

python tools/login_diagram.py          write it
python tools/login_diagram.py --check  exit 1 when it is not up to date
"""

import re
import sys
from pathlib import Path

from cityauth.core.diagram import to_dot

PAGE = Path(__file__).parent.parent / "docs" / "login.md"
BLOCK = re.compile(r"```\{graphviz\}\n.*?```\n", re.DOTALL)


def with_diagram(page: str) -> str:
    """Return the page with its one diagram as the table has it."""
    block = f"```{{graphviz}}\n:alt: The states of the login machine and the events between them\n\n{to_dot()}```\n"
    changed, count = BLOCK.subn(lambda _: block, page)
    if count != 1:
        raise SystemExit(f"{PAGE.name} holds {count} diagrams instead of one")
    return changed


def main() -> int:
    """Write or check the page."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = with_diagram(page)
    if "--check" in sys.argv[1:]:
        return int(page != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
