"""What a reader would copy from the pages."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRINTED = re.compile(r"""["'][A-Za-z0-9+/=_-]{32,}["']""")


def test_no_page_prints_a_secret() -> None:
    """A signing secret that stands in the documentation would be copied: the examples make theirs (B-36)."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    assert len(pages) > 20
    assert PRINTED.search('["kXW1N0m8b2vJYp4rQz7LtFh5cUgAe9sD"]')
    assert [page.name for page in pages if PRINTED.search(page.read_text(encoding="utf-8"))] == []
