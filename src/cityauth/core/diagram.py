"""The login machine's table as a diagram, in Graphviz's language DOT: what the documentation shows."""

from collections.abc import Mapping

from cityauth.core.event import Event
from cityauth.core.login import TRANSITIONS, Transition
from cityauth.core.state import State


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
