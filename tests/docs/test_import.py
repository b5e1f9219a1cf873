"""The page on the import lists the codes, the columns and the options that there are."""

from cityauth.cli.import_ import import_
from cityauth.core.import_fault import SENTENCES
from cityauth.core.import_row import COLUMNS
from tests.docs.reading import DOCS, table


def test_every_code_is_on_the_page_with_its_sentence() -> None:
    """The table of codes is the published contract, in the order of the source."""
    rows = {code.strip("`"): meaning for code, (meaning,) in table("import.md", "code").items()}
    assert rows == {code.value: sentence for code, sentence in SENTENCES.items()}
    assert list(rows) == [code.value for code in SENTENCES]


def test_every_column_is_on_the_page() -> None:
    """The table of columns and the header are those of the source."""
    assert tuple(name.strip("`") for name in table("import.md", "column")) == COLUMNS
    assert f"\n{','.join(COLUMNS)}\n" in (DOCS / "import.md").read_text(encoding="utf-8")


def test_every_option_is_on_the_page() -> None:
    """The table of options names all of them."""
    named = " ".join(table("import.md", "option"))
    options = [name for one in import_.params for name in one.opts if name.startswith("--")]
    assert [name for name in options if f"`{name}" not in named] == []
