"""The page of security promises is made from the tests, and names no test that there is not."""

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOW = "python tools/security_matrix.py makes it anew"


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    """The tool that makes the page."""
    return runpy.run_path(str(ROOT / "tools" / "security_matrix.py"))


def test_the_page_is_up_to_date(tool: dict[str, Any]) -> None:
    """Every row stands with its chosen tests, and the unproven ones are listed."""
    assert (ROOT / "docs" / "security.md").read_text(encoding="utf-8") == tool["page"](tool["collect"]()), HOW


def test_a_test_names_rows_that_there_are(tool: dict[str, Any]) -> None:
    """No docstring claims a row that the catalogue does not have."""
    promised, _ = tool["rows"]()
    assert {row: tests for row, tests in tool["collect"]().items() if row not in promised} == {}


def test_a_row_is_in_scope_or_out_of_it(tool: dict[str, Any]) -> None:
    """No row is both, and each has words."""
    promised, out = tool["rows"]()
    assert promised.keys().isdisjoint(out)
    assert all(words.endswith(".") for words in [*promised.values(), *out.values()])
    assert len([row for row in promised if row.startswith("B-")]) == 98


def test_every_chosen_test_exists(tool: dict[str, Any]) -> None:
    """Each row has at most three chosen tests, each exists in the file that is named, and each has a reason."""
    promised, _ = tool["rows"]()
    chosen = tool["evidence"]()
    assert chosen.keys() <= promised.keys()
    assert [row for row, tests in chosen.items() if not 0 < len(tests) <= 3 or not all(why for _, why in tests)] == []
    names = {test for tests in chosen.values() for test, _ in tests}
    missing = []
    for file, _, test in (name.partition("::") for name in sorted(names)):
        if not (ROOT / file).is_file() or f"def {test}(" not in (ROOT / file).read_text(encoding="utf-8"):
            missing.append(f"{file}::{test}")
    assert missing == []


def test_an_unproven_row_is_listed(tool: dict[str, Any]) -> None:
    """A row without a test says so, at its place and at the top."""
    unproven = sorted(tool["rows"]()[0].keys() - tool["evidence"]().keys())
    page = tool["page"]({unproven[0]: [("tests/test_x.py", "test_one"), ("tests/test_x.py", "test_two")]})
    assert page.count("*not proven yet*") == len(unproven) - 1
    assert page.count("*not proven yet; named by* `tests/test_x.py`: `test_one`, `test_two`") == 1


@pytest.mark.parametrize(
    ("docstring", "marks"),
    [
        ("It holds (B-3).", ["B-3"]),
        ("It holds (B-3, ASVS 6.2.1, 6.2.9, C-10b, F1).", ["B-3", "ASVS 6.2.1", "ASVS 6.2.9", "C-10b", "F1"]),
        ("It holds (ASVS 3.3.1 to 3.3.3, NIST 4.6).", ["ASVS 3.3.1", "ASVS 3.3.2", "ASVS 3.3.3", "NIST 4.6"]),
        ("It holds (B-1,\n    B-2).", ["B-1", "B-2"]),
        ("It holds (in words) for all.", []),
        ("", []),
    ],
)  # fmt: skip
def test_marks_are_read(tool: dict[str, Any], docstring: str, marks: list[str]) -> None:
    """A standard's name counts for the numbers after it, until another row comes."""
    assert list(tool["marks_in"](docstring)) == marks
