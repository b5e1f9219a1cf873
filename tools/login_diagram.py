# ruff: noqa: INP001 - a script, not a package
"""Write the login machine's diagram into ``docs/login.md``, made from its table.

python tools/login_diagram.py          write it
python tools/login_diagram.py --check  exit 1 when it is not up to date
"""

from pathlib import Path

from diagram_block import keep

from cityauth.core.diagram import to_dot

PAGE = Path(__file__).parent.parent / "docs" / "login.md"
ALT = "The states of the login machine and the events between them"

if __name__ == "__main__":
    raise SystemExit(keep(PAGE, ALT, to_dot()))
