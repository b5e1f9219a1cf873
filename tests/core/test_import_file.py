"""The lines of a file as rows of an import: nothing is dropped, nothing is repaired, one bad row spoils no other."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.import_file import MAX_LINE, bounded_lines, read_csv, read_json_lines, row_of
from cityauth.core.import_row import COLUMNS, ImportRow
from cityauth.errors import UsageError

HEADER = ",".join(COLUMNS)


def line(number: object = 1, name: str = "Matti M") -> str:
    """A line of a good row."""
    return f"{number},citizen,matti{number},matti{number}@example.com,,{name},fi,active,,,\n"


def read(text: str | bytes) -> list[ImportRow]:
    """The rows of a file with the published header."""
    data = text.encode() if isinstance(text, str) else text
    return list(read_csv(io.BytesIO(HEADER.encode() + b"\n" + data)))


def told(rows: Iterable[ImportRow]) -> list[tuple[int, int, list[str]]]:
    """Line, number and codes of each row."""
    return [(row.line, row.number, [fault.code.value for fault in row.faults]) for row in rows]


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_utf8_with_or_without_a_mark_and_with_any_line_end(start: bytes, end: bytes) -> None:
    """A file is read alike with and without a byte order mark, from Unix and from Windows."""
    data = start + (HEADER + "\n" + line(1, "Åke Ä") + line(2)).encode().replace(b"\n", end)
    for whole in (data, data.removesuffix(end)):
        rows = list(read_csv([whole]))
        assert told(rows) == [(2, 1, []), (3, 2, [])]
        assert rows[0].cells == dict(zip(COLUMNS, line(1, "Åke Ä").strip().split(","), strict=True))


def test_the_columns_may_stand_in_any_order() -> None:
    """The header says which column is which."""
    order = tuple(reversed(COLUMNS))
    (row,) = read_csv([(",".join(order) + "\n" + ",".join(order).upper()).encode()])
    assert row.cells == {column: column.upper() for column in COLUMNS}


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("", "the file is empty"),
        ("\n \r\n", "the file is empty"),
        (HEADER.replace(",", ";"), "separated by ';'"),
        (HEADER.replace(",", "\t"), "separated by '\\t'"),
        ('"' + HEADER.replace(",", '";"') + '"', "separated by ';'"),
        (HEADER + ",extra", "row.columns: it holds a name that is no column"),
        (HEADER + ",email", "row.duplicate_header: email"),
        (HEADER.replace("email", "realm"), "row.duplicate_header: realm"),
        (HEADER.replace(",email", ""), "row.columns: it lacks email"),
        (HEADER.replace("email", "e-mail"), "row.columns: it lacks email"),
        (line(), "row.columns: it holds a name that is no column"),
        ('"' + HEADER, "row.quotes"),
        (HEADER + "\r" + line().replace("\n", "\r"), "a carriage return alone"),
    ],
)
def test_a_wrong_header_is_refused_with_what_is_wrong(header: str, why: str) -> None:
    """A file without the published header is refused as a whole, and the message says why."""
    with pytest.raises(UsageError, match=r"first line") as refused:
        list(read_csv([header.encode() + b"\n"]))
    assert why in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_is_refused_by_name(encoding: str) -> None:
    """A file that a spreadsheet saved as "Unicode" is refused with the remedy, in both formats."""
    with pytest.raises(UsageError, match="save it as UTF-8"):
        list(read_csv([(HEADER + "\n" + line()).encode(encoding)]))
    with pytest.raises(UsageError, match="save it as UTF-8"):
        list(read_json_lines([json.dumps({"external_id": "1"}).encode(encoding)]))


BROKEN = {
    "a column too few": ("7,citizen\n", ["row.columns"]),
    "a column too many": (line(7).replace("\n", ",\n"), ["row.columns"]),
    "semicolons": (line(7).replace(",", ";"), ["row.columns"]),
    "a mark that does not close": ('7,citizen,"matti,m@example.com,,Matti,fi,active,,,\n', ["row.quotes"]),
    "a mark inside": ('7,citizen,ma"tti,m@example.com,,Matti,fi,active,,,\n', ["row.quotes"]),
    "text after a mark": ('7,citizen,"ma"tti,m@example.com,,Matti,fi,active,,,\n', ["row.quotes"]),
    "a NUL byte": (line("7\0"), ["row.nul"]),
    "a second header": (HEADER + "\n", ["row.second_header"]),
    "a line too long": (line(7, "x" * MAX_LINE), ["row.too_long"]),
}


@pytest.mark.parametrize("what", BROKEN)
def test_one_bad_row_spoils_no_other(what: str) -> None:
    """The rows before and after a broken one are read as ever, with the right numbers."""
    text, codes = BROKEN[what]
    rows = read(line(1) + text + line(2, '"Matti, M"') + line(3))
    assert told(rows) == [(2, 1, []), (3, 2, codes), (4, 3, []), (5, 4, [])]
    assert [row.cells.get("external_id") for row in rows[2:]] == ["2", "3"]


@pytest.mark.parametrize("encoding", ["latin-1", "windows-1252", "iso-8859-15", "cp850"])
def test_a_row_of_another_encoding_is_named_alone(encoding: str) -> None:
    """In a file of mixed encodings each row that is not UTF-8 is named, and its neighbours are read."""
    rows = read(line(1, "Åke").encode() + line(2, "Mäkinen").encode(encoding) + line(3, "Öst").encode())
    assert told(rows) == [(2, 1, []), (3, 2, ["row.encoding"]), (4, 3, [])]
    assert rows[1].cells["external_id"] == "2"


def test_a_quoted_cell_may_go_on_in_the_next_line() -> None:
    """A line break in a quoted cell belongs to the cell, and lines are counted as an editor counts them."""
    rows = read(line(1, '"Rivi\nkaksi, ""kolme"""') + "\n" + line(2))
    assert told(rows) == [(2, 1, []), (5, 2, [])]
    assert rows[0].cells["display_name"] == 'Rivi\nkaksi, "kolme"'


def test_quotation_marks_in_the_middle_of_a_cell_are_text() -> None:
    """Two marks inside a cell that is not quoted are read as they stand, such as around a nickname."""
    (row,) = read(line(1, 'Matti "Masa" M'))
    assert (row.faults, row.cells["display_name"]) == ((), 'Matti "Masa" M')


def test_a_second_header_of_another_order_spoils_what_follows() -> None:
    """After a second header with the columns in another order no row is read, until the first order comes back."""
    swapped = HEADER.replace("username,email", "email,username") + "\n"
    rows = read(line(1) + swapped + line(2) + HEADER + "\n" + line(3))
    assert [codes for _, _, codes in told(rows)] == [
        [], ["row.second_header"], ["row.other_header"], ["row.second_header"], [],
    ]  # fmt: skip
    assert rows[2].faults[0].detail == "line 3"


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=12)


@given(st.lists(st.lists(CELLS, min_size=11, max_size=11), max_size=8), st.integers(1, 40))
def test_what_the_csv_module_writes_is_read_back(rows: list[list[str]], size: int) -> None:
    """Whatever cells are written by the csv module come back, however the bytes are cut into pieces."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([[*row[:10], f"x{row[10]}"] for row in rows])
    data = (HEADER + "\n" + out.getvalue()).encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    read_back = [list(row.cells.values()) for row in read_csv(pieces)]
    assert read_back == [[*row[:10], f"x{row[10]}"] for row in rows]


@given(st.binary(max_size=400))
def test_any_bytes_are_rows(data: bytes) -> None:
    """Whatever bytes follow the header, each line that is not blank belongs to a row, and nothing is raised."""
    rows = read(data)
    lines = [at for at, one in enumerate(data.split(b"\n"), start=2) if one.removesuffix(b"\r").strip()]
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert {row.line for row in rows} <= set(lines)
    assert bool(rows) == bool(lines)


def test_a_line_without_an_end_takes_little_memory() -> None:
    """A line of a hundred megabytes is passed over in pieces."""

    def pieces() -> Iterator[bytes]:
        yield HEADER.encode() + b"\n"
        for _ in range(1600):
            yield b"x" * MAX_LINE
        yield b"\n" + line(2).encode()

    tracemalloc.start()
    rows = list(read_csv(pieces()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert told(rows) == [(2, 1, ["row.too_long"]), (3, 2, [])]
    assert peak < 2_000_000


def test_bounded_lines_are_pieces_of_a_file() -> None:
    """An open file is read in pieces that end at a line's end or at the bound."""
    data = b"a\n" + b"x" * (MAX_LINE + 5) + b"\nb"
    assert list(bounded_lines(io.BytesIO(data).readline)) == [b"a\n", b"x" * MAX_LINE, b"xxxxx\n", b"b"]


def test_json_lines_are_read_with_the_same_keys() -> None:
    """Each line is one object; null and a key that is not there are empty cells."""
    data = '\ufeff{"external_id":"1","realm":"citizen","email":null}\n\n{"username":"Åke"}'
    rows = list(read_json_lines([data.encode()]))
    assert told(rows) == [(1, 1, []), (3, 2, [])]
    assert [row.cells for row in rows] == [{"external_id": "1", "realm": "citizen", "email": ""}, {"username": "Åke"}]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ('{"external_id": 5}', ["cell.not_text"]),
        ('{"external_id": true}', ["cell.not_text"]),
        ('{"external_id": ["1"]}', ["cell.not_text"]),
        ('{"password_hash": {"a": 1}}', ["cell.not_text"]),
        ('{"external_id": NaN}', ["cell.not_text"]),
        ('{"e-mail": "x"}', ["row.columns"]),
        ('{"email": "a", "email": "b"}', ["row.duplicate_header"]),
        ('["external_id"]', ["row.json"]),
        ('"external_id"', ["row.json"]),
        ('{"external_id": "1"', ["row.json"]),
        ('{"external_id": "1"} {"external_id": "2"}', ["row.json"]),
        ("{'external_id': '1'}", ["row.json"]),
        ("[" * 30_000, ["row.json"]),
        ('{"external_id": ' + "9" * 5000 + "}", ["row.json"]),
        ("null", ["row.json"]),
        ('{"external_id": "\0"}', ["row.nul"]),
        ('{"external_id": "' + "x" * MAX_LINE + '"}', ["row.too_long"]),
    ],
)
def test_what_is_no_object_of_texts_is_named(text: str, codes: list[str]) -> None:
    """A line of JSON that is not one object of texts is named, and the next line is read."""
    rows = list(read_json_lines([text.encode() + b'\n{"external_id": "2"}\n']))
    assert told(rows) == [(1, 1, codes), (2, 2, [])]


def test_a_line_of_json_in_latin_1_is_named() -> None:
    """A line of JSON that is not UTF-8 is named, and the cells that can be read are read."""
    (row,) = read_json_lines(['{"external_id": "1", "display_name": "Mäki"}'.encode("latin-1")])
    assert told([row]) == [(1, 1, ["row.encoding"])]
    assert row.cells["external_id"] == "1"


def test_a_mapping_is_a_row() -> None:
    """A host's own mapping is read as a line of JSON is."""
    assert row_of({"email": None, "username": "m"}, line=0, number=3) == ImportRow(0, 3, {"email": "", "username": "m"})


def test_a_first_cell_that_is_a_columns_name_makes_no_header() -> None:
    """A person whose external id is the name of a column is a person."""
    assert told(read(line("username") + line(2))) == [(2, 1, []), (3, 2, [])]


def test_a_cell_over_two_lines_whose_second_cannot_be_read_is_a_fault() -> None:
    """Where an opened cell goes on in a line that is no UTF-8, both lines are named and the next person lands."""
    rows = read(b'1,citizen,"matti\n' + "å".encode("latin-1") + b'",x@example.com\n' + line(3).encode())
    assert rows[0].faults
    assert told(rows)[-1] == (4, len(rows), [])
