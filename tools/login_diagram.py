# ruff: noqa: INP001 - a script, not a package
"""Write the login machine's diagram into ``docs/login.md``, made from its table.

python tools/login_diagram.py          write it
python tools/login_diagram.py --check  exit 1 when it is not up to date
"""

from collections.abc import Mapping
from pathlib import Path

from diagram_block import keep

from cityauth.core.login import TRANSITIONS, Event, State, Transition

PAGE = Path(__file__).parent.parent / "docs" / "login.md"
ALT = "The states of the login machine and the events between them"


def to_dot(table: Mapping[type[State], Mapping[type[Event], Transition]] = TRANSITIONS) -> str:
    """Return the digraph of *table*: a box for each state, doubled where it ends, an arrow for each pair.

    Events that lead from one state to the same next one share an arrow, in the order of the table.
    """
    lines = ["digraph login {", "    rankdir=LR;", '    node [shape=box, style=rounded, fontname="sans-serif"];']
    lines += [f"    {state.__name__}{'' if row else ' [peripheries=2]'};" for state, row in table.items()]
    for state, row in table.items():
        arrows: dict[str, list[str]] = {}
        for event, transition in row.items():
            arrows.setdefault(transition.to.__name__, []).append(event.__name__)
        for to, events in arrows.items():
            label = r"\n".join(events)
            lines.append(f'    {state.__name__} -> {to} [label="{label}"];')
    return "\n".join([*lines, "}", ""])


if __name__ == "__main__":
    raise SystemExit(keep(PAGE, ALT, to_dot()))
