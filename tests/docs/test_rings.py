"""The diagram of the rings is what the imports are."""

import runpy

import pytest

from tests.support.diagrams import TOOLS, is_up_to_date


def test_the_documentation_shows_the_present_rings() -> None:
    """The page's diagram was made from the imports as they are now: `python tools/rings_diagram.py` makes it anew."""
    assert is_up_to_date("rings_diagram.py")


def test_a_page_has_one_diagram_to_keep() -> None:
    """A page without a diagram is told, and another diagram than the wanted one is replaced: the check can fail."""
    keep = runpy.run_path(str(TOOLS / "diagram_block.py"))["with_diagram"]
    page = "before\n```{graphviz}\n:alt: old\n\nold\n```\nafter\n"
    assert keep(page, "new", "digraph {}\n") == "before\n```{graphviz}\n:alt: new\n\ndigraph {}\n```\nafter\n"
    with pytest.raises(SystemExit):
        keep("a page without a diagram", "new", "digraph {}\n")


def test_an_arrow_that_follows_from_others_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The diagram keeps what tells something: a way that goes by another ring is left out, none is lost."""
    monkeypatch.syspath_prepend(str(TOOLS))
    drawn = runpy.run_path(str(TOOLS / "rings_diagram.py"))["to_dot"](
        {"core": set(), "ports": {"core"}, "flows": {"core", "ports"}}
    )
    assert "flows -> ports;" in drawn
    assert "ports -> core;" in drawn
    assert "flows -> core;" not in drawn
