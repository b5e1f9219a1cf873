"""The diagram of the rings is what the imports are."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_documentation_shows_the_present_rings() -> None:
    """The page's diagram was made from the imports as they are now: `python tools/rings_diagram.py` makes it anew."""
    tool = runpy.run_path(str(ROOT / "tools" / "rings_diagram.py"))
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert tool["with_diagram"](page) == page
    with pytest.raises(SystemExit):
        tool["with_diagram"]("a page without a diagram")


def test_an_arrow_that_follows_from_others_is_not_drawn() -> None:
    """The diagram keeps what tells something: a way that goes by another ring is left out, none is lost."""
    tool = runpy.run_path(str(ROOT / "tools" / "rings_diagram.py"))
    drawn = tool["to_dot"]({"core": set(), "ports": {"core"}, "flows": {"core", "ports"}})
    assert "flows -> ports;" in drawn
    assert "ports -> core;" in drawn
    assert "flows -> core;" not in drawn
