"""The diagram of the login machine is what the table says."""

import re
import shutil
import subprocess

import pytest
from login_diagram import to_dot

from cityauth.core.login import TRANSITIONS
from tests.support.diagrams import is_up_to_date


def test_the_diagram_has_every_pair_of_the_table_and_no_other() -> None:
    """Its arrows, read back, are the table (ASVS 2.3.1)."""
    arrows = re.findall(r'^ +(\w+) -> (\w+) \[label="(.*)"\];$', to_dot(), re.MULTILINE)
    drawn = {(one, event, to) for one, to, label in arrows for event in label.split(r"\n")}
    tabled = {
        (state.__name__, event.__name__, there.to.__name__)
        for state, row in TRANSITIONS.items()
        for event, there in row.items()
    }
    assert drawn == tabled


def test_states_that_end_are_drawn_double() -> None:
    """Every state has its box, and a state without a way out is told by its border (ASVS 2.3.1)."""
    boxes = dict(re.findall(r"^ +(\w+)( \[peripheries=2\])?;$", to_dot(), re.MULTILINE))
    assert {name for name in boxes if name != "rankdir"} == {state.__name__ for state in TRANSITIONS}
    assert {name for name, doubled in boxes.items() if doubled} == {
        s.__name__ for s, row in TRANSITIONS.items() if not row
    }


def test_the_documentation_shows_the_present_table() -> None:
    """The page's diagram was made from the table as it is now: `python tools/login_diagram.py` makes it anew (ASVS 2.3.1)."""
    assert is_up_to_date("login_diagram.py")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed: only the docs' build needs it")
def test_graphviz_takes_it() -> None:
    """The text is valid DOT."""
    command = ["dot", "-Tplain"]
    drawn = subprocess.run(command, input=to_dot(), capture_output=True, text=True, check=True, timeout=60).stdout
    assert drawn.count("\nnode ") == len(TRANSITIONS)
