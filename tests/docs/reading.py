"""Read the tables of the documentation."""

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def cells_of(line: str) -> tuple[str, ...]:
    """The cells of one line of a table."""
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def table(page: str, first: str) -> dict[str, tuple[str, ...]]:
    """The one table of *page* whose first heading is *first*: each row's further cells by its first one."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(f"| {first} |")]
    assert len(starts) == 1, f"{page} has {len(starts)} tables that begin with {first}"
    rows: dict[str, tuple[str, ...]] = {}
    for line in lines[starts[0] + 2 :]:
        if not line.startswith("|"):
            break
        name, *cells = cells_of(line)
        assert name not in rows, f"{page} has {name} twice"
        rows[name] = tuple(cells)
    return rows
